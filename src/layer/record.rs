//! What of a request stands in the record of its decisions, kept when the request itself has gone on.

use std::fmt;

use http::{Method, Request, Uri};

use super::InteractionId;
use crate::{
    audit::{AuditEvent, Decision},
    jose::CertificateThumbprint,
    rejection::Rejection,
    resource_server::ResourceServer,
    time::Timestamp,
    token::AccessToken,
};

/// All of it is cheap to clone: shared, or a few bytes.
#[derive(Clone, Debug)]
pub(super) struct RequestRecord {
    method: Method,
    route: Route,
    interaction_id: Option<InteractionId>,
}

#[derive(Clone)]
enum Route {
    #[cfg(feature = "axum")]
    Matched(axum::extract::MatchedPath),
    Path(Uri),
}

impl RequestRecord {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            route: Route::of(request),
            interaction_id: request.extensions().get().copied(),
        }
    }

    /// Takes down what was decided.
    pub(super) fn note(
        &self,
        server: &ResourceServer,
        at: Timestamp,
        rejection: Option<&Rejection>,
        token: Option<&AccessToken>,
        certificate: Option<CertificateThumbprint>,
    ) {
        server.note(&AuditEvent {
            at,
            decision: Decision::of(rejection, server.reports_only()),
            rejection,
            method: &self.method,
            route: self.route.as_str(),
            interaction_id: self.interaction_id.as_ref().map(InteractionId::as_str),
            token,
            key: token.and_then(|token| token.confirmation().jkt),
            certificate,
        });
    }
}

impl Route {
    fn of<B>(request: &Request<B>) -> Self {
        #[cfg(feature = "axum")]
        if let Some(path) = request.extensions().get::<axum::extract::MatchedPath>() {
            return Self::Matched(path.clone());
        }
        Self::Path(request.uri().clone())
    }

    fn as_str(&self) -> &str {
        match self {
            #[cfg(feature = "axum")]
            Self::Matched(path) => path.as_str(),
            Self::Path(uri) => uri.path(),
        }
    }
}

/// Without the query, where a token may stand.
impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
