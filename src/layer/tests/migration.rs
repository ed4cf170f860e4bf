//! Moving a live API: report only, and prefer bound.

use http::{Request, StatusCode};
use tower::layer::layer_fn;

use super::*;
use crate::{
    layer::{Protection, Reported},
    rejection::Fault,
    replay::StoreError,
};

fn reporting() -> World {
    World::with(|builder| builder.dangerous().report_only())
}

fn bearer(token: &str) -> Request<()> {
    Request::get("/a")
        .header("host", "api.example.com")
        .header("authorization", format!("Bearer {token}"))
        .body(())
        .unwrap()
}

fn reported<B>(answer: &Response<B>) -> Option<String> {
    let reported = answer.extensions().get::<Reported>();
    reported.map(|Reported(rejection)| rejection.to_string())
}

#[test]
fn report_only_judges_everything_and_refuses_nothing() {
    let world = reporting();
    let layer = || FapiLayer::new(world.server.clone());
    let good = world.request("");
    let copy = Request::get("/a").body(()).map(|mut copy| {
        *copy.headers_mut() = good.headers().clone();
        copy
    });
    let answer = world.send(layer(), good);
    assert_eq!((reported(&answer), answer.body().as_str()), (None, "alice"));

    let mut no_proof = world.request("");
    no_proof.headers_mut().remove("dpop");
    let in_query = Request::get("/a?access_token=x").body(()).unwrap();
    let unbound = bearer(&world.issuer.token(NOW).mint());
    for (request, reason) in [
        (copy.unwrap(), "proof has been used before"),
        (no_proof, "no DPoP proof"),
        (in_query, "access token in the query"),
        (unbound, "token is not sender-constrained"),
        (Request::get("/a").body(()).unwrap(), "no credentials"),
    ] {
        let answer = world.send(layer(), request);
        assert_eq!(answer.status(), StatusCode::OK, "{reason}");
        assert_eq!(reported(&answer).as_deref(), Some(reason));
        assert_eq!(
            answer.body(),
            "",
            "a token that was not accepted is not shown: {reason}"
        );
        assert!(!answer.headers().contains_key("www-authenticate"));
        assert!(answer.extensions().get::<Rejection>().is_none());
    }
    assert_eq!(world.calls.load(Ordering::SeqCst), 6);
}

struct Broken;

impl ReplayStore for Broken {
    fn record(&self, _: ReplayKey, _: Timestamp, _: Timestamp) -> Recording {
        Recording::ready(Err(StoreError::Full))
    }
}

#[test]
fn our_own_faults_do_not_stop_an_api_that_only_reports() {
    let world = World::with(|builder| builder.replay_store(Broken).dangerous().report_only());
    let answer = world.send(FapiLayer::new(world.server.clone()), world.request(""));
    assert_eq!(answer.status(), StatusCode::OK);
    let Some(Reported(Rejection::Failed(Fault::Replay(_)))) = answer.extensions().get() else {
        panic!("{:?}", reported(&answer))
    };
}

