//! What an application asks the authorization server for.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use crate::issuer::is_loopback;

/// A request for authorization: what is wanted, and where the browser is sent afterwards (RFC 6749 §4.1.1).
///
/// Everything in it goes to the authorization server directly (RFC 9126); the browser sees none of it.
///
/// ```
/// use tower_fapi::client::AuthorizationRequest;
///
/// let request = AuthorizationRequest::new("https://app.example.com/callback")?
///     .scope("accounts payments")?
///     .authorization_details(&[serde_json::json!({ "type": "payment", "amount": "12.50" })])?
///     .parameter("ui_locales", "de en")?;
/// assert!(request.parameter("client_id", "somebody-else").is_err());
/// # Ok::<_, tower_fapi::client::InvalidRequest>(())
/// ```
#[derive(Clone)]
pub struct AuthorizationRequest {
    pub(super) redirect_uri: String,
    pub(super) scope: Option<String>,
    pub(super) state: Option<String>,
    pub(super) authorization_details: Option<String>,
    /// The parameter `claims`; none if it is empty.
    pub(super) claims: Map<String, Value>,
    /// Who is expected to sign in.
    pub(super) subject: Option<String>,
    /// Who made the ID token that says so.
    pub(super) hint_issuer: Option<String>,
    pub(super) further: Vec<(String, String)>,
}

/// Why a request cannot be made.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidRequest {
    /// Not an absolute URL without fragment, or plain http to another machine (FAPI 2.0 Security Profile §5.3.2.2).
    #[error("the redirect URI is not an absolute https URL without fragment")]
    RedirectUri,
    /// Not scope names separated by single spaces (RFC 6749 §3.3).
    #[error("the scope is not a list of names separated by single spaces")]
    Scope,
    /// Empty, or beyond printable ASCII (RFC 6749 Appendix A.5).
    #[error("the state is empty or holds characters beyond printable ASCII")]
    State,
    /// Not an array of objects that each have a `type` (RFC 9396 §2).
    #[error("the authorization details are not objects with a `type`")]
    AuthorizationDetails,
    /// Empty, or a value that is empty or holds a space or anything beyond printable ASCII.
    #[error("the authentication contexts are not names without spaces")]
    AcrValues,
    /// Nothing, or something beside `none` (OpenID Connect Core §3.1.2.1).
    #[error("`prompt` is empty, or holds something beside `none`")]
    Prompt,
    /// Not an object whose members `userinfo` and `id_token` hold objects and `null`s (OpenID Connect Core §5.5).
    #[error(
        "`claims` is not an object with `userinfo` and `id_token`, each with one object or `null` for each claim"
    )]
    Claims,
    /// Not an absolute URI without fragment (RFC 8707 §2).
    #[error("the resource is not an absolute URI without fragment")]
    Resource,
    /// The parameter has a method of its own, is made by the client, or stands there already.
    #[error("the parameter `{0}` cannot be set here")]
    Parameter(String),
}

