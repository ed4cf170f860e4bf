//! Protects an axum API. Every request needs a sender-constrained token of the authorization server below. To see accounts
//! it needs a scope; to pay another, a second factor in the last five minutes, and the user's approval of that very payment.
//!
//! `cargo run --example axum --features axum,tls -- chain.pem key.pem`
use std::{env, error::Error, time::Duration};

use axum::{
    Json, Router,
    routing::{get, post},
};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower_fapi::{
    layer::{
        FapiLayer, Protection, Refused, RequireAuthentication, RequireAuthorizationDetail,
        RequireScope,
    },
    resource_server::{ResourceServer, TrustedIssuer},
    tls::{ClientCertificates, Server, ServerIdentity, ServerTls},
    token::AccessToken,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(chain), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("give the certificate chain and the private key as PEM files".into());
    };
    let identity = ServerIdentity::from_pem_files(chain, key)?;
    let tls = ServerTls::new(&identity, &ClientCertificates::AnyRequested)?;
    // What is decided, and why, stands in the log.
    tracing_subscriber::fmt::init();
    let listener = TcpListener::bind("127.0.0.1:8443").await?;
    tracing::info!("listening on https://{}", listener.local_addr()?);
    Server::https(tls).serve(listener, app()?).await;
    Ok(())
}

fn app() -> Result<Router, Box<dyn Error>> {
    let issuer = TrustedIssuer::discover("https://as.example.com")?;
    let server = ResourceServer::builder("https://api.example.com", issuer).build()?;
    let read = RequireScope::all_of(["accounts"])?;
    let order = RequireScope::all_of(["payments"])?;
    let two_factors = RequireAuthentication::acr(["https://refeds.org/profile/mfa"])?
        .within(Duration::from_secs(300));
    let router = Router::new()
        .route("/accounts", get(accounts).layer(read))
        .route("/payments", post(pay).layer((order, two_factors)))
        .layer(FapiLayer::new(server));
    // Sets the layers up now, and not for each request.
    Ok(router.with_state(()))
}

async fn accounts(token: AccessToken) -> String {
    format!("The accounts of {}.\n", token.subject())
}

/// A payment as a client orders it, and as a user approves it in `authorization_details`.
#[derive(Clone, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Payment {
    instructed_amount: Amount,
    creditor_account: Account,
}

#[derive(Clone, Deserialize, PartialEq)]
struct Amount {
    currency: String,
    amount: String,
}

#[derive(Clone, Deserialize, PartialEq)]
struct Account {
    iban: String,
}

/// Pays what was approved: this amount, to this account. Only here is it known what is ordered, so it is demanded here.
async fn pay(protection: Protection, Json(order): Json<Payment>) -> Result<String, Refused> {
    let iban = order.creditor_account.iban.clone();
    let this = RequireAuthorizationDetail::of_type("payment_initiation")
        .satisfying(move |approved: &Payment| *approved == order);
    protection.demand(&this)?;
    Ok(format!("Paid to {iban}.\n"))
}
