//! A few calls, and what comes of them.

use serde_json::json;
use tokio_stream::{StreamExt, iter};
use tonic::{
    Status,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use tower_fapi::{
    dpop::ProofSigner,
    jose::{JwsAlgorithm, SigningKey},
    testing::TestIssuer,
    time::{Clock, SystemClock},
};

use crate::{
    Outcome,
    bank::{ListAccountsRequest, Payment, StatementRequest, bank_client::BankClient},
    dpop::{Dpop, with_nonce},
};

pub async fn make(issuer: &TestIssuer, url: &str, authority: &str) -> Outcome {
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority));
    let endpoint = Endpoint::from_shared(url.to_owned())?.tls_config(tls)?;
    let channel = endpoint.connect().await?;
    let signer = || SigningKey::generate(JwsAlgorithm::Es256).map(ProofSigner::new);

    // The token says whose key has to sign the proofs (RFC 9449 §6.1).
    let own = signer()?;
    let token = issuer
        .token(SystemClock.now())
        .bound_to_key(own.thumbprint());
    let token = token.scope("accounts").mint();
    let bank = BankClient::new(Dpop::new(channel.clone(), url, &token, own));

    println!("The accounts, with a token for `accounts` and a proof for each call:");
    // The server demands nonces: the first call is refused and says which, the second passes.
    let accounts = with_nonce(async || bank.clone().list_accounts(ListAccountsRequest {}).await);
    let accounts = accounts.await?.into_inner();
    println!(
        "  {} has {}\n",
        accounts.owner,
        accounts.ibans.join(" and ")
    );

    println!("A statement, entry by entry:");
    let iban = accounts.ibans.into_iter().next().unwrap_or_default();
    let mut entries = bank
        .clone()
        .statement(StatementRequest { iban })
        .await?
        .into_inner();
    while let Some(entry) = entries.next().await {
        let entry = entry?;
        println!("  {:<8} {:>8} cents", entry.text, entry.cents);
    }

    println!("\nA payment, with the same token:");
    let payment = |cents| {
        let to_iban = "NL91ABNA0417164300".to_owned();
        iter([Payment { to_iban, cents }])
    };
    refused(bank.clone().pay_batch(payment(4995)).await.map(drop))?;

    println!("With a token for one payment, after a second factor:");
    let own = signer()?;
    let approval = json!({
        "type": "payment_initiation",
        "instructedAmount": { "currency": "EUR", "amount": "49.95" },
        "creditorAccount": { "iban": "NL91ABNA0417164300" },
    });
    let token_to_pay = issuer
        .token(SystemClock.now())
        .bound_to_key(own.thumbprint())
        .claim("acr", "https://refeds.org/profile/mfa")
        .claim("authorization_details", json!([approval]))
        .mint();
    let payer = BankClient::new(Dpop::new(channel.clone(), url, &token_to_pay, own));
    let receipt = with_nonce(async || payer.clone().pay_batch(payment(4995)).await);
    println!("  {} cents paid\n", receipt.await?.into_inner().cents);

    println!("A cent more, with that token:");
    refused(payer.clone().pay_batch(payment(4996)).await.map(drop))?;

    println!("The accounts, without a token:");
    let mut nobody = BankClient::new(channel.clone());
    refused(nobody.list_accounts(ListAccountsRequest {}).await.map(drop))?;

    println!("The accounts, with the token, by a thief who has not got its key:");
    let thief: BankClient<Dpop<Channel>> =
        BankClient::new(Dpop::new(channel, url, &token, signer()?));
    let accounts = with_nonce(async || thief.clone().list_accounts(ListAccountsRequest {}).await);
    refused(accounts.await.map(drop))
}

/// What a client sees of a refusal: code and message, and the challenge in the metadata.
fn refused(outcome: Result<(), Status>) -> Outcome {
    let Err(status) = outcome else {
        return Err("that should have been refused".into());
    };
    println!("  {:?}: {}", status.code(), status.message());
    for challenge in status.metadata().get_all("www-authenticate") {
        println!("  www-authenticate: {}", challenge.to_str()?);
    }
    println!();
    Ok(())
}
