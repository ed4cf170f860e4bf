//! Encrypted documents in the compact serialization (RFC 7516 §7.1).

use std::fmt;

use zeroize::Zeroizing;

use super::{DecryptionKeys, JweError, JweHeader};
use crate::jose::{base64url, json};

/// A compact JWE taken apart, nothing decoded yet. `Debug` shows the header alone: the whole may be somebody's token.
///
/// How long a text may be is the caller's to judge, before it comes here: what is decoded and decrypted is no longer than
/// the text.
#[derive(Clone, Copy)]
pub struct CompactJwe<'a> {
    header: &'a str,
    encrypted_key: &'a str,
    iv: &'a str,
    ciphertext: &'a str,
    tag: &'a str,
}

impl<'a> CompactJwe<'a> {
    /// Splits the text at its four dots.
    ///
    /// # Errors
    ///
    /// [`JweError::Segments`] if there are not five segments, or header, initialization vector or tag is empty.
    pub fn parse(compact: &'a str) -> Result<Self, JweError> {
        let mut segments = compact.split('.');
        let mut next = || segments.next().ok_or(JweError::Segments);
        let jwe = Self {
            header: next()?,
            encrypted_key: next()?,
            iv: next()?,
            ciphertext: next()?,
            tag: next()?,
        };
        let empty = [jwe.header, jwe.iv, jwe.tag].into_iter().any(str::is_empty);
        if empty || segments.next().is_some() {
            return Err(JweError::Segments);
        }
        Ok(jwe)
    }

    /// Whether a text has the five segments of a JWE (RFC 7516 §9). Says nothing about what is in them.
    #[must_use]
    pub fn has_shape(compact: &str) -> bool {
        compact.bytes().filter(|byte| *byte == b'.').count() == 4
    }

    /// Decodes and checks the header.
    ///
    /// # Errors
    ///
    /// [`JweError`] if it is malformed, names an algorithm we do not use, or an extension we do not know.
    pub fn header(&self) -> Result<JweHeader, JweError> {
        JweHeader::read(json::small_object(&base64url::decode(self.header)?)?)
    }

    /// Decrypts with whichever key fits the header.
    ///
    /// That it decrypts says that somebody has encrypted it to us, and nothing about who: except under shared keys, anybody
    /// can.
    ///
    /// # Errors
    ///
    /// What anybody can see in the text, [`JweError::NoKey`] if no key fits, and [`JweError::Decryption`] for all else.
    pub fn decrypt(
        &self,
        header: &JweHeader,
        keys: &DecryptionKeys,
    ) -> Result<Zeroizing<Vec<u8>>, JweError> {
        let message = self.decode(header)?;
        let mut outcome = Err(JweError::NoKey);
        for key in keys.candidates(header) {
            outcome = key.open(header, &message).map_err(|_| JweError::Decryption);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// Checks all that can be checked without a secret: that the segments are what the header makes of them, and that one of
    /// the keys may have been meant.
    ///
    /// # Errors
    ///
    /// What anybody can see in the text, and [`JweError::NoKey`] if no key fits.
    pub(crate) fn check(&self, header: &JweHeader, keys: &DecryptionKeys) -> Result<(), JweError> {
        self.decode(header)?;
        match keys.candidates(header).next() {
            Some(_) => Ok(()),
            None => Err(JweError::NoKey),
        }
    }

    fn decode(&self, header: &JweHeader) -> Result<Message<'a>, JweError> {
        let message = Message {
            encrypted_key: base64url::decode(self.encrypted_key)?,
            iv: base64url::decode(self.iv)?,
            ciphertext: base64url::decode(self.ciphertext)?,
            tag: base64url::decode(self.tag)?,
            aad: self.header.as_bytes(),
        };
        let encryption = header.encryption();
        if message.encrypted_key.is_empty() != header.algorithm().has_no_encrypted_key() {
            return Err(JweError::Length("encrypted key"));
        }
        if message.iv.len() != encryption.iv_len() {
            return Err(JweError::Length("initialization vector"));
        }
        if message.tag.len() != encryption.tag_len() {
            return Err(JweError::Length("authentication tag"));
        }
        Ok(message)
    }
}

/// The segments, decoded.
pub(super) struct Message<'a> {
    pub(super) encrypted_key: Vec<u8>,
    pub(super) iv: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
    pub(super) tag: Vec<u8>,
    /// The header as it stands (RFC 7516 §5.1 step 14).
    pub(super) aad: &'a [u8],
}

impl fmt::Debug for CompactJwe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompactJwe")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}
