//! The protected API: what an application that uses the crate looks like.

use axum::{
    Json, Router,
    routing::{get, post},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceBuilder;
use tower_fapi::{
    jose::jwe::DecryptionKeyRing,
    layer::{
        FapiLayer, JwksService, Protection, Refused, RequireAuthentication,
        RequireAuthorizationDetail, RequireScope,
    },
    resource_server::ResourceServer,
    token::AccessToken,
};

use crate::Outcome;

/// The sign-in that a payment needs: two factors of different kinds (REFEDS Multi-Factor Authentication Profile).
pub const TWO_FACTORS: &str = "https://refeds.org/profile/mfa";

/// The `type` of what is approved for a payment (RFC 9396 §2).
pub const PAYMENT: &str = "payment_initiation";

/// A payment: what is ordered, and with a `type` what is approved.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    pub instructed_amount: Amount,
    pub creditor_name: String,
    pub creditor_account: Account,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Amount {
    pub currency: String,
    pub amount: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Account {
    pub iban: String,
}

/// Two routes, each with what it demands, behind the one layer that keeps everybody else out; beside it the keys that tokens
/// for this API are encrypted to.
pub fn router(server: ResourceServer, keys: DecryptionKeyRing) -> Outcome<Router> {
    let read = RequireScope::all_of(["accounts"])?;
    let strong = RequireAuthentication::acr([TWO_FACTORS])?;
    let approved = RequireAuthorizationDetail::of_type(PAYMENT);
    Ok(Router::new()
        .route("/accounts", get(accounts).layer(read))
        // In this order: a stronger sign-in may be all that is missing.
        .route(
            "/payments",
            post(payment).layer(ServiceBuilder::new().layer(strong).layer(approved)),
        )
        .layer(FapiLayer::new(server))
        .route_service("/jwks.json", JwksService::new(keys)))
}

async fn accounts(token: AccessToken) -> Json<Value> {
    Json(json!({
        "owner": token.subject(),
        "read_by": token.client_id(),
        "accounts": [{ "iban": "DE89 3704 0044 0532 0130 00", "balance": "1843.50 EUR" }],
    }))
}

/// What was approved is what is paid: this amount, to this account (RFC 9396 §9).
async fn payment(
    protection: Protection,
    Json(payment): Json<Payment>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let ordered = payment.clone();
    let this = RequireAuthorizationDetail::of_type(PAYMENT)
        .satisfying(move |approved: &Payment| *approved == ordered);
    protection.demand(&this)?;
    let paid = json!({
        "paid_by": protection.token().subject(),
        "to": payment.creditor_name,
        "amount": payment.instructed_amount,
    });
    Ok((StatusCode::CREATED, Json(paid)))
}
