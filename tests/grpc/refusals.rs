//! Every kind of refusal, as tonic's client sees it.

use http::Uri;
use tokio_stream::iter;
use tonic::Code::{self, InvalidArgument, PermissionDenied, Unauthenticated};
use tower::util::MapRequest;
use tower_fapi::{
    replay::{MemoryReplayStore, Recording, ReplayKey, ReplayStore, StoreError},
    testing::{DpopKey, TestIssuer},
    time::{Clock, Timestamp},
};

use crate::{
    bank::{ListAccountsRequest, StatementRequest, bank_client::BankClient},
    calls::payment,
    world::{LIST, Serving, World, carrying, challenges, list},
};

type Fields = Vec<(&'static str, String)>;

fn with_proof(token: &str, proof: String) -> Fields {
    vec![("authorization", format!("DPoP {token}")), ("dpop", proof)]
}

/// What is sent, and code, message and part of the challenge of what comes back.
type Case = (
    &'static str,
    fn(&World) -> Fields,
    Code,
    &'static str,
    &'static str,
);

const CASES: &[Case] = &[
    (
        "no token",
        |_| vec![],
        Unauthenticated,
        "an access token is required",
        "DPoP algs=",
    ),
    (
        "a token of another shape",
        |world| with_proof("x", world.proof(LIST, "x")),
        Unauthenticated,
        "the access token is malformed",
        r#"DPoP error="invalid_token""#,
    ),
    (
        "a token that has ended",
        |world| {
            let now = world.clock.now();
            let token = world.issuer.token(now).claim("exp", now.as_unix() - 1);
            let token = token.bound_to_key(world.key.thumbprint()).mint();
            let proof = world.proof(LIST, &token);
            with_proof(&token, proof)
        },
        Unauthenticated,
        "the access token has expired",
        r#"DPoP error="invalid_token""#,
    ),
    (
        "a token that somebody else has signed",
        |world| {
            let forger = TestIssuer::new(world.issuer.issuer(), &world.url);
            let token = world.issuer.token(world.clock.now()).signed_by(&forger);
            let token = token.bound_to_key(world.key.thumbprint()).mint();
            let proof = world.proof(LIST, &token);
            with_proof(&token, proof)
        },
        Unauthenticated,
        "the access token is not valid here",
        r#"DPoP error="invalid_token""#,
    ),
    (
        "a token that is bound to nothing",
        |world| {
            let token = world
                .issuer
                .token(world.clock.now())
                .scope("accounts")
                .mint();
            vec![("authorization", format!("Bearer {token}"))]
        },
        Unauthenticated,
        "the access token is not sender-constrained",
        r#"Bearer error="invalid_token""#,
    ),
    (
        "a DPoP-bound token as a bearer token",
        |world| {
            vec![(
                "authorization",
                format!("Bearer {}", world.token("accounts")),
            )]
        },
        Unauthenticated,
        "a DPoP-bound access token needs the DPoP scheme and a proof",
        r#"Bearer error="invalid_token""#,
    ),
    (
        "no proof",
        |world| vec![("authorization", format!("DPoP {}", world.token("accounts")))],
        Unauthenticated,
        "the DPoP scheme needs a proof in a DPoP header",
        r#"DPoP error="invalid_dpop_proof""#,
    ),
    (
        "a proof with another key",
        |world| {
            let token = world.token("accounts");
            let url = format!("{}{LIST}", world.url);
            let proof = DpopKey::generate().proof("POST", &url, world.clock.now());
            let proof = proof.access_token(&token).sign();
            with_proof(&token, proof)
        },
        Unauthenticated,
        "the access token is bound to another key than that of the DPoP proof",
        r#"DPoP error="invalid_token""#,
    ),
    (
        "a proof for another method of the service",
        |world| world.credentials("/bank.v1.Bank/Statement", "accounts"),
        Unauthenticated,
        "htu of the DPoP proof is not the URL of the request",
        r#"DPoP error="invalid_dpop_proof""#,
    ),
    (
        "a proof for another HTTP method",
        |world| {
            let token = world.token("accounts");
            let url = format!("{}{LIST}", world.url);
            let proof = world.key.proof("GET", &url, world.clock.now());
            let proof = proof.access_token(&token).sign();
            with_proof(&token, proof)
        },
        Unauthenticated,
        "htm of the DPoP proof is not the method of the request",
        r#"DPoP error="invalid_dpop_proof""#,
    ),
    (
        "two authorization fields",
        |world| {
            let mut fields = world.credentials(LIST, "accounts");
            fields.push(fields[0].clone());
            fields
        },
        InvalidArgument,
        "there must be one Authorization header",
        r#"DPoP error="invalid_request""#,
    ),
    (
        "too little scope",
        |world| world.credentials(LIST, "payments"),
        PermissionDenied,
        "the access token lacks a required scope",
        r#"scope="accounts""#,
    ),
];

// RFC 6750 §3.1, RFC 9449 §7.1; gRPC over HTTP/2, "Responses".
#[tokio::test]
async fn each_refusal_has_its_code_message_and_challenge() {
    for serving in [Serving::Crate, Serving::Tonic] {
        let world = World::start(serving).await;
        let channel = world.channel().await;
        for (case, fields, code, message, challenge) in CASES {
            let refused = list(channel.clone(), &fields(&world)).await.unwrap_err();
            let seen = (refused.code(), refused.message());
            assert_eq!(seen, (*code, *message), "{serving:?}, {case}");
            let lines = challenges(&refused);
            assert!(lines.contains(challenge), "{serving:?}, {case}: {lines}");
            let metadata = refused.metadata();
            assert_eq!(metadata.get("cache-control").unwrap(), "no-store", "{case}");
            assert!(metadata.contains_key("x-fapi-interaction-id"), "{case}");
            // A demand for scope stands behind the layer, and before the service.
            let through = usize::from(*code == PermissionDenied);
            assert_eq!(world.calls(), through, "{serving:?}, {case}");
        }
    }
}

// RFC 9449 §11.1.
#[tokio::test]
async fn a_call_that_is_sent_again_is_refused() {
    let world = World::start(Serving::Crate).await;
    let (channel, fields) = (world.channel().await, world.credentials(LIST, "accounts"));
    list(channel.clone(), &fields).await.unwrap();
    let refused = list(channel, &fields).await.unwrap_err();
    assert_eq!(refused.code(), Unauthenticated);
    assert!(challenges(&refused).contains(r#"DPoP error="invalid_dpop_proof""#));
    assert_eq!(world.calls(), 1);
}

// FAPI 2.0 Security Profile §5.3.4: also where good credentials stand beside it.
#[tokio::test]
async fn a_token_in_the_query_is_refused() {
    let world = World::start(Serving::Crate).await;
    let fields = world.credentials(LIST, "accounts");
    let with_query = |mut request: http::Request<tonic::body::Body>| {
        *request.uri_mut() = Uri::from_static("/bank.v1.Bank/ListAccounts?access_token=x");
        request
    };
    let mut bank = BankClient::new(MapRequest::new(world.channel().await, with_query));
    let refused = bank
        .list_accounts(carrying(ListAccountsRequest {}, &fields))
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), InvalidArgument);
    assert!(challenges(&refused).contains(r#"error="invalid_request""#));
    assert_eq!(world.calls(), 0);
}

// Whatever is still to come of the request is not waited for.
#[tokio::test]
async fn streams_are_refused_before_they_have_begun() {
    let world = World::start(Serving::Crate).await;
    let mut bank = BankClient::new(world.channel().await);
    let endless = || tokio_stream::StreamExt::chain(iter([payment(1)]), tokio_stream::pending());
    for code in [
        bank.statement(StatementRequest::default()).await.map(drop),
        bank.pay_batch(endless()).await.map(drop),
        bank.pay(endless()).await.map(drop),
    ] {
        assert_eq!(code.unwrap_err().code(), Unauthenticated);
    }
    assert_eq!(world.calls(), 0);
}

/// A store that cannot be asked.
struct Down;

impl ReplayStore for Down {
    fn record(&self, _: ReplayKey, _: Timestamp, _: Timestamp) -> Recording {
        Recording::pending(Box::pin(async {
            Err(StoreError::unavailable("no connection"))
        }))
    }
}

#[tokio::test]
async fn our_own_faults_are_unavailable_and_not_the_clients() {
    for full in [false, true] {
        let world = World::with(Serving::Crate, None, |builder| {
            if full {
                builder.replay_store(MemoryReplayStore::new(0))
            } else {
                builder.replay_store(Down)
            }
        });
        let world = world.await;
        let fields = world.credentials(LIST, "accounts");
        let failed = list(world.channel().await, &fields).await.unwrap_err();
        assert_eq!(failed.code(), Code::Unavailable, "full: {full}");
        assert_eq!(failed.metadata().get("retry-after").unwrap(), "1");
        assert_eq!(challenges(&failed), "");
        assert_eq!(world.calls(), 0);
    }
}
