//! The `x5t#S256` confirmation method.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;

use crate::jose::base64url;

/// SHA-256 of a DER certificate: what `cnf.x5t#S256` binds a token to (RFC 8705 §3.1, RFC 7515 §4.1.8).
///
/// Always 32 bytes, compared as bytes and in constant time. As text, and in JSON, it is canonical base64url without
/// padding: one certificate has one spelling, and any other is refused.
#[derive(Clone, Copy)]
pub struct CertificateThumbprint([u8; 32]);

impl CertificateThumbprint {
    /// Hashes a certificate.
    ///
    /// The bytes are not parsed: they have to be the DER that the TLS handshake carried, not PEM.
    #[must_use]
    pub fn of_der(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// Takes a hash that has been computed or decoded elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The text is not the base64url of a SHA-256 hash: not canonical, padded, or of another length.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("certificate thumbprint is not the canonical base64url of 32 bytes")]
pub struct InvalidCertificateThumbprint;

impl FromStr for CertificateThumbprint {
    type Err = InvalidCertificateThumbprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        base64url::decode_array(text)
            .map(Self)
            .map_err(|_| InvalidCertificateThumbprint)
    }
}

impl ConstantTimeEq for CertificateThumbprint {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for CertificateThumbprint {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for CertificateThumbprint {}

impl fmt::Display for CertificateThumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&base64url::encode(self.0))
    }
}

impl fmt::Debug for CertificateThumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateThumbprint({self})")
    }
}

impl Serialize for CertificateThumbprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CertificateThumbprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl de::Visitor<'_> for Text {
    type Value = CertificateThumbprint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the base64url of a SHA-256 hash")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    /// RFC 8705 Appendix A, figure 5: the `x5t#S256` of [`CERTIFICATE`].
    const THUMBPRINT: &str = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";
    /// RFC 8705 Appendix A, figure 6, as the base64 of its DER.
    const CERTIFICATE: &str = "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoX\
        DTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7H\
        KW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1A\
        GHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=";

    // RFC 8705 Appendix A.
    #[test]
    fn the_example_of_the_specification_has_its_thumbprint() {
        let der = STANDARD.decode(CERTIFICATE).unwrap();
        let thumbprint = CertificateThumbprint::of_der(&der);
        assert_eq!(thumbprint.to_string(), THUMBPRINT);
        assert_eq!(THUMBPRINT.parse(), Ok(thumbprint));
        assert_eq!(
            serde_json::to_value(thumbprint).unwrap(),
            serde_json::json!(THUMBPRINT)
        );
        assert_eq!(
            serde_json::from_value::<CertificateThumbprint>(serde_json::json!(THUMBPRINT)).unwrap(),
            thumbprint
        );
        assert_eq!(
            format!("{thumbprint:?}"),
            format!("CertificateThumbprint({THUMBPRINT})")
        );
    }

    // RFC 7515 §2: base64url without padding, white space or other characters.
    #[test]
    fn other_spellings_and_lengths_are_refused() {
        let first = |n| THUMBPRINT.get(..n).unwrap().to_owned();
        for (case, text) in [
            ("empty", String::new()),
            ("padded", format!("{THUMBPRINT}=")),
            ("one character short", first(42)),
            ("one byte short", base64url::encode([7; 31])),
            ("one byte long", base64url::encode([7; 33])),
            ("SHA-1, as x5t has it", base64url::encode([7; 20])),
            // The last character carries four bits of the hash: the two others must be zero.
            ("trailing bits set", format!("{}1", first(42))),
            (
                "standard alphabet",
                base64url::encode([0xff; 32]).replace('_', "/"),
            ),
            ("leading white space", format!(" {THUMBPRINT}")),
            ("line break", format!("{}\n", first(42))),
            ("not ASCII", format!("{}é", first(41))),
            ("hexadecimal", "ab".repeat(32)),
        ] {
            assert_eq!(
                text.parse::<CertificateThumbprint>(),
                Err(InvalidCertificateThumbprint),
                "{case}"
            );
            let json = serde_json::json!(text);
            assert!(
                serde_json::from_value::<CertificateThumbprint>(json).is_err(),
                "{case}"
            );
        }
    }

    #[test]
    fn a_thumbprint_of_the_wrong_json_type_is_malformed() {
        for json in ["null", "5", "{}", "[]", "true", "[1,2,3]"] {
            assert!(
                serde_json::from_str::<CertificateThumbprint>(json).is_err(),
                "{json}"
            );
        }
    }

    #[test]
    fn every_bit_counts_in_a_comparison() {
        let thumbprint = CertificateThumbprint::from_bytes([0x5a; 32]);
        for bit in 0..256 {
            let mut other = [0x5a; 32];
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(
                thumbprint,
                CertificateThumbprint::from_bytes(other),
                "bit {bit}"
            );
        }
        assert_eq!(thumbprint, CertificateThumbprint::from_bytes([0x5a; 32]));
    }
}
