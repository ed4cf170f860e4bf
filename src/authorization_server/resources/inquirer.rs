//! Resource servers that may ask about tokens (RFC 7662 §2, RFC 9701 §3 and §6).

use super::{ResourceMetadata, ResourceProblem};
use crate::{
    authorization_server::{
        clients::{
            ClientAuthenticationMethod, ClientMetadata, ClientProblem, Credential, KeySource,
            credential,
        },
        sealing::Recipient,
    },
    jose::JwsAlgorithm,
};

/// A resource server that may ask about tokens.
#[derive(Debug)]
pub(crate) struct Inquirer {
    /// What it calls itself.
    pub(crate) client_id: String,
    /// The `aud` of the tokens it may ask about.
    pub(crate) resource: String,
    pub(crate) credential: Credential,
    /// What its answers are signed with, if it minds.
    pub(crate) algorithm: Option<JwsAlgorithm>,
    /// Whom its answers are encrypted to, if they are.
    pub(crate) recipient: Option<Recipient>,
}

impl Inquirer {
    /// Checks what a resource server says about asking; `None` if it does not ask.
    pub(super) fn register(
        metadata: &ResourceMetadata,
        source: &KeySource,
    ) -> Result<Option<Self>, ResourceProblem> {
        let Some(method) = metadata.token_endpoint_auth_method else {
            return match needless(metadata) {
                Some(name) => Err(ResourceProblem::NoMethod(name)),
                None => Ok(None),
            };
        };
        let recipient = Recipient::of_answers(metadata, source)?;
        let client_id = metadata.client_id.clone();
        let client_id = client_id.unwrap_or_else(|| metadata.resource.clone());
        // VSCHAR (RFC 6749 Appendix A.1).
        let printable = client_id.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        if client_id.is_empty() || client_id.len() > 256 || !printable {
            return Err(ClientProblem::ClientId.into());
        }
        Ok(Some(Self {
            credential: credential(&as_client(metadata, &client_id, method), source)?,
            client_id,
            resource: metadata.resource.clone(),
            algorithm: metadata.introspection_signed_response_alg,
            recipient,
        }))
    }
}

/// The first member that is of no use to somebody who does not authenticate.
fn needless(metadata: &ResourceMetadata) -> Option<&'static str> {
    [
        ("client_id", metadata.client_id.is_some()),
        (
            "token_endpoint_auth_signing_alg",
            metadata.token_endpoint_auth_signing_alg.is_some(),
        ),
        (
            "tls_client_auth_subject_dn",
            metadata.tls_client_auth_subject_dn.is_some(),
        ),
        (
            "tls_client_auth_san_dns",
            metadata.tls_client_auth_san_dns.is_some(),
        ),
        (
            "tls_client_auth_san_uri",
            metadata.tls_client_auth_san_uri.is_some(),
        ),
        (
            "tls_client_auth_san_ip",
            metadata.tls_client_auth_san_ip.is_some(),
        ),
        (
            "tls_client_auth_san_email",
            metadata.tls_client_auth_san_email.is_some(),
        ),
        (
            "introspection_signed_response_alg",
            metadata.introspection_signed_response_alg.is_some(),
        ),
        (
            "introspection_encrypted_response_alg",
            metadata.introspection_encrypted_response_alg.is_some(),
        ),
        (
            "introspection_encrypted_response_enc",
            metadata.introspection_encrypted_response_enc.is_some(),
        ),
    ]
    .into_iter()
    .find_map(|(name, given)| given.then_some(name))
}

/// How it authenticates, as a client would (RFC 9701 §3).
fn as_client(
    metadata: &ResourceMetadata,
    client_id: &str,
    method: ClientAuthenticationMethod,
) -> ClientMetadata {
    let signs = method == ClientAuthenticationMethod::PrivateKeyJwt;
    ClientMetadata {
        token_endpoint_auth_method: Some(method),
        token_endpoint_auth_signing_alg: metadata.token_endpoint_auth_signing_alg,
        tls_client_auth_subject_dn: metadata.tls_client_auth_subject_dn.clone(),
        tls_client_auth_san_dns: metadata.tls_client_auth_san_dns.clone(),
        tls_client_auth_san_uri: metadata.tls_client_auth_san_uri.clone(),
        tls_client_auth_san_ip: metadata.tls_client_auth_san_ip.clone(),
        tls_client_auth_san_email: metadata.tls_client_auth_san_email.clone(),
        jwks: metadata.jwks.clone(),
        // Of those who come with a certificate, only answers can be encrypted to what is there.
        jwks_uri: metadata.jwks_uri.clone().filter(|_| signs),
        ..ClientMetadata::new(client_id)
    }
}
