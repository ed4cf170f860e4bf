//! What an authorization server, or somebody in its place, sends a client.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_fapi::{
    client::{AuthorizationResponse, PendingAuthorization, TokenSet},
    issuer::AuthorizationServerMetadata,
    jose::json,
};

fuzz_target!(|text: &str| {
    let _ = AuthorizationResponse::from_query(text);
    let _ = AuthorizationResponse::from_url(text);
    let _ = PendingAuthorization::from_secret_json(text);
    let _ = TokenSet::from_secret_json(text);
    let _ = json::from_slice::<AuthorizationServerMetadata>(text.as_bytes());
});
