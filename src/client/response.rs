//! What the browser brings back from the authorization server.

use std::fmt;

use serde_json::{Map, Value};

use super::{error::AuthorizationServerError, secret::SecretText, server_text::ServerText};
use crate::jose::{CompactJws, JwsError, json};

/// Longest query that is looked at, in bytes.
const LIMIT: usize = 64 * 1024;

/// An authorization response, taken apart and not yet believed (RFC 6749 §4.1.2, RFC 9207 §2).
///
/// [`state`](Self::state) finds the [`PendingAuthorization`](super::PendingAuthorization) it may belong to;
/// [`PendingAuthorization::verify`](super::PendingAuthorization::verify) then says whether it does.
///
/// ```
/// use tower_fapi::client::AuthorizationResponse;
///
/// let response = AuthorizationResponse::from_query("code=SplxlO&state=af0if&iss=https%3A%2F%2Fas.example.com")?;
/// assert_eq!(response.state(), Some("af0if"));
/// assert!(AuthorizationResponse::from_query("code=one&code=two").is_err());
/// # Ok::<_, tower_fapi::client::CallbackError>(())
/// ```
pub struct AuthorizationResponse {
    pub(super) state: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) outcome: Outcome,
    /// It came in a JWT whose signature has been verified.
    pub(super) signed: bool,
}

pub(super) enum Outcome {
    Code(SecretText),
    /// Everything is in a JWT that nobody has verified yet (JARM §2.3.1).
    Jwt(SecretText),
    Refused(AuthorizationServerError),
}

/// Why an authorization response leads to no tokens.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CallbackError {
    /// The URL has no query.
    #[error("the redirect URL has no query")]
    NoQuery,
    /// The query is longer than any honest one.
    #[error("the authorization response is longer than {LIMIT} bytes")]
    TooLong,
    /// A parameter stands there twice (RFC 6749 §3.1).
    #[error("the authorization response holds `{0}` more than once")]
    Repeated(&'static str),
    /// Neither a code nor an error.
    #[error("the authorization response holds neither `code` nor `error`")]
    Empty,
    /// More than one of a code, an error and a JWT.
    #[error("the authorization response holds more than one of `code`, `error` and `response`")]
    Contradictory,
    /// The code holds characters that no code holds (RFC 6749 Appendix A.11).
    #[error("the authorization code holds characters that are not allowed in one")]
    MalformedCode,
    /// Nobody says who answered; FAPI 2.0 has every authorization server say it (RFC 9207).
    #[error(
        "the authorization response has no `iss`: it cannot be told from one of another authorization server"
    )]
    MissingIssuer,
    /// Another authorization server answered than the one that was asked (RFC 9207 §2.4).
    #[error("the authorization response comes from `{found}`, but `{expected}` was asked")]
    WrongIssuer {
        /// Whom the request was sent to.
        expected: String,
        /// Who says it answers.
        found: ServerText,
    },
    /// The response has no `state`, or not the one of the request.
    #[error("`state` is not that of the request: the response belongs to another one")]
    WrongState,
    /// A signed response was asked for, and this one is not signed (JARM).
    #[error("the authorization response is not signed, but a signed one was asked for")]
    Unsigned,
    /// The response is a JWT, which [`Client::open_response`](super::Client::open_response) has to open first.
    #[error("the authorization response is a JWT that has not been opened yet")]
    Unopened,
    /// The JWT is malformed, or not signed by the authorization server (JARM §2.4).
    #[error("the signed authorization response: {0}")]
    Jwt(JwsError),
    /// The JWT is for another client, has expired, or is no authorization response (JARM §2.4).
    #[error("`{0}` of the signed authorization response is missing or wrong")]
    Claim(&'static str),
    /// The response is not encrypted to a key of this client (JARM §2.4).
    #[error("the authorization response is not encrypted to a key of this client")]
    Decryption,
    /// The authorization server, or the person in front of it, said no. `iss` and `state` were right.
    #[error("the authorization server refused: {0}")]
    Refused(AuthorizationServerError),
}

impl AuthorizationResponse {
    /// Reads the query of the request to the redirect URI, with or without its `?`.
    ///
    /// Parameters it does not know are ignored: the redirect URI may have some of its own.
    ///
    /// # Errors
    ///
    /// [`CallbackError`] if it is no authorization response, whoever may have made it.
    pub fn from_query(query: &str) -> Result<Self, CallbackError> {
        if query.len() > LIMIT {
            return Err(CallbackError::TooLong);
        }
        let mut parameters = Parameters::default();
        let query = query.strip_prefix('?').unwrap_or(query);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            parameters.take(&name, &value)?;
        }
        parameters.finish(false)
    }

    /// Reads the claims of a JWT that has been verified.
    pub(super) fn from_claims(claims: &Map<String, Value>) -> Result<Self, CallbackError> {
        let mut parameters = Parameters::default();
        for name in ["code", "state", "iss", "error", "error_description"] {
            match claims.get(name) {
                None => {}
                Some(Value::String(value)) => parameters.take(name, value)?,
                Some(_) => return Err(CallbackError::Claim(name)),
            }
        }
        parameters.finish(true)
    }

    /// Reads the whole URL the browser was sent to.
    ///
    /// # Errors
    ///
    /// As [`from_query`](Self::from_query); [`CallbackError::NoQuery`] if there is none.
    pub fn from_url(url: &str) -> Result<Self, CallbackError> {
        let url = url.split_once('#').map_or(url, |(url, _fragment)| url);
        let (_, query) = url.split_once('?').ok_or(CallbackError::NoQuery)?;
        Self::from_query(query)
    }

    /// The `state`, by which an application finds the request this may answer. Of a response in a JWT it is what the JWT
    /// says unverified, and `None` if that is encrypted.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    pub(super) fn duplicate(&self) -> Self {
        Self {
            state: self.state.clone(),
            issuer: self.issuer.clone(),
            outcome: match &self.outcome {
                Outcome::Code(code) => Outcome::Code(code.duplicate()),
                Outcome::Jwt(jwt) => Outcome::Jwt(jwt.duplicate()),
                Outcome::Refused(error) => Outcome::Refused(error.clone()),
            },
            signed: self.signed,
        }
    }
}

impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationResponse")
            .field("issuer", &self.issuer.as_deref().map(ServerText::new))
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Parameters {
    code: Option<SecretText>,
    state: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
    description: Option<String>,
    jwt: Option<SecretText>,
}

impl Parameters {
    fn finish(self, signed: bool) -> Result<AuthorizationResponse, CallbackError> {
        let outcome = match (self.code, self.error, self.jwt) {
            (None, None, Some(jwt)) => {
                return Ok(AuthorizationResponse {
                    state: unverified_state(jwt.secret()),
                    issuer: None,
                    outcome: Outcome::Jwt(jwt),
                    signed,
                });
            }
            (Some(code), None, None) => Outcome::Code(well_formed(code)?),
            (None, Some(error), None) => Outcome::Refused(AuthorizationServerError::new(
                &error,
                self.description.as_deref(),
            )),
            (None, None, None) => return Err(CallbackError::Empty),
            (_, _, _) => return Err(CallbackError::Contradictory),
        };
        Ok(AuthorizationResponse {
            state: self.state,
            issuer: self.issuer,
            outcome,
            signed,
        })
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), CallbackError> {
        match name {
            "code" => once(&mut self.code, "code", SecretText::new(value)),
            "response" => once(&mut self.jwt, "response", SecretText::new(value)),
            "state" => once(&mut self.state, "state", value.to_owned()),
            "iss" => once(&mut self.issuer, "iss", value.to_owned()),
            "error" => once(&mut self.error, "error", value.to_owned()),
            "error_description" => {
                once(&mut self.description, "error_description", value.to_owned())
            }
            _ => Ok(()),
        }
    }
}

fn once<T>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), CallbackError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(CallbackError::Repeated(name)),
    }
}

/// What a JWT says its `state` is.
fn unverified_state(jwt: &str) -> Option<String> {
    let payload = CompactJws::parse(jwt).ok()?.payload().ok()?;
    match json::object(&payload).ok()?.remove("state") {
        Some(Value::String(state)) => Some(state),
        Some(_) | None => None,
    }
}

fn well_formed(code: SecretText) -> Result<SecretText, CallbackError> {
    let visible = |byte: u8| (0x20..=0x7e).contains(&byte);
    if !code.secret().is_empty() && code.secret().bytes().all(visible) {
        Ok(code)
    } else {
        Err(CallbackError::MalformedCode)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusal(query: &str) -> Option<CallbackError> {
        AuthorizationResponse::from_query(query).err()
    }

    // RFC 6749 §3.1, §4.1.2, Appendix A.11.
    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        use CallbackError::{Contradictory, Empty, MalformedCode, Repeated, TooLong};
        let long = format!("code={}", "x".repeat(LIMIT));
        for (case, query, expected) in [
            ("two codes", "code=a&code=b", Repeated("code")),
            ("the same code twice", "code=a&code=a", Repeated("code")),
            (
                "two names spelled apart",
                "code=a&c%6fde=b",
                Repeated("code"),
            ),
            ("two states", "code=a&state=s&state=t", Repeated("state")),
            ("two issuers", "code=a&iss=x&iss=y", Repeated("iss")),
            ("two errors", "error=a&error=b", Repeated("error")),
            (
                "two descriptions",
                "error=a&error_description=b&error_description=c",
                Repeated("error_description"),
            ),
            ("code and error", "code=a&error=b", Contradictory),
            ("nothing", "", Empty),
            ("only state", "state=s&iss=x", Empty),
            ("upper case", "CODE=a", Empty),
            ("empty code", "code=", MalformedCode),
            ("line break in the code", "code=a%0D%0Ab", MalformedCode),
            ("code beyond ASCII", "code=%C3%A9", MalformedCode),
            ("code not UTF-8", "code=%FF", MalformedCode),
            ("flood", long.as_str(), TooLong),
        ] {
            assert_eq!(refusal(query), Some(expected), "{case}");
        }
    }

    #[test]
    fn query_and_url_are_read_alike() {
        for read in [
            AuthorizationResponse::from_query("?own=1&own=2&code=a%2Bb&state=s+t&iss=x"),
            AuthorizationResponse::from_url(
                "https://c.example/cb?own=1&code=a%2Bb&state=s%20t&iss=x#top",
            ),
        ] {
            let response = read.unwrap();
            assert_eq!(response.state(), Some("s t"));
            assert_eq!(response.issuer.as_deref(), Some("x"));
            assert!(matches!(&response.outcome, Outcome::Code(code) if code.secret() == "a+b"));
        }
        for url in ["https://c.example/cb", "https://c.example/cb#code=a"] {
            let read = AuthorizationResponse::from_url(url);
            assert_eq!(read.err(), Some(CallbackError::NoQuery), "{url}");
        }
    }

    #[test]
    fn a_code_is_not_shown() {
        let response = AuthorizationResponse::from_query("code=hunter2&state=s").unwrap();
        assert!(!format!("{response:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn any_text_is_an_error_or_a_value_and_never_a_panic(text: String) {
            let _ = AuthorizationResponse::from_query(&text);
            let _ = AuthorizationResponse::from_url(&text);
        }
    }
}
