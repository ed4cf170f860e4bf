//! The service: what stands behind the layers.

use std::{error::Error, pin::Pin};

use axum::Router;
use serde::Deserialize;
use tokio_stream::{Stream, StreamExt, iter};
use tonic::{Request, Response, Status, Streaming, service::Routes};
use tower::Layer;
use tower_fapi::{
    layer::{Protection, RequireAuthentication, RequireAuthorizationDetail, RequireScope},
    token::AccessToken,
};

#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "made by tonic"
)]
#[path = "bank.v1.rs"]
mod generated;

pub use generated::*;

use bank_server::BankServer;

/// A bank with two accounts for everybody.
#[derive(Clone, Copy, Debug)]
pub struct Bank;

/// The sign-in that payments need: two factors of different kinds (REFEDS Multi-Factor Authentication Profile).
const TWO_FACTORS: &str = "https://refeds.org/profile/mfa";

/// The methods, each with what it needs: to read a scope, and to pay a second factor (RFC 9470). Which payments, stands in the
/// messages, and is demanded there.
///
/// Where all methods of a service need the same, one layer is put around the service instead, with
/// `tonic::service::LayerExt::named_layer`. Here a method that is not named is not served.
pub fn routes() -> Result<Router, Box<dyn Error + Send + Sync>> {
    let bank = BankServer::new(Bank);
    let read = RequireScope::all_of(["accounts"])?;
    let pay = RequireAuthentication::acr([TWO_FACTORS])?;
    Ok(Routes::default()
        .into_axum_router()
        .route_service("/bank.v1.Bank/ListAccounts", read.layer(bank.clone()))
        .route_service("/bank.v1.Bank/Statement", read.layer(bank.clone()))
        .route_service("/bank.v1.Bank/PayBatch", pay.layer(bank.clone()))
        .route_service("/bank.v1.Bank/Pay", pay.layer(bank)))
}

type Sent<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl bank_server::Bank for Bank {
    async fn list_accounts(
        &self,
        request: Request<ListAccountsRequest>,
    ) -> Result<Response<ListAccountsResponse>, Status> {
        let token: &AccessToken = extension(&request)?;
        Ok(Response::new(ListAccountsResponse {
            owner: token.subject().to_owned(),
            ibans: vec![
                "DE02120300000000202051".into(),
                "FR7630006000011234567890189".into(),
            ],
        }))
    }

    type StatementStream = Sent<Entry>;

    async fn statement(
        &self,
        _: Request<StatementRequest>,
    ) -> Result<Response<Sent<Entry>>, Status> {
        let entry = |(text, cents): (&str, i64)| {
            Ok(Entry {
                text: text.to_owned(),
                cents,
            })
        };
        let entries = [("salary", 310_000), ("rent", -98_000), ("bakery", -540)];
        Ok(Response::new(Box::pin(iter(entries).map(entry))))
    }

    async fn pay_batch(
        &self,
        request: Request<Streaming<Payment>>,
    ) -> Result<Response<BatchReceipt>, Status> {
        let protection = extension::<Protection, _>(&request)?.clone();
        let mut payments = request.into_inner();
        let mut receipt = BatchReceipt::default();
        while let Some(payment) = payments.next().await {
            let payment = payment?;
            approved(&protection, &payment)?;
            receipt.payments += 1;
            receipt.cents = receipt.cents.saturating_add(payment.cents);
        }
        Ok(Response::new(receipt))
    }

    type PayStream = Sent<Receipt>;

    async fn pay(
        &self,
        request: Request<Streaming<Payment>>,
    ) -> Result<Response<Sent<Receipt>>, Status> {
        let protection = extension::<Protection, _>(&request)?.clone();
        let receipts = request.into_inner().map(move |payment| {
            let payment = payment?;
            if payment.cents == 0 {
                return Err(Status::invalid_argument("a payment of nothing"));
            }
            approved(&protection, &payment)?;
            let Payment { to_iban, cents } = payment;
            Ok(Receipt { to_iban, cents })
        });
        Ok(Response::new(Box::pin(receipts)))
    }
}

/// What is approved: an entry of `authorization_details` (RFC 9396 §2).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Approval {
    instructed_amount: Amount,
    creditor_account: Account,
}

#[derive(Deserialize)]
struct Amount {
    currency: String,
    amount: String,
}

#[derive(Deserialize)]
struct Account {
    iban: String,
}

/// Demands that this payment is one that the user has approved: this amount, to this account (RFC 9396 §9).
fn approved(protection: &Protection, payment: &Payment) -> Result<(), Status> {
    let (euros, cents) = (payment.cents / 100, payment.cents % 100);
    let (amount, iban) = (format!("{euros}.{cents:02}"), payment.to_iban.clone());
    let this = RequireAuthorizationDetail::of_type("payment_initiation").satisfying(
        move |approval: &Approval| {
            let Amount {
                currency,
                amount: approved,
            } = &approval.instructed_amount;
            currency == "EUR" && *approved == amount && approval.creditor_account.iban == iban
        },
    );
    protection.demand(&this).map_err(|refused| {
        let answer = refused.into_response();
        let status = Status::from_header_map(answer.headers());
        status.unwrap_or_else(|| Status::internal("not a gRPC call"))
    })
}

/// What the layer knows of a call, and has put there: without it a call does not get this far.
fn extension<E: Clone + Send + Sync + 'static, T>(request: &Request<T>) -> Result<&E, Status> {
    let known = request.extensions().get();
    known.ok_or_else(|| Status::internal("the service is not behind a FapiLayer"))
}
