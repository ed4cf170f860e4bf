//! What the token endpoint is asked for: tokens for a code, and for a refresh token.

use http::StatusCode;

use super::{
    client::Client,
    endpoints,
    error::{ClientError, Endpoint},
    id_token::IdToken,
    id_token_error::IdTokenError,
    pending::AuthorizationCode,
    secret::SecretText,
    sign_in::Occasion,
    token_response::{Grant, TokenResponse},
    token_set::TokenSet,
};

impl Client {
    /// Spends a code (RFC 6749 §4.1.3). If the scope `openid` was asked for, the ID token is checked (OpenID Connect Core
    /// §3.1.3.7).
    ///
    /// # Errors
    ///
    /// [`ClientError::ForeignGrant`] if another client asked for the code, [`ClientError::IdToken`] if it cannot be believed
    /// who signed in; otherwise what the token endpoint did.
    pub async fn exchange(&self, code: AuthorizationCode) -> Result<TokenSet, ClientError> {
        if code.issuer != self.issuer() || code.client_id != self.parts.client_id {
            return Err(ClientError::ForeignGrant);
        }
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code.code.secret()),
            ("redirect_uri", code.redirect_uri.as_str()),
            ("code_verifier", code.verifier.secret()),
        ];
        let scope = code.scope.as_deref();
        let (mut tokens, id_token) = self.tokens(&parameters, scope, None).await?;
        tokens.id_token = match (&code.sign_in, id_token) {
            (Some(asked), Some(text)) => {
                let occasion = Occasion::Code {
                    asked,
                    code: code.code.secret(),
                    state: &code.state,
                };
                let access_token = tokens.access_token.secret();
                Some(self.open_id_token(text, access_token, occasion).await?)
            }
            (Some(_), None) => return Err(IdTokenError::Missing.into()),
            // Nobody has asked who it is, so there is no nonce to know the answer by.
            (None, _) => None,
        };
        Ok(tokens)
    }

    /// Gets a new access token for an old one's refresh token (RFC 6749 §6).
    ///
    /// The new set holds the refresh token to use next time, whether or not the authorization server replaced it. Scope
    /// and authorization details stay as they were granted, and the ID token if there is no newer one, which has to be
    /// about the same sign-in (OpenID Connect Core §12.2).
    ///
    /// # Errors
    ///
    /// [`ClientError::NoRefreshToken`], [`ClientError::ForeignGrant`], [`ClientError::IdToken`], or what the token endpoint
    /// did. `invalid_grant` means that the person has to be asked again.
    pub async fn refresh(&self, tokens: &TokenSet) -> Result<TokenSet, ClientError> {
        if !tokens.belongs_to(self.issuer(), &self.parts.client_id) {
            return Err(ClientError::ForeignGrant);
        }
        let refresh_token = tokens.refresh_token().ok_or(ClientError::NoRefreshToken)?;
        let parameters = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.secret()),
        ];
        let scope = tokens.scope();
        let (mut newer, id_token) = self.tokens(&parameters, scope, Some(tokens)).await?;
        newer.id_token = match (tokens.id_token(), id_token) {
            (Some(former), Some(text)) => {
                let occasion = Occasion::Refresh(former);
                let access_token = newer.access_token.secret();
                Some(self.open_id_token(text, access_token, occasion).await?)
            }
            (former, _) => former.map(IdToken::duplicate),
        };
        Ok(newer)
    }

    /// Asks, and gives back the ID token apart: nobody has verified it yet.
    pub(super) async fn tokens(
        &self,
        parameters: &[(&str, &str)],
        scope: Option<&str>,
        former: Option<&TokenSet>,
    ) -> Result<(TokenSet, Option<SecretText>), ClientError> {
        let metadata = self.discover().await?;
        let endpoint = endpoints::token_endpoint(&metadata, self.parts.uses_aliases)?;
        let asked_at = self.now();
        let mut response: TokenResponse = self
            .ask(Endpoint::Token, endpoint, StatusCode::OK, parameters)
            .await?;
        let id_token = response.id_token.take().map(SecretText::new);
        let tokens = response.accept(&Grant {
            issuer: self.issuer(),
            client_id: &self.parts.client_id,
            expected: self.token_type(),
            scope,
            former,
            asked_at,
        })?;
        Ok((tokens, id_token))
    }
}
