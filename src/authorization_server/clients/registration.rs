//! The rules by which metadata becomes a client.

use serde_json::Value;

use super::{
    Binding, Client, Credential,
    certificates::{CertificateSubject, registered_certificates},
    error::ClientProblem,
    metadata::{ClientAuthenticationMethod, ClientMetadata},
    redirect_uri::RedirectUri,
};
use crate::{
    authorization_server::scope::ScopeSet,
    jose::{JwkSet, VerifyingKeySet},
};

impl Client {
    /// Checks the metadata of one client.
    pub(super) fn register(
        metadata: &ClientMetadata,
        known_scopes: &ScopeSet,
    ) -> Result<Self, ClientProblem> {
        let id = metadata.client_id.clone();
        // VSCHAR (RFC 6749 Appendix A.1).
        if id.is_empty() || id.len() > 256 || !id.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
            return Err(ClientProblem::ClientId);
        }
        if metadata.require_pushed_authorization_requests == Some(false) {
            return Err(ClientProblem::NotPushed);
        }
        if let Some(types) = &metadata.response_types
            && *types != ["code"]
        {
            return Err(ClientProblem::ResponseTypes);
        }
        Ok(Self {
            name: name(metadata)?,
            redirect_uris: redirect_uris(&metadata.redirect_uris)?,
            credential: credential(metadata)?,
            binding: binding(metadata)?,
            scopes: scopes(metadata, known_scopes)?,
            may_refresh: may_refresh(metadata)?,
            id,
        })
    }
}

fn name(metadata: &ClientMetadata) -> Result<String, ClientProblem> {
    let name = metadata.client_name.as_ref().unwrap_or(&metadata.client_id);
    if name.trim().is_empty() || name.len() > 256 || name.contains(char::is_control) {
        return Err(ClientProblem::ClientName);
    }
    Ok(name.clone())
}

fn redirect_uris(uris: &[String]) -> Result<Vec<RedirectUri>, ClientProblem> {
    if uris.is_empty() {
        return Err(ClientProblem::Missing("redirect_uris"));
    }
    let mut checked: Vec<RedirectUri> = Vec::new();
    for uri in uris {
        let redirect_uri = RedirectUri::new(uri).map_err(|problem| ClientProblem::RedirectUri {
            uri: uri.clone(),
            problem,
        })?;
        if checked.contains(&redirect_uri) {
            return Err(ClientProblem::RepeatedRedirectUri(uri.clone()));
        }
        checked.push(redirect_uri);
    }
    Ok(checked)
}

fn credential(metadata: &ClientMetadata) -> Result<Credential, ClientProblem> {
    let method = metadata
        .token_endpoint_auth_method
        .ok_or(ClientProblem::NoMethod)?;
    if metadata.jwks_uri.is_some() {
        return Err(ClientProblem::JwksUri);
    }
    if metadata.jwks.as_ref().is_some_and(holds_a_secret) {
        return Err(ClientProblem::PrivateKey);
    }
    if method != ClientAuthenticationMethod::TlsClientAuth {
        for (name, value) in [
            (
                "tls_client_auth_subject_dn",
                &metadata.tls_client_auth_subject_dn,
            ),
            ("tls_client_auth_san_dns", &metadata.tls_client_auth_san_dns),
            ("tls_client_auth_san_uri", &metadata.tls_client_auth_san_uri),
            ("tls_client_auth_san_ip", &metadata.tls_client_auth_san_ip),
            (
                "tls_client_auth_san_email",
                &metadata.tls_client_auth_san_email,
            ),
        ] {
            if value.is_some() {
                return Err(ClientProblem::DoesNotFitMethod(name));
            }
        }
    }
    if method != ClientAuthenticationMethod::PrivateKeyJwt
        && metadata.token_endpoint_auth_signing_alg.is_some()
    {
        return Err(ClientProblem::DoesNotFitMethod(
            "token_endpoint_auth_signing_alg",
        ));
    }
    match method {
        ClientAuthenticationMethod::PrivateKeyJwt => assertion(metadata),
        ClientAuthenticationMethod::TlsClientAuth => {
            CertificateSubject::register(metadata).map(Credential::Subject)
        }
        ClientAuthenticationMethod::SelfSignedTlsClientAuth => {
            let certificates = registered_certificates(jwks(metadata)?)?;
            if certificates.is_empty() {
                return Err(ClientProblem::NoCertificate);
            }
            Ok(Credential::Certificates(certificates))
        }
    }
}

