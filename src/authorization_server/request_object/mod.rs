//! Signed authorization requests (RFC 9101, RFC 9126 §3, FAPI 2.0 Message Signing §5.3.1, FAPI 1.0 Part 2 §5.2.2).

mod claims;
mod text;

use thiserror::Error;

use self::text::RequestObject;
pub(crate) use self::{claims::SignedRequest, text::Encryption};
use super::{
    clients::Client,
    direct::DirectRequest,
    refusal::{ErrorCode, Failure, Refusal},
    server::Server,
};
use crate::jose::JwsError;

/// Why a request object is not believed. Both the operator and the client may read it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum RequestObjectError {
    /// One answer to everything that can go wrong, so that nothing is learned from it (RFC 7516 §11.5).
    #[error("The request object cannot be decrypted")]
    Undecipherable,
    #[error("The request object must be encrypted, as registered")]
    NotEncrypted,
    #[error("The request object is malformed: {0}")]
    Malformed(#[from] JwsError),
    #[error("The request object must be signed with PS256, ES256 or EdDSA, as registered")]
    Algorithm,
    /// RFC 8725 §3.11: a JWT made for something else.
    #[error("typ of the request object is that of another kind of JWT")]
    Type,
    #[error("The client has registered no keys to sign request objects with")]
    NoKeys,
    #[error("The signature of the request object cannot be verified")]
    Signature(JwsError),
    #[error("{0} of the request object is missing or malformed")]
    Claim(String),
    #[error("client_id of the request object, and iss if it is there, must be the client_id")]
    OtherClient,
    #[error("aud of the request object must be the issuer identifier")]
    Audience,
    #[error("{0} of the request object is in the future: check the clock")]
    InFuture(&'static str),
    #[error("exp of the request object is more than 60 minutes after nbf")]
    LivesTooLong,
    #[error("The request object has expired")]
    Expired,
    /// RFC 9101 §4.
    #[error("A request object must not hold request or request_uri")]
    Nested,
}

impl From<RequestObjectError> for Refusal {
    fn from(error: RequestObjectError) -> Self {
        let error = match error {
            RequestObjectError::Malformed(JwsError::Algorithm) => RequestObjectError::Algorithm,
            other => other,
        };
        Self::new(ErrorCode::InvalidRequestObject, error.to_string())
    }
}

impl Server {
    /// Puts what the client has signed in the place of everything else it has pushed (RFC 9101 §6.3, RFC 9126 §3).
    ///
    /// Waits only for keys of the client that are not at hand.
    pub(crate) async fn open_request_object(
        &self,
        request: &mut DirectRequest,
    ) -> Result<(), Failure> {
        // RFC 9126 §2.1 step 2.
        if request.parameters.has("request_uri") {
            return Err(Refusal::invalid_request("request_uri must not be pushed itself").into());
        }
        let Some(text) = request.parameters.get("request") else {
            // RFC 9126 §2.3.
            if request.client.messages.request_object_required {
                return Err(Refusal::invalid_request(
                    "This client must send its requests as signed request objects",
                )
                .into());
            }
            return Ok(());
        };
        let signed = self.verify_request(&request.client, text).await?;
        let asked = signed.accept(&request.client.id, self.endpoints.issuer());
        request.parameters = asked.map_err(Refusal::from)?.parameters;
        Ok(())
    }

    /// Decrypts a request object if it is encrypted, and checks its signature (RFC 9101 §6.1 and §6.2), nothing else.
    ///
    /// Waits only for keys of the client that are not at hand.
    pub(crate) async fn verify_request(
        &self,
        client: &Client,
        text: &str,
    ) -> Result<SignedRequest, Failure> {
        let now = self.clock.now();
        let signed = self.decrypted(client, text, now).map_err(Refusal::from)?;
        let object = RequestObject::read(&signed, client).map_err(Refusal::from)?;
        let keys = client.messages.keys.as_ref();
        let keys = keys.ok_or_else(|| Refusal::from(RequestObjectError::NoKeys))?;
        let known = keys.obtain(now).await?;
        let mut verified = object.verify(&known.keys);
        if verified == Err(JwsError::NoKey) {
            // The client may have begun to use a new key.
            let now = self.clock.now();
            let fetched = keys.refresh_for_unknown_key(known.generation, now).await?;
            verified = object.verify(&fetched.keys);
        }
        verified.map_err(|error| Refusal::from(RequestObjectError::Signature(error)))?;
        // The rest is judged after any wait: what was valid before it may not be any more.
        Ok(object.verified(self.clock.now()))
    }
}

/// Names are the client's own words: only those that are known are repeated.
fn malformed(name: &str) -> RequestObjectError {
    RequestObjectError::Claim(name.to_owned())
}
