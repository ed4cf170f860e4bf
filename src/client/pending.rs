//! Between the request and its answer: what must be remembered while a person is at the authorization server.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use url::Url;
use zeroize::Zeroizing;

use super::{
    pkce::CodeVerifier,
    response::{AuthorizationResponse, CallbackError, Outcome},
    secret::{SecretText, secret_json},
    server_text::ServerText,
    sign_in::SignInRequest,
};
use crate::{
    jose::json::{self, InvalidJson},
    time::Timestamp,
};

/// An authorization request that is on its way: send the browser to [`url`](Self::url), keep the rest.
///
/// It holds the code verifier, so it belongs into the session of the one browser that was sent off, and nowhere else
/// (FAPI 2.0 Security Profile §5.3.3.2). [`secret_json`](Self::secret_json) and
/// [`from_secret_json`](Self::from_secret_json) carry it through a session store.
pub struct PendingAuthorization {
    pub(super) url: Url,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) state: String,
    pub(super) verifier: CodeVerifier,
    pub(super) redirect_uri: String,
    pub(super) scope: Option<String>,
    /// A signed response was asked for.
    pub(super) signed_response: bool,
    /// What the ID token has to answer, if there has to be one.
    pub(super) sign_in: Option<SignInRequest>,
    pub(super) expires: Timestamp,
}

/// A code that came back to the request it belongs to. Spend it with [`Client::exchange`](super::Client::exchange); it is
/// good for one try.
pub struct AuthorizationCode {
    pub(super) code: SecretText,
    pub(super) verifier: CodeVerifier,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scope: Option<String>,
    pub(super) state: String,
    pub(super) sign_in: Option<SignInRequest>,
}

/// A stored text is not what [`PendingAuthorization::secret_json`] wrote.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a stored authorization request: {0}")]
pub struct InvalidPending(String);