fn assertion(metadata: &ClientMetadata) -> Result<Credential, ClientProblem> {
    let keys = VerifyingKeySet::new(&JwkSet::from_value(jwks(metadata)?)?);
    if keys.keys().is_empty() {
        return Err(ClientProblem::NoUsableKey);
    }
    let algorithm = metadata.token_endpoint_auth_signing_alg;
    if algorithm.is_some_and(|wanted| keys.keys().iter().all(|key| key.algorithm() != wanted)) {
        return Err(ClientProblem::NoKeyForAlgorithm);
    }
    Ok(Credential::Assertion { keys, algorithm })
}

fn jwks(metadata: &ClientMetadata) -> Result<&Value, ClientProblem> {
    metadata.jwks.as_ref().ok_or(ClientProblem::Missing("jwks"))
}

/// Whether a key of the set has a private or symmetric member. Such a key would only be left out as unusable; who
/// registers one should hear that it is no longer secret.
fn holds_a_secret(jwks: &Value) -> bool {
    let keys = jwks.get("keys").and_then(Value::as_array);
    keys.into_iter()
        .flatten()
        .any(|key| key.get("d").is_some() || key.get("k").is_some())
}

fn binding(metadata: &ClientMetadata) -> Result<Binding, ClientProblem> {
    match (
        metadata.dpop_bound_access_tokens.unwrap_or_default(),
        metadata
            .tls_client_certificate_bound_access_tokens
            .unwrap_or_default(),
    ) {
        (true, false) => Ok(Binding::Dpop),
        (false, true) => Ok(Binding::Certificate),
        (true, true) | (false, false) => Err(ClientProblem::OneBinding),
    }
}

fn scopes(metadata: &ClientMetadata, known: &ScopeSet) -> Result<ScopeSet, ClientProblem> {
    let scopes: ScopeSet = metadata
        .scope
        .as_deref()
        .ok_or(ClientProblem::Missing("scope"))?
        .parse()?;
    if let Some(unknown) = scopes.iter().find(|name| !known.contains(name)) {
        return Err(ClientProblem::UnknownScope(unknown.to_owned()));
    }
    Ok(scopes)
}

