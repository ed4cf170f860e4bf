//! Tokens for the client itself, without anybody in front of a browser (RFC 6749 §4.4).

use std::fmt;

use serde::Serialize;

use super::{
    client::Client,
    error::ClientError,
    request::{InvalidRequest, checked_details, checked_resource, checked_scope},
    token_set::TokenSet,
};

/// What the client wants on its own behalf.
///
/// ```
/// use tower_fapi::client::{Client, ClientCredentialsRequest};
///
/// async fn rates(client: &Client) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
///     let request = ClientCredentialsRequest::new().scope("rates")?;
///     let tokens = client.client_credentials(&request).await?;
///     Ok(client.get("https://api.example.com/rates", &tokens).await?.body().to_vec())
/// }
/// # let _ = rates;
/// ```
#[derive(Clone, Default)]
pub struct ClientCredentialsRequest {
    scope: Option<String>,
    authorization_details: Option<String>,
    resources: Vec<String>,
}

impl ClientCredentialsRequest {
    /// Asks for what the authorization server gives this client when it asks for nothing in particular.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for these scopes, separated by single spaces.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::Scope`] if it is not that.
    pub fn scope(mut self, scope: impl Into<String>) -> Result<Self, InvalidRequest> {
        self.scope = Some(checked_scope(scope.into())?);
        Ok(self)
    }

    /// Asks for rich authorization: objects with a `type` (RFC 9396 §6).
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

    /// Asks for a token for this resource server (RFC 8707 §2.2); several calls, several of them.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::Resource`] if it is not an absolute URI without fragment.
    pub fn resource(mut self, resource: impl Into<String>) -> Result<Self, InvalidRequest> {
        self.resources.push(checked_resource(resource.into())?);
        Ok(self)
    }
}

/// Without what is wanted in particular, which may say something of people.
impl fmt::Debug for ClientCredentialsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentialsRequest")
            .field("scope", &self.scope)
            .field("resources", &self.resources)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Gets a token for the client itself (RFC 6749 §4.4). When it has ended, ask again: there is nothing to refresh.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the authorization server cannot be reached or refuses: `unauthorized_client` means that the client
    /// is not registered for this grant.
    pub async fn client_credentials(
        &self,
        request: &ClientCredentialsRequest,
    ) -> Result<TokenSet, ClientError> {
        let mut parameters = vec![("grant_type", "client_credentials")];
        let scope = request.scope.as_deref();
        parameters.extend(scope.map(|scope| ("scope", scope)));
        let details = request.authorization_details.as_deref();
        parameters.extend(details.map(|details| ("authorization_details", details)));
        let resources = request.resources.iter();
        parameters.extend(resources.map(|resource| ("resource", resource.as_str())));
        // Nobody has signed in, so an ID token would be about nobody.
        let (tokens, _) = self.tokens(&parameters, scope, None).await?;
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wanted_in_particular_is_not_shown() {
        let payment = json!({"type": "payment", "creditor": "alice"});
        let request = ClientCredentialsRequest::new();
        let request = request.authorization_details(&[payment]).unwrap();
        assert!(!format!("{request:?}").contains("alice"));
    }
}
