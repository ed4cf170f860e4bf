//! Other ways to put the layers around tonic's services, called without a network in between.

use std::convert::Infallible;

use axum::{Router, routing::get};
use http::{Request, Uri};
use http_body_util::BodyExt;
use tonic::{
    Code, Status,
    body::Body,
    service::{LayerExt, Routes},
};
use tower::{Layer, Service, ServiceExt};
use tower_fapi::{
    layer::{FapiLayer, Protection, RequireAuthentication, RequireScope},
    time::Clock,
};

use crate::{
    bank::{self, Bank, ListAccountsRequest, bank_client::BankClient, bank_server::BankServer},
    world::{LIST, Serving, World, carrying, challenges},
};

type Fields = Vec<(&'static str, String)>;

/// Asks a service for the accounts as the generated client does.
async fn call<S, A>(world: &World, service: S, fields: &Fields) -> Result<String, Status>
where
    S: Service<Request<Body>, Response = http::Response<A>, Error = Infallible>,
    A: http_body::Body<Data = bytes::Bytes, Error: Into<tower::BoxError> + Send> + Send + 'static,
{
    let origin: Uri = world.url.parse().unwrap();
    let mut bank = BankClient::with_origin(service, origin);
    let answer = bank
        .list_accounts(carrying(ListAccountsRequest {}, fields))
        .await?;
    Ok(answer.into_inner().owner)
}

#[tokio::test]
async fn one_scope_for_a_whole_service() {
    let world = World::start(Serving::Crate).await;
    let bank = RequireScope::all_of(["accounts"])
        .unwrap()
        .named_layer(BankServer::new(Bank));
    let app = FapiLayer::new(world.server.clone()).layer(Routes::new(bank).prepare());
    let good = call(&world, app.clone(), &world.credentials(LIST, "accounts")).await;
    assert_eq!(good.unwrap(), "alice");
    let refused = call(&world, app, &world.credentials(LIST, "payments"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn grpc_and_http_routes_in_one_axum_router() {
    let world = World::start(Serving::Crate).await;
    let app: Router = bank::routes()
        .unwrap()
        .route("/health", get(|| async { "well" }))
        .layer(FapiLayer::new(world.server.clone()));
    let good = call(&world, app.clone(), &world.credentials(LIST, "accounts")).await;
    assert_eq!(good.unwrap(), "alice");
    let refused = call(&world, app.clone(), &vec![]).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);

    // Each in its own form.
    let health = Request::get("/health").header("host", "localhost");
    let answer = app
        .oneshot(health.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.headers().contains_key("www-authenticate"));
    assert!(!answer.headers().contains_key("grpc-status"));
}

// The refusal of a handler or an interceptor is that of the layer: code, challenge and all (RFC 9470 §3).
#[tokio::test]
async fn a_handler_demands_more_and_refuses_with_a_status() {
    let world = World::start(Serving::Crate).await;
    let strong = RequireAuthentication::acr(["urn:strong"]).unwrap();
    let interceptor = move |request: tonic::Request<()>| {
        let protection: &Protection = request.extensions().get().unwrap();
        match protection.demand(&strong) {
            Ok(()) => Ok(request),
            Err(refused) => {
                Err(Status::from_header_map(refused.into_response().headers()).unwrap())
            }
        }
    };
    let bank = BankServer::with_interceptor(Bank, interceptor);
    let app = FapiLayer::new(world.server.clone()).layer(Routes::new(bank).prepare());

    let refused = call(&world, app.clone(), &world.credentials(LIST, ""))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let lines = challenges(&refused);
    assert!(
        lines.contains(r#"error="insufficient_user_authentication""#),
        "{lines}"
    );
    assert!(lines.contains(r#"acr_values="urn:strong""#), "{lines}");

    let token = world
        .issuer
        .token(world.clock.now())
        .claim("acr", "urn:strong");
    let token = token.bound_to_key(world.key.thumbprint()).mint();
    let proof = world.proof(LIST, &token);
    let fields = vec![("authorization", format!("DPoP {token}")), ("dpop", proof)];
    assert_eq!(call(&world, app, &fields).await.unwrap(), "alice");
}

// Nothing is let through. The answer has HTTP's form also to gRPC clients, since it must be a yes to nobody.
#[tokio::test]
async fn a_demand_without_the_layer_is_an_internal_error() {
    let world = World::start(Serving::Crate).await;
    let app = bank::routes().unwrap();
    let fields = world.credentials(LIST, "accounts");
    let failed = call(&world, app.clone(), &fields).await.unwrap_err();
    assert_ne!(failed.code(), Code::Ok);

    let request = Request::post(LIST).body(Body::empty()).unwrap();
    let answer = app.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 500);
    assert!(
        answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );
}
