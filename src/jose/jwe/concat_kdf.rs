//! The key derivation of ECDH-ES (RFC 7518 §4.6.2, NIST SP 800-56A §5.8.1).

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// What the derived key is bound to beside the shared secret.
#[derive(Clone, Copy)]
pub(super) struct OtherInfo<'a> {
    /// `enc` in direct key agreement, `alg` where the key wraps another.
    pub(super) algorithm: &'a str,
    /// `apu`, decoded: who sends. Empty if it is not given.
    pub(super) party_u: &'a [u8],
    /// `apv`, decoded: who receives. Empty if it is not given.
    pub(super) party_v: &'a [u8],
}

/// Derives a key of this many bytes.
pub(super) fn derive(secret: &[u8], info: OtherInfo<'_>, length: usize) -> Zeroizing<Vec<u8>> {
    // The rounds fill the room exactly: a vector that grows would leave copies behind.
    let mut key = Zeroizing::new(Vec::with_capacity(length.next_multiple_of(32)));
    let bits = number(length.saturating_mul(8));
    let mut round: u32 = 1;
    while key.len() < length {
        let mut hash = Sha256::new();
        hash.update(round.to_be_bytes());
        hash.update(secret);
        for text in [info.algorithm.as_bytes(), info.party_u, info.party_v] {
            hash.update(number(text.len()));
            hash.update(text);
        }
        hash.update(bits);
        let output: Zeroizing<[u8; 32]> = Zeroizing::new(hash.finalize().into());
        key.extend_from_slice(&output[..]);
        round = round.saturating_add(1);
    }
    key.truncate(length);
    key
}

fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes()
}
