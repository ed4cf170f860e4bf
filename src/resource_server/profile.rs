//! The profiles: which of them stands for which settings.

use std::fmt;

use http::Method;

use super::Binding;
use crate::jose::JwsAlgorithm;

/// A profile of the OpenID Foundation, as far as it concerns resource servers: a set of settings, listed by
/// [`settings`](Self::settings).
///
/// What the builder sets beside it can narrow a profile. What would widen it makes no resource server
/// ([`ConfigError`](super::ConfigError)), or sits behind
/// [`dangerous`](super::ResourceServerBuilder::dangerous).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Profile {
    /// FAPI 2.0 Security Profile: tokens bound by DPoP or by certificate.
    #[default]
    Fapi2Security,
    /// FAPI 2.0 Message Signing on top of it: introspection answers have to be signed (§5.5). HTTP message signatures are a
    /// specification of their own.
    Fapi2MessageSigning,
    /// FAPI 1.0 Part 2, Advanced: tokens bound by certificate, signed with PS256 or ES256.
    Fapi1Advanced,
    /// FAPI 1.0 Part 1, Baseline, for APIs that are only read. Tokens are bound here, too, which the baseline leaves open.
    Fapi1ReadOnly,
}

/// What a [`Profile`] stands for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProfileSettings {
    /// How tokens have to be bound.
    pub binding: Binding,
    /// The signature algorithms that are accepted of tokens, at most.
    pub algorithms: &'static [JwsAlgorithm],
    /// Whether only methods that change nothing pass: `GET`, `HEAD` and `OPTIONS`. The others get 405.
    pub safe_methods_only: bool,
    /// Whether `x-fapi-auth-date` and `x-fapi-customer-ip-address` have to be well-formed where they are sent. Malformed
    /// ones get 400; they are ignored otherwise.
    pub strict_fapi_headers: bool,
    /// Whether answers of an introspection endpoint have to be signed (RFC 9701).
    pub signed_introspection: bool,
}

/// FAPI 2.0 Security Profile §5.4.1.
const FAPI_2_ALGORITHMS: &[JwsAlgorithm] = &JwsAlgorithm::ALL;
/// FAPI 1.0 Part 2 §8.6.
const FAPI_1_ALGORITHMS: &[JwsAlgorithm] = &[JwsAlgorithm::Ps256, JwsAlgorithm::Es256];

impl Profile {
    /// What this profile stands for.
    #[must_use]
    pub const fn settings(self) -> ProfileSettings {
        let fapi_2 = ProfileSettings {
            binding: Binding::Either,
            algorithms: FAPI_2_ALGORITHMS,
            safe_methods_only: false,
            strict_fapi_headers: false,
            signed_introspection: false,
        };
        let fapi_1 = ProfileSettings {
            algorithms: FAPI_1_ALGORITHMS,
            strict_fapi_headers: true,
            ..fapi_2
        };
        match self {
            Self::Fapi2Security => fapi_2,
            Self::Fapi2MessageSigning => ProfileSettings {
                signed_introspection: true,
                ..fapi_2
            },
            // §6.2.1 no. 2 of Part 2: "shall adhere to the requirements in MTLS", and knows no other binding.
            Self::Fapi1Advanced => ProfileSettings {
                binding: Binding::Certificate,
                ..fapi_1
            },
            Self::Fapi1ReadOnly => ProfileSettings {
                safe_methods_only: true,
                ..fapi_1
            },
        }
    }
}

/// The name of the specification.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fapi2Security => "FAPI 2.0 Security Profile",
            Self::Fapi2MessageSigning => "FAPI 2.0 Message Signing",
            Self::Fapi1Advanced => "FAPI 1.0 Advanced",
            Self::Fapi1ReadOnly => "FAPI 1.0 Read-Only",
        })
    }
}

/// Methods that change nothing (RFC 9110 §9.2.1). `TRACE`, which would send the token back, is none of them here.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// How much of the verdict is carried out, while a live API moves to sender-constrained tokens.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Enforcement {
    /// Everything is judged and nothing refused.
    pub(super) report_only: bool,
    /// Tokens that are bound to nothing pass as bearer tokens.
    pub(super) prefer_bound: bool,
}
