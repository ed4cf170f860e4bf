//! Where the authorization server's endpoints are.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;
use url::Url;

use super::error::ClientError;
use crate::{
    issuer::{AuthorizationServerMetadata, FetchError, Fetcher, IssuerUrl, MetadataLocation},
    time::Timestamp,
};

/// How long metadata is used before it is fetched again.
const FRESH: Duration = Duration::from_hours(1);
/// How long to leave the server alone when fetching it again failed.
const PAUSE: Duration = Duration::from_mins(1);
/// How long metadata may still be used when it cannot be fetched again.
const MAXIMUM: Duration = Duration::from_hours(24);

/// The authorization server's metadata, fetched when it is first needed and kept for an hour.
pub(super) struct Directory {
    fetcher: Fetcher,
    issuer: IssuerUrl,
    location: MetadataLocation,
    known: ArcSwapOption<Known>,
    /// Held while one caller fetches; the others wait for what it brings.
    fetching: Mutex<()>,
}

struct Known {
    metadata: Arc<AuthorizationServerMetadata>,
    fetched: Timestamp,
    fresh_until: Timestamp,
}

impl Directory {
    pub(super) fn new(fetcher: Fetcher, issuer: IssuerUrl, location: MetadataLocation) -> Self {
        Self {
            fetcher,
            issuer,
            location,
            known: ArcSwapOption::empty(),
            fetching: Mutex::new(()),
        }
    }

    pub(super) const fn issuer(&self) -> &IssuerUrl {
        &self.issuer
    }

    /// The metadata, which is that of the very issuer (FAPI 2.0 Security Profile §5.3.3.1).
    pub(super) async fn metadata(
        &self,
        now: Timestamp,
    ) -> Result<Arc<AuthorizationServerMetadata>, FetchError> {
        if let Some(metadata) = self.fresh(now) {
            return Ok(metadata);
        }
        let _fetching = self.fetching.lock().await;
        if let Some(metadata) = self.fresh(now) {
            return Ok(metadata);
        }
        match self.fetcher.metadata(&self.issuer, self.location).await {
            Ok(metadata) => Ok(self.keep(Arc::new(metadata), now, now.plus(FRESH))),
            Err(error) => match self.known.load_full() {
                Some(known) if now < known.fetched.plus(MAXIMUM) => {
                    Ok(self.keep(known.metadata.clone(), known.fetched, now.plus(PAUSE)))
                }
                Some(_) | None => Err(error),
            },
        }
    }

    fn fresh(&self, now: Timestamp) -> Option<Arc<AuthorizationServerMetadata>> {
        let known = self.known.load();
        let known = known.as_ref()?;
        // A clock that was set back does not make it fresh for longer.
        (known.fetched <= now && now < known.fresh_until).then(|| known.metadata.clone())
    }

    fn keep(
        &self,
        metadata: Arc<AuthorizationServerMetadata>,
        fetched: Timestamp,
        fresh_until: Timestamp,
    ) -> Arc<AuthorizationServerMetadata> {
        self.known.store(Some(Arc::new(Known {
            metadata: metadata.clone(),
            fetched,
            fresh_until,
        })));
        metadata
    }
}

/// The token endpoint; its alias for mutual TLS if `aliases` and there is one (RFC 8705 §5).
pub(super) fn token_endpoint(
    metadata: &AuthorizationServerMetadata,
    aliases: bool,
) -> Result<&Url, ClientError> {
    metadata
        .mtls_endpoint_aliases
        .as_ref()
        .filter(|_| aliases)
        .and_then(|aliases| aliases.token_endpoint.as_ref())
        .or(metadata.token_endpoint.as_ref())
        .ok_or(ClientError::MissingEndpoint("token_endpoint"))
}

/// The pushed authorization request endpoint, or its alias.
pub(super) fn pushed_authorization_request_endpoint(
    metadata: &AuthorizationServerMetadata,
    aliases: bool,
) -> Result<&Url, ClientError> {
    metadata
        .mtls_endpoint_aliases
        .as_ref()
        .filter(|_| aliases)
        .and_then(|aliases| aliases.pushed_authorization_request_endpoint.as_ref())
        .or(metadata.pushed_authorization_request_endpoint.as_ref())
        .ok_or(ClientError::MissingEndpoint(
            "pushed_authorization_request_endpoint",
        ))
}

/// The authorization endpoint. It is opened by the browser, so it has no alias.
pub(super) fn authorization_endpoint(
    metadata: &AuthorizationServerMetadata,
) -> Result<&Url, ClientError> {
    // Who does not say that it checks the challenge may ignore it (RFC 8414 §2, RFC 9700 §2.1.1).
    let methods = metadata.code_challenge_methods_supported.iter().flatten();
    if !methods.into_iter().any(|method| method == "S256") {
        return Err(ClientError::NoProofKey);
    }
    metadata
        .authorization_endpoint
        .as_ref()
        .ok_or(ClientError::MissingEndpoint("authorization_endpoint"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::jose::json;

    fn metadata(members: &Value) -> AuthorizationServerMetadata {
        json::from_slice(members.to_string().as_bytes()).unwrap()
    }

    // RFC 8705 §5: the alias where there is one, the endpoint where there is none.
    #[test]
    fn aliases_are_used_with_a_certificate_only() {
        let both = metadata(&json!({
            "issuer": "https://as.example",
            "token_endpoint": "https://as.example/token",
            "pushed_authorization_request_endpoint": "https://as.example/par",
            "mtls_endpoint_aliases": { "token_endpoint": "https://mtls.example/token" },
        }));
        let token = |aliases| token_endpoint(&both, aliases).map(Url::as_str).ok();
        assert_eq!(token(true), Some("https://mtls.example/token"));
        assert_eq!(token(false), Some("https://as.example/token"));
        for aliases in [true, false] {
            let par = pushed_authorization_request_endpoint(&both, aliases);
            assert_eq!(par.map(Url::as_str).ok(), Some("https://as.example/par"));
        }
        let other = metadata(&json!({
            "issuer": "https://as.example",
            "mtls_endpoint_aliases": { "pushed_authorization_request_endpoint": "https://mtls.example/par" },
        }));
        let par = pushed_authorization_request_endpoint(&other, true);
        assert_eq!(par.map(Url::as_str).ok(), Some("https://mtls.example/par"));
        assert!(pushed_authorization_request_endpoint(&other, false).is_err());
        assert!(token_endpoint(&other, true).is_err());
    }

    // FAPI 2.0 Security Profile §5.3.3.2.
    #[test]
    fn a_server_without_s256_is_not_asked() {
        for (methods, accepted) in [
            (json!(["S256"]), true),
            (json!(["plain", "S256"]), true),
            (json!(["plain"]), false),
            (json!(["s256"]), false),
            (json!([]), false),
            (Value::Null, false),
        ] {
            let metadata = metadata(&json!({
                "issuer": "https://as.example",
                "authorization_endpoint": "https://as.example/authorize",
                "code_challenge_methods_supported": methods,
            }));
            let found = authorization_endpoint(&metadata);
            assert_eq!(found.is_ok(), accepted, "{methods}");
            if !accepted {
                assert!(matches!(found, Err(ClientError::NoProofKey)));
            }
        }
    }
}
