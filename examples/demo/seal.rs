//! What access tokens are encrypted to: the API's key, of which everybody has the public half (RFC 7516).

use std::sync::Arc;

use tower_fapi::jose::jwe::{
    AcceptedEncryption, CompactJwe, ContentEncryption, DecryptionKey, DecryptionKeyRing,
    EncryptionHeader, EncryptionKey, JweAlgorithm, decrypt, encrypt,
};

use crate::Outcome;

pub struct Seal {
    /// The API's own.
    pub keys: DecryptionKeyRing,
    /// What anybody can encrypt to, and so an attacker as well.
    pub public: Arc<EncryptionKey>,
}

/// How the key of a token is encrypted.
pub const ALGORITHM: JweAlgorithm = JweAlgorithm::EcdhEsA256Kw;

/// How the token is.
pub const ENCRYPTION: ContentEncryption = ContentEncryption::A256Gcm;

impl Seal {
    pub fn generate() -> Outcome<Self> {
        let keys = DecryptionKeyRing::from(DecryptionKey::generate(ALGORITHM)?);
        let public = EncryptionKey::from_set(&keys.public(), Some(ALGORITHM))?;
        Ok(Self {
            keys,
            public: Arc::new(public),
        })
    }

    /// Encrypts what somebody has signed, or nobody.
    pub fn close(&self, content: &str) -> Outcome<String> {
        let header = EncryptionHeader {
            typ: Some("at+jwt"),
            cty: Some("JWT"),
            ..EncryptionHeader::default()
        };
        Ok(encrypt(
            &self.public,
            ENCRYPTION,
            header,
            content.as_bytes(),
        )?)
    }

    /// What the API finds in a token, and nobody else.
    pub fn open(&self, token: &str) -> Outcome<String> {
        let keys = self.keys.current();
        let decrypted = decrypt(token, &keys, &AcceptedEncryption::default())?;
        Ok(String::from_utf8(decrypted.plaintext.to_vec())?)
    }
}

/// Whether this is an encrypted document.
pub fn is_sealed(token: &str) -> bool {
    CompactJwe::has_shape(token)
}
