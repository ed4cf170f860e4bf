//! How the content encryption key reaches the recipient (RFC 7518 §4).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::JweError;

/// A JWE key management algorithm: `alg` (RFC 7518 §4.1).
///
/// `RSA1_5`, the password based `PBES2` family and every other name do not parse, so they cannot be configured, received
/// or used.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum JweAlgorithm {
    /// RSAES-OAEP with SHA-1, for peers that can do no better. Not accepted unless asked for.
    RsaOaep,
    /// RSAES-OAEP with SHA-256.
    RsaOaep256,
    /// RSAES-OAEP with SHA-384.
    RsaOaep384,
    /// RSAES-OAEP with SHA-512.
    RsaOaep512,
    /// Elliptic curve Diffie-Hellman, the agreed key being the content encryption key.
    EcdhEs,
    /// Elliptic curve Diffie-Hellman, the agreed key wrapping with AES-128.
    EcdhEsA128Kw,
    /// Elliptic curve Diffie-Hellman, the agreed key wrapping with AES-256.
    EcdhEsA256Kw,
    /// A shared key wraps with AES-128.
    A128Kw,
    /// A shared key wraps with AES-256.
    A256Kw,
    /// A shared key encrypts the key with AES-256 in GCM.
    A256GcmKw,
    /// A shared key is the content encryption key.
    Dir,
}

impl JweAlgorithm {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::RsaOaep,
        Self::RsaOaep256,
        Self::RsaOaep384,
        Self::RsaOaep512,
        Self::EcdhEs,
        Self::EcdhEsA128Kw,
        Self::EcdhEsA256Kw,
        Self::A128Kw,
        Self::A256Kw,
        Self::A256GcmKw,
        Self::Dir,
    ];

    /// The name as it stands in `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RsaOaep => "RSA-OAEP",
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::RsaOaep384 => "RSA-OAEP-384",
            Self::RsaOaep512 => "RSA-OAEP-512",
            Self::EcdhEs => "ECDH-ES",
            Self::EcdhEsA128Kw => "ECDH-ES+A128KW",
            Self::EcdhEsA256Kw => "ECDH-ES+A256KW",
            Self::A128Kw => "A128KW",
            Self::A256Kw => "A256KW",
            Self::A256GcmKw => "A256GCMKW",
            Self::Dir => "dir",
        }
    }

    /// The kind of key it takes.
    pub(super) const fn family(self) -> Family {
        match self {
            Self::RsaOaep | Self::RsaOaep256 | Self::RsaOaep384 | Self::RsaOaep512 => Family::Rsa,
            Self::EcdhEs | Self::EcdhEsA128Kw | Self::EcdhEsA256Kw => Family::Agreement,
            Self::A128Kw | Self::A256Kw | Self::A256GcmKw | Self::Dir => Family::Symmetric,
        }
    }

    /// Whether the message carries no encrypted key, because both sides know or agree on it (RFC 7516 §5.1 step 5).
    pub(super) const fn has_no_encrypted_key(self) -> bool {
        matches!(self, Self::Dir | Self::EcdhEs)
    }
}

/// The kinds of keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Family {
    Rsa,
    Agreement,
    Symmetric,
}

impl FromStr for JweAlgorithm {
    type Err = JweError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|algorithm| algorithm.as_str() == name)
            .ok_or(JweError::Algorithm)
    }
}

impl TryFrom<String> for JweAlgorithm {
    type Error = JweError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<JweAlgorithm> for &'static str {
    fn from(algorithm: JweAlgorithm) -> Self {
        algorithm.as_str()
    }
}

impl fmt::Display for JweAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7518 §4.1; RFC 8725 §3.2 for RSA1_5.
    #[test]
    fn only_the_names_of_supported_algorithms_parse() {
        for algorithm in JweAlgorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        }
        for name in [
            "RSA1_5",
            "PBES2-HS256+A128KW",
            "PBES2-HS512+A256KW",
            "A192KW",
            "ECDH-ES+A192KW",
            "A128GCMKW",
            "none",
            "",
            "DIR",
            "rsa-oaep-256",
            "RSA-OAEP-256 ",
            "A256GCM",
            "RS256",
        ] {
            assert_eq!(
                name.parse::<JweAlgorithm>(),
                Err(JweError::Algorithm),
                "{name}"
            );
        }
    }
}
