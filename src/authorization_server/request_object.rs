//! Signed authorization requests at the pushed authorization request endpoint (RFC 9101, RFC 9126 §3, FAPI 2.0 Message
//! Signing §5.3.1).

use std::time::Duration;

use serde::Deserialize as _;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{
    direct::DirectRequest,
    parameters::Parameters,
    refusal::{ErrorCode, Failure, Refusal},
    server::Server,
};
use crate::{
    jose::{CompactJws, JwsAlgorithm, JwsError, JwsHeader, VerifyingKeySet, json, jwe::CompactJwe},
    time::Timestamp,
};

/// How long ago `nbf` may be, and how long after it `exp` (FAPI 2.0 Message Signing §5.3.1, rules 3 and 4).
const HOUR: Duration = Duration::from_mins(60);

/// How far ahead `nbf` may lie: at least 10 s have to pass, more than 60 s must not
/// (FAPI 2.0 Security Profile §5.3.2.1, Note 3).
const MAX_AHEAD: Duration = Duration::from_secs(30);

/// Why a request object is not believed. Both the operator and the client may read it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum RequestObjectError {
    #[error("The request object is encrypted, which is not supported")]
    Encrypted,
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
    #[error("iss and client_id of the request object must both be the client_id")]
    OtherClient,
    #[error("aud of the request object must be the issuer identifier")]
    Audience,
    #[error("nbf of the request object is in the future: check the clock")]
    InFuture,
    #[error("nbf of the request object is more than 60 minutes ago")]
    TooOld,
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
    /// Puts what the client has signed in the place of everything else it has sent (RFC 9101 §6.3).
    ///
    /// Waits only for keys of the client that are not at hand.
    pub(crate) async fn open_request_object(
        &self,
        request: &mut DirectRequest,
    ) -> Result<(), Failure> {
        if request.parameters.has("request_uri") {
            return Err(Refusal::invalid_request("request_uri must not be pushed itself").into());
        }
        let rules = &request.client.messages;
        let Some(text) = request.parameters.get("request") else {
            if rules.request_object_required {
                return Err(Refusal::invalid_request(
                    "This client must send its requests as signed request objects",
                )
                .into());
            }
            return Ok(());
        };
        let refused = |error: RequestObjectError| Failure::from(Refusal::from(error));
        let object = RequestObject::read(text, rules.request_object_algorithm).map_err(refused)?;
        let keys = rules
            .keys
            .as_ref()
            .ok_or_else(|| refused(RequestObjectError::NoKeys))?;
        let known = keys.obtain(request.now).await?;
        let mut verified = object.verify(&known.keys);
        if verified == Err(JwsError::NoKey) {
            // The client may have begun to use a new key.
            let now = self.clock.now();
            let fetched = keys.refresh_for_unknown_key(known.generation, now).await?;
            verified = object.verify(&fetched.keys);
        }
        verified.map_err(|error| refused(RequestObjectError::Signature(error)))?;
        // Judged after any wait: what was valid before it may not be any more.
        let now = self.clock.now();
        let issuer = self.endpoints.issuer();
        let parameters = object.accept(&request.client.id, issuer, now);
        request.parameters = parameters.map_err(refused)?;
        Ok(())
    }
}

/// A request object that has been read. Nothing in it can be believed before it has been verified.
struct RequestObject<'a> {
    jws: CompactJws<'a>,
    header: JwsHeader,
    claims: Map<String, Value>,
}

impl<'a> RequestObject<'a> {
    /// The algorithm is judged here, before any key is looked for.
    fn read(text: &'a str, registered: Option<JwsAlgorithm>) -> Result<Self, RequestObjectError> {
        if CompactJwe::has_shape(text) {
            return Err(RequestObjectError::Encrypted);
        }
        let jws = CompactJws::parse(text)?;
        let header = jws.header()?;
        if registered.is_some_and(|registered| registered != header.algorithm()) {
            return Err(RequestObjectError::Algorithm);
        }
        // An assertion or a proof that somebody got hold of must not become a request (RFC 9101 §10.8).
        let fits =
            header.typ().is_none() || header.is_typ("oauth-authz-req+jwt") || header.is_typ("JWT");
        if !fits {
            return Err(RequestObjectError::Type);
        }
        let claims = json::object(&jws.payload()?).map_err(JwsError::from)?;
        Ok(Self {
            jws,
            header,
            claims,
        })
    }

