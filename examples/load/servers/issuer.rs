//! The issuer's keys and metadata, for servers that fetch them.

use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};

use crate::{Outcome, folder::Folder};

pub fn router(folder: &Folder, address: &str, tls: bool) -> Outcome<Router> {
    let scheme = if tls { "https" } else { "http" };
    let metadata = json!({
        "issuer": folder.issuer,
        "jwks_uri": format!("{scheme}://{address}/jwks.json"),
        // Those who read metadata want more in it than keys.
        "authorization_endpoint": format!("{}/authorize", folder.issuer),
        "token_endpoint": format!("{}/token", folder.issuer),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
    });
    let metadata = get(serve).with_state(metadata);
    Ok(Router::new()
        .route("/jwks.json", get(serve).with_state(folder.jwks()?))
        .route("/.well-known/oauth-authorization-server", metadata.clone())
        .route("/.well-known/openid-configuration", metadata))
}

async fn serve(State(document): State<Value>) -> Json<Value> {
    Json(document)
}
