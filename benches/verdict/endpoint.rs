//! An introspection endpoint on this machine, which takes every token for active.

use axum::{Router, http::header::CONTENT_TYPE, routing::post};
use tokio::{net::TcpListener, runtime::Runtime};
use tower_fapi::{
    issuer::Introspection,
    jose::{JwsAlgorithm, SigningKey},
    resource_server::{ResourceServer, TrustedIssuer},
    testing::AnswerBuilder,
};

use crate::world::{API, AS, server};

/// A resource server that asks it about opaque tokens. Goes on as long as the runtime.
pub(crate) fn server_that_asks(runtime: &Runtime, answer: &AnswerBuilder) -> ResourceServer {
    let answer = answer.json();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let route = post(|| async move { ([(CONTENT_TYPE, "application/json")], answer) });
    let router = Router::new().route("/", route);
    runtime.spawn(async { axum::serve(listener, router).await });
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let introspection = Introspection::private_key_jwt("api", key)
        .endpoint(format!("http://{address}/").parse().unwrap())
        .dangerous()
        .http_on_loopback();
    let issuer = TrustedIssuer::introspected(AS, introspection);
    server(ResourceServer::builder(API, issuer), |builder| builder)
}