impl PendingAuthorization {
    /// Where to send the browser: the authorization endpoint with `client_id` and `request_uri`, and nothing else.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The `state` that will come back, by which an application may file this.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// When the authorization server forgets the request if nobody opens [`url`](Self::url) before (RFC 9126 §2.2).
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Checks that a response answers this very request: `iss` first, then `state`, then what it says.
    ///
    /// A response that does not belong here leaves the request as it was, so that a forged one cannot end it. Forget
    /// the request once a response was accepted.
    ///
    /// # Errors
    ///
    /// [`CallbackError`], with what the authorization server said if it is the one that refused.
    ///
    /// # Specification
    ///
    /// [RFC 9207 §2.4](https://www.rfc-editor.org/rfc/rfc9207.html#section-2.4),
    /// [RFC 6749 §4.1.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.2)
    pub fn verify(
        &self,
        response: &AuthorizationResponse,
    ) -> Result<AuthorizationCode, CallbackError> {
        if matches!(response.outcome, Outcome::Jwt(_)) {
            return Err(CallbackError::Unopened);
        }
        // Whoever can change a plain response could have taken the signature off (JARM §5).
        if self.signed_response && !response.signed {
            return Err(CallbackError::Unsigned);
        }
        match response.issuer.as_deref() {
            None => return Err(CallbackError::MissingIssuer),
            // Character by character: two spellings of one URL are two issuers (RFC 3986 §6.2.1).
            Some(issuer) if issuer != self.issuer => {
                return Err(CallbackError::WrongIssuer {
                    expected: self.issuer.clone(),
                    found: ServerText::new(issuer),
                });
            }
            Some(_) => {}
        }
        let state = response.state.as_deref().unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(self.state.as_bytes())) {
            return Err(CallbackError::WrongState);
        }
        match &response.outcome {
            Outcome::Jwt(_) => Err(CallbackError::Unopened),
            Outcome::Refused(error) => Err(CallbackError::Refused(error.clone())),
            Outcome::Code(code) => Ok(AuthorizationCode {
                code: code.duplicate(),
                verifier: self.verifier.duplicate(),
                issuer: self.issuer.clone(),
                client_id: self.client_id.clone(),
                redirect_uri: self.redirect_uri.clone(),
                scope: self.scope.clone(),
                state: self.state.clone(),
                sign_in: self.sign_in.clone(),
            }),
        }
    }

    /// The whole, verifier included, to be kept in the session of the browser that was sent off.
    ///
    /// Whoever reads it can answer for that browser: keep it on the server, or encrypt it.
    #[must_use]
    pub fn secret_json(&self) -> Zeroizing<String> {
        secret_json(&Stored {
            url: self.url.as_str(),
            issuer: &self.issuer,
            client_id: &self.client_id,
            state: &self.state,
            code_verifier: self.verifier.secret(),
            redirect_uri: &self.redirect_uri,
            scope: self.scope.as_deref(),
            signed_response: self.signed_response,
            sign_in: self.sign_in.clone(),
            expires: self.expires,
        })
    }

    /// Takes back what [`secret_json`](Self::secret_json) wrote.
    ///
    /// # Errors
    ///
    /// [`InvalidPending`] if the text is anything else.
    pub fn from_secret_json(text: &str) -> Result<Self, InvalidPending> {
        let stored: Stored<String> =
            json::from_slice(text.as_bytes()).map_err(InvalidJson::without_text)?;
        let malformed = |name: &str| InvalidPending(format!("`{name}` is malformed"));
        // An answer that says nothing would fit.
        if stored.state.is_empty() {
            return Err(malformed("state"));
        }
        let asked = stored.sign_in.as_ref();
        if asked.is_some_and(|asked| asked.nonce.is_empty()) {
            return Err(malformed("nonce"));
        }
        Ok(Self {
            url: stored.url.parse().map_err(|_| malformed("url"))?,
            issuer: stored.issuer,
            client_id: stored.client_id,
            state: stored.state,
            verifier: CodeVerifier::from_stored(stored.code_verifier)
                .ok_or_else(|| malformed("code_verifier"))?,
            redirect_uri: stored.redirect_uri,
            scope: stored.scope,
            signed_response: stored.signed_response,
            sign_in: stored.sign_in,
            expires: stored.expires,
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored<Text> {
    url: Text,
    issuer: Text,
    client_id: Text,
    state: Text,
    code_verifier: Text,
    redirect_uri: Text,
    scope: Option<Text>,
    #[serde(default)]
    signed_response: bool,
    #[serde(default)]
    sign_in: Option<SignInRequest>,
    expires: Timestamp,
}

impl From<InvalidJson> for InvalidPending {
    fn from(error: InvalidJson) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Debug for PendingAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAuthorization")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationCode")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending() -> PendingAuthorization {
        PendingAuthorization {
            url: "https://as.example/authorize?client_id=me&request_uri=urn:x"
                .parse()
                .unwrap(),
            issuer: "https://as.example".to_owned(),
            client_id: "me".to_owned(),
            state: "s 7".to_owned(),
            verifier: CodeVerifier::generate().unwrap(),
            redirect_uri: "https://app.example/cb".to_owned(),
            scope: Some("accounts".to_owned()),
            signed_response: false,
            sign_in: Some(SignInRequest {
                nonce: "n-1".to_owned(),
                asked_at: Timestamp::from_unix(1_800_000_000),
                max_age: None,
                auth_time: false,
                acr: vec![],
                subject: None,
            }),
            expires: Timestamp::from_unix(1_800_000_060),
        }
    }

    fn verdict(query: &str) -> Result<AuthorizationCode, CallbackError> {
        pending().verify(&AuthorizationResponse::from_query(query)?)
    }

    // RFC 9207 §2.4, RFC 6749 §4.1.2 and §10.12.
    #[test]
    fn only_the_answer_to_this_request_is_accepted() {
        use CallbackError::{MissingIssuer, WrongState};
        let wrong = |found: &str| CallbackError::WrongIssuer {
            expected: "https://as.example".to_owned(),
            found: ServerText::new(found),
        };
        for (query, expected) in [
            ("code=c&state=s+7", MissingIssuer),
            ("error=access_denied&state=s+7", MissingIssuer),
            ("code=c&state=s+7&iss=", wrong("")),
            (
                "code=c&state=s+7&iss=https://evil.example",
                wrong("https://evil.example"),
            ),
            (
                "error=access_denied&state=s+7&iss=https://evil.example",
                wrong("https://evil.example"),
            ),
            (
                "code=c&state=s+7&iss=https://as.example/",
                wrong("https://as.example/"),
            ),
            (
                "code=c&state=s+7&iss=https://AS.example",
                wrong("https://AS.example"),
            ),
            ("code=c&iss=https://as.example", WrongState),
            ("code=c&state=&iss=https://as.example", WrongState),
            ("code=c&state=s+77&iss=https://as.example", WrongState),
            ("error=x&state=S+7&iss=https://as.example", WrongState),
        ] {
            assert_eq!(verdict(query).err(), Some(expected), "{query}");
        }
        let code = verdict("code=c&state=s%207&iss=https%3A%2F%2Fas.example").unwrap();
        assert_eq!(code.code.secret(), "c");
        assert!(!format!("{code:?}").contains(code.verifier.secret()));
    }

    #[test]
    fn a_refusal_says_why_in_harmless_words() {
        let query =
            "error=access_denied&error_description=no%0Away&state=s+7&iss=https://as.example";
        let Err(CallbackError::Refused(error)) = verdict(query) else {
            panic!("not a refusal");
        };
        assert_eq!(error.code(), "access_denied");
        assert_eq!(error.description(), Some("no\u{fffd}way"));
    }

    #[test]
    fn a_request_survives_storage_and_shows_no_secret() {
        let before = pending();
        let stored = before.secret_json();
        let after = PendingAuthorization::from_secret_json(&stored).unwrap();
        assert_eq!(*after.secret_json(), *stored);
        assert_eq!(after.verifier.secret(), before.verifier.secret());
        assert!(!format!("{after:?}").contains(before.verifier.secret()));

        let without_type = stored.replace("\"expires\":", "\"expires\":\"x\",\"e\":");
        for (case, text) in [
            ("empty", "{}".to_owned()),
            ("other member", stored.replacen('{', "{\"more\":1,", 1)),
            ("member twice", stored.replacen('{', "{\"issuer\":\"\",", 1)),
            (
                "verifier cut",
                stored.replace(before.verifier.secret(), "short"),
            ),
            ("no URL", stored.replace("https://as.example/authorize", "")),
            ("wrong type", without_type),
            ("any state", stored.replace("s 7", "")),
            ("any nonce", stored.replace("n-1", "")),
        ] {
            assert_ne!(text, *stored, "{case}");
            assert!(
                PendingAuthorization::from_secret_json(&text).is_err(),
                "{case}"
            );
        }
        let moved = stored.replace("\"expires\":", "\"expires\":\"hunter2\",\"e\":");
        let told = PendingAuthorization::from_secret_json(&moved)
            .err()
            .unwrap();
        assert!(!told.to_string().contains("hunter2"), "{told}");
    }
}
