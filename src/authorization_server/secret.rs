//! Values that must not be guessed.

use std::fmt;

use aws_lc_rs::rand;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::jose::{base64url, sha256};

/// A secret that is given away once and of which the server keeps only the hash: 256 bits from the system's generator
/// (FAPI 2.0 Security Profile §5.4.1 asks for 128), as 43 characters of base64url.
pub(crate) struct Secret(Zeroizing<String>);

/// The system's random generator failed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the system's random generator failed")]
pub(crate) struct NoRandomness;

impl Secret {
    pub(crate) fn generate() -> Result<Self, NoRandomness> {
        let bytes = Zeroizing::new(random()?);
        Ok(Self(Zeroizing::new(base64url::encode(*bytes))))
    }

    /// The secret itself.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }

    /// What the store knows it by.
    pub(crate) fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// 256 bits from the system's generator.
pub(crate) fn random() -> Result<[u8; 32], NoRandomness> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    // FAPI 2.0 Security Profile §5.4.1: at least 128 bits.
    #[test]
    fn a_secret_has_256_bits_and_is_never_the_same() {
        let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert!(base64url::decode_array::<32>(one.secret()).is_ok());
        assert_ne!(one.secret(), other.secret());
        assert_eq!(one.hash(), sha256(one.secret().as_bytes()));
        assert_eq!(format!("{one:?}"), "Secret(..)");
    }
}
