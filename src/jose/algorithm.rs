//! Signature algorithms: the three that FAPI 2.0 allows, and nothing else.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A JWS algorithm (FAPI 2.0 Security Profile §5.4.1, RFC 7518 §3.1, RFC 8037 §3.1).
///
/// `none`, the HMAC family, `RS256` and every other name do not parse, so they cannot be configured, received or used.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum JwsAlgorithm {
    /// RSASSA-PSS with SHA-256 and MGF1 with SHA-256, keys of at least 2048 bits.
    Ps256,
    /// ECDSA on P-256 with SHA-256, the signature being R and S of 32 bytes each.
    Es256,
    /// `EdDSA` on Ed25519. The fully specified name `Ed25519` (RFC 9864) means the same and is read as such.
    EdDsa,
}

impl JwsAlgorithm {
    /// All of them, the fastest to verify first.
    pub const ALL: [Self; 3] = [Self::Ps256, Self::Es256, Self::EdDsa];

    /// The name as it stands in `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// The name is not that of an algorithm FAPI 2.0 allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not one of PS256, ES256, EdDSA")]
pub struct UnsupportedAlgorithm;

impl FromStr for JwsAlgorithm {
    type Err = UnsupportedAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "PS256" => Ok(Self::Ps256),
            "ES256" => Ok(Self::Es256),
            "EdDSA" | "Ed25519" => Ok(Self::EdDsa),
            _ => Err(UnsupportedAlgorithm),
        }
    }
}

impl TryFrom<String> for JwsAlgorithm {
    type Error = UnsupportedAlgorithm;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<JwsAlgorithm> for &'static str {
    fn from(algorithm: JwsAlgorithm) -> Self {
        algorithm.as_str()
    }
}

impl fmt::Display for JwsAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // FAPI 2.0 Security Profile §5.4.1: PS256, ES256, EdDSA (Ed25519); never `none`.
    #[test]
    fn only_the_names_of_the_profile_parse() {
        for algorithm in JwsAlgorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        }
        assert_eq!("Ed25519".parse(), Ok(JwsAlgorithm::EdDsa));
        for name in [
            "none", "None", "", "HS256", "RS256", "PS384", "ES384", "ES256K", "es256", "Ed448",
            "EDDSA", "PS256 ", "RSA-OAEP",
        ] {
            assert_eq!(
                name.parse::<JwsAlgorithm>(),
                Err(UnsupportedAlgorithm),
                "{name}"
            );
        }
    }
}
