//! A payment: the API wants a stronger sign-in (RFC 9470), and Ada's approval of this very payment (RFC 9396).

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tower_fapi::client::{AuthorizationRequest, AuthorizationResponse, StepUpChallenge, TokenSet};

use crate::{
    Outcome,
    api::{self, Account, Amount, Payment},
    browser::Browser,
    flow::Flow,
    jwt, print,
    show::{self, Shown},
    world::World,
};

/// What Ada wants to pay.
pub fn bill() -> Payment {
    Payment {
        instructed_amount: Amount {
            currency: "EUR".to_owned(),
            amount: "49.95".to_owned(),
        },
        creditor_name: "Stadtwerke".to_owned(),
        creditor_account: Account {
            iban: "NL91ABNA0417164300".to_owned(),
        },
    }
}

/// The entry of `authorization_details` that grants a payment (RFC 9396 §2).
pub fn entry(payment: &Payment) -> Outcome<Value> {
    let mut entry = serde_json::to_value(payment)?;
    let members = entry.as_object_mut().ok_or("a payment is no object")?;
    members.insert("type".to_owned(), json!(api::PAYMENT));
    Ok(entry)
}

/// Pays with what a flow has led to so far, which is not enough; then with what is, and returns that.
pub async fn run(
    flow: &Flow<'_>,
    world: &World,
    browser: &mut Browser,
    tokens: &TokenSet,
) -> Outcome<TokenSet> {
    let bill = bill();
    flow.step(
        7,
        "The client wants to pay a bill with that token",
        "A password is not enough for a payment, and the API says what is (RFC 9470).",
    );
    let answer = pay(flow, world, &bill, tokens).await?;
    show::exchanges(world, Shown::Document);
    let wanted = StepUpChallenge::from_response(&answer);
    let wanted = wanted.ok_or("the API has not said which sign-in it wants")?;

    flow.step(
        8,
        "The client asks anew: for that sign-in, and for this payment",
        "Amount and recipient are part of what is asked for (RFC 9396).",
    );
    let request = AuthorizationRequest::new(flow.redirect_uri)?
        .scope(flow.scope)?
        .step_up(&wanted)
        .authorization_details(&[entry(&bill)?])?;
    let pending = flow.client.authorize(&request).await?;
    show::exchanges(world, Shown::Members);

    flow.step(
        9,
        "Ada types the code of her authenticator app, and approves the payment",
        "She is still signed in with her password; the second factor is asked for now (RFC 6238).",
    );
    let back = browser.approve(pending.url(), &world.cast.ada).await?;
    let visits = browser.visits.drain(..);
    visits.for_each(|visit| show::visit(&visit));

    flow.step(
        10,
        "The client redeems the code, and pays",
        "In the token stands what Ada has approved, and how she has signed in.",
    );
    let response = AuthorizationResponse::from_url(back.as_str())?;
    let tokens = flow.client.complete(&pending, &response).await?;
    world.tap.take();
    let answer = pay(flow, world, &bill, &tokens).await?;
    show::exchanges(world, Shown::Document);
    print::line("     What the API has found in the token:");
    let inside = world.seal.open(tokens.access_token().secret())?;
    jwt::show("access_token", &inside, world.now());
    expect(&answer, StatusCode::CREATED)?;

    let mut more = bill.clone();
    "499.50".clone_into(&mut more.instructed_amount.amount);
    let mut elsewhere = bill;
    "DE02120300000000202051".clone_into(&mut elsewhere.creditor_account.iban);
    for (what, payment) in [("amount", more), ("account", elsewhere)] {
        let answer = pay(flow, world, &payment, &tokens).await?;
        expect(&answer, StatusCode::FORBIDDEN)?;
        let status = answer.status();
        print::fact(format_args!("the same token for another {what}: {status}"));
    }
    world.tap.take();
    Ok(tokens)
}

async fn pay(
    flow: &Flow<'_>,
    world: &World,
    payment: &Payment,
    tokens: &TokenSet,
) -> Outcome<Response<Bytes>> {
    let request = Request::post(format!("{}/payments", world.api))
        .header(CONTENT_TYPE, "application/json")
        .body(serde_json::to_vec(payment)?)?;
    Ok(flow.client.send(request, tokens).await?)
}

fn expect(answer: &Response<Bytes>, expected: StatusCode) -> Outcome {
    let status = answer.status();
    if status != expected {
        return Err(format!("the API answered a payment with {status}, not {expected}").into());
    }
    Ok(())
}
