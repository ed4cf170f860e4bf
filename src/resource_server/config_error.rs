//! Settings that make no resource server.

use std::time::Duration;

use super::{Binding, Profile};

/// Why the settings make no resource server.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// An audience is empty, so tokens issued for nobody would be accepted.
    #[error("the audience is empty")]
    EmptyAudience,
    /// Two trusted issuers have the same identifier; it would be unclear whose keys count.
    #[error("issuer {0:?} is given twice")]
    DuplicateIssuer(String),
    /// No signature algorithm is accepted, from this issuer or for proofs.
    #[error("no signature algorithm is accepted for {0}")]
    NoAlgorithm(String),
    /// The binding that is set accepts what the profile refuses.
    #[error("binding {binding:?} is wider than the {profile} allows")]
    WiderThanProfile {
        /// The profile.
        profile: Profile,
        /// The binding that was set beside it.
        binding: Binding,
    },
    /// Metadata is to be published, and the first audience, this one, is no `https` URL without fragment (RFC 9728 §1.2).
    #[error(
        "the audience {0:?} is no https URL, so it cannot be the resource of published metadata"
    )]
    ResourceIdentifier(String),
    /// Encrypted tokens are demanded, and there are no keys to decrypt them with.
    #[error("encrypted access tokens are demanded and no decryption keys are set")]
    NoDecryptionKeys,
    /// No algorithm is accepted for the encryption of tokens.
    #[error("no algorithm is accepted for the encryption of access tokens")]
    NoEncryption,
    /// More than one issuer would have to be asked about tokens that do not say whose they are.
    #[cfg(feature = "discovery")]
    #[error(
        "both {0:?} and {1:?} would be asked about tokens that are no JWTs; one of them has to be asked about `IntrospectedTokens::Jwts` only"
    )]
    SeveralOpaque(String, String),
    /// An issuer cannot be asked about its tokens.
    #[cfg(feature = "discovery")]
    #[error("introspection at {issuer:?}: {error}")]
    Introspection {
        /// Which.
        issuer: String,
        /// Why not.
        error: crate::issuer::IntrospectionConfigError,
    },
    /// Clock skew has to be 10 s to 60 s (FAPI 2.0 Security Profile §5.3.2.1).
    #[error("a clock skew of {0:?}; it has to be 10 s to 60 s")]
    ClockSkew(Duration),
    /// A network of trusted proxies holds every address, so everybody could say who he is.
    #[error("a network of trusted proxies holds every address")]
    EverybodyTrusted,
    /// There are settings for trusted proxies, and no network where one could be.
    #[error("trusted proxies are given without any network")]
    NoProxyTrusted,
    /// The public URL is given and trusted proxies are to tell it, too; only one of the two can count.
    #[error("the public URL is given, and trusted proxies are to tell it, too")]
    UrlTwice,
    /// The public URL is given, so the hosts that requests name are not looked at, and a list of them has no effect.
    #[error("a list of hosts has no effect where the public URL is given")]
    HostsWithPublicUrl,
}
