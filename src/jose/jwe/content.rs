//! How the content is encrypted and authenticated (RFC 7518 §5).

use std::{fmt, str::FromStr};

use aws_lc_rs::{
    aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    cipher::{
        AES_128, AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
        PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    hmac,
    iv::FixedLength,
    rand,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{JweError, error::Failure};

/// A JWE content encryption algorithm: `enc` (RFC 7518 §5.1).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum ContentEncryption {
    /// AES-128 in GCM.
    A128Gcm,
    /// AES-256 in GCM.
    A256Gcm,
    /// AES-128 in CBC, authenticated with HMAC-SHA-256.
    A128CbcHs256,
    /// AES-256 in CBC, authenticated with HMAC-SHA-512.
    A256CbcHs512,
}

/// What comes out of encryption.
pub(super) struct Sealed {
    pub(super) iv: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

impl ContentEncryption {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::A128Gcm,
        Self::A256Gcm,
        Self::A128CbcHs256,
        Self::A256CbcHs512,
    ];

    /// The name as it stands in `enc`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
            Self::A128CbcHs256 => "A128CBC-HS256",
            Self::A256CbcHs512 => "A256CBC-HS512",
        }
    }

    /// Bytes of its key.
    pub(super) const fn key_len(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm | Self::A128CbcHs256 => 32,
            Self::A256CbcHs512 => 64,
        }
    }

    /// Bytes of its initialization vector.
    pub(super) const fn iv_len(self) -> usize {
        match self {
            Self::A128Gcm | Self::A256Gcm => 12,
            Self::A128CbcHs256 | Self::A256CbcHs512 => 16,
        }
    }

    /// Bytes of its authentication tag.
    pub(super) const fn tag_len(self) -> usize {
        match self {
            Self::A128Gcm | Self::A256Gcm | Self::A128CbcHs256 => 16,
            Self::A256CbcHs512 => 32,
        }
    }

    /// A new key from the system's random generator.
    pub(super) fn random_key(self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut key = Zeroizing::new(vec![0; self.key_len()]);
        rand::fill(&mut key)?;
        Ok(key)
    }

    /// Encrypts under a new initialization vector.
    pub(super) fn seal(self, key: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Sealed, Failure> {
        let mut iv = vec![0; self.iv_len()];
        rand::fill(&mut iv)?;
        self.seal_with(key, iv, aad, plaintext)
    }

    pub(super) fn seal_with(
        self,
        key: &[u8],
        iv: Vec<u8>,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Sealed, Failure> {
        // Room for padding, so that the plaintext is not moved about.
        let mut content = Vec::with_capacity(plaintext.len() + 16);
        content.extend_from_slice(plaintext);
        let tag = if let Some(gcm) = self.gcm(key) {
            let nonce = Nonce::try_assume_unique_for_key(&iv)?;
            let tag = gcm?.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut content)?;
            tag.as_ref().to_vec()
        } else {
            let (mac, cipher) = self.halves(key)?;
            let vector = EncryptionContext::Iv128(FixedLength::try_from(&iv[..])?);
            PaddedBlockEncryptingKey::cbc_pkcs7(self.cbc(cipher)?)?
                .less_safe_encrypt(&mut content, vector)?;
            self.tag(mac, aad, &iv, &content)
        };
        Ok(Sealed {
            iv,
            ciphertext: content,
            tag,
        })
    }

    /// Authenticates, then decrypts.
    pub(super) fn open(
        self,
        key: &[u8],
        iv: &[u8],
        aad: &[u8],
        ciphertext: Vec<u8>,
        tag: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut content = Zeroizing::new(ciphertext);
        if tag.len() != self.tag_len() {
            return Err(Failure);
        }
        let length = if let Some(gcm) = self.gcm(key) {
            let nonce = Nonce::try_assume_unique_for_key(iv)?;
            gcm?.open_in_place_separate_tag(nonce, Aad::from(aad), tag, &mut content)?
                .len()
        } else {
            let (mac, cipher) = self.halves(key)?;
            if !bool::from(self.tag(mac, aad, iv, &content).ct_eq(tag)) {
                return Err(Failure);
            }
            let vector = DecryptionContext::Iv128(FixedLength::try_from(iv)?);
            PaddedBlockDecryptingKey::cbc_pkcs7(self.cbc(cipher)?)?
                .decrypt(&mut content, vector)?
                .len()
        };
        content.truncate(length);
        Ok(content)
    }

    /// The key for GCM; `None` where the mode is another.
    fn gcm(self, key: &[u8]) -> Option<Result<LessSafeKey, Failure>> {
        let algorithm = match self {
            Self::A128Gcm => &AES_128_GCM,
            Self::A256Gcm => &AES_256_GCM,
            Self::A128CbcHs256 | Self::A256CbcHs512 => return None,
        };
        let key = UnboundKey::new(algorithm, key).map(LessSafeKey::new);
        Some(key.map_err(Failure::from))
    }

    fn cbc(self, key: &[u8]) -> Result<UnboundCipherKey, Failure> {
        let algorithm = match self {
            Self::A128CbcHs256 => &AES_128,
            Self::A256CbcHs512 => &AES_256,
            Self::A128Gcm | Self::A256Gcm => return Err(Failure),
        };
        Ok(UnboundCipherKey::new(algorithm, key)?)
    }

    /// MAC key and cipher key (RFC 7518 §5.2.2.1).
    fn halves(self, key: &[u8]) -> Result<(&[u8], &[u8]), Failure> {
        if key.len() == self.key_len() {
            key.split_at_checked(key.len() / 2).ok_or(Failure)
        } else {
            Err(Failure)
        }
    }

    /// The first half of the HMAC over everything (RFC 7518 §5.2.2.1 steps 4 and 5).
    fn tag(self, key: &[u8], aad: &[u8], iv: &[u8], ciphertext: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::A256CbcHs512 => hmac::HMAC_SHA512,
            Self::A128CbcHs256 | Self::A128Gcm | Self::A256Gcm => hmac::HMAC_SHA256,
        };
        let mut mac = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
        let aad_bits = (aad.len() as u64).saturating_mul(8).to_be_bytes();
        for part in [aad, iv, ciphertext, &aad_bits] {
            mac.update(part);
        }
        let mut tag = mac.sign().as_ref().to_vec();
        tag.truncate(self.tag_len());
        tag
    }
}

impl FromStr for ContentEncryption {
    type Err = JweError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|encryption| encryption.as_str() == name)
            .ok_or(JweError::Encryption)
    }
}

impl TryFrom<String> for ContentEncryption {
    type Error = JweError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<ContentEncryption> for &'static str {
    fn from(encryption: ContentEncryption) -> Self {
        encryption.as_str()
    }
}

impl fmt::Display for ContentEncryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
