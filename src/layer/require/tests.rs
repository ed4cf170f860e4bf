//! Step-up and authorization details, through the layers.

use std::time::Duration;

use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::{Layer, layer::layer_fn};

use super::*;
use crate::{
    layer::{
        FapiLayer, Protection,
        tests::{Inner, NOW, World},
    },
    rejection::Rejection,
    testing::TokenBuilder,
};

/// Sends a request whose token is `with` these claims through the protecting layer and this demand.
fn ask<D>(demand: &D, with: impl Fn(TokenBuilder) -> TokenBuilder) -> (Response<String>, usize)
where
    D: Layer<Inner, Service = RequireService<Inner>>,
{
    let world = World::new();
    let request = world.request_with(with(world.issuer.token(NOW)));
    let layers = layer_fn(|inner| FapiLayer::new(world.server.clone()).layer(demand.layer(inner)));
    let answer = world.send(layers, request);
    let calls = world.calls.load(std::sync::atomic::Ordering::SeqCst);
    (answer, calls)
}

fn challenge(answer: &Response<String>) -> &str {
    answer.headers()["www-authenticate"].to_str().unwrap()
}

const PASSWORD: &str = "urn:example:pwd";
const SECOND_FACTOR: &str = "urn:example:mfa";

// RFC 9470 §3, and OpenID Connect Core §2 for what `acr` and `auth_time` say.
#[test]
fn a_route_demands_how_and_when_the_user_signed_in() {
    let strong = RequireAuthentication::acr([SECOND_FACTOR, "urn:example:hwk"]).unwrap();
    let recent = RequireAuthentication::max_age(Duration::from_secs(300));
    let both = strong.clone().within(Duration::from_secs(300));
    let ago = |seconds: i64| json!(NOW.as_unix() - seconds);
    let none = Value::Null;
    for (case, demand, acr, auth_time, passes) in [
        ("strong", &strong, json!(SECOND_FACTOR), none.clone(), true),
        (
            "another strong",
            &strong,
            json!("urn:example:hwk"),
            ago(9_999),
            true,
        ),
        ("weak", &strong, json!(PASSWORD), ago(0), false),
        (
            "part of a name",
            &strong,
            json!("urn:example:mf"),
            ago(0),
            false,
        ),
        (
            "another case",
            &strong,
            json!("URN:EXAMPLE:MFA"),
            ago(0),
            false,
        ),
        (
            "two names in one",
            &strong,
            json!("urn:example:mfa urn:example:hwk"),
            ago(0),
            false,
        ),
        ("no acr", &strong, none.clone(), ago(0), false),
        ("recent", &recent, none.clone(), ago(300), true),
        ("a second too old", &recent, none.clone(), ago(301), false),
        (
            "in milliseconds",
            &recent,
            none.clone(),
            json!(NOW.as_unix() * 1000),
            false,
        ),
        (
            "just now, by a clock ahead of ours",
            &recent,
            none.clone(),
            ago(-5),
            true,
        ),
        (
            "no auth_time",
            &recent,
            json!(SECOND_FACTOR),
            none.clone(),
            false,
        ),
        (
            "strong and recent",
            &both,
            json!(SECOND_FACTOR),
            ago(1),
            true,
        ),
        ("strong only", &both, json!(SECOND_FACTOR), ago(301), false),
        ("recent only", &both, json!(PASSWORD), ago(1), false),
    ] {
        let (answer, calls) = ask(demand, |mut token| {
            for (name, value) in [("acr", &acr), ("auth_time", &auth_time)] {
                if !value.is_null() {
                    token = token.claim(name, value.clone());
                }
            }
            token
        });
        let expected = if passes {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        };
        assert_eq!(
            (answer.status(), calls),
            (expected, usize::from(passes)),
            "{case}"
        );
    }
}

