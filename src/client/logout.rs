//! Out of the authorization server's session, too (OpenID Connect RP-Initiated Logout).

use std::fmt;

use subtle::ConstantTimeEq as _;
use url::Url;

use super::{
    client::Client, endpoints, error::ClientError, id_token::IdToken, request::InvalidRequest,
    secret::SecretText,
};
use crate::issuer::is_loopback;

/// What the client wants of the logout: whose it is, and where the browser comes back to.
///
/// ```
/// use tower_fapi::client::{Client, LogoutRequest, TokenSet};
///
/// async fn log_out(client: &Client, tokens: &TokenSet) -> Result<String, Box<dyn std::error::Error>> {
///     let request = LogoutRequest::of(tokens).post_logout_redirect_uri("https://app.example.com/bye")?;
///     client.revoke(tokens).await?;
///     let pending = client.log_out(&request).await?;
///     // … keeps `pending.state()` in that browser's session and sends the browser to `pending.url()` …
///     Ok(pending.url().to_string())
/// }
/// # let _ = log_out;
/// ```
#[derive(Default)]
pub struct LogoutRequest {
    id_token: Option<IdToken>,
    redirect_uri: Option<String>,
    further: Vec<(&'static str, String)>,
}

/// A logout that is on its way: send the browser to [`url`](Self::url), and keep [`state`](Self::state) in its session.
///
/// `Debug` shows neither.
pub struct PendingLogout {
    endpoint: Url,
    parameters: Vec<(&'static str, String)>,
    url: Url,
    state: Option<String>,
}

/// Why a request to the post-logout redirect URI is not the return from this browser's logout.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LogoutReturnError {
    /// `state` is missing, stands there twice, or is not that of the logout.
    #[error("`state` is not that of the logout: this browser did not come back from it")]
    WrongState,
}

impl LogoutRequest {
    /// A logout of whoever is signed in, who is asked whether they want it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A logout of the person whom these tokens were given for.
    #[must_use]
    pub fn of(tokens: &super::TokenSet) -> Self {
        let request = Self::new();
        match tokens.id_token() {
            Some(token) => request.id_token_hint(token),
            None => request,
        }
    }

    /// Says with an ID token whose logout this is; it may have ended (§2).
    #[must_use]
    pub fn id_token_hint(mut self, token: &IdToken) -> Self {
        self.id_token = Some(token.duplicate());
        self
    }

