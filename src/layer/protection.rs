//! What a handler can still demand of a request that was let through.

use bytes::Bytes;
use http::{Request, Response};

use super::{record::RequestRecord, require::Demand};
use crate::{
    rejection::{AnswerForm, AuthScheme, Refusal, Rejection},
    resource_server::ResourceServer,
    time::Timestamp,
    token::AccessToken,
};

/// Stands beside the [`AccessToken`] in the extensions of a request, for what is known only once its body has been read.
///
/// ```
/// use axum::Json;
/// use serde::Deserialize;
/// use tower_fapi::layer::{Protection, Refused, RequireAuthorizationDetail};
///
/// #[derive(Deserialize)]
/// struct Payment { amount: u64, recipient: String }
///
/// async fn pay(protection: Protection, Json(payment): Json<Payment>) -> Result<&'static str, Refused> {
///     // What the user has approved is what is paid: to the cent, and to this recipient (RFC 9396 §9).
///     protection.demand(&RequireAuthorizationDetail::of_type("payment").satisfying(
///         move |approved: &Payment| {
///             approved.amount == payment.amount && approved.recipient == payment.recipient
///         },
///     ))?;
///     Ok("paid")
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Protection {
    server: ResourceServer,
    token: AccessToken,
    record: RequestRecord,
    tried: Option<AuthScheme>,
    form: AnswerForm,
}

impl Protection {
    pub(super) fn new<B>(
        server: ResourceServer,
        token: AccessToken,
        record: RequestRecord,
        request: &Request<B>,
    ) -> Self {
        Self {
            form: server.answer_form(request.method(), request.headers()),
            server,
            token,
            record,
            tried: AuthScheme::tried_in(request.headers()),
        }
    }

    /// The token of this request.
    #[must_use]
    pub const fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Demands something more of the token, at this server's time. Where it is
    /// [report only](crate::resource_server::DangerousSettings::report_only), what is missing is reported and nothing
    /// refused.
    ///
    /// # Errors
    ///
    /// [`Refused`], the answer to give, if the token does not suffice.
    pub fn demand(&self, demand: &(impl Demand + ?Sized)) -> Result<(), Refused> {
        match self.judge(demand) {
            Err(refusal) if !self.reports_only() => Err(Refused(Box::new(self.answer(refusal)))),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Checks a demand and tells the operator where it is not met.
    pub(super) fn judge(&self, demand: &(impl Demand + ?Sized)) -> Result<(), Refusal> {
        let now = self.server.now();
        demand
            .check(&self.token, now)
            .inspect_err(|refusal| self.note(&refusal.clone().into(), now))
    }

    /// The answer where the token cannot be used for a reason that no demand is about.
    #[cfg(feature = "authorization-server")]
    pub(crate) fn refuse(&self, error: crate::token::TokenError) -> Refused {
        self.note(&Refusal::from(error.clone()).into(), self.server.now());
        Refused(Box::new(self.answer(error.into())))
    }

    fn note(&self, rejection: &Rejection, now: Timestamp) {
        let certificate = self.token.confirmation().x5t_s256;
        self.record.note(
            &self.server,
            now,
            Some(rejection),
            Some(&self.token),
            certificate,
        );
    }

    pub(super) fn reports_only(&self) -> bool {
        self.server.reports_only()
    }

    pub(super) fn answer(&self, refusal: Refusal) -> Response<Bytes> {
        let challenges = self.server.challenges();
        let answer = challenges.answer(Rejection::Refused(refusal), self.tried, None);
        self.form.applied_to(answer)
    }
}

/// The answer to a request whose token does not suffice, in the form of RFC 6750 §3. With the feature `axum` a handler
/// returns it as it is. In a handler of tonic it is the status of that call, with the challenge as metadata:
/// `tonic::Status::from_header_map(refused.into_response().headers())`.
#[derive(Debug)]
pub struct Refused(Box<Response<Bytes>>);

impl Refused {
    /// The answer: status, challenge, and the [`Rejection`] in its extensions.
    #[must_use]
    pub fn into_response(self) -> Response<Bytes> {
        *self.0
    }
}
