//! The error codes of a challenge.

use std::fmt;

/// `error` of a challenge (RFC 6750 §3.1, RFC 9449 §7.1, RFC 9470 §3).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorCode {
    /// The request is malformed.
    InvalidRequest,
    /// The access token is not accepted.
    InvalidToken,
    /// The DPoP proof is not accepted.
    InvalidDpopProof,
    /// The proof has to hold the nonce that comes with the answer.
    UseDpopNonce,
    /// The token does not suffice for this resource.
    InsufficientScope,
    /// The user has to sign in more strongly, or again (RFC 9470 §3).
    InsufficientUserAuthentication,
}

impl ErrorCode {
    /// The code as it stands in the challenge.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
