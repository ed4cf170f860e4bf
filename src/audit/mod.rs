//! Who asked for what, and what was decided: one event for each decision.
//!
//! Every event goes to the log, as a `tracing` event with the target `tower_fapi::audit`, and to the
//! [`AuditSink`] that [`ResourceServerBuilder::audit`](crate::resource_server::ResourceServerBuilder::audit) sets.
//! There is no token material in it: no token, no proof, no nonce, and of keys and certificates the thumbprints.
//!
//! A request that passes and then lacks something its route demands makes two events: one for the layer that let it through
//! and one for the demand that did not.
//!
//! ```
//! use tower_fapi::audit::{AuditEvent, AuditSink, Decision};
//!
//! /// Sends refusals to whoever watches for attacks.
//! struct Watch(std::sync::mpsc::Sender<String>);
//!
//! impl AuditSink for Watch {
//!     fn record(&self, event: &AuditEvent<'_>) {
//!         if event.decision == Decision::Refused {
//!             let client = event.token.map_or("unknown", |token| token.client_id());
//!             let _ = self.0.send(format!("{client} {}: {}", event.route, event.reason()));
//!         }
//!     }
//! }
//! ```

mod log;

use std::fmt;

use http::Method;

pub(crate) use self::log::log;
use crate::{
    jose::{CertificateThumbprint, JwkThumbprint},
    rejection::Rejection,
    time::Timestamp,
    token::AccessToken,
};

/// Is told of every decision.
///
/// It is called on the request's own path: what takes time belongs into a queue.
pub trait AuditSink: Send + Sync + 'static {
    /// Takes one event.
    fn record(&self, event: &AuditEvent<'_>);
}

/// What was decided of a request.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Decision {
    /// It was let through.
    Accepted,
    /// It was refused: 4xx.
    Refused,
    /// We could not decide: 503.
    Failed,
    /// It was let through, and would not have been had this not been report only.
    Reported,
}

impl Decision {
    /// In lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Reported => "reported",
        }
    }

    /// What this outcome is, where refusals are carried out or only reported.
    pub(crate) const fn of(rejection: Option<&Rejection>, report_only: bool) -> Self {
        match rejection {
            None => Self::Accepted,
            Some(_) if report_only => Self::Reported,
            Some(Rejection::Refused(_)) => Self::Refused,
            Some(Rejection::Failed(_)) => Self::Failed,
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One decision.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct AuditEvent<'a> {
    /// When, by the resource server's clock.
    pub at: Timestamp,
    /// What was decided.
    pub decision: Decision,
    /// Why, unless it was accepted.
    pub rejection: Option<&'a Rejection>,
    /// The method.
    pub method: &'a Method,
    /// The route as the application wrote it, `/accounts/{id}`, where axum (feature `axum`) knows it here; the path
    /// otherwise. Never the query.
    pub route: &'a str,
    /// `x-fapi-interaction-id`, behind an [`InteractionIdLayer`](crate::layer::InteractionIdLayer).
    pub interaction_id: Option<&'a str>,
    /// What the token says, from the point on at which it has been verified. Its sender may still be somebody else: that
    /// is what most later refusals are about.
    ///
    /// A token that has never been accepted is not verified beside a proof that could not pass, for that would be a stranger's
    /// to bring about; only where refusals are
    /// [reported alone](crate::resource_server::DangerousSettings::report_only) it is.
    pub token: Option<&'a AccessToken>,
    /// The key the token is bound to.
    pub key: Option<JwkThumbprint>,
    /// The certificate that was presented.
    pub certificate: Option<CertificateThumbprint>,
}

impl AuditEvent<'_> {
    /// [`Rejection::reason`], or `none`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.rejection.map_or("none", Rejection::reason)
    }
}
