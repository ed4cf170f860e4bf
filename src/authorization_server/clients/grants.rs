//! Which grants a client may use (RFC 7591 §2).

use super::{error::ClientProblem, metadata::ClientMetadata};
use crate::authorization_server::response_type::ResponseType;

/// What `grant_types` say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Grants {
    /// It may send people to the authorization endpoint (RFC 6749 §4.1).
    pub(crate) authorization_code: bool,
    /// What they have approved outlives the first access token (RFC 6749 §6).
    pub(crate) refresh_token: bool,
    /// It may ask for tokens on its own behalf (RFC 6749 §4.4).
    pub(crate) client_credentials: bool,
}

impl Grants {
    pub(super) fn register(metadata: &ClientMetadata) -> Result<Self, ClientProblem> {
        let mut grants = Self {
            authorization_code: metadata.grant_types.is_none(),
            refresh_token: false,
            client_credentials: false,
        };
        for name in metadata.grant_types.iter().flatten() {
            match name.as_str() {
                "authorization_code" => grants.authorization_code = true,
                "refresh_token" => grants.refresh_token = true,
                "client_credentials" => grants.client_credentials = true,
                _ => return Err(ClientProblem::GrantTypes),
            }
        }
        // A client gets a new token on its own behalf whenever it asks: there is nothing to refresh (RFC 6749 §4.4.3).
        let nothing_to_refresh = grants.refresh_token && !grants.authorization_code;
        let nothing_at_all = !grants.authorization_code && !grants.client_credentials;
        if nothing_to_refresh || nothing_at_all {
            return Err(ClientProblem::GrantTypes);
        }
        Ok(grants)
    }

    /// RFC 7591 §2.1: response types go with the grants they begin. Who begins none has none.
    pub(super) fn response_types(
        self,
        metadata: &ClientMetadata,
    ) -> Result<Vec<ResponseType>, ClientProblem> {
        let Some(names) = &metadata.response_types else {
            let default = self.authorization_code.then_some(ResponseType::Code);
            return Ok(default.into_iter().collect());
        };
        let allowed = metadata.fapi_profile.response_types();
        let read = |name: &String| ResponseType::named(name).filter(|it| allowed.contains(it));
        let types: Option<Vec<_>> = names.iter().map(read).collect();
        types
            .filter(|types| types.is_empty() != self.authorization_code)
            .ok_or(ClientProblem::ResponseTypes)
    }
}
