//! Which path leads where.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::map_response,
    response::Response,
    routing::{get, post},
};

use http::{HeaderValue, StatusCode, header};
use tower_http::timeout::TimeoutLayer;

use super::{
    endpoints::Endpoint,
    interaction, introspection, metadata, pushed_request, revocation,
    server::Server,
    token,
    userinfo::{self, Gate},
};

/// The largest body that is read. A request with a `state` of thousands of characters and an assertion is far smaller.
const MAX_BODY: usize = 64 * 1024;

/// How long an answer may take, the reading of the body included: a client that sends it byte by byte gives up first.
const PATIENCE: Duration = Duration::from_secs(30);

/// Routes with absolute paths: an issuer with a path brings it along.
pub(crate) fn router(server: Arc<Server>, userinfo: Option<&Gate>) -> Router {
    let endpoints = server.endpoints.clone();
    let path = |endpoint| endpoints.path(endpoint);
    let mut router = Router::new()
        .route(&endpoints.metadata_path(), get(metadata::metadata))
        .route(&path(Endpoint::Jwks), get(metadata::jwks))
        .route(
            &path(Endpoint::PushedRequests),
            post(pushed_request::handle),
        )
        .route(&path(Endpoint::Token), post(token::handle))
        .route(&path(Endpoint::Revocation), post(revocation::handle))
        .route(
            &path(Endpoint::Authorization),
            get(interaction::authorize).post(interaction::authorize),
        )
        .route(
            &path(Endpoint::Login),
            get(interaction::ask_login).post(interaction::sign_in),
        )
        .route(
            &path(Endpoint::SecondFactor),
            get(interaction::ask_second_factor).post(interaction::verify),
        )
        .route(
            &path(Endpoint::Consent),
            get(interaction::ask_consent).post(interaction::decide),
        )
        .route(
            &path(Endpoint::EndSession),
            get(interaction::end_session).post(interaction::end_session),
        )
        .route(
            &path(Endpoint::Logout),
            get(interaction::ask_logout).post(interaction::decide_logout),
        );
    if server.resources.inquirers().next().is_some() {
        let asked = post(introspection::handle);
        router = router.route(&path(Endpoint::Introspection), asked);
    }
    if let Some(gate) = userinfo {
        let told = get(userinfo::handle).post(userinfo::handle);
        let told = told
            .layer::<_, Infallible>(gate.scope.clone())
            .layer::<_, Infallible>(gate.layer.clone());
        router = router.route(&path(Endpoint::UserInfo), told);
    }
    for path in endpoints.openid_paths() {
        router = router.route(&path, get(metadata::metadata));
    }
    router
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            PATIENCE,
        ))
        .layer(map_response(keep_nowhere))
        .with_state(server)
}

/// What says nothing of its own about caches is kept by none: a 404 or 405 could be by default (RFC 9110 §15.1).
async fn keep_nowhere(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
