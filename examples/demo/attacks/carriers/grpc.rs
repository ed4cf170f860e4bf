//! Calls to the service of tonic, made by hand: a client of tonic's could not send what is malformed.

use http::header::{CONTENT_TYPE, TE};
use http_body_util::BodyExt as _;
use prost::Message as _;
use reqwest::RequestBuilder;
use tonic::{Code, Status};

use crate::{
    Outcome,
    attacks::{
        answer::Answer,
        api::{Call, Operation},
    },
    challenge,
    grpc_bank::{ListAccountsRequest, Payment},
};

pub const fn path(operation: Operation) -> &'static str {
    match operation {
        Operation::Accounts => "/bank.v1.Bank/ListAccounts",
        Operation::Pay(_) => "/bank.v1.Bank/PayBatch",
    }
}

pub async fn send(request: RequestBuilder, call: &Call) -> Outcome<Answer> {
    let message = match (&call.body, call.operation) {
        (Some(body), _) => body.clone().into_bytes(),
        (None, Operation::Accounts) => ListAccountsRequest {}.encode_to_vec(),
        (None, Operation::Pay(order)) => Payment {
            to_iban: order.iban.to_owned(),
            cents: order.cents,
        }
        .encode_to_vec(),
    };
    // Not compressed, so many bytes, the message.
    let mut body = vec![0];
    body.extend(u32::try_from(message.len())?.to_be_bytes());
    body.extend(message);
    let sent = request
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .body(body)
        .send()
        .await;
    let answer = match sent {
        Ok(answer) => answer,
        Err(_) if !call.over_tls => return Ok(Answer::new("no answer", "")),
        Err(error) => return Err(error.into()),
    };
    let (head, body) = http::Response::<reqwest::Body>::from(answer).into_parts();
    let trailers = body.collect().await?.trailers().cloned();
    // A refusal has no body, and so its trailers are the header (gRPC over HTTP/2, "Trailers-Only").
    let fields = match trailers {
        Some(trailers) if !head.headers.contains_key("grpc-status") => trailers,
        Some(_) | None => head.headers,
    };
    let status = Status::from_header_map(&fields).ok_or("an answer without grpc-status")?;
    let said = match challenge::parameter(&fields, "error") {
        Some(error) => format!("{} {error}", name(status.code())),
        None => name(status.code()).to_owned(),
    };
    Ok(Answer::new(&said, status.message()))
}

/// What is said by gRPC where HTTP says this.
pub fn expected(said: &str) -> String {
    let (status, error) = said.split_once(' ').unwrap_or((said, ""));
    let code = match status {
        "200" | "201" => Code::Ok,
        "400" => Code::InvalidArgument,
        "401" => Code::Unauthenticated,
        "403" => Code::PermissionDenied,
        _ => return said.to_owned(),
    };
    format!("{} {error}", name(code)).trim_end().to_owned()
}

/// The name that the specification of gRPC has for a code.
const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::Unauthenticated => "UNAUTHENTICATED",
        Code::PermissionDenied => "PERMISSION_DENIED",
        _ => "another code",
    }
}
