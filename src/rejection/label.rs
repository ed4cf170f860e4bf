//! A short fixed name for each reason, for metrics, audit events and alerts.

use super::{Fault, Refusal, Rejection};
use crate::{
    dpop::ProofError,
    issuer::{IntrospectionError, KeysUnavailable},
    replay::StoreError,
    token::TokenError,
};

impl Rejection {
    /// The reason in one word of lower case and underscores. It does not change with what was sent, and is kept from
    /// version to version: fit for the label of a metric or the rule of an alert.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason(),
            Self::Failed(fault) => fault.reason(),
        }
    }
}

impl Refusal {
    /// See [`Rejection::reason`].
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::SeveralAuthorizations(_) => "several_authorizations",
            Self::TokenInQuery => "token_in_query",
            Self::MalformedAuthorization => "malformed_authorization",
            Self::Scheme => "scheme",
            Self::TokenTooLarge(_) => "token_too_large",
            Self::Target => "target",
            Self::Host(_) => "host",
            Self::Forwarded(_) => "forwarded",
            Self::CertificateHeader(_) => "certificate_header",
            Self::Method => "method",
            Self::FapiHeader(_) => "fapi_header",
            Self::Token(error) => token(error),
            Self::Unbound => "unbound",
            Self::Binding => "binding",
            Self::DpopTokenAsBearer => "dpop_token_as_bearer",
            Self::NotDpopBound => "not_dpop_bound",
            Self::NoCertificate => "no_certificate",
            Self::CertificateMismatch => "certificate_mismatch",
            Self::Proof(error) => proof(error),
            Self::Replayed => "replayed",
            Self::Scope(_) => "scope",
            Self::AuthorizationDetails(_) => "authorization_details",
            Self::Authentication { .. } => "authentication",
        }
    }
}

impl Fault {
    /// See [`Rejection::reason`].
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Keys(KeysUnavailable::Fetch { .. }) => "keys_unavailable",
            Self::Keys(KeysUnavailable::Stopped) => "keys_stopped",
            Self::Replay(StoreError::Full) => "replay_store_full",
            Self::Replay(StoreError::Unavailable(_)) => "replay_store_unavailable",
            Self::Introspection(IntrospectionError::Busy) => "introspection_busy",
            Self::Introspection(_) => "introspection_unavailable",
            Self::Revocation(_) => "revocation_unavailable",
            Self::Undecided => "undecided",
        }
    }
}

const fn token(error: &TokenError) -> &'static str {
    match error {
        TokenError::Malformed(_) => "token_malformed",
        TokenError::Decryption(_) => "token_decryption",
        TokenError::NotEncrypted => "token_not_encrypted",
        TokenError::EncryptedContent => "token_encrypted_content",
        TokenError::Type(_) => "token_type",
        TokenError::OtherKind(_) => "token_other_kind",
        TokenError::Algorithm => "token_algorithm",
        TokenError::MissingClaim(_) => "token_missing_claim",
        TokenError::MalformedClaim(_) => "token_malformed_claim",
        TokenError::Contradiction(..) => "token_contradiction",
        TokenError::Issuer(_) => "token_issuer",
        TokenError::Audience(_) => "token_audience",
        TokenError::Expired(_) => "token_expired",
        TokenError::NotYetValid(_) => "token_not_yet_valid",
        TokenError::IssuedInFuture(_) => "token_issued_in_future",
        TokenError::UnknownKey => "token_unknown_key",
        TokenError::Signature => "token_signature",
        TokenError::Inactive => "token_inactive",
        TokenError::Revoked => "token_revoked",
        TokenError::UnknownConfirmation => "token_unknown_confirmation",
    }
}

const fn proof(error: &ProofError) -> &'static str {
    match error {
        ProofError::Missing => "proof_missing",
        ProofError::Several(_) => "proof_several",
        ProofError::TooLarge(_) => "proof_too_large",
        ProofError::Malformed(_) => "proof_malformed",
        ProofError::MalformedClaims(_) => "proof_malformed_claims",
        ProofError::MissingClaim(_) => "proof_missing_claim",
        ProofError::JtiLength(_) => "proof_jti_length",
        ProofError::Type => "proof_type",
        ProofError::Algorithm => "proof_algorithm",
        ProofError::Signature => "proof_signature",
        ProofError::MissingKey => "proof_missing_key",
        ProofError::Key(_) => "proof_key",
        ProofError::UnfitKey(_) => "proof_unfit_key",
        ProofError::Method => "proof_method",
        ProofError::Target { .. } => "proof_target",
        ProofError::MissingNonce(_) => "proof_missing_nonce",
        ProofError::Nonce(_) => "proof_nonce",
        ProofError::TooOld(_) => "proof_too_old",
        ProofError::InFuture(_) => "proof_in_future",
        ProofError::AccessTokenHash => "proof_access_token_hash",
        ProofError::KeyMismatch => "proof_key_mismatch",
    }
}
