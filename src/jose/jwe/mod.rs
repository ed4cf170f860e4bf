//! Encrypted documents (RFC 7516), compact serialization only.
//!
//! Encryption keeps a document from other eyes. It does not say who wrote it: anybody can encrypt to a public key, so what
//! is inside has to be signed, and judged as if it had come in the clear.
//!
//! ```
//! use tower_fapi::jose::jwe::{
//!     AcceptedEncryption, ContentEncryption, DecryptionKey, DecryptionKeys, EncryptionHeader, EncryptionKey,
//!     JweAlgorithm, decrypt, encrypt,
//! };
//!
//! // The recipient's key; its public half is published for senders.
//! let keys = DecryptionKeys::new([DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw)?]);
//! let published = keys.public();
//!
//! let key = EncryptionKey::from_set(&published, None)?;
//! let header = EncryptionHeader { cty: Some("JWT"), ..Default::default() };
//! let document = encrypt(&key, ContentEncryption::A256Gcm, header, b"a signed document")?;
//!
//! let opened = decrypt(&document, &keys, &AcceptedEncryption::default())?;
//! assert!(opened.header.is_cty("JWT"));
//! assert_eq!(&opened.plaintext[..], b"a signed document");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod accepted;
mod agreement;
mod algorithm;
mod compact;
mod concat_kdf;
mod content;
mod decryption_key;
mod decryption_keys;
mod encryption_key;
mod error;
mod generate;
mod header;
mod key_ring;
mod key_wrap;
mod oaep;
mod purpose;
mod shared_key;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

pub use self::{
    accepted::AcceptedEncryption,
    agreement::AgreementCurve,
    algorithm::JweAlgorithm,
    compact::CompactJwe,
    content::ContentEncryption,
    decryption_key::DecryptionKey,
    decryption_keys::DecryptionKeys,
    encryption_key::EncryptionKey,
    error::{JweError, JweKeyError},
    header::JweHeader,
    key_ring::DecryptionKeyRing,
};
use crate::jose::base64url;

/// What a document that we encrypt says in its header beside `alg`, `enc` and `kid`.
#[derive(Clone, Copy, Debug, Default)]
pub struct EncryptionHeader<'a> {
    /// The media type of the whole, without `application/`.
    pub typ: Option<&'a str>,
    /// The media type of the content, without `application/`; `JWT` for a nested JWT (RFC 7519 §5.2).
    pub cty: Option<&'a str>,
    /// Who sends, as put into the key agreement (`apu`). Without effect under other algorithms.
    pub party_u: &'a [u8],
    /// Who receives, as put into the key agreement (`apv`). Without effect under other algorithms.
    pub party_v: &'a [u8],
}

/// A document that has been decrypted.
///
/// `Debug` shows the header alone.
pub struct Decrypted {
    /// What the document said of itself.
    pub header: JweHeader,
    /// What was in it, wiped when dropped.
    pub plaintext: Zeroizing<Vec<u8>>,
}

/// Encrypts a document.
///
/// # Errors
///
/// [`JweKeyError::KeyLength`] if a `dir` key is for another content encryption, [`JweKeyError::Library`] if the library
/// fails: a public X25519 key of small order agrees on nothing.
pub fn encrypt(
    key: &EncryptionKey,
    encryption: ContentEncryption,
    header: EncryptionHeader<'_>,
    plaintext: &[u8],
) -> Result<String, JweKeyError> {
    let adjust = |members: &mut Map<String, Value>| {
        for (name, text) in [("typ", header.typ), ("cty", header.cty)] {
            if let Some(text) = text {
                members.insert(name.to_owned(), text.into());
            }
        }
    };
    let parties = (header.party_u, header.party_v);
    encrypt_with(key, encryption, parties, adjust, plaintext)
}

/// Decrypts a document with whichever of the keys fits.
///
/// That it decrypts says nothing about who wrote it.
///
/// # Errors
///
/// [`JweError`]; whatever depends on a secret is [`JweError::Decryption`].
pub fn decrypt(
    compact: &str,
    keys: &DecryptionKeys,
    accepted: &AcceptedEncryption,
) -> Result<Decrypted, JweError> {
    let jwe = CompactJwe::parse(compact)?;
    let header = jwe.header()?;
    accepted.check(&header)?;
    let plaintext = jwe.decrypt(&header, keys)?;
    Ok(Decrypted { header, plaintext })
}

/// Encrypts with a header that is adjusted at the end, soundly or not.
pub(crate) fn encrypt_with(
    key: &EncryptionKey,
    encryption: ContentEncryption,
    (party_u, party_v): (&[u8], &[u8]),
    adjust: impl FnOnce(&mut Map<String, Value>),
    plaintext: &[u8],
) -> Result<String, JweKeyError> {
    let conveyed = key.convey(encryption, party_u, party_v)?;
    let mut members = conveyed.header;
    members.insert("alg".to_owned(), key.algorithm().as_str().into());
    members.insert("enc".to_owned(), encryption.as_str().into());
    if let Some(kid) = key.kid() {
        members.insert("kid".to_owned(), kid.into());
    }
    adjust(&mut members);
    let header = base64url::encode(Value::Object(members).to_string());
    let sealed = encryption.seal(&conveyed.key, header.as_bytes(), plaintext)?;
    let mut compact = header;
    for segment in [
        &conveyed.encrypted,
        &sealed.iv,
        &sealed.ciphertext,
        &sealed.tag,
    ] {
        compact.push('.');
        compact.push_str(&base64url::encode(segment));
    }
    Ok(compact)
}

impl std::fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decrypted")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}
