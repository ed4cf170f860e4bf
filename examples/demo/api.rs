//! The protected API: what an application that uses the crate looks like.

use axum::{
    Json, Router,
    routing::{get, post},
};
use http::StatusCode;
use serde_json::{Value, json};
use tower_fapi::{
    layer::{FapiLayer, RequireScope},
    resource_server::ResourceServer,
    token::{AccessToken, InvalidScope},
};

/// Two routes, each with the scope it needs, behind the one layer that keeps everybody else out.
pub fn router(server: ResourceServer) -> Result<Router, InvalidScope> {
    let read = RequireScope::all_of(["accounts"])?;
    let pay = RequireScope::all_of(["payments"])?;
    Ok(Router::new()
        .route("/accounts", get(accounts).layer(read))
        .route("/payments", post(payment).layer(pay))
        .layer(FapiLayer::new(server)))
}

async fn accounts(token: AccessToken) -> Json<Value> {
    Json(json!({
        "owner": token.subject(),
        "read_by": token.client_id(),
        "accounts": [{ "iban": "DE89 3704 0044 0532 0130 00", "balance": "1843.50 EUR" }],
    }))
}

async fn payment(token: AccessToken) -> (StatusCode, Json<Value>) {
    let paid = json!({ "paid_by": token.subject() });
    (StatusCode::CREATED, Json(paid))
}
