//! The rules by which metadata becomes a client.

use serde_json::Value;

use super::{
    Binding, Client, Credential,
    certificates::{CertificateSubject, registered_certificates},
    error::ClientProblem,
    grants::Grants,
    key_source::KeySource,
    messages::Messages,
    metadata::{ClientAuthenticationMethod, ClientMetadata},
    redirect_uri::{InvalidRedirectUri, RedirectUri},
};
use crate::{
    authorization_server::{
        authorization_details::DetailsTypes,
        response_type::ResponseType,
        scope::{OPENID, ScopeSet},
    },
    issuer::IssuerKeys,
    jose::{JwkSet, VerifyingKeySet},
};

impl Client {
    /// Checks the metadata of one client.
    pub(super) fn register(
        metadata: &ClientMetadata,
        known_scopes: &ScopeSet,
        known_types: &DetailsTypes,
        source: &KeySource,
    ) -> Result<Self, ClientProblem> {
        let id = metadata.client_id.clone();
        // VSCHAR (RFC 6749 Appendix A.1).
        if id.is_empty() || id.len() > 256 || !id.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
            return Err(ClientProblem::ClientId);
        }
        let grants = Grants::register(metadata)?;
        let (profile, binding) = (metadata.fapi_profile, binding(metadata)?);
        profile.check(metadata, binding)?;
        let response_types = grants.response_types(metadata)?;
        let scopes = scopes(metadata, known_scopes)?;
        if response_types.contains(&ResponseType::CodeIdToken) && !scopes.contains(OPENID) {
            return Err(ClientProblem::NoOpenId);
        }
        let credential = credential(metadata, source)?;
        Ok(Self {
            name: name(metadata)?,
            redirect_uris: redirect_uris(metadata, grants)?,
            post_logout_redirect_uris: post_logout_redirect_uris(metadata)?,
            messages: Messages::register(metadata, &credential)?,
            credential,
            binding,
            response_types,
            must_push: must_push(metadata)?,
            profile,
            scopes,
            details_types: details_types(metadata, known_types)?,
            grants,
            default_acr_values: metadata.default_acr_values.clone(),
            default_max_age: metadata.default_max_age,
            id,
        })
    }
}

fn must_push(metadata: &ClientMetadata) -> Result<bool, ClientProblem> {
    let always = !metadata.fapi_profile.may_send_request_by_value();
    match metadata.require_pushed_authorization_requests {
        Some(false) if always => Err(ClientProblem::NotPushed),
        wish => Ok(always || wish.unwrap_or_default()),
    }
}

fn name(metadata: &ClientMetadata) -> Result<String, ClientProblem> {
    let name = metadata.client_name.as_ref().unwrap_or(&metadata.client_id);
    if name.trim().is_empty() || name.len() > 256 || name.contains(char::is_control) {
        return Err(ClientProblem::ClientName);
    }
    Ok(name.clone())
}

fn redirect_uris(
    metadata: &ClientMetadata,
    grants: Grants,
) -> Result<Vec<RedirectUri>, ClientProblem> {
    let uris = &metadata.redirect_uris;
    // Nobody is sent back to a client that sends nobody here.
    if uris.is_empty() && grants.authorization_code {
        return Err(ClientProblem::Missing("redirect_uris"));
    }
    each_once(uris, |uri, problem| ClientProblem::RedirectUri {
        uri,
        problem,
    })
}

/// What holds for where codes go holds here, too: whatever is called there learns who was signed in, from its `state`
/// (OpenID Connect RP-Initiated Logout 1.0 §3.1).
fn post_logout_redirect_uris(metadata: &ClientMetadata) -> Result<Vec<RedirectUri>, ClientProblem> {
    each_once(&metadata.post_logout_redirect_uris, |uri, problem| {
        ClientProblem::PostLogoutRedirectUri { uri, problem }
    })
}

fn each_once(
    uris: &[String],
    refused: impl Fn(String, InvalidRedirectUri) -> ClientProblem,
) -> Result<Vec<RedirectUri>, ClientProblem> {
    let mut checked: Vec<RedirectUri> = Vec::new();
    for uri in uris {
        let redirect_uri =
            RedirectUri::new(uri).map_err(|problem| refused(uri.clone(), problem))?;
        if checked.contains(&redirect_uri) {
            return Err(ClientProblem::RepeatedRedirectUri(uri.clone()));
        }
        checked.push(redirect_uri);
    }
    Ok(checked)
}

/// What somebody authenticates with, as their metadata say.
pub(crate) fn credential(
    metadata: &ClientMetadata,
    source: &KeySource,
) -> Result<Credential, ClientProblem> {
    let method = metadata
        .token_endpoint_auth_method
        .ok_or(ClientProblem::NoMethod)?;
    if metadata.jwks_uri.is_some() && metadata.jwks.is_some() {
        return Err(ClientProblem::TwoKeySets);
    }
    if metadata.jwks_uri.is_some() && method != ClientAuthenticationMethod::PrivateKeyJwt {
        return Err(ClientProblem::DoesNotFitMethod("jwks_uri"));
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
        ClientAuthenticationMethod::PrivateKeyJwt => assertion(metadata, source),
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

fn assertion(metadata: &ClientMetadata, source: &KeySource) -> Result<Credential, ClientProblem> {
    let algorithm = metadata.token_endpoint_auth_signing_alg;
    let profile = metadata.fapi_profile;
    if let Some(url) = &metadata.jwks_uri {
        let keys = source.keys(&metadata.client_id, url)?;
        return Ok(Credential::Assertion {
            keys,
            algorithm,
            profile,
        });
    }
    let set = JwkSet::from_value(jwks(metadata)?)?;
    let keys = VerifyingKeySet::new(&set);
    if algorithm.is_some_and(|wanted| keys.keys().iter().all(|key| key.algorithm() != wanted)) {
        return Err(ClientProblem::NoKeyForAlgorithm);
    }
    let mut algorithms = keys.keys().iter().map(|key| key.algorithm());
    if !algorithms.any(|algorithm| profile.allows_algorithm(algorithm)) {
        return Err(ClientProblem::NoUsableKey);
    }
    let keys = IssuerKeys::fixed(&set).map_err(|_| ClientProblem::NoUsableKey)?;
    Ok(Credential::Assertion {
        keys,
        algorithm,
        profile,
    })
}

fn jwks(metadata: &ClientMetadata) -> Result<&Value, ClientProblem> {
    metadata.jwks.as_ref().ok_or(ClientProblem::Missing("jwks"))
}

/// Whether a key of the set has a private or symmetric member. Such a key would only be left out as unusable; who
/// registers one should hear that it is no longer secret.
pub(crate) fn holds_a_secret(jwks: &Value) -> bool {
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
    let scopes: ScopeSet = match metadata.scope.as_deref() {
        Some(scope) => scope.parse()?,
        None if metadata.authorization_details_types.is_empty() => {
            return Err(ClientProblem::Missing("scope"));
        }
        None => ScopeSet::default(),
    };
    if let Some(unknown) = scopes.iter().find(|name| !known.contains(name)) {
        return Err(ClientProblem::UnknownScope(unknown.to_owned()));
    }
    Ok(scopes)
}

fn details_types(
    metadata: &ClientMetadata,
    known: &DetailsTypes,
) -> Result<Vec<String>, ClientProblem> {
    let types = &metadata.authorization_details_types;
    match types
        .iter()
        .find(|name| !known.names().any(|known| known == name.as_str()))
    {
        Some(unknown) => Err(ClientProblem::UnknownDetailsType(unknown.clone())),
        None => Ok(types.clone()),
    }
}
