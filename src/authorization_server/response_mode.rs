//! How the authorization response travels: in the query, as it is or as a signed JWT (JWT Secured Authorization Response
//! Mode, JARM).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    clients::Client,
    refusal::{Failure, Fault, Refusal},
    server::Server,
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
}

impl ResponseMode {
    /// The names by which clients can ask. `jwt` means `query.jwt` for the one response type there is (JARM §2.3.4).
    pub(crate) const NAMES: [&'static str; 3] = ["query", "jwt", "query.jwt"];

    /// What is asked for, if the client may have it (FAPI 2.0 Message Signing §5.3.3).
    pub(crate) fn read(asked: Option<&str>, client: &Client) -> Result<Self, Refusal> {
        // The default of the response type (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
        let name = asked.unwrap_or("query");
        let mode = match name {
            "query" => Self::Query,
            "jwt" | "query.jwt" => Self::SignedQuery,
            _ => {
                return Err(Refusal::invalid_request(
                    "response_mode must be query, jwt or query.jwt",
                ));
            }
        };
        if !client.profile.allows_mode(mode) {
            return Err(Refusal::invalid_request(
                "response_mode has to be jwt for this client",
            ));
        }
        match &client.messages.response_modes {
            Some(registered) if !registered.iter().any(|one| one == name) => {
                Err(Refusal::invalid_request(
                    "response_mode is not one that is registered for this client",
                ))
            }
            Some(_) | None => Ok(mode),
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

    /// Makes sure while the client can still be told that its responses can be encrypted.
    pub(crate) async fn check_response(
        &self,
        client: &Client,
        mode: ResponseMode,
        now: Timestamp,
    ) -> Result<(), Failure> {
        match mode {
            ResponseMode::Query => Ok(()),
            ResponseMode::SignedQuery => {
                let responses = &client.messages.responses;
                Ok(responses.ready(&self.keys, now).await.map(drop)?)
            }
        }
    }
}
