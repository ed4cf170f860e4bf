//! Which endpoint of the authorization server is meant, and whether it will do.

use url::Url;

use super::error::ClientError;
use crate::issuer::AuthorizationServerMetadata;

/// Declares how an endpoint is found: its alias for mutual TLS if `aliases` and there is one (RFC 8705 §5), else itself.
macro_rules! endpoint {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub(super) fn $name(
            metadata: &AuthorizationServerMetadata,
            aliases: bool,
        ) -> Result<&Url, ClientError> {
            metadata
                .mtls_endpoint_aliases
                .as_ref()
                .filter(|_| aliases)
                .and_then(|aliases| aliases.$name.as_ref())
                .or(metadata.$name.as_ref())
                .ok_or(ClientError::MissingEndpoint(stringify!($name)))
        }
    };
}

endpoint! {
    /// Where codes become tokens (RFC 6749 §3.2).
    token_endpoint
}
endpoint! {
    /// Where requests are pushed (RFC 9126 §2).
    pushed_authorization_request_endpoint
}
endpoint! {
    /// Claims about the person (OpenID Connect Core §5.3).
    userinfo_endpoint
}
endpoint! {
    /// Where tokens are given back (RFC 7009 §2).
    revocation_endpoint
}
endpoint! {
    /// Where tokens are looked up (RFC 7662 §2).
    introspection_endpoint
}

/// Where the person logs out (OpenID Connect RP-Initiated Logout §2.1). It is opened by the browser, so it has no alias.
pub(super) fn end_session_endpoint(
    metadata: &AuthorizationServerMetadata,
) -> Result<&Url, ClientError> {
    let endpoint = metadata.end_session_endpoint.as_ref();
    endpoint.ok_or(ClientError::MissingEndpoint("end_session_endpoint"))
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

    // RFC 8705 §5: "any endpoint".
    #[test]
    fn what_tokens_are_shown_to_has_aliases_too() {
        let names = ["userinfo", "revocation", "introspection"];
        let member = |host: &str, name: &str| {
            let url = format!("https://{host}/{name}");
            (format!("{name}_endpoint"), Value::from(url))
        };
        let mut members: serde_json::Map<_, _> = names
            .map(|name| member("as.example", name))
            .into_iter()
            .collect();
        let aliases: serde_json::Map<_, _> = names
            .map(|name| member("mtls.example", name))
            .into_iter()
            .collect();
        members.insert("issuer".to_owned(), "https://as.example".into());
        members.insert("mtls_endpoint_aliases".to_owned(), aliases.into());
        let metadata = metadata(&members.into());
        for (aliases, host) in [(true, "mtls.example"), (false, "as.example")] {
            for found in [
                userinfo_endpoint(&metadata, aliases),
                revocation_endpoint(&metadata, aliases),
                introspection_endpoint(&metadata, aliases),
            ] {
                assert_eq!(found.unwrap().host_str(), Some(host));
            }
        }
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
