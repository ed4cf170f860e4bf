//! A token that is encrypted after it was signed, with everything that can be wrong about that.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::TokenBuilder;
use crate::jose::jwe::{ContentEncryption, EncryptionKey, encrypt_with};

/// An encrypted token before it is minted: A256GCM, `cty` `JWT`, and inside what the [`TokenBuilder`] says.
///
/// ```
/// use tower_fapi::{
///     jose::jwe::{DecryptionKey, EncryptionKey, JweAlgorithm},
///     testing::TestIssuer,
///     time::Timestamp,
/// };
///
/// let now = Timestamp::from_unix(1_800_000_000);
/// let issuer = TestIssuer::new("https://as.example.com", "https://api.example.com");
/// let own = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw)?; // the resource server's
/// let key = EncryptionKey::new(own.public().ok_or("no public half")?)?;
///
/// let token = issuer.token(now).encrypted_to(key);
/// let unsigned = token.clone().content(r#"{"sub":"mallory"}"#).mint();
/// assert_eq!(token.mint().split('.').count(), 5);
/// # assert_ne!(token.mint(), unsigned);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct EncryptedTokenBuilder {
    token: TokenBuilder,
    key: Arc<EncryptionKey>,
    encryption: ContentEncryption,
    header: Map<String, Value>,
    missing: Vec<String>,
    content: Option<Vec<u8>>,
    layers: usize,
}

impl EncryptedTokenBuilder {
    pub(super) fn new(token: TokenBuilder, key: Arc<EncryptionKey>) -> Self {
        let mut header = Map::new();
        header.insert("cty".to_owned(), "JWT".into());
        Self {
            token,
            key,
            encryption: ContentEncryption::A256Gcm,
            header,
            missing: Vec::new(),
            content: None,
            layers: 1,
        }
    }

    /// Sets the content encryption.
    pub fn encryption(mut self, encryption: ContentEncryption) -> Self {
        self.encryption = encryption;
        self
    }

    /// Sets a parameter of the outer header to anything, also where encryption says otherwise.
    pub fn outer_header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a parameter of the outer header out.
    pub fn without_outer_header(mut self, name: &str) -> Self {
        self.missing.push(name.to_owned());
        self
    }

    /// Encrypts this instead of the signed token: claims that nobody has signed, say.
    pub fn content(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.content = Some(content.into());
        self
    }

    /// Encrypts the encrypted token once more.
    pub fn encrypted_again(mut self) -> Self {
        self.layers += 1;
        self
    }

    /// The finished token.
    ///
    /// # Panics
    ///
    /// If the cryptographic library fails, or the key does not take the content encryption.
    #[must_use]
    pub fn mint(&self) -> String {
        let signed = || self.token.mint().into_bytes();
        let mut content = self.content.clone().unwrap_or_else(signed);
        for _ in 0..self.layers {
            content = self.encrypt(&content).into_bytes();
        }
        String::from_utf8(content).expect("base64url is ASCII")
    }

    fn encrypt(&self, content: &[u8]) -> String {
        let adjust = |header: &mut Map<String, Value>| {
            header.extend(self.header.clone());
            for name in &self.missing {
                header.remove(name);
            }
        };
        encrypt_with(&self.key, self.encryption, (b"", b""), adjust, content)
            .expect("the key takes this content encryption")
    }
}
