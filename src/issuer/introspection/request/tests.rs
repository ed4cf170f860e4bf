//! The question over HTTP, to a server on loopback that can misbehave.

use std::{collections::HashMap, time::Duration};

use serde_json::json;
use url::form_urlencoded;

use super::*;
use crate::{
    issuer::{
        ClientCertificate, Introspection, IntrospectionContext, IssuerKeys, Question,
        test_server::{Page, TestServer},
    },
    jose::{CompactJws, JwkSet, JwsAlgorithm, VerifyingKeySet, json},
    testing::TestIssuer,
    token::{Compatibility, Introspected},
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const API: &str = "https://api.example.com";

struct World {
    server: TestServer,
    issuer: TestIssuer,
    public: JwkSet,
    settings: Introspection,
}

impl World {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let issuer = TestIssuer::new(&server.url(""), API);
        let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
        let public = JwkSet::new([key.public().clone()]);
        let settings = Introspection::private_key_jwt("api", key);
        let settings = settings.dangerous().http_on_loopback();
        let world = Self {
            server,
            issuer,
            public,
            settings,
        };
        world.metadata(&json!({ "introspection_endpoint": world.server.url("/introspect") }));
        world.answers(world.issuer.introspection(NOW).json());
        world
    }

    /// From now on this is what the issuer says of itself.
    fn metadata(&self, members: &serde_json::Value) {
        let mut metadata = members.clone();
        metadata["issuer"] = self.issuer.issuer().into();
        let page = Page::json(metadata.to_string());
        self.server
            .put("/.well-known/oauth-authorization-server", page);
    }

    fn answers(&self, json: String) {
        self.server.put("/introspect", Page::json(json));
    }

    async fn ask(&self, token: &str) -> Result<Introspected, IntrospectionError> {
        let keys = IssuerKeys::fixed(&self.issuer.jwks()).unwrap();
        let introspector = self.settings.introspector(IntrospectionContext {
            issuer: self.issuer.issuer(),
            keys: &keys,
            algorithms: &JwsAlgorithm::ALL,
            audiences: &[API.to_owned()],
            compatibility: Compatibility::default(),
            clock_skew: Duration::from_secs(10),
            signed: false,
        });
        let question = Question {
            token: token.to_owned().into(),
            hash: [1; 32],
            verified: None,
        };
        introspector.unwrap().ask(question, NOW).await
    }

    fn form(&self) -> HashMap<String, String> {
        let body = self.server.last().body;
        form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect()
    }
}

// RFC 7662 §2.1, RFC 7523 §2.2, FAPI 2.0 Security Profile §5.3.3.1: `aud` is the issuer, one string.
#[tokio::test]
async fn the_question_is_authenticated_for_this_issuer_alone() {
    let world = World::new().await;
    let answer = world.ask("2YotnFZ+/=&x").await.unwrap();
    assert!(matches!(answer, Introspected::Active(_)), "{answer:?}");
    let head = world.server.last().head;
    assert!(head.starts_with("POST /introspect HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/x-www-form-urlencoded\r\n"),
        "{head}"
    );
    assert!(head.contains("accept: application/json\r\n"), "{head}");
    let form = world.form();
    assert_eq!(form["token"], "2YotnFZ+/=&x");
    assert_eq!(form["token_type_hint"], "access_token");
    assert_eq!(form["client_id"], "api");
    assert_eq!(form["client_assertion_type"], ASSERTION_TYPE);
    let jws = CompactJws::parse(&form["client_assertion"]).unwrap();
    let keys = VerifyingKeySet::new(&world.public);
    jws.verify_with(&jws.header().unwrap(), &keys).unwrap();
    let claims = json::object(&jws.payload().unwrap()).unwrap();
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&"api".into(), &"api".into())
    );
    assert_eq!(claims["aud"], world.issuer.issuer());
}

// RFC 8705 §5: the alias for those with a certificate, and for them alone.
#[tokio::test]
async fn the_endpoint_is_given_or_where_the_metadata_says() {
    let made = rcgen::generate_simple_self_signed(["api".to_owned()]).unwrap();
    let pem = made.cert.pem() + &made.signing_key.serialize_pem();
    let certificate = ClientCertificate::from_pem(pem.as_bytes()).unwrap();
    let mutual_tls = Introspection::mutual_tls("api", certificate);
    let mutual_tls = mutual_tls.dangerous().http_on_loopback();
    let mut world = World::new().await;
    let page = || Page::json(world.issuer.introspection(NOW).json());
    for path in ["/alias", "/given"] {
        world.server.put(path, page());
    }
    let both = json!({
        "introspection_endpoint": world.server.url("/introspect"),
        "mtls_endpoint_aliases": { "introspection_endpoint": world.server.url("/alias") },
    });
    let given = |settings: &Introspection, server: &TestServer| {
        let url = server.url("/given").parse().unwrap();
        settings.clone().endpoint(url)
    };
    let assertion = world.settings.clone();
    let one = json!({ "introspection_endpoint": world.server.url("/introspect") });
    for (settings, metadata, path) in [
        (assertion.clone(), &both, "/introspect"),
        (mutual_tls.clone(), &both, "/alias"),
        (mutual_tls.clone(), &one, "/introspect"),
        (given(&assertion, &world.server), &both, "/given"),
        (given(&mutual_tls, &world.server), &both, "/given"),
    ] {
        world.metadata(metadata);
        world.settings = settings;
        world.ask("x").await.unwrap();
        assert_eq!(world.server.requests().last().unwrap(), path);
        let certified = !world.form().contains_key("client_assertion");
        assert_eq!(certified, world.settings.is_mutual_tls(), "{path}");
    }
    world.metadata(&json!({}));
    world.settings = assertion;
    assert_eq!(
        world.ask("x").await.unwrap_err(),
        IntrospectionError::NoEndpoint
    );
}

