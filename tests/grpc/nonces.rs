//! The nonce dance (RFC 9449 §8, §9), with metadata in place of header fields.

use std::{sync::Arc, time::Duration};

use tokio_stream::{StreamExt, iter};
use tonic::Code;
use tower_fapi::{
    dpop::{NonceSecret, Nonces},
    time::Clock,
};

use crate::{
    bank::{ListAccountsRequest, StatementRequest},
    calls::{client, payment},
    dpop::with_nonce,
    world::{LIST, Serving, World, challenges, list},
};

async fn demanding(serving: Serving) -> World {
    let nonces = Nonces::new(&NonceSecret::from_bytes([1; 32]), Duration::from_secs(60)).unwrap();
    World::with(serving, None, |builder| builder.nonces(Arc::new(nonces))).await
}

#[tokio::test]
async fn calls_of_every_kind_are_made_again_with_the_nonce() {
    for serving in [Serving::Crate, Serving::Tonic] {
        // Each kind with a client that has no nonce yet.
        let world = demanding(serving).await;
        let bank = client(&world).await;
        with_nonce(async || bank.clone().list_accounts(ListAccountsRequest {}).await)
            .await
            .unwrap();
        let bank = client(&world).await;
        let entries =
            with_nonce(async || bank.clone().statement(StatementRequest::default()).await);
        assert_eq!(entries.await.unwrap().into_inner().count_all().await, 3);
        let bank = client(&world).await;
        let receipt = with_nonce(async || bank.clone().pay_batch(iter([payment(1)])).await);
        assert_eq!(receipt.await.unwrap().into_inner().payments, 1);
        let bank = client(&world).await;
        let receipts = with_nonce(async || bank.clone().pay(iter([payment(1)])).await);
        assert_eq!(receipts.await.unwrap().into_inner().count_all().await, 1);
        assert_eq!(world.calls(), 4, "{serving:?}: a first attempt got through");

        // The client keeps the nonce: no second attempt.
        bank.clone()
            .list_accounts(ListAccountsRequest {})
            .await
            .unwrap();
    }
}

trait CountAll {
    async fn count_all(self) -> usize;
}

impl<T> CountAll for tonic::Streaming<T> {
    async fn count_all(mut self) -> usize {
        let mut count = 0;
        while let Some(message) = self.next().await {
            message.unwrap();
            count += 1;
        }
        count
    }
}

#[tokio::test]
async fn a_nonce_comes_with_the_refusal_and_is_renewed_with_a_success() {
    let world = demanding(Serving::Crate).await;
    let channel = world.channel().await;
    let call = async |nonce: Option<&str>| {
        let token = world.token("accounts");
        let proof = world
            .key
            .proof("POST", &format!("{}{LIST}", world.url), world.clock.now());
        let proof = proof.access_token(&token);
        let proof = nonce
            .map_or(proof.clone(), |nonce| proof.nonce(nonce))
            .sign();
        let fields = [("authorization", format!("DPoP {token}")), ("dpop", proof)];
        list(channel.clone(), &fields).await
    };
    let nonce_in = |metadata: &tonic::metadata::MetadataMap| {
        assert_eq!(metadata.get_all("dpop-nonce").iter().count(), 1);
        metadata
            .get("dpop-nonce")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };

    let refused = call(None).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(challenges(&refused).contains(r#"error="use_dpop_nonce""#));
    assert_eq!(refused.metadata().get("cache-control").unwrap(), "no-store");
    let nonce = nonce_in(refused.metadata());

    let passed = call(Some(&nonce)).await.unwrap();
    assert!(
        !passed.metadata().contains_key("dpop-nonce"),
        "it is good for a while"
    );

    world.clock.advance(Duration::from_secs(31));
    let renewed = nonce_in(call(Some(&nonce)).await.unwrap().metadata());
    assert_ne!(renewed, nonce);

    world.clock.advance(Duration::from_secs(60));
    let ended = call(Some(&nonce)).await.unwrap_err();
    assert!(challenges(&ended).contains(r#"error="use_dpop_nonce""#));
    call(Some(&nonce_in(ended.metadata()))).await.unwrap();
    assert_eq!(world.calls(), 3);
}
