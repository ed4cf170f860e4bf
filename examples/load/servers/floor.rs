//! The floor: the same requests, and of all that has to be done about them only the one signature that cannot be saved.

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use http::{HeaderMap, StatusCode};
use tower_fapi::jose::{CompactJws, VerifyingKey};

use crate::{Outcome, arguments::Arguments, folder::Folder};

pub fn router(arguments: &Arguments, folder: &Folder) -> Outcome<Router> {
    let key = folder.first_client(arguments.algorithm("algorithm")?)?;
    let key = Arc::new(VerifyingKey::new(key.public())?);
    Ok(Router::new().route("/hello", get(hello)).with_state(key))
}

async fn hello(
    State(key): State<Arc<VerifyingKey>>,
    headers: HeaderMap,
) -> Result<&'static str, StatusCode> {
    let proof = headers.get("dpop").and_then(|value| value.to_str().ok());
    let proof = proof.ok_or(StatusCode::UNAUTHORIZED)?;
    let proof = CompactJws::parse(proof).map_err(|_| StatusCode::UNAUTHORIZED)?;
    proof.verify(&key).map_err(|_| StatusCode::UNAUTHORIZED)?;
    Ok("Hello, user!")
}
