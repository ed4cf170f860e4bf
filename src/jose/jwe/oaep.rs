//! RSAES-OAEP (RFC 7518 §4.3).

use aws_lc_rs::{
    encoding::AsDer as _,
    rsa::{
        KeyPair, KeyPairComponents, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256,
        OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm, OaepPrivateDecryptingKey,
        OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey, PublicKeyComponents,
    },
};
use zeroize::Zeroizing;

use super::{JweAlgorithm, JweKeyError, error::Failure};
use crate::jose::{InvalidJwk, private_jwk::RsaSecret};

/// Prepares a private key; its members have to belong together.
pub(super) fn private_key(
    n: &[u8],
    e: &[u8],
    secret: &RsaSecret,
) -> Result<OaepPrivateDecryptingKey, JweKeyError> {
    let pair = KeyPair::from_components(&KeyPairComponents::<&[u8]> {
        public_key: PublicKeyComponents { n, e },
        d: &secret.d,
        p: &secret.p,
        q: &secret.q,
        dP: &secret.dp,
        dQ: &secret.dq,
        qInv: &secret.qi,
    })
    .map_err(|_| InvalidJwk::Inconsistent)?;
    let der = pair.as_der().map_err(Failure::from)?;
    let key =
        PrivateDecryptingKey::from_pkcs8(der.as_ref()).map_err(|_| InvalidJwk::Inconsistent)?;
    Ok(OaepPrivateDecryptingKey::new(key).map_err(Failure::from)?)
}

/// Prepares a public key.
pub(super) fn public_key(n: &[u8], e: &[u8]) -> Result<OaepPublicEncryptingKey, JweKeyError> {
    let key: Result<PublicEncryptingKey, _> = PublicKeyComponents { n, e }.try_into();
    let key = OaepPublicEncryptingKey::new(key.map_err(Failure::from)?);
    Ok(key.map_err(Failure::from)?)
}

pub(super) fn encrypt(
    key: &OaepPublicEncryptingKey,
    algorithm: JweAlgorithm,
    plaintext: &[u8],
) -> Result<Vec<u8>, Failure> {
    let mut ciphertext = vec![0; key.ciphertext_size()];
    let length = key
        .encrypt(variant(algorithm)?, plaintext, &mut ciphertext, None)?
        .len();
    ciphertext.truncate(length);
    Ok(ciphertext)
}

pub(super) fn decrypt(
    key: &OaepPrivateDecryptingKey,
    algorithm: JweAlgorithm,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut plaintext = Zeroizing::new(vec![0; key.min_output_size()]);
    let length = key
        .decrypt(variant(algorithm)?, ciphertext, &mut plaintext, None)?
        .len();
    plaintext.truncate(length);
    Ok(plaintext)
}

fn variant(algorithm: JweAlgorithm) -> Result<&'static OaepAlgorithm, Failure> {
    match algorithm {
        JweAlgorithm::RsaOaep => Ok(&OAEP_SHA1_MGF1SHA1),
        JweAlgorithm::RsaOaep256 => Ok(&OAEP_SHA256_MGF1SHA256),
        JweAlgorithm::RsaOaep384 => Ok(&OAEP_SHA384_MGF1SHA384),
        JweAlgorithm::RsaOaep512 => Ok(&OAEP_SHA512_MGF1SHA512),
        JweAlgorithm::EcdhEs
        | JweAlgorithm::EcdhEsA128Kw
        | JweAlgorithm::EcdhEsA256Kw
        | JweAlgorithm::A128Kw
        | JweAlgorithm::A256Kw
        | JweAlgorithm::A256GcmKw
        | JweAlgorithm::Dir => Err(Failure),
    }
}
