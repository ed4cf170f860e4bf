//! What the resource server tells the world about itself (RFC 9728).

use std::sync::Arc;

use serde_json::{Map, Value, json};
use url::Url;

use super::{Binding, ConfigError};
use crate::{
    jose::{JwsAlgorithm, SigningHeader, SigningKey, sign},
    time::Timestamp,
};

/// What to publish beside what follows from the settings (RFC 9728 §2).
///
/// Given to [`ResourceServerBuilder::metadata`](super::ResourceServerBuilder::metadata); served by
/// [`ResourceMetadataService`](crate::layer::ResourceMetadataService).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ResourceMetadata {
    members: Map<String, Value>,
    signing_key: Option<Arc<SigningKey>>,
}

impl ResourceMetadata {
    /// Nothing beside what follows from the settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// `scopes_supported`: the scope values this API knows.
    pub fn scopes<'a>(self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        self.list("scopes_supported", scopes)
    }

    /// `authorization_details_types_supported` (RFC 9396 §10).
    pub fn authorization_details_types<'a>(self, types: impl IntoIterator<Item = &'a str>) -> Self {
        self.list("authorization_details_types_supported", types)
    }

    /// `jwks_uri`: where this resource server's own public keys are, for encrypting tokens to it and for verifying what it
    /// signs. See [`JwksService`](crate::layer::JwksService).
    pub fn jwks_uri(self, url: &Url) -> Self {
        self.text("jwks_uri", url.as_str())
    }

    /// `resource_name`: for people.
    pub fn name(self, name: &str) -> Self {
        self.text("resource_name", name)
    }

    /// `resource_documentation`: a page for developers.
    pub fn documentation(self, url: &Url) -> Self {
        self.text("resource_documentation", url.as_str())
    }

    /// `resource_policy_uri`: a page on how clients may use the data.
    pub fn policy(self, url: &Url) -> Self {
        self.text("resource_policy_uri", url.as_str())
    }

    /// `resource_tos_uri`: the terms of service.
    pub fn terms_of_service(self, url: &Url) -> Self {
        self.text("resource_tos_uri", url.as_str())
    }

    /// Adds `signed_metadata`, signed with this key, whose public half belongs under [`jwks_uri`](Self::jwks_uri)
    /// (RFC 9728 §2.2).
    pub fn signed_with(mut self, key: Arc<SigningKey>) -> Self {
        self.signing_key = Some(key);
        self
    }

    fn list<'a>(mut self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let values: Vec<_> = values.into_iter().map(Value::from).collect();
        // RFC 9728 §3.2: parameters without values are left out.
        if !values.is_empty() {
            self.members.insert(name.to_owned(), Value::Array(values));
        }
        self
    }

    fn text(mut self, name: &str, value: &str) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }
}

/// The settings that the metadata has to repeat.
pub(super) struct Described<'a> {
    pub(super) resource: &'a str,
    pub(super) issuers: Vec<&'a str>,
    pub(super) binding: Binding,
    pub(super) proof_algorithms: &'a [JwsAlgorithm],
}

/// The finished document, and where it is to be found.
#[derive(Debug)]
pub(crate) struct PublishedMetadata {
    pub(crate) url: Url,
    members: Map<String, Value>,
    signing_key: Option<Arc<SigningKey>>,
}

impl PublishedMetadata {
    pub(super) fn new(
        published: ResourceMetadata,
        described: &Described<'_>,
    ) -> Result<Self, ConfigError> {
        let url = metadata_url(described.resource)
            .ok_or_else(|| ConfigError::ResourceIdentifier(described.resource.to_owned()))?;
        let mut members = published.members;
        let binding = described.binding;
        for (name, value) in [
            ("resource", json!(described.resource)),
            ("authorization_servers", json!(described.issuers)),
            ("bearer_methods_supported", json!(["header"])),
            (
                "tls_client_certificate_bound_access_tokens",
                json!(binding.accepts_certificate()),
            ),
            (
                "dpop_bound_access_tokens_required",
                json!(!binding.accepts_certificate()),
            ),
        ] {
            members.insert(name.to_owned(), value);
        }
        if binding.accepts_dpop() {
            let algorithms = described.proof_algorithms.iter();
            let names: Vec<_> = algorithms.map(|algorithm| algorithm.as_str()).collect();
            members.insert("dpop_signing_alg_values_supported".to_owned(), json!(names));
        }
        Ok(Self {
            url,
            members,
            signing_key: published.signing_key,
        })
    }

    /// The document as it is served (RFC 9728 §3.2), signed now if it is to be.
    pub(crate) fn document(&self, now: Timestamp) -> Vec<u8> {
        let mut document = self.members.clone();
        if let Some(key) = &self.signing_key {
            // RFC 9728 §2.2: signed, with `iss`, and without `signed_metadata` in itself.
            let mut claims = self.members.clone();
            let resource = claims.get("resource").cloned().unwrap_or_default();
            claims.insert("iss".to_owned(), resource);
            claims.insert("iat".to_owned(), now.as_unix().into());
            let claims = Value::Object(claims).to_string();
            match sign(key, SigningHeader::default(), claims.as_bytes()) {
                Ok(signed) => {
                    document.insert("signed_metadata".to_owned(), signed.into());
                }
                // The rest is true without it.
                Err(error) => tracing::error!(%error, "resource metadata could not be signed"),
            }
        }
        Value::Object(document).to_string().into_bytes()
    }
}

