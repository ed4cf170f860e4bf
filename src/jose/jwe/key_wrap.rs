//! Keys encrypted under shared keys (RFC 7518 §4.4, §4.7).

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    key_wrap::{AES_128, AES_256, AesKek, KeyWrap as _},
    rand,
};
use zeroize::Zeroizing;

use super::error::Failure;

/// Wraps with AES Key Wrap (RFC 3394); the length of the wrapping key chooses AES-128 or AES-256.
pub(super) fn wrap(kek: &[u8], key: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut wrapped = vec![0; key.len() + 8];
    let length = aes(kek)?.wrap(key, &mut wrapped)?.len();
    wrapped.truncate(length);
    Ok(wrapped)
}

/// Undoes [`wrap`].
pub(super) fn unwrap(kek: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut key = Zeroizing::new(vec![0; wrapped.len()]);
    let length = aes(kek)?.unwrap(wrapped, &mut key)?.len();
    key.truncate(length);
    Ok(key)
}

/// What `A256GCMKW` puts into the header (RFC 7518 §4.7.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct GcmParameters {
    pub(super) iv: [u8; 12],
    pub(super) tag: [u8; 16],
}

/// Encrypts a key with AES-256 in GCM under a new initialization vector.
pub(super) fn wrap_gcm(kek: &[u8], key: &[u8]) -> Result<(Vec<u8>, GcmParameters), Failure> {
    let mut iv = [0; 12];
    rand::fill(&mut iv)?;
    let mut wrapped = key.to_vec();
    let nonce = Nonce::assume_unique_for_key(iv);
    let tag = gcm(kek)?.seal_in_place_separate_tag(nonce, Aad::empty(), &mut wrapped)?;
    let tag = tag.as_ref().try_into().map_err(|_| Failure)?;
    Ok((wrapped, GcmParameters { iv, tag }))
}

/// Undoes [`wrap_gcm`].
pub(super) fn unwrap_gcm(
    kek: &[u8],
    wrapped: &[u8],
    parameters: &GcmParameters,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut key = Zeroizing::new(wrapped.to_vec());
    let nonce = Nonce::assume_unique_for_key(parameters.iv);
    gcm(kek)?.open_in_place_separate_tag(nonce, Aad::empty(), &parameters.tag, &mut key)?;
    Ok(key)
}

fn aes(kek: &[u8]) -> Result<AesKek, Failure> {
    let cipher = if kek.len() == 16 { &AES_128 } else { &AES_256 };
    Ok(AesKek::new(cipher, kek)?)
}

fn gcm(kek: &[u8]) -> Result<LessSafeKey, Failure> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, kek)?))
}
