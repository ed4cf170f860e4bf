//! An authorization server's usual answers, and a client to give them to.

use serde_json::{Value, json};
use tower_fapi::{
    client::{
        AuthorizationRequest, AuthorizationResponse, Client, ClientBuilder, PendingAuthorization,
        TokenSet, TrustedRoots, step,
    },
    jose::{JwsAlgorithm, SigningKey},
    time::{ManualClock, Timestamp},
};

use crate::server::{Reply, Server};

pub const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
pub const METADATA: &str = "/.well-known/oauth-authorization-server";
pub const CALLBACK: &str = "https://app.example/cb?tenant=7";

/// Metadata of the server itself; `more` replaces members of it.
pub fn metadata(server: &Server, more: &Value) -> Reply {
    let mut metadata = json!({
        "issuer": server.url(""),
        "authorization_endpoint": server.url("/authorize?lang=de"),
        "pushed_authorization_request_endpoint": server.url("/par"),
        "token_endpoint": server.url("/token"),
        "code_challenge_methods_supported": ["S256"],
    });
    let members = metadata.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    Reply::json(200, &metadata)
}

pub fn pushed() -> Reply {
    let body = json!({"request_uri": "urn:ietf:params:oauth:request_uri:6esc", "expires_in": 60});
    Reply::json(201, &body)
}

pub fn tokens(token_type: &str) -> Reply {
    let body = json!({
        "access_token": "at-1", "token_type": token_type, "expires_in": 300, "refresh_token": "rt-1",
    });
    Reply::json(200, &body)
}

/// A server that plays along with a client of DPoP-bound tokens.
pub async fn willing_server() -> Server {
    let server = Server::start().await;
    server.says(METADATA, [metadata(&server, &json!({}))]);
    server.says("/par", [pushed()]);
    server.says("/token", [tokens("DPoP")]);
    server.says("/accounts", [Reply::text(200, "[]")]);
    server
}

pub fn key() -> SigningKey {
    SigningKey::generate(JwsAlgorithm::Es256).unwrap()
}

/// A builder for tests: the server may speak plain http, and the clock stands still.
pub fn builder(issuer: &str) -> ClientBuilder<step::Unauthenticated> {
    builder_of(issuer, "app 1")
}

fn builder_of(issuer: &str, client_id: &str) -> ClientBuilder<step::Unauthenticated> {
    // The machine that runs the tests may have no roots of its own.
    let any = rcgen::generate_simple_self_signed(["root.example".to_owned()]).unwrap();
    Client::builder(issuer.parse().unwrap(), client_id)
        .trusted_roots(TrustedRoots::from_pem(any.cert.pem().as_bytes()).unwrap())
        .clock(ManualClock::at(NOW))
        .dangerous()
        .http_on_loopback()
}

pub fn client(server: &Server) -> Client {
    named_client(server, "app 1")
}

pub fn named_client(server: &Server, client_id: &str) -> Client {
    let builder = builder_of(&server.url(""), client_id).private_key_jwt(key());
    builder.dpop(key()).build().unwrap()
}

pub fn request() -> AuthorizationRequest {
    let request = AuthorizationRequest::new(CALLBACK).unwrap();
    request.scope("accounts payments").unwrap()
}

/// What an honest authorization server sends back through the browser.
pub fn honest(pending: &PendingAuthorization, server: &Server) -> AuthorizationResponse {
    let query = form_urlencoded::Serializer::new("tenant=7&".to_owned())
        .append_pair("code", "c-1")
        .append_pair("state", pending.state())
        .append_pair("iss", &server.url(""))
        .finish();
    AuthorizationResponse::from_query(&query).unwrap()
}

/// The whole flow, as far as tokens.
pub async fn log_in(client: &Client, server: &Server) -> TokenSet {
    let pending = client.authorize(&request()).await.unwrap();
    let response = honest(&pending, server);
    client.complete(&pending, &response).await.unwrap()
}
