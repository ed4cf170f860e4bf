//! What a key says it is for (RFC 7517 §4.2 to §4.4).

use super::{ContentEncryption, JweAlgorithm, JweKeyError, algorithm::Family};
use crate::jose::{jwk::Jwk, material::Material};

/// One side of the exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    Encrypting,
    Decrypting,
}

/// The family of a key, and the algorithm it is limited to if its description names one.
pub(super) fn of(jwk: &Jwk, side: Side) -> Result<(Family, Option<JweAlgorithm>), JweKeyError> {
    let family = match jwk.material {
        Material::Rsa { .. } => Family::Rsa,
        Material::P256 { .. } | Material::P384 { .. } | Material::X25519 { .. } => {
            Family::Agreement
        }
        Material::Ed25519 { .. } => return Err(JweKeyError::Algorithm),
    };
    check(
        jwk.usage.as_deref(),
        jwk.operations.as_deref(),
        operations(family, side),
    )?;
    let named = jwk.algorithm.as_deref().map(str::parse::<JweAlgorithm>);
    match named {
        None => Ok((family, None)),
        Some(Ok(algorithm)) if algorithm.family() == family => Ok((family, Some(algorithm))),
        Some(Ok(_) | Err(_)) => Err(JweKeyError::Algorithm),
    }
}

/// Whether `use` and `key_ops`, where they are given, allow encryption; any one of these operations will do.
pub(super) fn check(
    usage: Option<&str>,
    listed: Option<&[String]>,
    wanted: &[&str],
) -> Result<(), JweKeyError> {
    let purpose = usage.is_none_or(|usage| usage == "enc");
    let operation = listed.is_none_or(|listed| {
        // A public key for agreement does nothing by itself: the Web Crypto API lists no operation for it.
        (wanted.is_empty() && listed.is_empty())
            || listed.iter().any(|one| {
                wanted.contains(&one.as_str())
                    || (wanted.is_empty() && AGREEMENT.contains(&one.as_str()))
            })
    });
    if purpose && operation {
        Ok(())
    } else {
        Err(JweKeyError::Purpose)
    }
}

const AGREEMENT: &[&str] = &["deriveKey", "deriveBits"];

/// The operations that stand for what a key does (RFC 7517 §4.3).
pub(super) const fn operations(family: Family, side: Side) -> &'static [&'static str] {
    match (family, side) {
        (Family::Agreement, Side::Encrypting) => &[],
        (Family::Agreement, Side::Decrypting) => AGREEMENT,
        (Family::Rsa | Family::Symmetric, Side::Encrypting) => &["wrapKey", "encrypt"],
        (Family::Rsa | Family::Symmetric, Side::Decrypting) => &["unwrapKey", "decrypt"],
    }
}

/// What a shared key does: the algorithm and, where the key is that of the content itself, how it encrypts.
///
/// A shared key has one algorithm only, so its description has to name it: `dir` or, as many write for such keys, the
/// content encryption itself (RFC 7517 §4.4, RFC 7520 §5.6.1).
pub(super) fn of_shared(
    name: &str,
    length: usize,
) -> Result<(JweAlgorithm, Option<ContentEncryption>), JweKeyError> {
    let (algorithm, encryption) = match (
        name.parse::<JweAlgorithm>(),
        name.parse::<ContentEncryption>(),
    ) {
        (Ok(algorithm), _) => (algorithm, None),
        (Err(_), Ok(encryption)) => (JweAlgorithm::Dir, Some(encryption)),
        (Err(_), Err(_)) => return Err(JweKeyError::Algorithm),
    };
    let fits = match algorithm {
        JweAlgorithm::A128Kw => length == 16,
        JweAlgorithm::A256Kw | JweAlgorithm::A256GcmKw => length == 32,
        JweAlgorithm::Dir => encryption.map_or_else(
            || {
                let mut all = ContentEncryption::ALL.iter();
                all.any(|encryption| encryption.key_len() == length)
            },
            |encryption| encryption.key_len() == length,
        ),
        JweAlgorithm::RsaOaep
        | JweAlgorithm::RsaOaep256
        | JweAlgorithm::RsaOaep384
        | JweAlgorithm::RsaOaep512
        | JweAlgorithm::EcdhEs
        | JweAlgorithm::EcdhEsA128Kw
        | JweAlgorithm::EcdhEsA256Kw => return Err(JweKeyError::Algorithm),
    };
    if fits {
        Ok((algorithm, encryption))
    } else {
        Err(JweKeyError::KeyLength(length))
    }
}
