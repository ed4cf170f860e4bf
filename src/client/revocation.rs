//! Tokens that are given back (RFC 7009).

use super::{
    client::Client,
    endpoints,
    error::{ClientError, Endpoint},
    token_set::TokenSet,
};

impl Client {
    /// Gives tokens back that are no longer needed, because somebody logged out or disconnected their account: the refresh
    /// token, which ends the whole grant, and then the access token.
    ///
    /// An access token that the authorization server cannot revoke (`unsupported_token_type`) is no failure when the refresh
    /// token is gone: it ends by itself. A token that nobody knows any more is as good as revoked (RFC 7009 §2.2).
    ///
    /// # Errors
    ///
    /// [`ClientError::ForeignGrant`] if they are another client's, or what the revocation endpoint did. After any failure
    /// assume that the tokens are still good, and try again later, as RFC 7009 §2.2.1 has it of a 503.
    pub async fn revoke(&self, tokens: &TokenSet) -> Result<(), ClientError> {
        if !tokens.belongs_to(self.issuer(), &self.parts.client_id) {
            return Err(ClientError::ForeignGrant);
        }
        if let Some(refresh_token) = tokens.refresh_token() {
            let token = refresh_token.secret();
            self.revoke_one(token, "refresh_token").await?;
        }
        let token = tokens.access_token().secret();
        match self.revoke_one(token, "access_token").await {
            Err(ClientError::Refused { error, .. })
                if error.code() == "unsupported_token_type" && tokens.refresh_token().is_some() =>
            {
                Ok(())
            }
            outcome => outcome,
        }
    }

    async fn revoke_one(&self, token: &str, kind: &str) -> Result<(), ClientError> {
        let metadata = self.discover().await?;
        let url = endpoints::revocation_endpoint(&metadata, self.parts.uses_aliases)?;
        let parameters = [("token", token), ("token_type_hint", kind)];
        // What stands in the answer means nothing (RFC 7009 §2.2).
        self.tell(Endpoint::Revocation, url, &parameters, "application/json")
            .await?;
        Ok(())
    }
}
