//! The clients: confidential ones only, registered by configuration (FAPI 2.0 Security Profile §5.3.2.1).

mod certificates;
mod distinguished_name;
mod error;
mod grants;
mod key_source;
mod messages;
mod metadata;
mod profile;
mod protection;
mod redirect_uri;
mod registration;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use crate::{issuer::IssuerKeys, jose::JwsAlgorithm, mtls::CertificateThumbprint};

pub(crate) use self::{
    certificates::CertificateSubject,
    grants::Grants,
    key_source::KeySource,
    messages::Messages,
    protection::Protector,
    redirect_uri::{RedirectUri, with_parameters},
    registration::{credential, holds_a_secret},
};
pub use self::{
    certificates::InvalidRegisteredCertificate,
    distinguished_name::InvalidDistinguishedName,
    error::{ClientProblem, InvalidClient},
    metadata::{ClientAuthenticationMethod, ClientMetadata},
    profile::FapiProfile,
    redirect_uri::InvalidRedirectUri,
};
use super::{
    authorization_details::{DetailEntry, DetailsTypes},
    response_type::ResponseType,
    scope::ScopeSet,
    store::PushedRequest,
};

/// A client whose metadata has been checked.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    /// What pages call it.
    pub(crate) name: String,
    pub(crate) profile: FapiProfile,
    /// What it may ask for, of what its profile allows.
    pub(crate) response_types: Vec<ResponseType>,
    /// Whether all its requests have to be pushed (RFC 9126 §6).
    pub(crate) must_push: bool,
    pub(crate) redirect_uris: Vec<RedirectUri>,
    /// Where people may be sent when they have been signed out.
    pub(crate) post_logout_redirect_uris: Vec<RedirectUri>,
    pub(crate) credential: Credential,
    pub(crate) binding: Binding,
    pub(crate) scopes: ScopeSet,
    /// The types of `authorization_details` it may ask for (RFC 9396 §10).
    pub(crate) details_types: Vec<String>,
    pub(crate) grants: Grants,
    /// What it demands of a sign-in unless it says otherwise (OpenID Connect Dynamic Client Registration §2).
    pub(crate) default_acr_values: Vec<String>,
    pub(crate) default_max_age: Option<u64>,
    /// How its requests and responses are signed.
    pub(crate) messages: Messages,
}

/// What a client proves its identity with.
#[derive(Debug)]
pub(crate) enum Credential {
    /// Signed assertions (OpenID Connect Core §9).
    Assertion {
        /// Given with the registration, or fetched from the client's `jwks_uri`.
        keys: IssuerKeys,
        /// The only algorithm allowed, if one is registered.
        algorithm: Option<JwsAlgorithm>,
        /// Says what else they have to be like.
        profile: FapiProfile,
    },
    /// A certificate with this subject, issued by one of the authorities (RFC 8705 §2.1).
    Subject(CertificateSubject),
    /// One of these very certificates (RFC 8705 §2.2).
    Certificates(Vec<CertificateThumbprint>),
}

/// What the client's access tokens are bound to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Binding {
    /// The key of its DPoP proof (RFC 9449 §6).
    Dpop,
    /// The certificate of the token request (RFC 8705 §3).
    Certificate,
}

impl Client {
    pub(crate) fn method(&self) -> ClientAuthenticationMethod {
        match self.credential {
            Credential::Assertion { .. } => ClientAuthenticationMethod::PrivateKeyJwt,
            Credential::Subject(_) => ClientAuthenticationMethod::TlsClientAuth,
            Credential::Certificates(_) => ClientAuthenticationMethod::SelfSignedTlsClientAuth,
        }
    }

    /// Whether this redirect URI is registered, character by character (RFC 9700 §2.1).
    pub(crate) fn may_return_to(&self, redirect_uri: &str) -> bool {
        self.redirect_uris
            .iter()
            .any(|registered| registered.as_str() == redirect_uri)
    }

    /// Whether a request that was accepted, perhaps under another registration, could still be made (RFC 9126 §7.4).
    pub(crate) fn may_still_ask(&self, request: &PushedRequest) -> bool {
        let mut scope = request.scope.split(' ').filter(|name| !name.is_empty());
        let mut kinds = request.authorization_details.iter().map(DetailEntry::kind);
        self.grants.authorization_code
            && self.response_types.contains(&request.response_type)
            && self.may_return_to(&request.redirect_uri)
            && scope.all(|name| self.scopes.contains(name))
            && kinds.all(|kind| self.details_types.iter().any(|known| known == kind))
            && request.claims.is_within(&self.scopes)
            && (!request.by_value || !self.must_push)
            && request
                .response_mode
                .is_open_to(self, request.response_type)
            && (request.code_challenge.is_some() || !self.profile.requires_pkce(!request.by_value))
    }
}

/// The clients that are registered, by identifier.
#[derive(Debug)]
pub(crate) struct Clients(HashMap<String, Arc<Client>>);

impl Clients {
    /// Checks every client against itself, the others and the scopes and types the server knows.
    pub(crate) fn new(
        metadata: impl IntoIterator<Item = ClientMetadata>,
        known_scopes: &ScopeSet,
        known_types: &DetailsTypes,
        source: &KeySource,
    ) -> Result<Self, InvalidClient> {
        let mut clients = HashMap::new();
        for (index, metadata) in metadata.into_iter().enumerate() {
            let refused = |problem| InvalidClient {
                position: index + 1,
                client_id: metadata.client_id.clone(),
                problem,
            };
            let client =
                Client::register(&metadata, known_scopes, known_types, source).map_err(refused)?;
            if clients.contains_key(&client.id) {
                return Err(refused(ClientProblem::Duplicate));
            }
            clients.insert(client.id.clone(), Arc::new(client));
        }
        Ok(Self(clients))
    }

    pub(crate) fn get(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.0.get(client_id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.0.values()
    }
}
