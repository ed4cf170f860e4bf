//! How the authorization response travels: in the query or the fragment, as it is or as a signed JWT (JWT Secured
//! Authorization Response Mode, JARM).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    clients::{Client, with_parameters},
    refusal::{Fault, Refusal},
    response_type::ResponseType,
    server::Server,
    store::PushedRequest,
};
use crate::time::Timestamp;

/// How long a signed response counts: the code in it lives no longer, and JARM §2.1 has 10 minutes at most.
const LIFETIME: Duration = Duration::from_mins(2);

/// How the response gets to the client.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum ResponseMode {
    /// Its parameters stand in the query.
    #[default]
    Query,
    /// They are claims of a JWT, and the query holds that (JARM §2.3.1).
    SignedQuery,
    /// Its parameters stand in the fragment (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
    Fragment,
    /// They are claims of a JWT, and the fragment holds that (JARM §2.3.2).
    SignedFragment,
}

impl ResponseMode {
    /// What is asked for, if the client may have it (FAPI 2.0 Message Signing §5.3.3).
    pub(crate) fn read(
        asked: Option<&str>,
        response_type: ResponseType,
        client: &Client,
    ) -> Result<Self, Refusal> {
        let name = asked.unwrap_or(response_type.default_mode());
        let allowed = client.profile.response_modes(response_type);
        if !allowed.contains(&name) {
            let allowed = allowed.join(", ");
            return Err(Refusal::invalid_request(format!(
                "response_mode must be one of: {allowed}"
            )));
        }
        match &client.messages.response_modes {
            Some(registered) if !registered.iter().any(|one| one == name) => {
                Err(Refusal::invalid_request(
                    "response_mode is not one that is registered for this client",
                ))
            }
            Some(_) | None => Ok(Self::named(name, response_type)),
        }
    }

    /// Where the client is told that it cannot have what it asked for.
    pub(crate) fn of_error(
        asked: Option<&str>,
        response_type: ResponseType,
        client: &Client,
    ) -> Self {
        let default = Self::named(response_type.default_mode(), response_type);
        Self::read(asked, response_type, client).unwrap_or(default)
    }

    /// Whether the client may have it, by whichever name.
    pub(crate) fn is_open_to(self, client: &Client, response_type: ResponseType) -> bool {
        let registered = client.messages.response_modes.as_ref();
        let mut names = client.profile.response_modes(response_type).iter();
        names.any(|name| {
            Self::named(name, response_type) == self
                && registered.is_none_or(|registered| registered.iter().any(|one| one == name))
        })
    }

    fn named(name: &str, response_type: ResponseType) -> Self {
        match (name, response_type) {
            // What `jwt` alone means depends on the response type (JARM §2.3.4).
            ("fragment.jwt", _) | ("jwt", ResponseType::CodeIdToken) => Self::SignedFragment,
            ("query.jwt" | "jwt", _) => Self::SignedQuery,
            ("fragment", _) => Self::Fragment,
            _ => Self::Query,
        }
    }

    /// `uri` with a response of this mode added to it.
    pub(crate) fn append<'a>(
        self,
        uri: &str,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> String {
        match self {
            Self::Query | Self::SignedQuery => with_parameters(uri, parameters),
            // No redirect URI has a fragment of its own (RFC 6749 §3.1.2).
            Self::Fragment | Self::SignedFragment => {
                let fragment = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(parameters)
                    .finish();
                format!("{uri}#{fragment}")
            }
        }
    }

    /// Whether the parameters are claims of a JWT.
    pub(crate) const fn is_signed(self) -> bool {
        match self {
            Self::SignedQuery | Self::SignedFragment => true,
            Self::Query | Self::Fragment => false,
        }
    }
}

impl Server {
    /// The response as a JWT: signed and, for clients that want it so, encrypted (JARM §2.1, §2.2).
    pub(crate) async fn signed_response(
        &self,
        client: &Client,
        parameters: impl IntoIterator<Item = (&str, &str)>,
        now: Timestamp,
    ) -> Result<String, Fault> {
        let mut claims: Map<String, Value> = parameters
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        claims.insert("aud".to_owned(), client.id.as_str().into());
        claims.insert("exp".to_owned(), now.plus(LIFETIME).as_unix().into());
        claims.insert("iat".to_owned(), now.as_unix().into());
        let responses = &client.messages.responses;
        responses.ready(&self.keys, now).await?.protect(&claims)
    }

    /// Makes sure while the client can still be told that the response to this request can be signed and encrypted.
    pub(crate) async fn check_response(
        &self,
        client: &Client,
        request: &PushedRequest,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if request.response_mode.is_signed() {
            client.messages.responses.ready(&self.keys, now).await?;
        }
        if request.response_type.has_id_token() {
            client.messages.id_tokens.ready(&self.keys, now).await?;
        }
        Ok(())
    }
}
