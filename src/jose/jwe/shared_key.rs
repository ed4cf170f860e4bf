//! Keys that both sides hold (RFC 7518 §6.4).

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    ContentEncryption, JweAlgorithm, JweKeyError,
    algorithm::Family,
    purpose::{self, Side},
};
use crate::jose::{InvalidJwk, base64url, jwk};

/// A shared key with the one thing it is for.
pub(super) struct SharedKey {
    pub(super) secret: Zeroizing<Vec<u8>>,
    pub(super) algorithm: JweAlgorithm,
    /// The content encryption of a `dir` key whose description names it.
    encryption: Option<ContentEncryption>,
    pub(super) kid: Option<String>,
}

impl SharedKey {
    pub(super) fn new(
        secret: &[u8],
        algorithm: &str,
        kid: Option<String>,
    ) -> Result<Self, JweKeyError> {
        let (algorithm, encryption) = purpose::of_shared(algorithm, secret.len())?;
        Ok(Self {
            secret: Zeroizing::new(secret.to_vec()),
            algorithm,
            encryption,
            kid,
        })
    }

    /// Reads a JWK of type `oct`; `None` if it is of another type.
    pub(super) fn from_members(
        members: &Map<String, Value>,
        side: Side,
    ) -> Option<Result<Self, JweKeyError>> {
        match jwk::text(members, "kty") {
            Ok(Some("oct")) => Some(Self::read(members, side)),
            Ok(_) => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    fn read(members: &Map<String, Value>, side: Side) -> Result<Self, JweKeyError> {
        let operations = jwk::operations(members)?;
        purpose::check(
            jwk::text(members, "use")?,
            operations.as_deref(),
            purpose::operations(Family::Symmetric, side),
        )?;
        let secret = jwk::text(members, "k")?.ok_or(InvalidJwk::Member("k"))?;
        let secret = base64url::decode(secret).map_err(|_| InvalidJwk::Member("k"))?;
        let algorithm = jwk::text(members, "alg")?.ok_or(JweKeyError::Algorithm)?;
        let kid = jwk::text(members, "kid")?.map(str::to_owned);
        Self::new(&Zeroizing::new(secret), algorithm, kid)
    }

    /// Whether the key may serve with this content encryption.
    pub(super) fn fits(&self, encryption: ContentEncryption) -> bool {
        self.algorithm != JweAlgorithm::Dir
            || (self.secret.len() == encryption.key_len()
                && self.encryption.is_none_or(|named| named == encryption))
    }
}