    /// Sets where the browser comes back to: one of the registered `post_logout_redirect_uris`, as it stands there (§3).
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::RedirectUri`] if it is not an absolute URL without fragment, or plain http to another machine.
    pub fn post_logout_redirect_uri(
        mut self,
        uri: impl Into<String>,
    ) -> Result<Self, InvalidRequest> {
        let uri = uri.into();
        let url: Url = uri.parse().map_err(|_| InvalidRequest::RedirectUri)?;
        if url.fragment().is_some() || (url.scheme() == "http" && !is_loopback(&url)) {
            return Err(InvalidRequest::RedirectUri);
        }
        self.redirect_uri = Some(uri);
        Ok(self)
    }

    /// Says who logs out, in whatever way the authorization server understands (§2).
    #[must_use]
    pub fn logout_hint(mut self, hint: impl Into<String>) -> Self {
        self.further.push(("logout_hint", hint.into()));
        self
    }

    /// Says in which languages the person likes to be asked, best first, separated by spaces (§2).
    #[must_use]
    pub fn ui_locales(mut self, locales: impl Into<String>) -> Self {
        self.further.push(("ui_locales", locales.into()));
        self
    }
}

/// Without what it says of a person.
impl fmt::Debug for LogoutRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutRequest")
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Says where the browser goes to end the session at the authorization server, who asks the person first where it must.
    ///
    /// Ends nothing by itself: end the application's own session, and give the tokens back with [`revoke`](Self::revoke).
    ///
    /// # Errors
    ///
    /// [`ClientError::ForeignGrant`] if the ID token is another client's or another server's, [`ClientError::Metadata`], and
    /// [`ClientError::MissingEndpoint`] if the authorization server has no such thing.
    ///
    /// # Specification
    ///
    /// [RP-Initiated Logout §2](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout)
    pub async fn log_out(&self, request: &LogoutRequest) -> Result<PendingLogout, ClientError> {
        let hint = request.id_token.as_ref();
        if hint.is_some_and(|token| !self.has_issued(token)) {
            return Err(ClientError::ForeignGrant);
        }
        let metadata = self.discover().await?;
        let endpoint = endpoints::end_session_endpoint(&metadata)?.clone();
        let mut parameters = vec![("client_id", self.parts.client_id.clone())];
        parameters.extend(hint.map(|token| ("id_token_hint", token.text().secret().to_owned())));
        parameters.extend(request.further.iter().cloned());
        let mut state = None;
        // Nobody comes back with a state if nobody comes back.
        if let Some(uri) = &request.redirect_uri {
            let made = SecretText::random()?.secret().to_owned();
            parameters.push(("post_logout_redirect_uri", uri.clone()));
            parameters.push(("state", made.clone()));
            state = Some(made);
        }
        let mut url = endpoint.clone();
        url.query_pairs_mut().extend_pairs(&parameters);
        Ok(PendingLogout {
            endpoint,
            parameters,
            url,
            state,
        })
    }

    /// Whether this client's authorization server made the token for this client. It will stand in a URL, and nobody else is to
    /// read it (§2).
    fn has_issued(&self, token: &IdToken) -> bool {
        token.issuer == self.issuer() && token.audience.contains(&self.parts.client_id)
    }
}

impl PendingLogout {
    /// Where to send the browser. The ID token stands in it: send it to nobody else.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The same as a form: where to have the browser post it, and what is in it (§2). Unlike in [`url`](Self::url), the ID token
    /// stays out of the address bar, the browser's history and what servers log.
    pub fn form(&self) -> (&Url, impl Iterator<Item = (&str, &str)>) {
        let pairs = self.parameters.iter();
        let pairs = pairs.map(|(name, value)| (*name, value.as_str()));
        (&self.endpoint, pairs)
    }

    /// The `state` that will come back; `None` if the browser will not.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Checks that a request to the post-logout redirect URI is the return from the logout whose `state` lies in this
    /// browser's session; `query` is that of the request, with or without its `?`.
    ///
    /// It says that the authorization server is done with the logout, and not whether the person chose to end the session
    /// there.
    ///
    /// # Errors
    ///
    /// [`LogoutReturnError`] if it is not: anybody can send a browser here.
    pub fn check_return(state: &str, query: &str) -> Result<(), LogoutReturnError> {
        let query = query.strip_prefix('?').unwrap_or(query);
        let pairs = form_urlencoded::parse(query.as_bytes());
        let mut states = pairs.filter(|(name, _)| name == "state");
        match (states.next(), states.next()) {
            // A session that keeps no state waits for nobody.
            (Some(_), None) if state.is_empty() => Err(LogoutReturnError::WrongState),
            (Some((_, found)), None) if found.as_bytes().ct_eq(state.as_bytes()).into() => Ok(()),
            (_, _) => Err(LogoutReturnError::WrongState),
        }
    }
}

impl fmt::Debug for PendingLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogout").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RP-Initiated Logout §2: the OP passes `state` back.
    #[test]
    fn only_the_return_from_this_logout_is_one() {
        for (query, accepted) in [
            ("state=s-1", true),
            ("?state=s%2D1&own=7", true),
            ("", false),
            ("state=", false),
            ("state=s-2", false),
            ("state=S-1", false),
            ("STATE=s-1", false),
            ("state=s-1&state=s-1", false),
            ("state=s-2&state=s-1", false),
        ] {
            let checked = PendingLogout::check_return("s-1", query);
            assert_eq!(checked.is_ok(), accepted, "{query}");
        }
        // A session in which no logout is under way.
        for query in ["state=", "state", ""] {
            assert!(PendingLogout::check_return("", query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_return_is_to_an_encrypted_or_local_place() {
        for (uri, accepted) in [
            ("https://app.example/bye?x=1", true),
            ("http://127.0.0.1:8080/bye", true),
            ("com.example.app:/bye", true),
            ("http://app.example/bye", false),
            ("https://app.example/bye#x", false),
            ("/bye", false),
            ("", false),
        ] {
            let request = LogoutRequest::new().post_logout_redirect_uri(uri);
            assert_eq!(request.is_ok(), accepted, "{uri}");
        }
    }
}
