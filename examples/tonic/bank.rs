//! The service: what stands behind the layers.

use std::pin::Pin;

use axum::Router;
use tokio_stream::{Stream, StreamExt, iter};
use tonic::{Request, Response, Status, Streaming, service::Routes};
use tower::Layer;
use tower_fapi::{
    layer::RequireScope,
    token::{AccessToken, InvalidScope},
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

/// The methods, each with the scope that it needs.
///
/// Where all methods of a service need the same, one layer is put around the service instead, with
/// `tonic::service::LayerExt::named_layer`. Here a method that is not named is not served.
pub fn routes() -> Result<Router, InvalidScope> {
    let bank = BankServer::new(Bank);
    let read = RequireScope::all_of(["accounts"])?;
    let pay = RequireScope::all_of(["payments"])?;
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
        let token = token(&request)?;
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
        let mut payments = request.into_inner();
        let mut receipt = BatchReceipt::default();
        while let Some(payment) = payments.next().await {
            receipt.payments += 1;
            receipt.cents = receipt.cents.saturating_add(payment?.cents);
        }
        Ok(Response::new(receipt))
    }

    type PayStream = Sent<Receipt>;

    async fn pay(
        &self,
        request: Request<Streaming<Payment>>,
    ) -> Result<Response<Sent<Receipt>>, Status> {
        let receipts = request.into_inner().map(|payment| match payment? {
            Payment { cents: 0, .. } => Err(Status::invalid_argument("a payment of nothing")),
            Payment { to_iban, cents } => Ok(Receipt { to_iban, cents }),
        });
        Ok(Response::new(Box::pin(receipts)))
    }
}

/// The token of a call. The layer has put it there: without one a call does not get this far.
fn token<T>(request: &Request<T>) -> Result<&AccessToken, Status> {
    let token = request.extensions().get();
    token.ok_or_else(|| Status::internal("the service is not behind a FapiLayer"))
}
