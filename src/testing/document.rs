//! A JWT to be, of which everything can be made wrong.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::jose::{SigningKey, base64url};

/// Header and claims before they are signed.
#[derive(Clone, Debug)]
pub struct Document {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    key: Arc<SigningKey>,
}

impl Document {
    pub(super) fn new(key: Arc<SigningKey>, typ: &str) -> Self {
        let mut header = Map::new();
        header.insert("alg".to_owned(), key.algorithm().as_str().into());
        header.insert("typ".to_owned(), typ.into());
        Self {
            header,
            claims: Map::new(),
            key,
        }
    }

    pub(super) fn set_header(&mut self, name: &str, value: impl Into<Value>) {
        self.header.insert(name.to_owned(), value.into());
    }

    pub(super) fn set_claim(&mut self, name: &str, value: impl Into<Value>) {
        self.claims.insert(name.to_owned(), value.into());
    }

    pub(super) fn header_member(&self, name: &str) -> Value {
        self.header.get(name).cloned().unwrap_or_default()
    }

    pub(super) fn remove_header(&mut self, name: &str) {
        self.header.remove(name);
    }

    pub(super) fn remove_claim(&mut self, name: &str) {
        self.claims.remove(name);
    }

    pub(super) fn set_key(&mut self, key: Arc<SigningKey>) {
        self.key = key;
    }

    pub(super) fn sign(&self) -> String {
        let header = Value::Object(self.header.clone()).to_string();
        let claims = Value::Object(self.claims.clone()).to_string();
        Self::sign_texts(&self.key, &header, &claims)
    }

    /// Signs any two texts as header and payload of a compact JWS, sound or not.
    ///
    /// # Panics
    ///
    /// If the cryptographic library fails.
    #[must_use]
    pub fn sign_texts(key: &SigningKey, header: &str, payload: &str) -> String {
        let input = format!(
            "{}.{}",
            base64url::encode(header),
            base64url::encode(payload)
        );
        let signature = key
            .sign(input.as_bytes())
            .expect("a key that was accepted signs");
        format!("{input}.{}", base64url::encode(signature))
    }
}
