//! Calls that pass, of every kind.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use serde_json::json;
use tokio_stream::{Stream, StreamExt, iter};
use tonic::{Code, transport::Channel};
use tower_fapi::{
    dpop::ProofSigner,
    jose::{JwsAlgorithm, SigningKey},
    time::Clock,
};

use crate::{
    bank::{ListAccountsRequest, Payment, StatementRequest, bank_client::BankClient},
    dpop::Dpop,
    world::{Serving, World, list},
};

/// The example's client, with a key of its own and a token for everything: the accounts, and payments of up to three cents.
pub async fn client(world: &World) -> BankClient<Dpop<Channel>> {
    let signer = ProofSigner::new(SigningKey::generate(JwsAlgorithm::Es256).unwrap());
    let approval = |cents: u64| {
        json!({
            "type": "payment_initiation",
            "instructedAmount": { "currency": "EUR", "amount": format!("0.{cents:02}") },
            "creditorAccount": { "iban": payment(cents).to_iban },
        })
    };
    let token = world
        .issuer
        .token(world.clock.now())
        .scope("accounts")
        .claim("acr", "https://refeds.org/profile/mfa")
        .claim(
            "authorization_details",
            (1..=3).map(approval).collect::<Vec<_>>(),
        );
    let token = token.bound_to_key(signer.thumbprint()).mint();
    BankClient::new(Dpop::new(world.channel().await, &world.url, &token, signer))
}

pub fn payment(cents: u64) -> Payment {
    let to_iban = "NL91ABNA0417164300".to_owned();
    Payment { to_iban, cents }
}

#[tokio::test]
async fn calls_of_every_kind_pass() {
    for serving in [Serving::Crate, Serving::Tonic] {
        let world = World::start(serving).await;
        let mut bank = client(&world).await;

        let accounts = bank.list_accounts(ListAccountsRequest {}).await.unwrap();
        assert!(accounts.metadata().contains_key("x-fapi-interaction-id"));
        let accounts = accounts.into_inner();
        assert_eq!(
            (&*accounts.owner, accounts.ibans.len()),
            ("alice", 2),
            "{serving:?}"
        );

        let iban = accounts.ibans[0].clone();
        let entries = bank.statement(StatementRequest { iban }).await.unwrap();
        let entries: Vec<_> = entries.into_inner().map(Result::unwrap).collect().await;
        assert_eq!(entries.len(), 3, "{serving:?}");

        let receipt = bank
            .pay_batch(iter([payment(1), payment(2)]))
            .await
            .unwrap();
        let receipt = receipt.into_inner();
        assert_eq!((receipt.payments, receipt.cents), (2, 3), "{serving:?}");

        let receipts = bank.pay(iter([payment(1), payment(2)])).await.unwrap();
        let receipts: Vec<_> = receipts.into_inner().map(Result::unwrap).collect().await;
        assert_eq!(
            receipts.iter().map(|it| it.cents).collect::<Vec<_>>(),
            [1, 2],
            "{serving:?}"
        );

        assert_eq!(world.calls(), 4, "{serving:?}");
    }
}

// What a stream ends with stands in its trailers, behind messages that have passed.
#[tokio::test]
async fn the_trailers_of_a_stream_come_through() {
    let world = World::start(Serving::Crate).await;
    let mut bank = client(&world).await;
    let receipts = bank
        .pay(iter([payment(1), payment(0), payment(2)]))
        .await
        .unwrap();
    let mut receipts = receipts.into_inner();
    assert_eq!(receipts.next().await.unwrap().unwrap().cents, 1);
    let status = receipts.next().await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "a payment of nothing");
}

// RFC 9396 §9: what was approved is what is paid. The refusal of a handler says what that of a layer says.
#[tokio::test]
async fn payments_that_were_not_approved_are_refused() {
    for serving in [Serving::Crate, Serving::Tonic] {
        let world = World::start(serving).await;
        let mut bank = client(&world).await;
        let batch = bank.pay_batch(iter([payment(1), payment(4)])).await;
        let receipts = bank.pay(iter([payment(1), payment(4)])).await.unwrap();
        let mut receipts = receipts.into_inner();
        assert_eq!(receipts.next().await.unwrap().unwrap().cents, 1);
        let single = receipts.next().await.unwrap();
        for status in [batch.map(drop).unwrap_err(), single.map(drop).unwrap_err()] {
            assert_eq!(status.code(), Code::PermissionDenied, "{serving:?}");
            let challenge = status.metadata().get("www-authenticate").unwrap();
            let challenge = challenge.to_str().unwrap();
            assert!(
                challenge.contains(r#"error="insufficient_scope""#),
                "{challenge}"
            );
        }
    }
}

// RFC 9470 §3, §4.
#[tokio::test]
async fn payments_after_a_password_alone_are_refused() {
    let world = World::start(Serving::Crate).await;
    let fields = world.credentials("/bank.v1.Bank/PayBatch", "accounts payments");
    let mut request = tonic::Request::new(iter([payment(1)]));
    for (name, value) in &fields {
        request.metadata_mut().append(*name, value.parse().unwrap());
    }
    let refused = BankClient::new(world.channel().await)
        .pay_batch(request)
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let challenge = refused.metadata().get("www-authenticate").unwrap();
    let challenge = challenge.to_str().unwrap();
    let demanded = r#"acr_values="https://refeds.org/profile/mfa""#;
    assert!(challenge.contains(demanded), "{challenge}");
}

// Answered one by one: the layer waits neither for the last message of the request nor for that of the answer.
#[tokio::test]
async fn both_directions_flow_at_the_same_time() {
    let world = World::start(Serving::Crate).await;
    let mut bank = client(&world).await;
    let (confirmed, confirmations) = std::sync::mpsc::channel();
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let (mut receiver, mut sender) = (receiver, Some(sender));
    let payments = async_stream(move |cx| receiver.poll_recv(cx));
    sender.as_ref().unwrap().send(payment(1)).await.unwrap();
    let mut receipts = bank.pay(payments).await.unwrap().into_inner();
    while let Some(receipt) = receipts.next().await {
        let cents = receipt.unwrap().cents;
        confirmed.send(cents).unwrap();
        match sender.as_ref() {
            Some(next) if cents < 3 => next.send(payment(cents + 1)).await.unwrap(),
            _ => sender = None,
        }
    }
    assert_eq!(confirmations.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
}

/// A stream of what a function gives.
fn async_stream<T>(
    poll: impl FnMut(&mut Context<'_>) -> Poll<Option<T>> + Send + Unpin + 'static,
) -> impl Stream<Item = T> + Send + 'static {
    struct Polled<F>(F);
    impl<T, F: FnMut(&mut Context<'_>) -> Poll<Option<T>> + Unpin> Stream for Polled<F> {
        type Item = T;
        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
            (self.0)(cx)
        }
    }
    Polled(poll)
}

#[tokio::test]
async fn what_a_handler_sees_is_the_callers_own_token() {
    let world = World::start(Serving::Crate).await;
    let token = world
        .issuer
        .token(world.clock.now())
        .scope("accounts")
        .subject("bob");
    let token = token.bound_to_key(world.key.thumbprint()).mint();
    let proof = world.proof(crate::world::LIST, &token);
    let fields = [("authorization", format!("dpop {token}")), ("dpop", proof)];
    let answer = list(world.channel().await, &fields).await.unwrap();
    assert_eq!(answer.into_inner().owner, "bob");
}
