//! The end session endpoint (OpenID Connect RP-Initiated Logout 1.0 §2): may this client ask for that?
//!
//! Nothing ends here. Whoever is at the browser is sent on to a [page](super::logout) that asks them, always: a link on
//! somebody else's page must not sign anybody out (§6). What goes on with them is what was checked, without the ID token,
//! which does not belong into an address bar.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use http::{Method, Response, request::Parts};

use super::{answer::see_other, error::PageError};
use crate::{
    authorization_server::{
        clients::{Client, with_parameters},
        direct::is_form,
        endpoints::Endpoint,
        parameters::Parameters,
        server::Server,
    },
    time::Timestamp,
};

/// `GET` or `POST` to the endpoint.
pub(crate) async fn end_session(
    State(server): State<Arc<Server>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response<String> {
    let asked = match body {
        Ok(body) => lead_to_page(&server, &parts, &body),
        Err(_) => Err(PageError::Malformed),
    };
    asked.unwrap_or_else(|error| error.respond(&server.pages))
}

/// Who wants somebody to be signed out, and where they go then.
#[derive(Debug, Default)]
pub(super) struct Departure {
    pub(super) client: Option<Arc<Client>>,
    /// One of the client's `post_logout_redirect_uris`.
    target: Option<String>,
    state: Option<String>,
}

/// What counts. `logout_hint` and `ui_locales` may be sent and change nothing: whoever has signed in is the only one who
/// could be signed out, and the pages have one language.
const PARAMETERS: [&str; 4] = [
    "id_token_hint",
    "client_id",
    "post_logout_redirect_uri",
    "state",
];

fn lead_to_page(
    server: &Server,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<String>, PageError> {
    let encoded = match parts.method {
        Method::POST if is_form(&parts.headers) => body,
        Method::POST => return Err(PageError::Malformed),
        _ => parts.uri.query().unwrap_or_default().as_bytes(),
    };
    let departure = Departure::read(server, encoded, server.clock.now())?;
    // By `GET`, which a browser sends with its cookies even if the client has posted from another site.
    see_other(&departure.page(server))
}

impl Departure {
    /// Reads and checks a request: of a client, or our own that leads from the endpoint to the page.
    pub(super) fn read(server: &Server, encoded: &[u8], now: Timestamp) -> Result<Self, PageError> {
        let parameters =
            Parameters::parse_only(encoded, &PARAMETERS).map_err(|_| PageError::Malformed)?;
        let hinted = match parameters.get("id_token_hint") {
            // It may have ended long ago (§4).
            Some(hint) => Some(server.own_id_token(hint, now).ok_or(PageError::Hint)?),
            None => None,
        };
        let named = parameters.get("client_id");
        // §2: "the OP MUST verify that the Client Identifier matches the one used when issuing the ID Token".
        if let (Some(hinted), Some(named)) = (&hinted, named)
            && hinted.client_id != named
        {
            return Err(PageError::Hint);
        }
        let hinted = hinted.as_ref().map(|token| token.client_id.as_str());
        let client = match hinted.or(named) {
            Some(id) => {
                let known = server.clients.clients().get(id);
                Some(Arc::clone(known.ok_or(PageError::Hint)?))
            }
            None => None,
        };
        let target = parameters.get("post_logout_redirect_uri");
        if let Some(target) = target {
            // §3: exactly one of those that are registered; and nobody's who is not named.
            let registered = client
                .as_ref()
                .map(|client| &client.post_logout_redirect_uris);
            let mut registered = registered.into_iter().flatten();
            if !registered.any(|uri| uri.as_str() == target) {
                return Err(PageError::LogoutTarget);
            }
        }
        Ok(Self {
            client,
            target: target.map(str::to_owned),
            state: parameters.get("state").map(str::to_owned),
        })
    }

    /// The path and query of the page that asks.
    pub(super) fn page(&self, server: &Server) -> String {
        let client_id = self.client.as_ref().map(|client| client.id.as_str());
        let mut parameters = vec![
            ("client_id", client_id),
            ("post_logout_redirect_uri", self.target()),
            ("state", self.state.as_deref()),
        ];
        parameters.retain(|(_, value)| value.is_some());
        let path = server.endpoints.path(Endpoint::Logout);
        if parameters.is_empty() {
            return path;
        }
        let given = parameters.into_iter();
        with_parameters(
            &path,
            given.filter_map(|(name, value)| Some((name, value?))),
        )
    }

    pub(super) fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// Where the browser goes when it is done, with the client's `state` (§3).
    pub(super) fn returns_to(&self) -> Option<String> {
        let target = self.target()?;
        Some(match &self.state {
            Some(state) => with_parameters(target, [("state", state.as_str())]),
            None => target.to_owned(),
        })
    }
}
