//! Whatever is sent, the answer is a refusal: never a panic, never a fault of ours.

use axum::body::Body;
use http::Request;
use proptest::prelude::*;

use crate::world::{ISSUER, World, encode, post};

/// A path, and whether a person looks at the answer.
const PATHS: [(&str, bool); 6] = [
    ("/par", false),
    ("/token", false),
    ("/authorize", true),
    ("/login", true),
    ("/consent", true),
    ("/login?interaction=x", true),
];

fn parameter() -> impl Strategy<Value = (String, String)> {
    let name = prop::sample::select(vec![
        "client_id",
        "client_assertion",
        "client_assertion_type",
        "request_uri",
        "request",
        "grant_type",
        "code",
        "refresh_token",
        "scope",
        "redirect_uri",
        "code_challenge",
        "dpop_jkt",
        "csrf",
        "resource",
    ]);
    let value = prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9_-]{0,20}(\\.[a-zA-Z0-9_-]{0,20}){0,3}",
        Just("dpop".to_owned()),
        Just("urn:ietf:params:oauth:request_uri:x".to_owned()),
        Just(crate::world::JWT_BEARER.to_owned()),
        Just("authorization_code".to_owned()),
    ];
    (name.prop_map(str::to_owned), value)
}

/// What somebody who wants to sign somebody else out might send.
fn leaving() -> impl Strategy<Value = (String, String)> {
    let name = prop::sample::select(vec![
        "client_id",
        "id_token_hint",
        "post_logout_redirect_uri",
        "state",
        "csrf",
        "logout",
        "deny",
    ]);
    let value = prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9_-]{0,20}(\\.[a-zA-Z0-9_-]{0,20}){0,3}",
        "https://client\\.example[.@:/a-z]{0,12}",
        Just("dpop".to_owned()),
        Just(crate::logout::GOODBYE.to_owned()),
    ];
    (name.prop_map(str::to_owned), value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn is_refused(
        parameters in prop::collection::vec(parameter(), 0..6),
        raw: Vec<u8>,
        proof in "[ -~]{0,40}",
        cookie in "[ -~]{0,60}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let world = World::new();
        for (path, for_people) in PATHS {
            let url = format!("{ISSUER}{path}");
            let mut form = post(&url, &parameters);
            form.headers_mut().insert("dpop", proof.parse().unwrap());
            form.headers_mut().insert("cookie", cookie.parse().unwrap());
            let bytes = Request::post(&url)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Body::from(raw.clone()))
                .unwrap();
            for request in [form, bytes] {
                let reply = runtime.block_on(world.send(request));
                prop_assert!(reply.status.is_client_error(), "{path} {reply:?}");
                if for_people {
                    prop_assert!(reply.body.contains("</html>"));
                } else {
                    reply.refusal();
                }
            }
        }
    }

    #[test]
    fn leads_to_the_page_that_asks_or_nowhere(
        parameters in prop::collection::vec(leaving(), 0..5),
        raw: Vec<u8>,
        cookie in "[ -~]{0,60}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let world = World::new();
        let query = Request::get(format!("{ISSUER}/end-session?{}", encode(&parameters)));
        let mut sent = vec![query.body(Body::empty()).unwrap()];
        for path in ["/end-session", "/logout"] {
            sent.push(post(&format!("{ISSUER}{path}"), &parameters));
            let bytes = Request::post(format!("{ISSUER}{path}"))
                .header("content-type", "application/x-www-form-urlencoded");
            sent.push(bytes.body(Body::from(raw.clone())).unwrap());
        }
        for mut request in sent {
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
            let reply = runtime.block_on(world.send(request));
            prop_assert!(reply.headers.get("set-cookie").is_none());
            match reply.header("location") {
                Some(location) => prop_assert!(location.starts_with("/logout"), "{reply:?}"),
                None => prop_assert!(reply.status.is_client_error(), "{reply:?}"),
            }
        }
    }
}
