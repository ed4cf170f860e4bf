//! The short hashes by which an ID token holds on to another text: `at_hash`, `c_hash`, `s_hash`.

use sha2::{Digest as _, Sha512};

use super::{algorithm::JwsAlgorithm, base64url, hash::sha256};

/// The left half of the hash of `text`, with the hash function of `algorithm`, which signs the ID token: the value of
/// `at_hash` (OpenID Connect Core §3.1.3.6), `c_hash` (§3.3.2.11) and `s_hash` (FAPI 1.0 Part 2 §5.1.2).
///
/// Ed25519 hashes with SHA-512 (RFC 8032 §5.1), and so does this.
#[must_use]
pub fn token_hash(algorithm: JwsAlgorithm, text: &str) -> String {
    let half = |digest: &[u8]| {
        let (left, _) = digest.split_at(digest.len() / 2);
        base64url::encode(left)
    };
    match algorithm {
        JwsAlgorithm::Ps256 | JwsAlgorithm::Es256 => half(&sha256(text.as_bytes())),
        JwsAlgorithm::EdDsa => half(&Sha512::digest(text.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // OpenID Connect Core, Appendix A.3 and A.4, prints `c_hash` and `at_hash` beside the code and the token.
    #[test]
    fn the_examples_of_the_specification_come_out() {
        for (text, expected) in [
            (
                "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk",
                "LDktKdoQak3Pk0cnXxCltA",
            ),
            (
                "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
                "77QmUPtjPfzWtF2AnpK9RQ",
            ),
        ] {
            for algorithm in [JwsAlgorithm::Ps256, JwsAlgorithm::Es256] {
                assert_eq!(token_hash(algorithm, text), expected);
            }
        }
    }

    // The first half of SHA-512("abc") of FIPS 180-4.
    #[test]
    fn ed25519_brings_its_own_hash_function() {
        let half: [u8; 32] = [
            0xdd, 0xaf, 0x35, 0xa1, 0x93, 0x61, 0x7a, 0xba, 0xcc, 0x41, 0x73, 0x49, 0xae, 0x20,
            0x41, 0x31, 0x12, 0xe6, 0xfa, 0x4e, 0x89, 0xa9, 0x7e, 0xa2, 0x0a, 0x9e, 0xee, 0xe6,
            0x4b, 0x55, 0xd3, 0x9a,
        ];
        assert_eq!(
            token_hash(JwsAlgorithm::EdDsa, "abc"),
            base64url::encode(half)
        );
    }
}
