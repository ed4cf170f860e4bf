//! What the claims of a request object ask for, if they count.

use std::time::Duration;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::{RequestObjectError, malformed};
use crate::{authorization_server::parameters::Parameters, time::Timestamp};

/// How long after `nbf` `exp` may be (FAPI 2.0 Message Signing §5.3.1 no. 4, FAPI 1.0 Part 2 §5.2.2 no. 13).
///
/// That `nbf` is no longer ago than that (no. 3, or no. 17) follows: an object that has not expired cannot be older.
const HOUR: Duration = Duration::from_mins(60);

/// How far ahead `nbf` and `iat` may lie: at least 10 s have to pass, more than 60 s must not
/// (FAPI 2.0 Security Profile §5.3.2.1 no. 13).
const MAX_AHEAD: Duration = Duration::from_secs(30);

/// A request object that its client has signed. Whether it counts, here and now, is yet to be judged.
pub(crate) struct SignedRequest {
    claims: Map<String, Value>,
    /// Of what was signed: two objects have the same only if they ask for the same, at the same moment.
    pub(crate) identity: [u8; 32],
    /// When it was verified.
    pub(crate) now: Timestamp,
}

/// What a request object asks for that counts.
pub(crate) struct Asked {
    pub(crate) parameters: Parameters,
    /// Until when it counts.
    pub(crate) expires: Timestamp,
}

impl SignedRequest {
    pub(super) const fn new(
        claims: Map<String, Value>,
        identity: [u8; 32],
        now: Timestamp,
    ) -> Self {
        Self {
            claims,
            identity,
            now,
        }
    }

    /// A claim that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// A claim that is a date. It may be absent, but not malformed.
    fn date(&self, name: &str) -> Result<Option<Timestamp>, RequestObjectError> {
        let date = self.claims.get(name).map(Timestamp::deserialize);
        date.transpose().map_err(|_| malformed(name))
    }

    /// Checks who it is from, whom it is for and when it counts; gives what it asks for.
    pub(crate) fn accept(
        &self,
        client_id: &str,
        issuer: &str,
    ) -> Result<Asked, RequestObjectError> {
        let named = self.text("client_id");
        let named = named.ok_or_else(|| malformed("client_id"))?;
        // RFC 9101 §4 recommends `iss`, FAPI does not demand it; where it is, it says who signed (RFC 9126 §3 step 3).
        let issuer_is_client = self.claims.get("iss").is_none_or(|iss| *iss == client_id);
        if named != client_id || !issuer_is_client {
            return Err(RequestObjectError::OtherClient);
        }
        if !is_for(self.claims.get("aud"), issuer)? {
            return Err(RequestObjectError::Audience);
        }
        let not_before = self.date("nbf")?.ok_or_else(|| malformed("nbf"))?;
        let expires = self.date("exp")?.ok_or_else(|| malformed("exp"))?;
        let latest = self.now.plus(MAX_AHEAD);
        if not_before > latest {
            return Err(RequestObjectError::InFuture("nbf"));
        }
        if self.date("iat")?.is_some_and(|issued| issued > latest) {
            return Err(RequestObjectError::InFuture("iat"));
        }
        if expires > not_before.plus(HOUR) {
            return Err(RequestObjectError::LivesTooLong);
        }
        if expires <= self.now {
            return Err(RequestObjectError::Expired);
        }
        let nested = |name: &str| self.claims.contains_key(name);
        if nested("request") || nested("request_uri") {
            return Err(RequestObjectError::Nested);
        }
        let mut parameters = Vec::new();
        for (name, value) in &self.claims {
            take(&mut parameters, name, value)?;
        }
        Ok(Asked {
            parameters: Parameters::from_pairs(parameters),
            expires,
        })
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

/// What are claims of the JWT itself, and no parameters of the request (RFC 9101 §9.1).
const OWN: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// Takes a claim as the parameter it stands for: text as a string, numbers as JSON numbers, JSON as it is
/// (RFC 9101 §4, OpenID Connect Core §6.1, RFC 9396 §2).
fn take(
    parameters: &mut Vec<(String, String)>,
    name: &str,
    value: &Value,
) -> Result<(), RequestObjectError> {
    if OWN.contains(&name) {
        return Ok(());
    }
    let text = match (name, value) {
        ("max_age", Value::Number(age)) => age.to_string(),
        ("authorization_details", list @ Value::Array(_)) => list.to_string(),
        ("claims", members @ Value::Object(_)) => members.to_string(),
        ("max_age" | "authorization_details" | "claims", _) => return Err(malformed(name)),
        ("resource", Value::Array(several)) => {
            for one in several {
                let Value::String(one) = one else {
                    return Err(malformed(name));
                };
                parameters.push((name.to_owned(), one.clone()));
            }
            return Ok(());
        }
        (_, Value::String(text)) => text.clone(),
        // Whoever knows it will know what its type means; here it is ignored (RFC 6749 §3.1).
        (unknown, _) if !Parameters::is_known(unknown) => return Ok(()),
        _ => return Err(malformed(name)),
    };
    parameters.push((name.to_owned(), text));
    Ok(())
}
