//! One rejection of each kind there is, for tests that have to hold for all of them.

use super::{Fault, ForwardedError, Refusal, Rejection};
use crate::{
    dpop::ProofError,
    issuer::{IntrospectionError, KeysUnavailable},
    jose::{InvalidJwk, JwkThumbprint, JwsError, UnfitKey, jwe::JweError},
    mtls::{CertificateHeader, CertificateHeaderError},
    replay::StoreError,
    time::Timestamp,
    token::{RevocationUnavailable, TokenError},
};

/// An example for each variant. The `match` has no `_` arm: a new variant compiles only with an example of it, and from
/// then on every test that walks over the examples holds for it.
macro_rules! one_of_each {
    ($name:ident: $kind:ty, $($pattern:pat => $example:expr,)*) => {
        fn $name() -> Vec<$kind> {
            let examples = vec![$($example),*];
            for example in &examples {
                match example {
                    $($pattern => {})*
                }
            }
            $(assert!(examples.iter().any(|example| matches!(example, $pattern)));)*
            examples
        }
    };
}

const KEY: JwkThumbprint = JwkThumbprint::from_bytes([1; 32]);
const THEN: Timestamp = Timestamp::from_unix(1_800_000_000);
const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

/// One rejection of each kind.
pub(crate) fn rejections() -> Vec<Rejection> {
    let faults = faults().into_iter().map(Rejection::from);
    refusals()
        .into_iter()
        .map(Rejection::from)
        .chain(faults)
        .collect()
}

/// One refusal of each kind, of each kind of token error and of each kind of proof error.
pub(crate) fn refusals() -> Vec<Refusal> {
    let token_errors = token_errors().into_iter().map(Refusal::from);
    let proof_errors = proof_errors().into_iter().map(Refusal::from);
    plain()
        .into_iter()
        .chain(token_errors)
        .chain(proof_errors)
        .collect()
}

fn certificate_header_error() -> CertificateHeaderError {
    let header = CertificateHeader::rfc9440();
    let headers = [(header.name().clone(), "x".parse().unwrap())];
    header.read(&headers.into_iter().collect()).unwrap_err()
}

one_of_each! { plain: Refusal,
    Refusal::NoCredentials => Refusal::NoCredentials,
    Refusal::SeveralAuthorizations(_) => Refusal::SeveralAuthorizations(2),
    Refusal::TokenInQuery => Refusal::TokenInQuery,
    Refusal::MalformedAuthorization => Refusal::MalformedAuthorization,
    Refusal::Scheme => Refusal::Scheme,
    Refusal::TokenTooLarge(_) => Refusal::TokenTooLarge(20_000),
    Refusal::Target => Refusal::Target,
    Refusal::Host(_) => Refusal::Host("api.example".to_owned()),
    Refusal::Forwarded(_) => Refusal::Forwarded(ForwardedError::Contradiction),
    Refusal::CertificateHeader(_) => Refusal::CertificateHeader(certificate_header_error()),
    Refusal::Token(_) => Refusal::Token(TokenError::Signature),
    Refusal::Unbound => Refusal::Unbound,
    Refusal::Binding => Refusal::Binding,
    Refusal::DpopTokenAsBearer => Refusal::DpopTokenAsBearer,
    Refusal::NotDpopBound => Refusal::NotDpopBound,
    Refusal::NoCertificate => Refusal::NoCertificate,
    Refusal::CertificateMismatch => Refusal::CertificateMismatch,
    Refusal::Proof(_) => Refusal::Proof(ProofError::Missing),
    Refusal::Replayed => Refusal::Replayed,
    Refusal::Method => Refusal::Method,
    Refusal::FapiHeader(_) => Refusal::FapiHeader("x-fapi-auth-date"),
    Refusal::Scope(_) => Refusal::Scope("accounts".parse().unwrap()),
    Refusal::AuthorizationDetails(_) => Refusal::AuthorizationDetails("payment_initiation".into()),
    Refusal::Authentication { .. } => Refusal::Authentication {
        acr_values: ["urn:example:mfa".to_owned()].into(),
        max_age: Some(SECOND),
    },
}

