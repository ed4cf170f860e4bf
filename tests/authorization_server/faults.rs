//! A store that fails half-way through an answer: 503, and the same step can be taken again.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::Request;
use serde_json::json;
use tower_fapi::{
    authorization_server::{
        ResourceMetadata,
        store::{MemoryStore, Record, RecordKey, RecordKind, Store, StoreError, StoreFuture},
    },
    jose::jwe::{DecryptionKey, DecryptionKeys, JweAlgorithm},
    time::Timestamp,
};

use crate::{
    browser::{Browser, answer, error_page, landed},
    userinfo::USERINFO,
    world::{API, World},
};

/// A store that cannot write one kind of record, or read one.
#[derive(Clone, Debug, Default)]
struct Broken {
    inner: Arc<MemoryStore>,
    kind: Arc<Mutex<Option<RecordKind>>>,
    unreadable: Arc<Mutex<Option<RecordKind>>>,
}

impl Broken {
    fn breaks(&self, kind: impl Into<Option<RecordKind>>) {
        *self.kind.lock().unwrap() = kind.into();
    }

    fn check(&self, key: RecordKey) -> Result<(), StoreError> {
        let kind = *self.kind.lock().unwrap();
        if kind == Some(key.kind()) {
            return Err(StoreError::Full(key.kind()));
        }
        Ok(())
    }
}

impl Store for Broken {
    fn put(&self, key: RecordKey, record: Record, now: Timestamp) -> StoreFuture<'_, ()> {
        match self.check(key) {
            Ok(()) => self.inner.put(key, record, now),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn get(&self, key: RecordKey, now: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>> {
        if *self.unreadable.lock().unwrap() == Some(key.kind()) {
            let error = StoreError::Full(key.kind());
            return Box::pin(std::future::ready(Err(error)));
        }
        self.inner.get(key, now)
    }

    fn replace(
        &self,
        key: RecordKey,
        record: Record,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Vec<u8>>> {
        match self.check(key) {
            Ok(()) => self.inner.replace(key, record, now),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn take(&self, key: RecordKey, now: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>> {
        self.inner.take(key, now)
    }
}

// RFC 9126 §4: the request is spent when authorization completes, and not by an attempt that did not.
#[tokio::test]
async fn what_could_not_be_approved_can_be_approved_again() {
    for kind in [
        RecordKind::Grant,
        RecordKind::Code,
        RecordKind::PushedRequest,
    ] {
        let store = Broken::default();
        let world = World::with(|builder| builder.store(Arc::new(store.clone())));
        let mut browser = Browser::new(&world);
        let request_uri = world.push(&[]).await.text("request_uri");
        let page = browser.open("dpop", &request_uri).await;
        let reply = browser.sign_in(&page).await;
        let consent = browser.follow(reply).await;
        store.breaks(kind);
        let reply = browser.submit(&consent, &[], "approve").await;
        let expected = (503, "temporarily_unavailable".to_owned());
        assert_eq!(error_page(&reply), expected, "{kind}");
        store.breaks(None);
        let url = landed(&browser.submit(&consent, &[], "approve").await);
        let code = answer(&url)["code"].clone();
        assert_eq!(world.redeem(&code).await.status, 200, "{kind}");
        let again = browser.submit(&consent, &[], "approve").await;
        assert_eq!(again.status, 400, "{kind}: approved twice");
    }
}

#[tokio::test]
async fn a_code_that_could_not_be_redeemed_can_be_redeemed_again() {
    for kind in [
        RecordKind::Grant,
        RecordKind::RefreshToken,
        RecordKind::EncryptedToken,
        RecordKind::Code,
    ] {
        let store = Broken::default();
        let key = DecryptionKey::generate(JweAlgorithm::EcdhEs).unwrap();
        let resource: ResourceMetadata = serde_json::from_value(json!({
            "resource": API,
            "jwks": DecryptionKeys::new([key]).public(),
            "access_token_encrypted_response_alg": "ECDH-ES",
        }))
        .unwrap();
        let world = World::with(|builder| {
            let builder = builder.resource(resource);
            builder.store(Arc::new(store.clone()))
        });
        let code = world.code("dpop", &[]).await;
        store.breaks(kind);
        let reply = world.redeem(&code).await;
        let expected = (503, "temporarily_unavailable".to_owned());
        assert_eq!(reply.refusal(), expected, "{kind}");
        assert!(reply.header("retry-after").is_some(), "{kind}");
        store.breaks(None);
        assert_eq!(world.redeem(&code).await.status, 200, "{kind}");
        let again = world.redeem(&code).await;
        assert_eq!(again.refusal(), (400, "invalid_grant".to_owned()), "{kind}");
    }
}

// RFC 9449 §11.1, RFC 6750 §3.1: no refusal, and the proof has not been used up by it.
#[tokio::test]
async fn a_token_that_cannot_be_looked_up_can_be_tried_again_at_the_userinfo_endpoint() {
    for kind in [RecordKind::Grant, RecordKind::RevokedToken] {
        let store = Broken::default();
        let world = crate::id_token::provider_with(&json!({}), |builder| {
            builder.store(Arc::new(store.clone()))
        });
        let token = world.openid(&[]).await.text("access_token");
        let proof = world.dpop.proof("GET", USERINFO, world.now());
        let proof = proof.access_token(&token).sign();
        let ask = async || {
            let request = Request::get(USERINFO)
                .header("authorization", format!("DPoP {token}"))
                .header("dpop", &proof);
            world.send(request.body(Body::empty()).unwrap()).await
        };
        *store.unreadable.lock().unwrap() = Some(kind);
        let reply = ask().await;
        assert_eq!(reply.status, 503, "{kind}: {reply:?}");
        assert!(reply.header("retry-after").is_some(), "{kind}");
        assert_eq!(reply.header("www-authenticate"), None, "{kind}");
        *store.unreadable.lock().unwrap() = None;
        assert_eq!(ask().await.status, 200, "{kind}");
    }
}
