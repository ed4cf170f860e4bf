//! Encrypted access tokens (RFC 7516, RFC 9068 §4): what stands between the text of a request and a signed JWT.

use std::borrow::Cow;

use crate::{
    jose::jwe::{AcceptedEncryption, CompactJwe, DecryptionKeyRing, JweError, decrypt},
    token::TokenError,
};

/// How encrypted tokens are dealt with.
#[derive(Clone, Debug, Default)]
pub(super) struct TokenEncryption {
    /// `None` where nobody encrypts.
    pub(super) keys: Option<DecryptionKeyRing>,
    pub(super) accepted: AcceptedEncryption,
    pub(super) required: bool,
}

impl TokenEncryption {
    /// Whether opening the token may cost a private-key operation.
    pub(super) fn is_dear(&self, token: &str) -> bool {
        self.keys.is_some() && CompactJwe::has_shape(token)
    }

    /// Checks what anybody can see of an encrypted token, so that nothing dear is done for one that cannot be opened here.
    /// Whether there is a key for it is no secret: where keys are shared, their identifiers are not what protects them.
    pub(super) fn check(&self, token: &str) -> Result<(), TokenError> {
        let jwe = CompactJwe::parse(token)?;
        let header = jwe.header()?;
        self.accepted.check(&header)?;
        let keys = self.keys.as_ref().ok_or(JweError::NoKey)?.current();
        Ok(jwe.check(&header, &keys)?)
    }

    /// The signed JWT in a token. Nothing it says has been believed yet.
    ///
    /// Whoever has the public key can encrypt, and whoever shares a key could have been anybody who holds it: what is inside is
    /// a signed JWT or nothing. The outer header's claims are never read.
    pub(super) fn open<'a>(&self, token: &'a str) -> Result<Cow<'a, str>, TokenError> {
        if !CompactJwe::has_shape(token) {
            return if self.required {
                Err(TokenError::NotEncrypted)
            } else {
                Ok(Cow::Borrowed(token))
            };
        }
        let keys = self.keys.as_ref().ok_or(JweError::NoKey)?.current();
        let opened = decrypt(token, &keys, &self.accepted)?;
        // A nested JWT has to say `JWT` here (RFC 7519 §5.2). Some say nothing, and some which kind of JWT it is (RFC 9068 §2.1).
        let header = &opened.header;
        if header.cty().is_some() && !header.is_cty("JWT") && !header.is_cty("at+jwt") {
            return Err(TokenError::EncryptedContent);
        }
        let content =
            str::from_utf8(&opened.plaintext).map_err(|_| TokenError::EncryptedContent)?;
        if content.bytes().filter(|byte| *byte == b'.').count() == 2 {
            Ok(Cow::Owned(content.to_owned()))
        } else {
            Err(TokenError::EncryptedContent)
        }
    }
}
