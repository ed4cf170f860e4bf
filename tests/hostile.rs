//! Bad input of every kind at every public parser and at the layer: an answer, never a panic.
//!
//! `jose` has its own, in `tests/jose`.
#![cfg(all(
    feature = "discovery",
    feature = "tls",
    feature = "client",
    feature = "authorization-server",
    feature = "testing"
))]
#![allow(clippy::unwrap_used, missing_docs)]

use std::{convert::Infallible, sync::LazyLock};

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use proptest::prelude::*;
use tower::{Layer, ServiceExt};
use tower_fapi::{
    authorization_server::{
        CertificateAuthorities, ClientMetadata, SigningKeys, people::UserConfig,
    },
    client::{
        AuthorizationRequest, AuthorizationResponse, ClientCertificate, PendingAuthorization,
        TokenSet, TrustedRoots,
    },
    dpop::{ProofPolicy, ProofRequest, ProofVerifier, TargetUri},
    issuer::{AuthorizationServerMetadata, IssuerKeys, IssuerUrl},
    jose::{InvalidHash, JwkSet, VerifyingKeySet, json},
    layer::FapiLayer,
    mtls::CertificateThumbprint,
    resource_server::{PathPrefix, PublicUrl, ResourceServer, ServedHost, TrustedIssuer},
    testing::{DpopKey, TestIssuer},
    time::{ManualClock, Timestamp},
    tls::{ClientAuthorities, ServerIdentity},
    token::{Compatibility, Scope, TokenRules, UnverifiedToken},
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const API: &str = "https://api.example.com";

struct World {
    issuer: TestIssuer,
    client: DpopKey,
    server: ResourceServer,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let issuer = TestIssuer::new("https://as.example.com", API);
    let keys = IssuerKeys::fixed(&issuer.jwks()).unwrap();
    let builder = ResourceServer::builder(API, TrustedIssuer::new(issuer.issuer(), keys));
    let server = builder.clock(ManualClock::at(NOW)).build().unwrap();
    World {
        issuer,
        client: DpopKey::generate(),
        server,
    }
});

fn answer(request: Request<Body>) -> Response<()> {
    let inner = tower::service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let answer = FapiLayer::new(WORLD.server.clone())
        .layer(inner)
        .oneshot(request);
    runtime.block_on(answer).unwrap().map(drop)
}

/// Texts that look like something: URLs, queries, JSON, PEM, tokens, with a few characters wrong.
fn near_miss() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,60}",
        "(https?|HTTP|ftp)?(://)?[a-zA-Z0-9.:@%\\[\\]-]{0,20}(/[ -~]{0,20})?(\\?[ -~]{0,20})?(#[ -~]{0,5})?",
        "((code|state|iss|error|%[0-9a-z]{2})(=[ -~]{0,8})?&?){0,5}",
        "(\\{|\\}|\\[|\\]|\"(keys|kty|issuer|client_id|jwks|iat|jti|access_token|redirect_uris)\"|:|,|1|null|\"x\"){0,20}",
        "(-----(BEGIN|END) (CERTIFICATE|PRIVATE KEY)-----\n?|[A-Za-z0-9+/=]{0,30}\n?){0,5}",
        "[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{0,40}){0,4}",
        "[a-z ]{0,30}",
    ]
}

