//! The resource servers behind one address: each has a path of its own, a name of its own in tokens, and the same routes.

use axum::{
    Json, Router,
    routing::{get, post},
};
use serde_json::{Value, json};
use tower::ServiceBuilder;
use tower_fapi::{
    layer::{
        FapiLayer, RequireAuthentication, RequireAuthorizationDetail, RequireScope,
        ResourceMetadataService,
    },
    resource_server::ResourceServer,
    time::Timestamp,
    token::AccessToken,
};

pub const TWO_FACTORS: &str = "https://refeds.org/profile/mfa";

/// The routes of one of them, below its path.
pub fn routes(path: &str, server: ResourceServer) -> Router {
    let read = RequireScope::all_of(["accounts"]).unwrap();
    let count = RequireScope::all_of(["reports"]).unwrap();
    let admin = RequireScope::all_of(["admin"]).unwrap();
    let strong = RequireAuthentication::acr([TWO_FACTORS]).unwrap();
    let approved = RequireAuthorizationDetail::of_type("payment_initiation");
    let pay = ServiceBuilder::new().layer(strong).layer(approved);
    let metadata = ResourceMetadataService::new(&server).unwrap();
    Router::new()
        .route(&format!("{path}/token"), get(tell).post(tell))
        .route(&format!("{path}/accounts"), get(tell).layer(read))
        .route(&format!("{path}/reports"), get(tell).layer(count))
        .route(&format!("{path}/admin"), get(tell).layer(admin))
        .route(&format!("{path}/payments"), post(tell).layer(pay))
        .layer(FapiLayer::new(server))
        .route_service(metadata.path(), metadata.clone())
}

/// What the handler sees of the token.
async fn tell(token: AccessToken) -> Json<Value> {
    let details = token.authorization_details().iter();
    let details: Vec<Value> = details.map(|entry| entry.to().unwrap()).collect();
    Json(json!({
        "iss": token.issuer(),
        "sub": token.subject(),
        "client_id": token.client_id(),
        "acr": token.acr(),
        "auth_time": token.auth_time().map(Timestamp::as_unix),
        "authorization_details": details,
    }))
}
