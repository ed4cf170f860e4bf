//! SHA-256 values as JOSE and OAuth write them: 32 bytes, canonical base64url, compared in constant time.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use sha2::{Digest as _, Sha256};

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Whether two public values that must not be found out letter by letter are the same. Tells how long they are.
#[must_use]
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    verify_slices_are_equal(one, other).is_ok()
}

/// A text is not the canonical base64url of 32 bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not the base64url encoding of a SHA-256 value")]
pub struct InvalidHash;

/// Declares a named SHA-256 value: strict text form both ways, comparison in constant time.
macro_rules! sha256_value {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The value whose bytes are these.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::jose::hash::InvalidHash;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::jose::base64url::decode_array(text)
                    .map(Self)
                    .map_err(|_| $crate::jose::hash::InvalidHash)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&$crate::jose::base64url::encode(self.0))
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                $crate::jose::hash::equal(&self.0, &other.0)
            }
        }

        impl Eq for $name {}

        impl ::std::hash::Hash for $name {
            fn hash<H: ::std::hash::Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <::std::string::String as ::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }
    };
}
sha256_value! {
    /// SHA-256 thumbprint of a public key: what `cnf.jkt` binds a token to (RFC 7638 §3, RFC 9449 §6.1).
    ///
    /// ```
    /// use tower_fapi::jose::JwkThumbprint;
    ///
    /// let text = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; // RFC 7638 §3.1
    /// let thumbprint: JwkThumbprint = text.parse()?;
    /// assert_eq!(thumbprint.to_string(), text);
    /// assert!("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs=".parse::<JwkThumbprint>().is_err());
    /// # Ok::<_, tower_fapi::jose::InvalidHash>(())
    /// ```
    JwkThumbprint
}

sha256_value! {
    /// SHA-256 of a DER certificate: what `cnf.x5t#S256` binds a token to (RFC 7515 §4.1.8, RFC 8705 §3.1).
    CertificateThumbprint
}

impl CertificateThumbprint {
    /// Hashes a certificate.
    ///
    /// The bytes are not parsed: they have to be the DER that the TLS handshake carried, not PEM.
    #[must_use]
    pub fn of_der(certificate: &[u8]) -> Self {
        Self(sha256(certificate))
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;
    use crate::jose::base64url;

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
                Err(InvalidHash),
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
