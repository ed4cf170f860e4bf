//! SHA-256 values as JOSE and OAuth write them: 32 bytes, canonical base64url, compared in constant time.

use sha2::{Digest as _, Sha256};

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
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
                ::subtle::ConstantTimeEq::ct_eq(&self.0[..], &other.0[..]).into()
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
