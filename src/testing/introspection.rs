//! What an introspection endpoint would say, and all of it can be made wrong.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Document, TestIssuer};
use crate::{
    jose::{
        CertificateThumbprint, JwkThumbprint, SigningKey,
        jwe::{ContentEncryption, EncryptionHeader, EncryptionKey, encrypt},
    },
    time::Timestamp,
};

/// An answer of an introspection endpoint before it is sent: plain (RFC 7662 §2.2) or signed (RFC 9701 §5).
///
/// ```
/// use tower_fapi::{testing::TestIssuer, time::Timestamp};
///
/// let issuer = TestIssuer::new("https://as.example.com", "https://api.example.com");
/// let now = Timestamp::from_unix(1_800_000_000);
/// let answer = issuer.introspection(now).scope("accounts");
/// assert!(answer.json().contains(r#""active":true"#));
/// assert_eq!(answer.jwt("api").split('.').count(), 3);
/// assert_eq!(issuer.inactive(now).json(), r#"{"active":false}"#);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AnswerBuilder {
    members: Map<String, Value>,
    confirmation: Map<String, Value>,
    envelope: Document,
    /// Claims of the envelope that the test has set or left out itself.
    chosen: Vec<String>,
}

impl TestIssuer {
    /// An answer about a token that is active, issued now for five minutes, and bound to nothing until told so.
    pub fn introspection(&self, now: Timestamp) -> AnswerBuilder {
        self.inactive(now)
            .member("active", true)
            .member("iss", self.issuer())
            .member("aud", self.audience())
            .member("sub", "alice")
            .member("client_id", "client")
            .member("iat", now.as_unix())
            .member("exp", now.as_unix().saturating_add(300))
    }

    /// An answer about a token that is not active: it says nothing else.
    pub fn inactive(&self, now: Timestamp) -> AnswerBuilder {
        let key: Arc<SigningKey> = self.shared_key();
        let mut envelope = Document::new(key, "token-introspection+jwt");
        if let Some(kid) = self.signing_key().kid() {
            envelope.set_header("kid", kid);
        }
        envelope.set_claim("iss", self.issuer());
        envelope.set_claim("iat", now.as_unix());
        let answer = AnswerBuilder {
            members: Map::new(),
            confirmation: Map::new(),
            envelope,
            chosen: Vec::new(),
        };
        answer.member("active", false)
    }
}

impl AnswerBuilder {
    /// Sets `scope`: values separated by spaces.
    pub fn scope(self, scope: &str) -> Self {
        self.member("scope", scope)
    }

    /// Binds the token to a client's DPoP key (`cnf.jkt`, RFC 9449 §6.2).
    pub fn bound_to_key(mut self, thumbprint: JwkThumbprint) -> Self {
        let thumbprint = thumbprint.to_string().into();
        self.confirmation.insert("jkt".to_owned(), thumbprint);
        self
    }

    /// Binds the token to a client's certificate (`cnf.x5t#S256`, RFC 8705 §3.2).
    pub fn bound_to_certificate(mut self, thumbprint: CertificateThumbprint) -> Self {
        let thumbprint = thumbprint.to_string().into();
        self.confirmation.insert("x5t#S256".to_owned(), thumbprint);
        self
    }

    /// Sets a member of the answer to anything.
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a member of the answer out.
    pub fn without_member(mut self, name: &str) -> Self {
        self.members.remove(name);
        self
    }

    /// Sets a claim of the JWT around a signed answer to anything.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.chosen.push(name.to_owned());
        self.envelope.set_claim(name, value);
        self
    }

    /// Leaves a claim of the JWT around a signed answer out.
    pub fn without_claim(mut self, name: &str) -> Self {
        self.chosen.push(name.to_owned());
        self.envelope.remove_claim(name);
        self
    }

    /// Sets a header parameter of a signed answer to anything.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.envelope.set_header(name, value);
        self
    }

    /// Leaves a header parameter of a signed answer out.
    pub fn without_header(mut self, name: &str) -> Self {
        self.envelope.remove_header(name);
        self
    }

    /// Signs with the key of another issuer.
    pub fn signed_by(mut self, other: &TestIssuer) -> Self {
        self.envelope.set_key(other.shared_key());
        self
    }

    /// The plain answer: `application/json`.
    #[must_use]
    pub fn json(&self) -> String {
        self.value().to_string()
    }

    /// The signed answer to the resource server that the issuer knows by this identifier:
    /// `application/token-introspection+jwt`.
    ///
    /// # Panics
    ///
    /// If the cryptographic library fails.
    #[must_use]
    pub fn jwt(&self, client_id: &str) -> String {
        let mut envelope = self.envelope.clone();
        let chosen = |name: &str| self.chosen.iter().any(|chosen| chosen == name);
        if !chosen("aud") {
            envelope.set_claim("aud", client_id);
        }
        if !chosen("token_introspection") {
            envelope.set_claim("token_introspection", self.value());
        }
        envelope.sign()
    }

    /// The signed answer, encrypted to this key of the resource server: A256GCM, `cty` `JWT`.
    ///
    /// # Panics
    ///
    /// If the cryptographic library fails, or the key does not take the content encryption.
    #[must_use]
    pub fn encrypted_jwt(&self, client_id: &str, key: &EncryptionKey) -> String {
        let header = EncryptionHeader {
            typ: Some("token-introspection+jwt"),
            cty: Some("JWT"),
            ..EncryptionHeader::default()
        };
        let signed = self.jwt(client_id);
        encrypt(key, ContentEncryption::A256Gcm, header, signed.as_bytes())
            .expect("the key takes this content encryption")
    }

    fn value(&self) -> Value {
        let mut members = self.members.clone();
        if !self.confirmation.is_empty() {
            members.insert("cnf".to_owned(), self.confirmation.clone().into());
        }
        Value::Object(members)
    }
}
