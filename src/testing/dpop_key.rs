//! A client's key and the proofs it signs.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::Document;
use crate::{
    jose::{JwkThumbprint, JwsAlgorithm, SigningKey, base64url, sha256},
    time::Timestamp,
};

/// The key of a client that binds its tokens by DPoP.
#[derive(Clone, Debug)]
pub struct DpopKey(Arc<SigningKey>);

impl DpopKey {
    /// A new ES256 key.
    ///
    /// # Panics
    ///
    /// If the cryptographic library fails.
    #[must_use]
    pub fn generate() -> Self {
        Self::generate_for(JwsAlgorithm::Es256)
    }

    /// A new key for this algorithm.
    ///
    /// # Panics
    ///
    /// If the cryptographic library fails.
    #[must_use]
    pub fn generate_for(algorithm: JwsAlgorithm) -> Self {
        Self(Arc::new(
            SigningKey::generate(algorithm).expect("the generator works"),
        ))
    }

    /// What tokens get bound to: `cnf.jkt`.
    #[must_use]
    pub fn thumbprint(&self) -> JwkThumbprint {
        self.0.thumbprint()
    }

    /// The key itself.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        &self.0
    }

    /// A proof for a request, right in everything until told otherwise.
    pub fn proof(&self, method: &str, url: &str, now: Timestamp) -> ProofBuilder {
        let mut document = Document::new(Arc::clone(&self.0), "dpop+jwt");
        document.set_header("jwk", self.0.public().bare().to_members());
        document.set_claim("jti", Uuid::new_v4().to_string());
        document.set_claim("htm", method);
        document.set_claim("htu", url.split(['?', '#']).next().unwrap_or(url));
        document.set_claim("iat", now.as_unix());
        ProofBuilder(document)
    }
}

/// A proof before it is signed.
#[derive(Clone, Debug)]
#[must_use]
pub struct ProofBuilder(Document);

impl ProofBuilder {
    /// Sets `ath` to the hash of this access token.
    pub fn access_token(self, token: &str) -> Self {
        self.claim("ath", base64url::encode(sha256(token.as_bytes())))
    }

    /// Sets `nonce`.
    pub fn nonce(self, nonce: &str) -> Self {
        self.claim("nonce", nonce)
    }

    /// Sets a claim to anything.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.set_claim(name, value);
        self
    }

    /// Leaves a claim out.
    pub fn without_claim(mut self, name: &str) -> Self {
        self.0.remove_claim(name);
        self
    }

    /// Sets a header parameter to anything.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.set_header(name, value);
        self
    }

    /// Leaves a header parameter out.
    pub fn without_header(mut self, name: &str) -> Self {
        self.0.remove_header(name);
        self
    }

    /// Signs with another key than the one in `jwk`.
    pub fn signed_by(mut self, other: &DpopKey) -> Self {
        self.0.set_key(Arc::clone(&other.0));
        self
    }

    /// Puts a private member into `jwk`, as no client must.
    pub fn with_private_key(self) -> Self {
        let mut jwk = self.0.header_member("jwk");
        if let Value::Object(members) = &mut jwk {
            members.insert("d".to_owned(), base64url::encode([1; 32]).into());
        }
        self.header("jwk", jwk)
    }

    /// The finished proof.
    ///
    /// # Panics
    ///
    /// If the cryptographic library fails.
    #[must_use]
    pub fn sign(&self) -> String {
        self.0.sign()
    }
}
