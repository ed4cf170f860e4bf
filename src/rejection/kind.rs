//! What kind of answer a rejection becomes, in HTTP's numbers and in gRPC's.

use http::StatusCode;

use super::{ErrorCode, Refusal, Rejection};

/// All that one number can say of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// The request is malformed.
    Malformed,
    /// The client has not proved who it is.
    Unauthenticated,
    /// What the client may do does not suffice.
    Forbidden,
    /// Nobody may use this method here.
    NotAllowed,
    /// We cannot decide at the moment.
    Unavailable,
}

impl Kind {
    pub(crate) const fn of(rejection: &Rejection) -> Self {
        let Rejection::Refused(refusal) = rejection else {
            return Self::Unavailable;
        };
        if matches!(refusal, Refusal::Method) {
            return Self::NotAllowed;
        }
        // No `_` arm: a new code compiles only once somebody has decided what the client is told.
        match refusal.code() {
            Some(ErrorCode::InvalidRequest) => Self::Malformed,
            Some(ErrorCode::InsufficientScope) => Self::Forbidden,
            Some(
                ErrorCode::InvalidToken
                | ErrorCode::InvalidDpopProof
                | ErrorCode::UseDpopNonce
                | ErrorCode::InsufficientUserAuthentication,
            )
            | None => Self::Unauthenticated,
        }
    }

    /// RFC 6750 §3.1, RFC 9449 §7.1, RFC 9470 §3.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The value of `grpc-status`: `INVALID_ARGUMENT`, `UNAUTHENTICATED`, `PERMISSION_DENIED`, `UNIMPLEMENTED`,
    /// `UNAVAILABLE`.
    pub(crate) const fn grpc_status(self) -> u16 {
        match self {
            Self::Malformed => 3,
            Self::Unauthenticated => 16,
            Self::Forbidden => 7,
            Self::NotAllowed => 12,
            Self::Unavailable => 14,
        }
    }
}

/// The HTTP status of the answer (RFC 6750 §3.1, RFC 9449 §7.1, RFC 9470 §3). To a gRPC client it is said in `grpc-status`.
#[must_use]
pub const fn status(rejection: &Rejection) -> StatusCode {
    Kind::of(rejection).status()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dpop::ProofError,
        jose::JwkThumbprint,
        rejection::{Fault, Refusal},
        replay::StoreError,
        token::TokenError,
    };

    // RFC 6750 §3.1; the gRPC codes are those that google.rpc.Code pairs with these statuses.
    #[test]
    fn each_rejection_has_one_number_in_either_protocol() {
        let key = JwkThumbprint::from_bytes([1; 32]);
        for (rejection, status, grpc_status) in [
            (Refusal::NoCredentials.into(), 401, 16),
            (Refusal::Scheme.into(), 401, 16),
            (Refusal::from(TokenError::Signature).into(), 401, 16),
            (Refusal::from(ProofError::Method).into(), 401, 16),
            (Refusal::from(ProofError::MissingNonce(key)).into(), 401, 16),
            (Refusal::Replayed.into(), 401, 16),
            (Refusal::TokenInQuery.into(), 400, 3),
            (Refusal::SeveralAuthorizations(2).into(), 400, 3),
            (Refusal::Scope("a".parse().unwrap()).into(), 403, 7),
            (Refusal::Method.into(), 405, 12),
            (Fault::from(StoreError::Full).into(), 503, 14),
        ] {
            let kind = Kind::of(&rejection);
            let numbers = (kind.status().as_u16(), kind.grpc_status());
            assert_eq!(numbers, (status, grpc_status), "{rejection}");
        }
    }
}
