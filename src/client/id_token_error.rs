//! Why an ID token is not believed.

use super::server_text::ServerText;
use crate::{
    jose::{JwsAlgorithm, JwsError, jwe::JweError},
    time::Timestamp,
};

/// Why an ID token is not believed (OpenID Connect Core §3.1.3.7, §12.2). Nobody has signed in then, and the tokens beside it
/// are not used either.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdTokenError {
    /// `openid` was asked for, and there is no ID token (§3.1.3.3).
    #[error(
        "`openid` was asked for, but the token response has no `id_token`: the client may not be registered for that scope, or the person did not agree to it"
    )]
    Missing,
    /// It is encrypted, and this client has no keys to decrypt it with.
    #[error(
        "the ID token is encrypted: build the client with `encrypted_id_tokens` and the key that is registered for it"
    )]
    Encrypted,
    /// It is not encrypted, although this client was built for that (§3.1.3.7, rule 1).
    #[error(
        "the ID token is not encrypted: register the client with `id_token_encrypted_response_alg`, or build it without `encrypted_id_tokens`"
    )]
    NotEncrypted,
    /// It cannot be decrypted with the keys of this client.
    #[error("the ID token cannot be decrypted with the keys of this client: {0}")]
    Decryption(JweError),
    /// It is signed with an algorithm that FAPI does not allow, or with another one than the client was built for (§3.1.3.7,
    /// rule 7; FAPI 2.0 Security Profile §5.4.1).
    #[error(
        "the ID token is not signed with {}: the algorithm is `id_token_signed_response_alg` of the client's registration, and RS256 if that says nothing",
        .expected.map_or("PS256, ES256 or EdDSA", JwsAlgorithm::as_str)
    )]
    Algorithm {
        /// What the client was built for, if for only one.
        expected: Option<JwsAlgorithm>,
    },
    /// It is malformed, or not signed by a key that the authorization server publishes (§3.1.3.7, rule 6).
    #[error("the ID token: {0}")]
    Jwt(JwsError),
    /// It is a JWT of another kind (RFC 8725 §3.11).
    #[error("the ID token is of type `{0}`, which is another kind of JWT")]
    Type(ServerText),
    /// A claim is missing where it is needed, or has the wrong type.
    #[error("`{0}` of the ID token is missing or malformed")]
    Claim(&'static str),
    /// Another authorization server made it (§3.1.3.7, rule 2).
    #[error("the ID token comes from `{found}`, but `{expected}` was asked")]
    WrongIssuer {
        /// The issuer of this client.
        expected: String,
        /// Who it says made it.
        found: ServerText,
    },
    /// It is not for this client, or not for this client alone (§3.1.3.7, rule 3).
    #[error(
        "the ID token is for `{0}`: only this client, and what `trusted_audience` names, may stand in `aud`"
    )]
    Audience(ServerText),
    /// `azp` names another client, or is missing although there are several audiences (§3.1.3.7, rule 4).
    #[error("`azp` of the ID token is not this client")]
    AuthorizedParty,
    /// It had ended when it came (§3.1.3.7, rule 9).
    #[error("the ID token ended at {0}: if it is new, the clocks differ")]
    Expired(Timestamp),
    /// It was not made just now (§3.1.3.7, rule 10).
    #[error("the ID token was made at {0}, and not just now: if it is new, the clocks differ")]
    IssuedAt(Timestamp),
    /// `nbf` lies ahead (RFC 7519 §4.1.5).
    #[error("the ID token is good from {0} on: if it is new, the clocks differ")]
    NotYet(Timestamp),
    /// `nonce` is missing, or is not that of the request: it answers another one (§3.1.3.7, rule 11).
    #[error("`nonce` of the ID token is not that of the request: it answers another one")]
    Nonce,
    /// `at_hash`, `c_hash` or `s_hash` is there and does not fit: it was made for another access token, code or `state`
    /// (§3.1.3.8, §3.3.2.10, FAPI 1.0 Part 2 §5.2.3.1).
    #[error("`{0}` of the ID token does not fit what came with it")]
    Hash(&'static str),
    /// The sign-in is older than was asked for, or lies ahead (§3.1.3.7, rule 13).
    #[error("the person signed in at {0}, which is not as recent as was asked for: ask again")]
    AuthenticationAge(Timestamp),
    /// The sign-in is not of a class that was demanded (§3.1.3.7, rule 12; §5.5.1.1).
    #[error("the sign-in is of no authentication context class that was demanded")]
    AuthenticationContext,
    /// Somebody else signed in than the one who was asked for (§5.5.1).
    #[error("somebody else signed in than the one who was asked for")]
    WrongSubject,
    /// It came with a refresh and is not about the same sign-in (§12.2).
    #[error("`{0}` of the refreshed ID token is not that of the first one")]
    Changed(&'static str),
}
