//! The answer of the token endpoint, checked against what was asked.

use serde::Deserialize;
use serde_json::Value;

use super::{
    error::{ClientError, Endpoint},
    secret::SecretText,
    server_text::ServerText,
    token_set::{TokenSet, TokenType, token},
};
use crate::time::Timestamp;

/// A token response (RFC 6749 §5.1, RFC 9396 §7).
#[derive(Deserialize)]
pub(super) struct TokenResponse {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
    refresh_token: Option<String>,
    scope: Option<String>,
    authorization_details: Option<Value>,
    /// OpenID Connect Core §3.1.3.3.
    pub(super) id_token: Option<String>,
}

/// Whom tokens are for, and what was asked of the token endpoint.
pub(super) struct Grant<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) expected: TokenType,
    pub(super) scope: Option<&'a str>,
    /// The set that is being refreshed.
    pub(super) former: Option<&'a TokenSet>,
    /// Before the request was sent, so that a slow answer shortens the token's life and never lengthens it.
    pub(super) asked_at: Timestamp,
}

impl TokenResponse {
    /// Checks the response against the request it answers.
    pub(super) fn accept(self, grant: &Grant<'_>) -> Result<TokenSet, ClientError> {
        // A token that anybody could use would be accepted here if the type were not compared.
        if !self
            .token_type
            .eq_ignore_ascii_case(grant.expected.as_str())
        {
            return Err(ClientError::TokenType {
                expected: grant.expected,
                found: ServerText::new(&self.token_type),
            });
        }
        let no_token = || ClientError::Malformed {
            endpoint: Endpoint::Token,
            reason: "a token is empty or holds characters that no token holds".to_owned(),
        };
        let access_token = token(self.access_token).ok_or_else(no_token)?;
        let refresh_token = match self.refresh_token {
            Some(refresh_token) => Some(token(refresh_token).ok_or_else(no_token)?),
            None => None,
        };
        let in_seconds = |seconds| {
            let lifetime = std::time::Duration::from_secs(seconds);
            grant.asked_at.plus(lifetime)
        };
        Ok(TokenSet {
            issuer: grant.issuer.to_owned(),
            client_id: grant.client_id.to_owned(),
            access_token,
            token_type: grant.expected,
            // A server that does not replace the refresh token leaves the old one good (RFC 6749 §6).
            refresh_token: refresh_token.or_else(|| {
                let former = grant.former.and_then(TokenSet::refresh_token);
                former.map(SecretText::duplicate)
            }),
            expires_at: self.expires_in.map(in_seconds),
            // Not to mention a scope means to grant the one that was asked for (RFC 6749 §5.1).
            scope: self.scope.or_else(|| grant.scope.map(str::to_owned)),
            authorization_details: self.authorization_details.or_else(|| {
                let former = grant.former.and_then(TokenSet::authorization_details);
                former.cloned()
            }),
            // Not before it has been verified.
            id_token: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::json;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    fn accept(response: &Value, expected: TokenType) -> Result<TokenSet, Option<ClientError>> {
        let former = json!({
            "issuer": "https://as.example", "client_id": "me", "access_token": "older",
            "token_type": "DPoP", "refresh_token": "old", "expires_at": null, "scope": "asked",
            "authorization_details": [{"type": "account"}],
        });
        let former = TokenSet::from_secret_json(&former.to_string()).unwrap();
        let response: TokenResponse =
            json::from_slice(response.to_string().as_bytes()).map_err(|_| None)?;
        let grant = Grant {
            issuer: "https://as.example",
            client_id: "me",
            expected,
            scope: Some("asked"),
            former: Some(&former),
            asked_at: NOW,
        };
        response.accept(&grant).map_err(Some)
    }

    // RFC 6749 §5.1, §6 and §7.1, RFC 9449 §5.
    #[test]
    fn a_token_response_is_taken_as_it_is_meant() {
        let short = json!({"access_token": "a~.-_+/=", "token_type": "dPoP", "more": [1]});
        let set = accept(&short, TokenType::Dpop).unwrap();
        assert_eq!(set.access_token().secret(), "a~.-_+/=");
        assert_eq!(set.token_type(), TokenType::Dpop);
        assert_eq!(set.refresh_token().map(SecretText::secret), Some("old"));
        assert_eq!((set.expires_at(), set.scope()), (None, Some("asked")));
        let former = json!([{"type": "account"}]);
        assert_eq!(set.authorization_details(), Some(&former));

        let full = json!({
            "access_token": "a", "token_type": "bearer", "expires_in": 300, "refresh_token": "new",
            "scope": "less", "authorization_details": [{"type": "payment"}],
        });
        let set = accept(&full, TokenType::Bearer).unwrap();
        assert_eq!(set.refresh_token().map(SecretText::secret), Some("new"));
        assert_eq!(set.expires_at(), Some(Timestamp::from_unix(1_800_000_300)));
        assert_eq!(set.scope(), Some("less"));
        assert_eq!(
            set.authorization_details(),
            Some(&json!([{"type": "payment"}]))
        );
    }

    // FAPI 2.0 Security Profile §5.3.3.1: sender-constrained tokens only.
    #[test]
    fn a_token_of_another_type_is_refused() {
        for (token_type, expected) in [
            ("Bearer", TokenType::Dpop),
            ("N_A", TokenType::Dpop),
            ("", TokenType::Dpop),
            ("DPoP", TokenType::Bearer),
            ("mac", TokenType::Bearer),
        ] {
            let response = json!({"access_token": "a", "token_type": token_type});
            let refused = accept(&response, expected).err().flatten();
            assert!(
                matches!(&refused, Some(ClientError::TokenType { found, .. }) if found.as_str() == token_type),
                "{token_type}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_malformed_response_is_refused() {
        for response in [
            json!({}),
            json!({"access_token": "a"}),
            json!({"token_type": "DPoP"}),
            json!({"access_token": "", "token_type": "DPoP"}),
            json!({"access_token": "a b", "token_type": "DPoP"}),
            json!({"access_token": "a\r\nX: y", "token_type": "DPoP"}),
            json!({"access_token": 5, "token_type": "DPoP"}),
            json!({"access_token": "a", "token_type": ["DPoP"]}),
            json!({"access_token": "a", "token_type": "DPoP", "expires_in": "300"}),
            json!({"access_token": "a", "token_type": "DPoP", "expires_in": -1}),
            json!({"access_token": "a", "token_type": "DPoP", "refresh_token": ""}),
            json!({"access_token": "a", "token_type": "DPoP", "refresh_token": "a\n"}),
            json!({"access_token": "a", "token_type": "DPoP", "scope": ["x"]}),
        ] {
            let refused = accept(&response, TokenType::Dpop).err();
            assert!(
                matches!(refused, Some(None | Some(ClientError::Malformed { .. }))),
                "{response}"
            );
        }
        let endless = json!({"access_token": "a", "token_type": "DPoP", "expires_in": u64::MAX});
        let set = accept(&endless, TokenType::Dpop).unwrap();
        assert_eq!(set.expires_at(), Some(Timestamp::from_unix(i64::MAX)));
    }
}
