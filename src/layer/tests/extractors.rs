//! What handlers of axum take as arguments.

use axum::{Router, body::Body, routing::get};
use http::{Request, StatusCode};
use tower::ServiceExt;

use super::*;
use crate::{layer::Protection, resource_server::FapiHeaders};

async fn who(token: AccessToken) -> String {
    token.subject().to_owned()
}

async fn perhaps(token: Option<AccessToken>) -> String {
    token.map_or("nobody".to_owned(), |token| token.subject().to_owned())
}

async fn demanding(protection: Protection) -> Result<&'static str, Refused> {
    protection.demand(&RequireScope::all_of(["a"]).unwrap())?;
    Ok("granted")
}

async fn customer(sent: FapiHeaders) -> String {
    format!("{:?} {:?}", sent.auth_date, sent.customer_ip_address)
}

fn routes() -> Router {
    Router::new()
        .route("/who", get(who))
        .route("/perhaps", get(perhaps))
        .route("/demanding", get(demanding))
        .route("/customer", get(customer))
}

async fn ask(app: Router, request: Request<()>) -> (StatusCode, String) {
    let answer = app.oneshot(request.map(|()| Body::empty())).await.unwrap();
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 10_000)
        .await
        .unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// A good request for one of the routes.
fn request(world: &World, path: &str, scope: &str) -> Request<()> {
    let token = world.issuer.token(NOW).scope(scope);
    let token = token.bound_to_key(world.client.thumbprint()).mint();
    let proof = world.client.proof("GET", &format!("{API}{path}"), NOW);
    Request::get(path)
        .header("host", "api.example.com")
        .header("authorization", format!("DPoP {token}"))
        .header("dpop", proof.access_token(&token).sign())
        .header("x-fapi-customer-ip-address", "192.0.2.7")
        .header("x-fapi-auth-date", "yesterday")
        .body(())
        .unwrap()
}

#[tokio::test]
async fn a_handler_sees_the_token_and_demands_more_of_it() {
    let world = World::new();
    let app = || routes().layer(FapiLayer::new(world.server.clone()));
    for (path, scope, status, text) in [
        ("/who", "", StatusCode::OK, "alice"),
        ("/perhaps", "", StatusCode::OK, "alice"),
        ("/demanding", "a", StatusCode::OK, "granted"),
        (
            "/demanding",
            "b",
            StatusCode::FORBIDDEN,
            "insufficient_scope",
        ),
        ("/customer", "", StatusCode::OK, "None Some(192.0.2.7)"),
    ] {
        let (seen, body) = ask(app(), request(&world, path, scope)).await;
        assert_eq!(seen, status, "{path} {body}");
        assert!(body.contains(text), "{path} {body}");
    }
}

// A mistake in the wiring is ours, and lets nobody through.
#[tokio::test]
async fn without_a_layer_there_is_no_token_and_no_answer() {
    let world = World::new();
    for path in ["/who", "/perhaps", "/demanding"] {
        let (status, body) = ask(routes(), request(&world, path, "a")).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path} {body}");
    }
}

#[tokio::test]
async fn while_an_api_only_reports_a_handler_may_do_without_a_token() {
    let world = World::with(|builder| builder.dangerous().report_only());
    let app = || routes().layer(FapiLayer::new(world.server.clone()));
    let bare = |path| Request::get(path).body(()).unwrap();
    let (status, body) = ask(app(), bare("/perhaps")).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "nobody"));
    for path in ["/who", "/demanding"] {
        let (status, _) = ask(app(), bare(path)).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
    let (status, body) = ask(app(), request(&world, "/demanding", "b")).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "granted"));
}
