//! Access tokens: what they must say (RFC 9068, RFC 7662), whether they were revoked, and what a handler sees of them.
//!
//! [`AccessToken`] is the type handlers work with. The rest is what a resource server's verdict is made of.

mod access_token;
mod authorization_detail;
mod compatibility;
#[cfg(test)]
mod compatibility_tests;
mod confirmation;
mod error;
#[cfg(feature = "discovery")]
mod introspected;
#[cfg_attr(
    not(feature = "testing"),
    allow(unreachable_pub, reason = "exported for tests only")
)]
mod jwt;
mod revocation;
mod scope;
#[cfg(test)]
mod tests;

// Whoever verifies a token without its binding gets what must not reach a handler, so only tests may.
#[cfg(feature = "testing")]
pub use self::jwt::{TokenRules, UnverifiedToken};
#[cfg(not(feature = "testing"))]
pub(crate) use self::jwt::{TokenRules, UnverifiedToken};

#[cfg(feature = "discovery")]
pub(crate) use self::introspected::{Introspected, IntrospectionRules};
#[cfg(feature = "authorization-server")]
pub(crate) use self::jwt::of_issuer;
pub(crate) use self::jwt::{check_time, shortened};
pub use self::{
    access_token::AccessToken,
    authorization_detail::AuthorizationDetail,
    compatibility::{ClientClaim, Compatibility},
    confirmation::Confirmation,
    error::TokenError,
    revocation::{Checking, PendingStanding, RevocationCheck, RevocationUnavailable, Standing},
    scope::{InvalidScope, Scope},
};
