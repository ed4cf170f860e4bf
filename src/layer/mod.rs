//! Tower layers.
//!
//! [`FapiLayer`] is the one to start with: around everything, once. [`RequireScope`], [`RequireAuthentication`] and
//! [`RequireAuthorizationDetail`] stand behind it, on the routes that need more; a handler demands the rest of
//! [`Protection`]. [`ProtectLayer`] and [`InteractionIdLayer`] are the two halves of the first, for whoever wants them apart.
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
#[cfg(feature = "axum")]
mod extract;
mod fapi;
mod interaction_id;
mod protect;
mod protection;
mod require;
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
    protect::{Protect, ProtectFuture, ProtectLayer},
    protection::{Protection, Refused},
    require::{
        Demand, InvalidAuthentication, RequireAuthentication, RequireAuthorizationDetail,
        RequireFuture, RequireScope, RequireService,
    },
};

use bytes::Bytes;
use http::{Response, StatusCode};

/// The answer to a mistake on our side, and of a future that is polled after it has answered: never a wrong yes.
fn internal_error() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
