//! A small bank with a gRPC API, each method with the scope or the sign-in it needs, each payment with its approval, and a client that
//! calls it.
//!
//! ```text
//! cargo run --example tonic --features full
//! cargo run --example tonic --features full -- chain.pem key.pem [client-authorities.pem]
//! ```
//!
//! Without arguments both run in this process, over TLS on loopback, with an issuer that only mints tokens: a few calls
//! pass, and others are refused, with the reason. With a certificate and its key, as PEM files, the bank is served on port
//! 8443 for tokens of the authorization server named below; with a third file over tonic's own TLS.
#![allow(
    clippy::print_stdout,
    unreachable_pub,
    reason = "it speaks to whoever started it; `pub` says what a file offers to the others"
)]

mod bank;
mod calls;
mod dpop;
mod tonic_tls;

use std::{env, error::Error, sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tower::Layer;
use tower_fapi::{
    dpop::{NonceSecret, Nonces},
    issuer::IssuerKeys,
    layer::FapiLayer,
    resource_server::{ResourceServer, TrustedIssuer},
    testing::TestIssuer,
    tls::{ClientCertificates, Server, ServerIdentity, ServerTls},
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => show().await,
        [chain, key] => {
            let identity = ServerIdentity::from_pem_files(chain, key)?;
            serve(
                protected()?,
                &identity,
                TcpListener::bind("127.0.0.1:8443").await?,
            )
            .await
        }
        [chain, key, authorities] => tonic_tls::serve(protected()?, chain, key, authorities).await,
        _ => Err("usage: tonic [chain.pem key.pem [client-authorities.pem]]".into()),
    }
}

fn protected() -> Outcome<ResourceServer> {
    let issuer = TrustedIssuer::discover("https://as.example.com")?;
    Ok(ResourceServer::builder("https://api.example.com", issuer).build()?)
}

/// Serves the bank over TLS.
async fn serve(server: ResourceServer, own: &ServerIdentity, listener: TcpListener) -> Outcome {
    let tls = ServerTls::new(own, &ClientCertificates::AnyRequested)?;
    let app = FapiLayer::new(server).layer(bank::routes()?);
    Server::https(tls).serve(listener, app).await;
    Ok(())
}

/// Server and client in one process.
async fn show() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://localhost:{}", listener.local_addr()?.port());
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let (chain, key) = (
        certificate.cert.pem(),
        certificate.signing_key.serialize_pem(),
    );

    // In place of an authorization server. What it signs is checked like everything else.
    let issuer = TestIssuer::new("https://as.example.com", &url);
    let trusted = TrustedIssuer::new(issuer.issuer(), IssuerKeys::fixed(&issuer.jwks())?);
    let nonces = Nonces::new(&NonceSecret::generate()?, Duration::from_secs(60))?;
    let server = ResourceServer::builder(&url, trusted)
        .nonces(Arc::new(nonces))
        .build()?;

    let identity = ServerIdentity::from_pem(chain.as_bytes(), key.as_bytes())?;
    tokio::select! {
        ended = serve(server, &identity, listener) => ended,
        called = calls::make(&issuer, &url, &chain) => called,
    }
}