proptest! {
    #[test]
    fn every_parser_of_text_gives_an_answer(text in near_miss()) {
        let _ = text.parse::<TargetUri>();
        let _ = text.parse::<PublicUrl>();
        let _ = text.parse::<ServedHost>();
        let _ = text.parse::<PathPrefix>();
        let _ = text.parse::<IssuerUrl>();
        let _ = text.parse::<Scope>();
        let _ = text.parse::<JwkSet>();
        let _ = text.parse::<SigningKeys>();
        let _: Result<_, InvalidHash> = text.parse::<CertificateThumbprint>();
        let _ = UnverifiedToken::parse(&text);
        let _ = AuthorizationRequest::new(text.as_str());
        let _ = AuthorizationResponse::from_query(&text);
        let _ = AuthorizationResponse::from_url(&text);
        let _ = PendingAuthorization::from_secret_json(&text);
        let _ = TokenSet::from_secret_json(&text);
    }

    #[test]
    fn every_parser_of_bytes_gives_an_answer(text in near_miss(), bytes: Vec<u8>) {
        for bytes in [text.as_bytes(), &bytes] {
            let _ = json::from_slice::<AuthorizationServerMetadata>(bytes);
            let _ = json::from_slice::<ClientMetadata>(bytes);
            let _ = json::from_slice::<UserConfig>(bytes);
            let _ = ClientCertificate::from_pem(bytes);
            let _ = TrustedRoots::from_pem(bytes);
            let _ = ClientAuthorities::from_pem(bytes);
            let _ = ServerIdentity::from_pem(bytes, bytes);
            let _ = CertificateAuthorities::from_der([bytes]);
        }
    }

    #[test]
    fn any_headers_get_an_answer_and_no_entry(
        authorization in prop::collection::vec(near_miss(), 0..3),
        dpop in prop::collection::vec(near_miss(), 0..3),
        host in near_miss(),
        path in "/[!-~]{0,30}",
    ) {
        let uri = path.parse::<Uri>();
        prop_assume!(uri.is_ok());
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri.unwrap();
        let mut add = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                request.headers_mut().append(name, value);
            }
        };
        add(http::header::HOST, &host);
        for token in &authorization {
            add(http::header::AUTHORIZATION, &format!("DPoP {token}"));
        }
        for proof in &dpop {
            add(HeaderName::from_static("dpop"), proof);
        }
        let status = answer(request).status();
        prop_assert!(status == 400 || status == 401, "{status}");
    }

    // A thief who changes one byte of anything gets nothing.
    #[test]
    fn one_byte_changed_anywhere_is_no_entry(position in 0_usize..2000, byte in 0x21_u8..0x7f) {
        let World { issuer, client, .. } = &*WORLD;
        let token = issuer.token(NOW).bound_to_key(client.thumbprint()).mint();
        let proof = client.proof("GET", &format!("{API}/a"), NOW).access_token(&token).sign();
        let send = |token: &[u8], proof: &[u8]| {
            let authorization = [b"DPoP ", token].concat();
            let request = Request::get("/a")
                .header("host", "api.example.com")
                .header("authorization", HeaderValue::from_bytes(&authorization).unwrap())
                .header("dpop", HeaderValue::from_bytes(proof).unwrap());
            answer(request.body(Body::empty()).unwrap()).status()
        };
        let mut both = [token.as_bytes(), proof.as_bytes()].concat();
        let position = position % both.len();
        prop_assume!(both.get(position) != Some(&byte));
        if let Some(changed) = both.get_mut(position) {
            *changed = byte;
        }
        let (changed_token, changed_proof) = both.split_at(token.len());
        let status = send(changed_token, changed_proof);
        prop_assert!(status == 400 || status == 401, "{status}");
        prop_assert_eq!(send(token.as_bytes(), proof.as_bytes()), 200);
    }

    #[test]
    fn any_claims_are_judged(claims in near_miss(), header in near_miss()) {
        let World { issuer, client, .. } = &*WORLD;
        let keys = VerifyingKeySet::new(&issuer.jwks());
        let token = tower_fapi::testing::Document::sign_texts(issuer.signing_key(), &header, &claims);
        let audiences = [API.to_owned()];
        let rules = TokenRules {
            algorithms: &tower_fapi::jose::JwsAlgorithm::ALL,
            audiences: &audiences,
            compatibility: Compatibility::keycloak(),
            clock_skew: std::time::Duration::from_secs(10),
        };
        let verdict = UnverifiedToken::parse(&token).and_then(|token| token.verify(&rules, &keys, NOW));
        prop_assert!(verdict.is_err());
        let proof = tower_fapi::testing::Document::sign_texts(client.signing_key(), &header, &claims);
        let target = API.parse().unwrap();
        let request = ProofRequest {
            method: "GET",
            target: &target,
            access_token_hash: None,
            bound_to: None,
            now: NOW,
        };
        prop_assert!(ProofVerifier::new(ProofPolicy::default()).verify(&proof, &request).is_err());
    }
}