/// Where the metadata of a resource lies: the well-known part goes between host and path (RFC 9728 §3.1).
fn metadata_url(resource: &str) -> Option<Url> {
    let mut url: Url = resource.parse().ok()?;
    let local = match url.host()? {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && local);
    let user = !url.username().is_empty() || url.password().is_some();
    if !scheme || user || url.fragment().is_some() {
        return None;
    }
    let path = url.path();
    let path = if path == "/" { "" } else { path };
    let path = format!("/.well-known/oauth-protected-resource{path}");
    url.set_path(&path);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{CompactJws, VerifyingKeySet, json as strict_json};

    // RFC 9728 §3.1.
    #[test]
    fn the_well_known_part_goes_between_host_and_path() {
        for (resource, expected) in [
            (
                "https://resource.example.com",
                Some("https://resource.example.com/.well-known/oauth-protected-resource"),
            ),
            (
                "https://resource.example.com/",
                Some("https://resource.example.com/.well-known/oauth-protected-resource"),
            ),
            (
                "https://resource.example.com/resource1",
                Some("https://resource.example.com/.well-known/oauth-protected-resource/resource1"),
            ),
            (
                "https://resource.example.com/resource1/?k=v",
                Some(
                    "https://resource.example.com/.well-known/oauth-protected-resource/resource1/?k=v",
                ),
            ),
            (
                "http://127.0.0.1:3000/a",
                Some("http://127.0.0.1:3000/.well-known/oauth-protected-resource/a"),
            ),
            ("http://resource.example.com", None),
            ("https://resource.example.com/#a", None),
            ("https://user@resource.example.com/", None),
            ("urn:api:payments", None),
            ("api", None),
            ("", None),
        ] {
            let url = metadata_url(resource);
            assert_eq!(url.as_ref().map(Url::as_str), expected, "{resource}");
        }
    }

    fn published(metadata: ResourceMetadata, binding: Binding) -> Map<String, Value> {
        let described = Described {
            resource: "https://api.example.com",
            issuers: vec!["https://as.example.com", "https://second.example"],
            binding,
            proof_algorithms: &[JwsAlgorithm::Es256, JwsAlgorithm::EdDsa],
        };
        let published = PublishedMetadata::new(metadata, &described).unwrap();
        strict_json::object(&published.document(Timestamp::from_unix(7))).unwrap()
    }

    // RFC 9728 §2.
    #[test]
    fn what_is_published_follows_from_the_settings() {
        let url: Url = "https://api.example.com/jwks".parse().unwrap();
        let metadata = ResourceMetadata::new()
            .scopes(["accounts", "payments"])
            .authorization_details_types([])
            .jwks_uri(&url)
            .name("Accounts");
        let document = published(metadata, Binding::Either);
        let expected = json!({
            "resource": "https://api.example.com",
            "authorization_servers": ["https://as.example.com", "https://second.example"],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["accounts", "payments"],
            "jwks_uri": "https://api.example.com/jwks",
            "resource_name": "Accounts",
            "tls_client_certificate_bound_access_tokens": true,
            "dpop_bound_access_tokens_required": false,
            "dpop_signing_alg_values_supported": ["ES256", "EdDSA"],
        });
        assert_eq!(Value::Object(document), expected);
        for (binding, certificate, dpop_required, algorithms) in [
            (Binding::Dpop, false, true, true),
            (Binding::Certificate, true, false, false),
        ] {
            let document = published(ResourceMetadata::new(), binding);
            assert_eq!(
                document["tls_client_certificate_bound_access_tokens"],
                certificate
            );
            assert_eq!(document["dpop_bound_access_tokens_required"], dpop_required);
            let listed = document.contains_key("dpop_signing_alg_values_supported");
            assert_eq!(listed, algorithms, "{binding:?}");
        }
    }

    // RFC 9728 §2.2.
    #[test]
    fn signed_metadata_repeats_the_document_under_the_resources_key() {
        let key = Arc::new(SigningKey::generate(JwsAlgorithm::Es256).unwrap());
        let metadata = ResourceMetadata::new()
            .scopes(["accounts"])
            .signed_with(Arc::clone(&key));
        let mut document = published(metadata, Binding::Either);
        let signed = document.remove("signed_metadata").unwrap();
        let jws = CompactJws::parse(signed.as_str().unwrap()).unwrap();
        let keys = VerifyingKeySet::new(&crate::jose::JwkSet::new([key.public().clone()]));
        jws.verify_with(&jws.header().unwrap(), &keys).unwrap();
        let mut claims = strict_json::object(&jws.payload().unwrap()).unwrap();
        assert_eq!(claims.remove("iss").unwrap(), "https://api.example.com");
        assert_eq!(claims.remove("iat").unwrap(), 7);
        assert_eq!(claims, document);
    }
}