// RFC 9701 §4 and §5.
#[tokio::test]
async fn a_signed_answer_is_asked_for_and_nothing_else_taken() {
    let mut world = World::new().await;
    world.settings = world.settings.clone().signed_answers();
    let (json, jwt) = {
        let answer = world.issuer.introspection(NOW);
        (answer.json(), answer.jwt("api"))
    };
    for (media_type, body, accepted) in [
        ("application/token-introspection+jwt", &jwt, true),
        (
            "Application/Token-Introspection+JWT; charset=utf-8",
            &jwt,
            true,
        ),
        ("application/json", &json, false),
        ("application/json", &jwt, false),
        ("application/jwt", &jwt, false),
        ("", &jwt, false),
    ] {
        let headers = format!("content-type: {media_type}\r\n");
        world
            .server
            .put("/introspect", Page::with("200 OK", &headers, body));
        let outcome = world.ask("x").await;
        let head = world.server.last().head;
        assert!(
            head.contains("accept: application/token-introspection+jwt\r\n"),
            "{head}"
        );
        match outcome {
            Ok(_) => assert!(accepted, "{media_type}"),
            Err(IntrospectionError::MediaType(_)) => assert!(!accepted, "{media_type}"),
            Err(other) => panic!("{media_type}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_is_told_apart() {
    let mut world = World::new().await;
    world.settings = world.settings.clone().timeout(Duration::from_millis(300));
    let huge = format!("{{\"active\":false,\"x\":\"{}\"}}", "x".repeat(MAX_BODY));
    let json = "content-type: application/json\r\n";
    let elsewhere = format!("location: {}\r\n", world.server.url("/elsewhere"));
    let endless = format!("HTTP/1.1 200 OK\r\n{json}\r\n{huge}");
    let unavailable =
        |status: u16| IntrospectionError::Status(StatusCode::from_u16(status).unwrap());
    let too_large = IntrospectionError::from(crate::issuer::TransportError::TooLarge(MAX_BODY));
    for (case, page, expected) in [
        (
            "401",
            Page::with("401 Unauthorized", json, "{}"),
            Some(unavailable(401)),
        ),
        (
            "500",
            Page::with("500 Internal Server Error", json, "{}"),
            Some(unavailable(500)),
        ),
        (
            "201",
            Page::with("201 Created", json, r#"{"active":true}"#),
            Some(unavailable(201)),
        ),
        (
            "elsewhere",
            Page::with("307 Temporary Redirect", &elsewhere, ""),
            Some(unavailable(307)),
        ),
        ("huge", Page::json(&huge), Some(too_large.clone())),
        ("huge and no length", Page::raw(endless), Some(too_large)),
        (
            "a page for people",
            Page::with(
                "200 OK",
                "content-type: text/html\r\n",
                r#"{"active":true}"#,
            ),
            Some(IntrospectionError::MediaType("text/html".into())),
        ),
        (
            "a lie about the length",
            Page::raw(format!(
                "HTTP/1.1 200 OK\r\n{json}content-length: 50\r\n\r\n{{}}"
            )),
            None,
        ),
        ("nothing", Page::raw(""), None),
        ("silence", Page::raw("").and_hang(), None),
        (
            "never done",
            Page::raw(format!(
                "HTTP/1.1 200 OK\r\n{json}content-length: 50\r\n\r\n{{}}"
            ))
            .and_hang(),
            None,
        ),
    ] {
        world.server.put("/introspect", page);
        let error = world.ask("x").await.unwrap_err();
        match expected {
            Some(expected) => assert_eq!(error, expected, "{case}"),
            None => assert!(
                matches!(
                    error,
                    IntrospectionError::Transport(_) | IntrospectionError::Timeout
                ),
                "{case}: {error:?}"
            ),
        }
        assert!(
            !world.server.requests().contains(&"/elsewhere".to_owned()),
            "{case}"
        );
    }
}

#[tokio::test]
async fn metadata_that_cannot_be_believed_leads_nowhere() {
    let world = World::new().await;
    let lie = json!({ "issuer": "https://other.example", "introspection_endpoint": world.server.url("/introspect") });
    let page = Page::json(lie.to_string());
    world
        .server
        .put("/.well-known/oauth-authorization-server", page);
    let error = world.ask("x").await.unwrap_err();
    assert!(
        matches!(error, IntrospectionError::Metadata(_)),
        "{error:?}"
    );
    assert!(!world.server.requests().contains(&"/introspect".to_owned()));
}

#[test]
fn secrets_are_not_shown() {
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let shown = format!("{:?}", Introspection::private_key_jwt("api", key));
    assert!(shown.contains("\"api\"") && shown.len() < 500, "{shown}");
    let question = Question {
        token: "2YotnFZFEjr1zCsicMWpAA".to_owned().into(),
        hash: [1; 32],
        verified: None,
    };
    assert!(!format!("{question:?}").contains("2Yotn"));
}
