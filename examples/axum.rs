//! Protects an axum API. Every request needs a sender-constrained token of the authorization server below.
//!
//! `cargo run --example axum --features axum,tls -- chain.pem key.pem`
use std::{env, error::Error};

use axum::{Router, routing::get};
use tokio::net::TcpListener;
use tower_fapi::{
    layer::{FapiLayer, RequireScope},
    resource_server::{ResourceServer, TrustedIssuer},
    tls::{ClientCertificates, Server, ServerIdentity, ServerTls},
    token::AccessToken,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = TrustedIssuer::discover("https://as.example.com")?;
    let server = ResourceServer::builder("https://api.example.com", issuer).build()?;
    let app = Router::new()
        .route(
            "/accounts",
            get(accounts).layer(RequireScope::all_of(["accounts"])?),
        )
        .layer(FapiLayer::new(server));

    let mut arguments = env::args().skip(1);
    let (Some(chain), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("give the certificate chain and the private key as PEM files".into());
    };
    let identity = ServerIdentity::from_pem_files(chain, key)?;
    let tls = ServerTls::new(&identity, &ClientCertificates::AnyRequested)?;
    Server::https(tls)
        .serve(TcpListener::bind("127.0.0.1:8443").await?, app)
        .await;
    Ok(())
}

async fn accounts(token: AccessToken) -> String {
    format!("The accounts of {}.\n", token.subject())
}