// RFC 9470 §3: both parameters tell the client what to ask the authorization server for.
#[test]
fn the_challenge_says_how_to_step_up() {
    let strong = RequireAuthentication::acr([SECOND_FACTOR, "urn:example:hwk"]).unwrap();
    let recent = RequireAuthentication::max_age(Duration::from_millis(300_900));
    for (demand, there, not_there) in [
        (
            &strong,
            &[r#"acr_values="urn:example:mfa urn:example:hwk""#][..],
            "max_age",
        ),
        (&recent, &[r#"max_age="300""#], "acr_values"),
        (
            &strong.clone().within(Duration::ZERO),
            &[r#"acr_values="urn:example:mfa urn:example:hwk", max_age="0""#],
            "scope",
        ),
    ] {
        let (answer, _) = ask(demand, |token| token.claim("acr", PASSWORD));
        let line = challenge(&answer);
        assert!(
            line.starts_with(r#"DPoP error="insufficient_user_authentication", "#),
            "{line}"
        );
        assert!(there.iter().all(|text| line.contains(text)), "{line}");
        assert!(!line.contains(not_there), "{line}");
        assert!(answer.body().contains("insufficient_user_authentication"));
        assert!(matches!(
            answer.extensions().get(),
            Some(Rejection::Refused(Refusal::Authentication { .. }))
        ));
    }
}

#[test]
fn an_authentication_context_that_cannot_stand_in_a_challenge_cannot_be_demanded() {
    for values in [
        &[][..],
        &[""],
        &["a b"],
        &["a", ""],
        &["a\""],
        &["a\\"],
        &["é"],
        &["a\n"],
    ] {
        assert!(
            RequireAuthentication::acr(values.iter().copied()).is_err(),
            "{values:?}"
        );
    }
}

#[derive(Deserialize)]
struct Payment {
    amount: u64,
    recipient: String,
}

fn payment(amount: impl Into<Value>, recipient: &str) -> Value {
    json!({"type": "payment", "amount": amount.into(), "recipient": recipient, "actions": ["initiate"],
           "locations": ["https://api.example.com/payments"]})
}

// RFC 9396 §9: the resource server has to make sure that this is what was granted.
#[test]
fn a_route_demands_an_entry_that_grants_it_whole() {
    let to_bob = RequireAuthorizationDetail::of_type("payment")
        .satisfying(|payment: &Payment| payment.amount <= 100 && payment.recipient == "bob");
    let initiate = RequireAuthorizationDetail::of_type("payment").action("initiate");
    let here = RequireAuthorizationDetail::of_type("payment")
        .location("https://api.example.com/payments")
        .action("initiate");
    let mut elsewhere = payment(1, "bob");
    elsewhere["locations"] = json!(["https://other.example.com"]);
    let mut text_as_list = payment(1, "bob");
    text_as_list["actions"] = json!("initiate");
    let mut other_type = payment(1, "bob");
    other_type["type"] = json!("Payment");
    for (case, demand, details, passes) in [
        ("granted", &to_bob, json!([payment(100, "bob")]), true),
        (
            "one of several",
            &to_bob,
            json!([{"type": "a"}, payment(100, "bob")]),
            true,
        ),
        ("too much", &to_bob, json!([payment(101, "bob")]), false),
        (
            "another recipient",
            &to_bob,
            json!([payment(1, "eve")]),
            false,
        ),
        (
            "one half in each of two entries",
            &to_bob,
            json!([payment(1, "eve"), payment(101, "bob")]),
            false,
        ),
        (
            "amount as text",
            &to_bob,
            json!([payment("1", "bob")]),
            false,
        ),
        ("another type", &to_bob, json!([other_type]), false),
        ("nothing granted", &to_bob, json!([]), false),
        ("action", &initiate, json!([payment(1, "bob")]), true),
        (
            "action that is no list",
            &initiate,
            json!([text_as_list]),
            false,
        ),
        (
            "location and action",
            &here,
            json!([payment(1, "bob")]),
            true,
        ),
        ("another location", &here, json!([elsewhere]), false),
    ] {
        let (answer, calls) = ask(demand, |token| {
            token.claim("authorization_details", details.clone())
        });
        let expected = if passes {
            StatusCode::OK
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(
            (answer.status(), calls),
            (expected, usize::from(passes)),
            "{case}"
        );
        if !passes {
            let line = challenge(&answer);
            assert!(
                line.contains(r#"error="insufficient_scope""#) && !line.contains("bob"),
                "{line}"
            );
        }
    }
    let (answer, _) = ask(&to_bob, |token| token);
    assert_eq!(
        answer.status(),
        StatusCode::FORBIDDEN,
        "no authorization_details at all"
    );
}

// What only the body says is demanded by the handler, with the same answer.
#[test]
fn a_handler_demands_what_only_it_can_know() {
    let world = World::new();
    let request = world.request_with(
        world
            .issuer
            .token(NOW)
            .claim("authorization_details", json!([payment(100, "bob")])),
    );
    let inner = tower::service_fn(|request: http::Request<()>| async move {
        let protection = request.extensions().get::<Protection>().unwrap();
        assert_eq!(protection.token().subject(), "alice");
        let demand = |amount| {
            protection.demand(
                &RequireAuthorizationDetail::of_type("payment")
                    .satisfying(move |approved: &Payment| approved.amount == amount),
            )
        };
        demand(100).unwrap();
        Ok::<_, std::convert::Infallible>(demand(101).unwrap_err().into_response().map(|body| {
            assert!(!body.is_empty());
            crate::layer::tests::OneFrame(Some(body))
        }))
    });
    let mut service = FapiLayer::new(world.server.clone()).layer(inner);
    let answer =
        crate::layer::tests::block_on(tower::Service::call(&mut service, request)).unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let line = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(
        line.starts_with(r#"DPoP error="insufficient_scope""#),
        "{line}"
    );
}