one_of_each! { token_errors: TokenError,
    TokenError::Malformed(_) => TokenError::Malformed(JwsError::Segments),
    TokenError::Decryption(_) => TokenError::Decryption(JweError::Decryption),
    TokenError::NotEncrypted => TokenError::NotEncrypted,
    TokenError::EncryptedContent => TokenError::EncryptedContent,
    TokenError::Type(_) => TokenError::Type(Some("evil".to_owned())),
    TokenError::OtherKind(_) => TokenError::OtherKind("at_hash"),
    TokenError::Algorithm => TokenError::Algorithm,
    TokenError::MissingClaim(_) => TokenError::MissingClaim("jti"),
    TokenError::MalformedClaim(_) => TokenError::MalformedClaim("jti"),
    TokenError::Contradiction(..) => TokenError::Contradiction("azp", "client_id"),
    TokenError::Issuer(_) => TokenError::Issuer("https://evil.example".to_owned()),
    TokenError::Audience(_) => TokenError::Audience("https://evil.example".to_owned()),
    TokenError::Expired(_) => TokenError::Expired(THEN),
    TokenError::NotYetValid(_) => TokenError::NotYetValid(THEN),
    TokenError::IssuedInFuture(_) => TokenError::IssuedInFuture(THEN),
    TokenError::UnknownKey => TokenError::UnknownKey,
    TokenError::Signature => TokenError::Signature,
    TokenError::Inactive => TokenError::Inactive,
    TokenError::Revoked => TokenError::Revoked,
    TokenError::UnknownConfirmation => TokenError::UnknownConfirmation,
}

one_of_each! { proof_errors: ProofError,
    ProofError::Missing => ProofError::Missing,
    ProofError::Several(_) => ProofError::Several(2),
    ProofError::TooLarge(_) => ProofError::TooLarge(9_000),
    ProofError::Malformed(_) => ProofError::Malformed(JwsError::Segments),
    ProofError::MalformedClaims(_) => ProofError::MalformedClaims("evil".to_owned()),
    ProofError::MissingClaim(_) => ProofError::MissingClaim("jti"),
    ProofError::JtiLength(_) => ProofError::JtiLength(257),
    ProofError::Type => ProofError::Type,
    ProofError::Algorithm => ProofError::Algorithm,
    ProofError::Signature => ProofError::Signature,
    ProofError::MissingKey => ProofError::MissingKey,
    ProofError::Key(_) => ProofError::Key(InvalidJwk::NotPublic("d")),
    ProofError::UnfitKey(_) => ProofError::UnfitKey(UnfitKey::Purpose),
    ProofError::Method => ProofError::Method,
    ProofError::Target { .. } => ProofError::Target {
        claimed: "https://evil.example".to_owned(),
        asked: "https://internal.example".to_owned(),
    },
    ProofError::MissingNonce(_) => ProofError::MissingNonce(KEY),
    ProofError::Nonce(_) => ProofError::Nonce(KEY),
    ProofError::TooOld(_) => ProofError::TooOld(SECOND),
    ProofError::InFuture(_) => ProofError::InFuture(SECOND),
    ProofError::AccessTokenHash => ProofError::AccessTokenHash,
    ProofError::KeyMismatch => ProofError::KeyMismatch,
}

one_of_each! { faults: Fault,
    Fault::Keys(_) => Fault::Keys(KeysUnavailable::Stopped),
    Fault::Replay(_) => Fault::Replay(StoreError::Full),
    Fault::Introspection(_) => Fault::Introspection(IntrospectionError::Timeout),
    Fault::Revocation(_) => Fault::Revocation(RevocationUnavailable::new("evil")),
    Fault::Undecided => Fault::Undecided,
}