/// What the client sets by itself or by a method of its own, and what would change who is asking.
const RESERVED: [&str; 20] = [
    "acr_values",
    "authorization_details",
    "claims",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "id_token_hint",
    "max_age",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

impl AuthorizationRequest {
    /// Starts a request whose answer goes to this redirect URI, which must be one the client has registered.
    ///
    /// The authorization server compares it as it is written here.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::RedirectUri`] if it is not an absolute URL without fragment, or plain http to anything but the
    /// loopback address of a native application (RFC 8252 §7.3).
    pub fn new(redirect_uri: impl Into<String>) -> Result<Self, InvalidRequest> {
        let redirect_uri = redirect_uri.into();
        let url: Url = redirect_uri
            .parse()
            .map_err(|_| InvalidRequest::RedirectUri)?;
        if url.fragment().is_some() || (url.scheme() == "http" && !is_loopback(&url)) {
            return Err(InvalidRequest::RedirectUri);
        }
        Ok(Self {
            redirect_uri,
            scope: None,
            state: None,
            authorization_details: None,
            claims: Map::new(),
            subject: None,
            hint_issuer: None,
            further: Vec::new(),
        })
    }

    /// Asks for these scopes, separated by single spaces.
    ///
    /// With `openid` among them an ID token has to come back, which says who signed in: see
    /// [`TokenSet::id_token`](super::TokenSet::id_token).
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::Scope`] if it is not that.
    pub fn scope(mut self, scope: impl Into<String>) -> Result<Self, InvalidRequest> {
        self.scope = Some(checked_scope(scope.into())?);
        Ok(self)
    }

    /// Sets the application's own `state`; a random one is made otherwise.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::State`] if it is empty or not printable ASCII.
    pub fn state(mut self, state: impl Into<String>) -> Result<Self, InvalidRequest> {
        let state = state.into();
        if state.is_empty() || !state.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
            return Err(InvalidRequest::State);
        }
        self.state = Some(state);
        Ok(self)
    }

    /// Asks for rich authorization: objects with a `type` (RFC 9396).
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::AuthorizationDetails`] if one of them is no object or has no `type`.
    pub fn authorization_details<T: Serialize>(
        mut self,
        details: &[T],
    ) -> Result<Self, InvalidRequest> {
        self.authorization_details = Some(checked_details(details)?);
        Ok(self)
    }

    /// Asks for tokens for this resource server (RFC 8707 §2); several calls, several of them.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::Resource`] if it is not an absolute URI without fragment.
    pub fn resource(mut self, resource: impl Into<String>) -> Result<Self, InvalidRequest> {
        let resource = checked_resource(resource.into())?;
        self.further.push(("resource".to_owned(), resource));
        Ok(self)
    }

    /// Adds another parameter, such as `ui_locales`. Only `resource` may stand there several times
    /// (RFC 8707 §2).
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::Parameter`] if the client makes this one itself, or if it stands there already.
    pub fn parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, InvalidRequest> {
        let name = name.into();
        let repeated = name != "resource" && self.further.iter().any(|(other, _)| *other == name);
        if name.is_empty() || repeated || RESERVED.contains(&name.as_str()) {
            return Err(InvalidRequest::Parameter(name));
        }
        self.further.push((name, value.into()));
        Ok(self)
    }
}

/// Without what it says of a person.
impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let further = self.further.iter().map(|(name, _)| name.as_str());
        f.debug_struct("AuthorizationRequest")
            .field("redirect_uri", &self.redirect_uri)
            .field("scope", &self.scope)
            .field("further", &further.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Names, separated by single spaces (RFC 6749 §3.3).
pub(super) fn checked_scope(scope: String) -> Result<String, InvalidRequest> {
    let sound = scope.split(' ').all(is_scope_token);
    sound.then_some(scope).ok_or(InvalidRequest::Scope)
}

/// Objects with a `type` (RFC 9396 §2).
pub(super) fn checked_details<T: Serialize>(details: &[T]) -> Result<String, InvalidRequest> {
    let details =
        serde_json::to_value(details).map_err(|_| InvalidRequest::AuthorizationDetails)?;
    let typed = |detail: &Value| detail.get("type").is_some_and(Value::is_string);
    match details.as_array() {
        Some(list) if !list.is_empty() && list.iter().all(typed) => Ok(details.to_string()),
        _ => Err(InvalidRequest::AuthorizationDetails),
    }
}

/// An absolute URI without fragment (RFC 8707 §2).
pub(super) fn checked_resource(resource: String) -> Result<String, InvalidRequest> {
    match Url::parse(&resource) {
        Ok(url) if url.fragment().is_none() => Ok(resource),
        _ => Err(InvalidRequest::Resource),
    }
}

fn is_scope_token(token: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !token.is_empty() && token.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request() -> AuthorizationRequest {
        AuthorizationRequest::new("https://app.example/cb").unwrap()
    }

    // RFC 6749 §3.1.2, FAPI 2.0 Security Profile §5.3.2.2, RFC 8252 §7.1 and §7.3.
    #[test]
    fn a_redirect_uri_is_absolute_and_encrypted_or_local() {
        for (uri, accepted) in [
            ("https://app.example/cb?tenant=7", true),
            ("http://127.0.0.1:8080/cb", true),
            ("http://[::1]/cb", true),
            ("http://localhost/cb", true),
            ("com.example.app:/cb", true),
            ("https://app.example/cb#part", false),
            ("https://app.example/cb#", false),
            ("http://app.example/cb", false),
            ("http://127.0.0.1.app.example/cb", false),
            ("/cb", false),
            ("", false),
        ] {
            assert_eq!(AuthorizationRequest::new(uri).is_ok(), accepted, "{uri}");
        }
    }

    // RFC 6749 §3.3 and Appendix A.5.
    #[test]
    fn scope_and_state_hold_only_what_they_may() {
        for scope in ["", " ", "a  b", " a", "a ", "a\tb", "a\"b", "a\\b", "é"] {
            let read = request().scope(scope);
            assert_eq!(read.err(), Some(InvalidRequest::Scope), "{scope:?}");
        }
        assert!(request().scope("openid accounts:read https://x/y").is_ok());
        for state in ["", "a\nb", "é"] {
            let read = request().state(state);
            assert_eq!(read.err(), Some(InvalidRequest::State), "{state:?}");
        }
        // FAPI 2.0 Security Profile §5.3.2.2 note 4.
        assert!(request().state("x".repeat(1500)).is_ok());
    }

    // RFC 9396 §2.
    #[test]
    fn authorization_details_have_a_type() {
        for details in [
            vec![],
            vec![json!({})],
            vec![json!({"type": 5})],
            vec![json!("x")],
        ] {
            assert!(
                request().authorization_details(&details).is_err(),
                "{details:?}"
            );
        }
    }

    // RFC 8707 §2.
    #[test]
    fn a_resource_is_an_absolute_uri() {
        for resource in ["", "api", "/api", "https://api.example/#x"] {
            assert_eq!(
                request().resource(resource).err(),
                Some(InvalidRequest::Resource),
                "{resource}"
            );
        }
    }

    #[test]
    fn what_is_said_of_a_person_is_not_shown() {
        let request = request().login_hint("alice@example.com");
        assert!(!format!("{request:?}").contains("alice"));
    }

    #[test]
    fn what_the_client_makes_itself_cannot_be_set() {
        for name in RESERVED.into_iter().chain([""]) {
            let expected = InvalidRequest::Parameter(name.to_owned());
            assert_eq!(request().parameter(name, "x").err(), Some(expected));
        }
        let twice = request().parameter("prompt", "login").unwrap();
        assert!(twice.parameter("prompt", "none").is_err());
        let resources = request().parameter("resource", "https://a").unwrap();
        assert!(resources.parameter("resource", "https://b").is_ok());
    }
}
