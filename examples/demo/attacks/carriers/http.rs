//! Requests to the API of axum.

use http::header::CONTENT_TYPE;
use reqwest::RequestBuilder;

use crate::{
    Outcome,
    api::{Account, Amount, Payment},
    attacks::{
        answer::Answer,
        api::{Call, Operation},
    },
};

pub const fn path(operation: Operation) -> &'static str {
    match operation {
        Operation::Accounts => "/accounts",
        Operation::Pay(_) => "/payments",
    }
}

pub async fn send(request: RequestBuilder, call: &Call) -> Outcome<Answer> {
    let request = match (&call.body, call.operation) {
        (Some(body), _) => request.body(body.clone()),
        (None, Operation::Accounts) => request,
        (None, Operation::Pay(order)) => {
            let payment = Payment {
                instructed_amount: Amount {
                    currency: "EUR".to_owned(),
                    amount: order.amount(),
                },
                creditor_name: order.to.to_owned(),
                creditor_account: Account {
                    iban: order.iban.to_owned(),
                },
            };
            let body = serde_json::to_vec(&payment)?;
            request.header(CONTENT_TYPE, "application/json").body(body)
        }
    };
    if call.over_tls {
        Answer::to(request).await
    } else {
        Answer::or_silence(request).await
    }
}
