//! Signed authorization requests (RFC 9101, RFC 9126 §3, FAPI 2.0 Message Signing §5.3.1, FAPI 1.0 Part 2 §5.2.2).

use std::time::Duration;

use serde::Deserialize as _;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{
    clients::Client,
    direct::DirectRequest,
    parameters::Parameters,
    refusal::{ErrorCode, Failure, Refusal},
    server::Server,
};
use crate::{
    jose::{CompactJws, JwsError, JwsHeader, VerifyingKeySet, json, jwe::CompactJwe},
    time::Timestamp,
};

/// How long after `nbf` `exp` may be (FAPI 2.0 Message Signing §5.3.1.1 no. 4, FAPI 1.0 Part 2 §5.2.2 no. 13).
///
/// That `nbf` is no longer ago than that (no. 3, or no. 17) follows: an object that has not expired cannot be older.
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
    #[error("client_id of the request object, and iss if it is there, must be the client_id")]
    OtherClient,
    #[error("aud of the request object must be the issuer identifier")]
    Audience,
    #[error("nbf of the request object is in the future: check the clock")]
    InFuture,
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
        let rules = &request.client.messages;
        let Some(text) = request.parameters.get("request") else {
            // RFC 9126 §2.3.
            if rules.request_object_required {
                return Err(Refusal::invalid_request(
                    "This client must send its requests as signed request objects",
                )
                .into());
            }
            return Ok(());
        };
        let (object, now) = self
            .verified_object(&request.client, text, request.now)
            .await?;
        let parameters = object.accept(&request.client.id, self.endpoints.issuer(), now);
        request.parameters = parameters.map_err(Refusal::from)?;
        Ok(())
    }

    /// Reads a request object and checks its signature, nothing else. Returns when it did.
    ///
    /// Waits only for keys of the client that are not at hand.
    async fn verified_object<'a>(
        &self,
        client: &Client,
        text: &'a str,
        now: Timestamp,
    ) -> Result<(RequestObject<'a>, Timestamp), Failure> {
        let object = RequestObject::read(text, client).map_err(Refusal::from)?;
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
        Ok((object, self.clock.now()))
    }
}

/// A request object that has been read. Nothing in it can be believed before it has been verified.
struct RequestObject<'a> {
    jws: CompactJws<'a>,
    header: JwsHeader,
    claims: Map<String, Value>,
}

impl<'a> RequestObject<'a> {
    /// The algorithm is judged here, before any key is looked for (RFC 9101 §6.2, RFC 8725 §3.1).
    fn read(text: &'a str, client: &Client) -> Result<Self, RequestObjectError> {
        if CompactJwe::has_shape(text) {
            return Err(RequestObjectError::Encrypted);
        }
        let jws = CompactJws::parse(text)?;
        let header = jws.header()?;
        let (algorithm, registered) =
            (header.algorithm(), client.messages.request_object_algorithm);
        let other = registered.is_some_and(|registered| registered != algorithm);
        if other || !client.profile.allows_algorithm(algorithm) {
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
        let named = self.claims.get("client_id").and_then(Value::as_str);
        let named = named.ok_or_else(|| malformed("client_id"))?;
        // RFC 9101 §4 recommends `iss`, FAPI does not demand it; where it is, it says who signed (RFC 9126 §3 step 3).
        let issuer_is_client = self.claims.get("iss").is_none_or(|iss| *iss == client_id);
        if named != client_id || !issuer_is_client {
            return Err(RequestObjectError::OtherClient);
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