fn may_refresh(metadata: &ClientMetadata) -> Result<bool, ClientProblem> {
    let Some(grants) = &metadata.grant_types else {
        return Ok(false);
    };
    let named = |name: &str| grants.iter().any(|grant| grant == name);
    let known = grants
        .iter()
        .all(|grant| grant == "authorization_code" || grant == "refresh_token");
    if !known || !named("authorization_code") {
        return Err(ClientProblem::GrantTypes);
    }
    Ok(named("refresh_token"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::{JwsAlgorithm, SigningKey};

    fn jwks(algorithm: JwsAlgorithm) -> Value {
        let key = SigningKey::generate(algorithm).unwrap();
        json!({ "keys": [Value::Object(key.public().to_members())] })
    }

    fn good() -> Value {
        json!({
            "client_id": "client",
            "redirect_uris": ["https://client.example/cb"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": jwks(JwsAlgorithm::Es256),
            "scope": "accounts",
            "grant_types": ["authorization_code", "refresh_token"],
            "dpop_bound_access_tokens": true,
        })
    }

    fn register(metadata: Value) -> Result<Client, ClientProblem> {
        let known = ["accounts", "payments"].into_iter().collect();
        Client::register(&serde_json::from_value(metadata).unwrap(), &known)
    }

    /// The good client with members replaced; `null` takes one away.
    fn with(changes: &Value) -> Value {
        let mut metadata = good();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                metadata.as_object_mut().unwrap().remove(name);
            } else {
                metadata[name] = value.clone();
            }
        }
        metadata
    }

    #[test]
    fn a_sound_client_is_registered() {
        let client = register(good()).unwrap();
        assert_eq!(
            (client.name.as_str(), client.binding),
            ("client", Binding::Dpop)
        );
        assert!(client.may_refresh);
        assert!(client.may_return_to("https://client.example/cb"));
        assert!(!client.may_return_to("https://client.example/cb/"));
        assert_eq!(client.method(), ClientAuthenticationMethod::PrivateKeyJwt);
        let quiet = register(with(&json!({"grant_types": null}))).unwrap();
        assert!(
            !quiet.may_refresh,
            "RFC 7591 §2: authorization_code is the default"
        );
    }

    // FAPI 2.0 Security Profile §5.3.2.1 and §5.4.1, RFC 7591 §2, RFC 8705 §2.1.2, RFC 9126 §6.
    #[test]
    fn missing_contradictory_and_insecure_metadata_is_refused() {
        use ClientProblem as P;
        for (changes, expected) in [
            (json!({"client_id": ""}), P::ClientId),
            (json!({"client_id": "clïent"}), P::ClientId),
            (json!({"client_name": "a\u{7}b"}), P::ClientName),
            (json!({"client_name": " "}), P::ClientName),
            (json!({"redirect_uris": []}), P::Missing("redirect_uris")),
            (
                json!({"redirect_uris": ["https://c.example/", "https://c.example/"]}),
                P::RepeatedRedirectUri("https://c.example/".to_owned()),
            ),
            (json!({"token_endpoint_auth_method": null}), P::NoMethod),
            (
                json!({"jwks_uri": "https://client.example/jwks"}),
                P::JwksUri,
            ),
            (json!({"jwks": null}), P::Missing("jwks")),
            (json!({"jwks": {"keys": []}}), P::NoUsableKey),
            (
                json!({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}),
                P::PrivateKey,
            ),
            (
                json!({"jwks": {"keys": [{"kty": "EC", "d": "AA"}]}}),
                P::PrivateKey,
            ),
            (
                json!({"token_endpoint_auth_signing_alg": "PS256"}),
                P::NoKeyForAlgorithm,
            ),
            (
                json!({"tls_client_auth_san_dns": "c.example"}),
                P::DoesNotFitMethod("tls_client_auth_san_dns"),
            ),
            (
                json!({"token_endpoint_auth_method": "tls_client_auth"}),
                P::OneSubject,
            ),
            (
                json!({
                    "token_endpoint_auth_method": "tls_client_auth",
                    "tls_client_auth_san_dns": "c.example",
                    "tls_client_auth_san_uri": "https://c.example",
                }),
                P::OneSubject,
            ),
            (
                json!({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_ip": "1.2.3"}),
                P::SanIp,
            ),
            (
                json!({"token_endpoint_auth_method": "self_signed_tls_client_auth"}),
                P::NoCertificate,
            ),
            (
                json!({
                    "token_endpoint_auth_method": "self_signed_tls_client_auth",
                    "token_endpoint_auth_signing_alg": "ES256",
                }),
                P::DoesNotFitMethod("token_endpoint_auth_signing_alg"),
            ),
            (json!({"dpop_bound_access_tokens": null}), P::OneBinding),
            (json!({"dpop_bound_access_tokens": false}), P::OneBinding),
            (
                json!({"tls_client_certificate_bound_access_tokens": true}),
                P::OneBinding,
            ),
            (json!({"scope": null}), P::Missing("scope")),
            (
                json!({"scope": "accounts other"}),
                P::UnknownScope("other".to_owned()),
            ),
            (json!({"grant_types": ["refresh_token"]}), P::GrantTypes),
            (
                json!({"grant_types": ["authorization_code", "password"]}),
                P::GrantTypes,
            ),
            (
                json!({"grant_types": ["authorization_code", "client_credentials"]}),
                P::GrantTypes,
            ),
            (
                json!({"response_types": ["code id_token"]}),
                P::ResponseTypes,
            ),
            (json!({"response_types": []}), P::ResponseTypes),
            (
                json!({"require_pushed_authorization_requests": false}),
                P::NotPushed,
            ),
        ] {
            let refused = register(with(&changes));
            assert_eq!(refused.unwrap_err(), expected, "{changes}");
        }
        let insecure = register(with(
            &json!({"redirect_uris": ["http://client.example/cb"]}),
        ));
        assert!(matches!(insecure, Err(P::RedirectUri { .. })));
    }

    // FAPI 2.0 Security Profile §5.3.2.1: no shared secrets, no public clients.
    #[test]
    fn what_cannot_be_read_is_no_client() {
        for changes in [
            json!({"token_endpoint_auth_method": "client_secret_basic"}),
            json!({"token_endpoint_auth_method": "none"}),
            json!({"token_endpoint_auth_signing_alg": "RS256"}),
            json!({"client_secret": "secret"}),
            json!({"redirect_uri": "https://client.example/cb"}),
        ] {
            let read = serde_json::from_value::<ClientMetadata>(with(&changes));
            assert!(read.is_err(), "{changes}");
        }
    }
}