    fn verify(&self, keys: &VerifyingKeySet) -> Result<(), JwsError> {
        self.jws.verify_with(&self.header, keys)
    }

    /// Checks who it is from, whom it is for and when it counts; gives what it asks for.
    fn accept(
        self,
        client_id: &str,
        issuer: &str,
        now: Timestamp,
    ) -> Result<Parameters, RequestObjectError> {
        for name in ["iss", "client_id"] {
            let value = self.claims.get(name).and_then(Value::as_str);
            let value = value.ok_or_else(|| malformed(name))?;
            if value != client_id {
                return Err(RequestObjectError::OtherClient);
            }
        }
        if !is_for(self.claims.get("aud"), issuer)? {
            return Err(RequestObjectError::Audience);
        }
        let [not_before, expires] = ["nbf", "exp"].map(|name| {
            let date = self.claims.get(name).map(Timestamp::deserialize);
            date.and_then(Result::ok).ok_or_else(|| malformed(name))
        });
        let (not_before, expires) = (not_before?, expires?);
        if not_before > now.plus(MAX_AHEAD) {
            return Err(RequestObjectError::InFuture);
        }
        if not_before.plus(HOUR) < now {
            return Err(RequestObjectError::TooOld);
        }
        if expires > not_before.plus(HOUR) {
            return Err(RequestObjectError::LivesTooLong);
        }
        if expires <= now {
            return Err(RequestObjectError::Expired);
        }
        let nested = |name: &str| self.claims.contains_key(name);
        if nested("request") || nested("request_uri") {
            return Err(RequestObjectError::Nested);
        }
        let mut parameters = Vec::new();
        for (name, value) in self.claims {
            take(&mut parameters, name, value)?;
        }
        Ok(Parameters::from_pairs(parameters))
    }
}

/// RFC 7519 §4.1.3: one string, or several.
fn is_for(audience: Option<&Value>, issuer: &str) -> Result<bool, RequestObjectError> {
    match audience {
        Some(Value::String(one)) => Ok(one == issuer),
        Some(Value::Array(several)) if several.iter().all(Value::is_string) => {
            Ok(several.iter().any(|one| one.as_str() == Some(issuer)))
        }
        Some(_) | None => Err(malformed("aud")),
    }
}

/// What are claims of the JWT itself, and no parameters of the request.
const OWN: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// Takes a claim as the parameter it stands for: text as a string, numbers as JSON numbers, JSON as it is
/// (RFC 9101 §4, OpenID Connect Core §6.1, RFC 9396 §2).
fn take(
    parameters: &mut Vec<(String, String)>,
    name: String,
    value: Value,
) -> Result<(), RequestObjectError> {
    if OWN.contains(&name.as_str()) {
        return Ok(());
    }
    let text = match (name.as_str(), value) {
        ("max_age", Value::Number(age)) => age.to_string(),
        ("authorization_details", list @ Value::Array(_)) => list.to_string(),
        ("claims", members @ Value::Object(_)) => members.to_string(),
        ("max_age" | "authorization_details" | "claims", _) => return Err(malformed(&name)),
        ("resource", Value::Array(several)) => {
            for one in several {
                let Value::String(one) = one else {
                    return Err(malformed(&name));
                };
                parameters.push((name.clone(), one));
            }
            return Ok(());
        }
        (_, Value::String(text)) => text,
        // Whoever knows it will know what its type means; here it is ignored (RFC 6749 §3.1).
        (unknown, _) if !Parameters::is_known(unknown) => return Ok(()),
        _ => return Err(malformed(&name)),
    };
    parameters.push((name, text));
    Ok(())
}

/// Names are the client's own words: only those that are known are repeated.
fn malformed(name: &str) -> RequestObjectError {
    RequestObjectError::Claim(name.to_owned())
}