#[test]
fn demands_of_routes_are_reported_as_well() {
    let world = reporting();
    let demand = RequireScope::all_of(["a"]).unwrap();
    let layers =
        || layer_fn(|inner| FapiLayer::new(world.server.clone()).layer(demand.layer(inner)));
    for (request, reason) in [
        (world.request("a"), None),
        (world.request("b"), Some(r#"scope "a" is required"#)),
        (Request::get("/a").body(()).unwrap(), Some("no credentials")),
    ] {
        let answer = world.send(layers(), request);
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(reported(&answer).as_deref(), reason);
    }
    // Without a FapiLayer in front it is still a mistake in the wiring.
    let answer = world.send(demand.clone(), world.request("a"));
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);

    let inner = service_fn(|request: Request<()>| async move {
        let protection = request.extensions().get::<Protection>().unwrap();
        protection
            .demand(&RequireScope::all_of(["a"]).unwrap())
            .unwrap();
        Ok::<_, Infallible>(Response::new(OneFrame(None)))
    });
    let mut service = FapiLayer::new(world.server.clone()).layer(inner);
    let answer = block_on(service.call(world.request("b"))).unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[test]
fn prefer_bound_lets_off_what_is_not_bound_and_nothing_else() {
    let world = World::with(|builder| builder.dangerous().prefer_bound());
    let layer = || FapiLayer::new(world.server.clone());
    let unbound = world.issuer.token(NOW);
    let bound = unbound.clone().bound_to_key(world.client.thumbprint());
    let expired = unbound.clone().claim("exp", NOW.as_unix() - 1);
    let mut as_dpop = world.request("");
    let scheme = format!("DPoP {}", unbound.mint()).parse().unwrap();
    as_dpop.headers_mut().insert("authorization", scheme);
    for (case, request, status) in [
        ("unbound", bearer(&unbound.mint()), StatusCode::OK),
        ("bound and proven", world.request(""), StatusCode::OK),
        (
            "bound and not proven",
            bearer(&bound.mint()),
            StatusCode::UNAUTHORIZED,
        ),
        ("unbound under DPoP", as_dpop, StatusCode::UNAUTHORIZED),
        ("expired", bearer(&expired.mint()), StatusCode::UNAUTHORIZED),
        (
            "unknown binding",
            bearer(
                &unbound
                    .clone()
                    .claim("cnf", serde_json::json!({"kid": "a"}))
                    .mint(),
            ),
            StatusCode::UNAUTHORIZED,
        ),
        (
            "none",
            Request::get("/a").body(()).unwrap(),
            StatusCode::UNAUTHORIZED,
        ),
    ] {
        let answer = world.send(layer(), request);
        assert_eq!(answer.status(), status, "{case}");
    }
    let strict = World::new();
    let answer = strict.send(
        FapiLayer::new(strict.server.clone()),
        bearer(&strict.issuer.token(NOW).mint()),
    );
    assert_eq!(
        answer.status(),
        StatusCode::UNAUTHORIZED,
        "unless it is asked for"
    );
}

// A layer further out may trust more than this one: what it has put there is not shown as if this one had accepted it.
#[test]
fn what_an_outer_layer_has_accepted_is_not_taken_for_accepted_here() {
    let outer = World::new();
    let inner = World::with(|builder| builder.audience("urn:x").dangerous().report_only());
    let service = service_fn(|request: Request<()>| async move {
        let extensions = request.extensions();
        assert!(extensions.get::<Reported>().is_some());
        assert!(extensions.get::<AccessToken>().is_none());
        assert!(extensions.get::<Protection>().is_none());
        Ok::<_, Infallible>(Response::new(OneFrame(None)))
    });
    // The inner one does not know the outer one's issuer key, and refuses.
    let reporting = FapiLayer::new(inner.server.clone()).layer(service);
    let mut service = FapiLayer::new(outer.server.clone()).layer(reporting);
    let answer = block_on(service.call(outer.request(""))).unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(reported(&answer).is_some());
}

// Whoever prints the headers behind the layer prints no token, also of a request that is only reported.
#[test]
fn every_credential_header_is_marked_sensitive() {
    let world = reporting();
    let mut request = world.request("");
    for name in ["authorization", "dpop"] {
        let second = request.headers()[name].clone();
        request.headers_mut().append(name, second);
    }
    let service = service_fn(|request: Request<()>| async move {
        for name in ["authorization", "dpop"] {
            let values: Vec<_> = request.headers().get_all(name).iter().collect();
            assert_eq!(values.len(), 2);
            assert!(values.iter().all(|value| value.is_sensitive()), "{name}");
        }
        Ok::<_, Infallible>(Response::new(OneFrame(None)))
    });
    let mut service = FapiLayer::new(world.server.clone()).layer(service);
    block_on(service.call(request)).unwrap();
}
