//! Tower layers.
//!
//! [`FapiLayer`] is the one to start with: around everything, once. [`RequireScope`], [`RequireAuthentication`] and
//! [`RequireAuthorizationDetail`] stand behind it, on the routes that need more; a handler demands the rest of
//! [`Protection`]. Several demands on one route of axum stand in a tuple, `post(pay).layer((scope, sign_in))`, the first of which
//! is asked first. [`ProtectLayer`] and [`InteractionIdLayer`] are the two halves of the first, for whoever wants them apart.
//!
//! # gRPC
//!
//! The layers stand around tonic's services as around any other. A refused gRPC call (a `POST` of `application/grpc`,
//! `application/grpc-web` or `application/grpc-web-text`, with or without `+proto` and the like) gets a trailers-only answer:
//! HTTP status 200, no body, and
//!
//! | `grpc-status` | where HTTP has | when |
//! |---|---|---|
//! | 16 `UNAUTHENTICATED` | 401 | no token, or one that is not accepted, or a proof that is not |
//! | 7 `PERMISSION_DENIED` | 403 | the token does not suffice for this method |
//! | 3 `INVALID_ARGUMENT` | 400 | the request is malformed: two `authorization` fields, a token in the query |
//! | 14 `UNAVAILABLE` | 503 | keys or replay store cannot be had; `retry-after` says when to try again |
//!
//! `grpc-message` is a sentence for people. `www-authenticate`, `dpop-nonce` and `x-fapi-interaction-id` are metadata of
//! the status, with the values they have over HTTP: a client that is asked for a nonce finds `use_dpop_nonce` in the one and the
//! nonce in the other. On a call that passes a new nonce is in the initial metadata.
//!
//! A proof for a call has the `htm` `POST` and the `htu` `https://host/package.Service/Method`. A handler finds its
//! [`AccessToken`](crate::token::AccessToken) with `request.extensions().get()`. What it demands of [`Protection`] and does
//! not get is a status like the others: `tonic::Status::from_header_map(refused.into_response().headers())`.
//!
//! ```
//! use tonic::service::{LayerExt, Routes};
//! use tower::Layer;
//! use tower_fapi::{layer::{Fapi, FapiLayer, RequireScope}, resource_server::ResourceServer};
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tonic/bank.v1.rs"));
//! use bank_server::{Bank, BankServer};
//!
//! fn app(bank: impl Bank, server: ResourceServer) -> Result<Fapi<Routes>, tower_fapi::token::InvalidScope> {
//!     // Around one service. For methods with scopes of their own, see `routes` in examples/tonic/bank.rs.
//!     let bank = RequireScope::all_of(["accounts"])?.named_layer(BankServer::new(bank));
//!     Ok(FapiLayer::new(server).layer(Routes::new(bank).prepare()))
//! }
//! # fn main() {}
//! ```
//!
//! That is served by `tls::Server`, or the layers go into `tonic::transport::Server::builder().layer(..)`. tonic's own TLS
//! tells nobody here of client certificates: `introduce` in `examples/tonic/tonic_tls.rs` does.
//!
//! A client has to sign anew for each attempt. Where its library repeats calls by itself (a retry policy, hedging), the
//! proof has to be made below that, or the second attempt is a replay.
//!
//! A browser sees of a gRPC-Web answer what CORS exposes to it: the layer exposes the fields of its refusals, and a layer for
//! CORS belongs outside of it. What translates gRPC-Web to gRPC may stand on either side; if it stands outside, too, then to
//! this layer all calls are gRPC, and `grpc-status`, `grpc-message` and `www-authenticate` are for the layer for CORS to expose.
//!
//! Where the status of the answer is the verdict, as in forward authentication, the gRPC form has to be
//! [switched off](crate::resource_server::ResourceServerBuilder::without_grpc_answers).
//!
//! # For whoever counts
//!
//! What was decided of a request stands in the extensions of its answer, for a layer outside that counts or logs:
//!
//! ```
//! use tower_fapi::rejection::Rejection;
//!
//! fn count<B>(answer: &http::Response<B>) {
//!     if let Some(Rejection::Refused(refusal)) = answer.extensions().get() {
//!         eprintln!("refused: {refusal}"); // the precise reason; the client is told no more than helps it
//!     }
//! }
//! # count(&http::Response::new(()));
//! ```

mod body;
mod document;
#[cfg(feature = "axum")]
mod extract;
mod fapi;
mod interaction_id;
mod jwks;
mod protect;
mod protection;
mod record;
mod require;
mod resource_metadata;
#[cfg(test)]
mod tests;

#[cfg(feature = "axum")]
pub use self::extract::NotProtected;
pub use self::{
    body::ResponseBody,
    fapi::{Fapi, FapiLayer},
    interaction_id::{
        InteractionId, InteractionIdFuture, InteractionIdLayer, InteractionIdService,
        X_FAPI_INTERACTION_ID,
    },
    jwks::JwksService,
    protect::{Protect, ProtectFuture, ProtectLayer},
    protection::{Protection, Refused},
    require::{
        Demand, InvalidAuthentication, RequireAuthentication, RequireAuthorizationDetail,
        RequireFuture, RequireScope, RequireService,
    },
    resource_metadata::ResourceMetadataService,
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::CACHE_CONTROL};

use crate::rejection::Rejection;

/// What a request would have been refused for, had this not been
/// [report only](crate::resource_server::DangerousSettings::report_only). Stands in the extensions of the request and of its
/// answer.
#[derive(Clone, Debug)]
pub struct Reported(pub Rejection);

/// The service that was polled ready, in whose place a clone waits for the next request.
fn take_ready<S: Clone>(service: &mut S) -> S {
    let clone = service.clone();
    std::mem::replace(service, clone)
}

/// The answer to a mistake on our side: layers that cannot stand together, and a future that is polled after it has
/// answered. Never in gRPC's form, which is a 200 to whoever takes the status for the verdict.
fn internal_error() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}
