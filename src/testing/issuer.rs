//! An authorization server that only mints tokens.

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Document, EncryptedTokenBuilder};
use crate::{
    issuer::IssuerKeys,
    jose::{
        CertificateThumbprint, JwkSet, JwkThumbprint, JwsAlgorithm, SigningKey, jwe::EncryptionKey,
    },
    resource_server::TrustedIssuer,
    time::Timestamp,
};

/// An issuer in the test's own process.
#[derive(Clone, Debug)]
pub struct TestIssuer {
    issuer: String,
    audience: String,
    key: Arc<SigningKey>,
}

impl TestIssuer {
    /// An issuer with a new ES256 key that mints tokens for this audience.
    ///
    /// # Panics
    ///
    /// If the cryptographic library fails.
    #[must_use]
    pub fn new(issuer: &str, audience: &str) -> Self {
        Self::with_algorithm(issuer, audience, JwsAlgorithm::Es256)
    }

    /// An issuer with a new key for this algorithm.
    ///
    /// # Panics
    ///
    /// If the cryptographic library fails.
    #[must_use]
    pub fn with_algorithm(issuer: &str, audience: &str, algorithm: JwsAlgorithm) -> Self {
        // In this crate's own tests nearly everything begins here.
        #[cfg(test)]
        crate::emitted::watch();
        let key = SigningKey::generate(algorithm).expect("the generator works");
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            key: Arc::new(key),
        }
    }

    /// The issuer's identifier.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What its `jwks_uri` would serve.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        JwkSet::new([self.key.public().clone()])
    }

    /// This issuer as a resource server trusts it, its keys given.
    ///
    /// # Panics
    ///
    /// Never: it has a key.
    #[must_use]
    pub fn trusted(&self) -> TrustedIssuer {
        let keys = IssuerKeys::fixed(&self.jwks()).expect("it has a key");
        TrustedIssuer::new(self.issuer(), keys)
    }

    /// The key it signs with.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        &self.key
    }

    pub(super) fn audience(&self) -> &str {
        &self.audience
    }

    pub(super) fn shared_key(&self) -> Arc<SigningKey> {
        Arc::clone(&self.key)
    }

    /// A token issued now for five minutes, right in everything but not bound to anything until told so.
    pub fn token(&self, now: Timestamp) -> TokenBuilder {
        let mut document = Document::new(Arc::clone(&self.key), "at+jwt");
        if let Some(kid) = self.key.kid() {
            document.set_header("kid", kid);
        }
        document.set_claim("iss", self.issuer.as_str());
        document.set_claim("aud", self.audience.as_str());
        document.set_claim("sub", "alice");
        document.set_claim("client_id", "client");
        document.set_claim("iat", now.as_unix());
        document.set_claim("exp", now.as_unix().saturating_add(300));
        document.set_claim("jti", Uuid::new_v4().to_string());
        TokenBuilder {
            document,
            confirmation: Map::new(),
        }
    }
}

/// A token before it is signed.
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenBuilder {
    document: Document,
    confirmation: Map<String, Value>,
}

impl TokenBuilder {
    /// Sets `sub`.
    pub fn subject(self, subject: &str) -> Self {
        self.claim("sub", subject)
    }

    /// Sets `client_id`.
    pub fn client(self, client: &str) -> Self {
        self.claim("client_id", client)
    }

    /// Sets `scope`: values separated by spaces.
    pub fn scope(self, scope: &str) -> Self {
        self.claim("scope", scope)
    }

    /// Binds the token to a client's DPoP key (`cnf.jkt`, RFC 9449 §6.1).
    pub fn bound_to_key(mut self, thumbprint: JwkThumbprint) -> Self {
        self.confirmation
            .insert("jkt".to_owned(), thumbprint.to_string().into());
        self
    }

    /// Binds the token to a client's certificate (`cnf.x5t#S256`, RFC 8705 §3.1).
    pub fn bound_to_certificate(mut self, thumbprint: CertificateThumbprint) -> Self {
        self.confirmation
            .insert("x5t#S256".to_owned(), thumbprint.to_string().into());
        self
    }

    /// Sets a claim to anything.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.document.set_claim(name, value);
        self
    }

    /// Leaves a claim out.
    pub fn without_claim(mut self, name: &str) -> Self {
        self.document.remove_claim(name);
        self
    }

    /// Sets a header parameter to anything.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.document.set_header(name, value);
        self
    }

    /// Leaves a header parameter out.
    pub fn without_header(mut self, name: &str) -> Self {
        self.document.remove_header(name);
        self
    }

    /// Signs with the key of another issuer.
    pub fn signed_by(mut self, other: &TestIssuer) -> Self {
        self.document.set_key(Arc::clone(&other.key));
        self
    }

    /// Encrypts the token to this key once it is signed.
    pub fn encrypted_to(self, key: impl Into<Arc<EncryptionKey>>) -> EncryptedTokenBuilder {
        EncryptedTokenBuilder::new(self, key.into())
    }

    /// The finished token.
    ///
    /// # Panics
    ///
    /// If the cryptographic library fails.
    #[must_use]
    pub fn mint(&self) -> String {
        let mut document = self.document.clone();
        if !self.confirmation.is_empty() {
            document.set_claim("cnf", self.confirmation.clone());
        }
        document.sign()
    }
}
