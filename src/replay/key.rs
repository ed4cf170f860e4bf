//! What a proof is recorded under.

use std::fmt;

use sha2::{Digest, Sha256};

/// Keeps these hashes apart from every other SHA-256 in the protocol, and this encoding from any later one.
const DOMAIN: &[u8; 8] = b"replay/1";

/// What a proof is recorded under: SHA-256 over the realm, the key that signed it and its `jti`.
///
/// The size is fixed whatever the client chose as `jti`, so a long one cannot make a store grow
/// (RFC 9449 §11.1). All instances of a service compute the same key for the same proof.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ReplayKey([u8; 32]);

impl ReplayKey {
    /// The key of the proof `jti`, signed by the key with this JWK thumbprint (RFC 7638), for a token of `realm`.
    ///
    /// `realm` is the token's issuer; for other things that may be used only once it is any name that keeps them apart
    /// from proofs.
    #[must_use]
    pub fn new(realm: &str, thumbprint: &[u8; 32], jti: &str) -> Self {
        // Every part but the last has a known length, so no two triples share an encoding. With common lengths it
        // also fits two blocks of SHA-256; a longer domain or a fourth length would cost a third.
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(thumbprint);
        hash.update((realm.len() as u64).to_be_bytes());
        hash.update(realm);
        hash.update(jti);
        Self(hash.finalize().into())
    }

    /// The 32 bytes, for stores that keep records outside this process.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ReplayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplayKey(")?;
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const THUMBPRINT: [u8; 32] = [0x41; 32];

    #[test]
    fn triples_that_concatenate_alike_have_different_keys() {
        let triples = [
            ("https://as.example", THUMBPRINT, "abc"),
            ("https://as.examplea", THUMBPRINT, "bc"),
            ("https://as.exampl", THUMBPRINT, "eabc"),
            ("https://as.exampleabc", THUMBPRINT, ""),
            ("", THUMBPRINT, "https://as.exampleabc"),
            ("", THUMBPRINT, ""),
            ("A", THUMBPRINT, ""),
            ("", THUMBPRINT, "A"),
            ("\0", THUMBPRINT, ""),
            ("", THUMBPRINT, "\0"),
            ("https://as.example", [0x42; 32], "abc"),
            ("https://as.example", THUMBPRINT, "ABC"),
            ("https://as.example", THUMBPRINT, "abc "),
        ];
        let mut seen = HashMap::new();
        for triple in triples {
            let key = ReplayKey::new(triple.0, &triple.1, triple.2);
            assert_eq!(seen.insert(key, triple), None, "{triple:?}");
        }
    }

    // Instances of different versions may share one store: an encoding that changes unnoticed would let each proof pass
    // once more.
    #[test]
    fn the_encoding_is_pinned() {
        let mut encoded = b"replay/1".to_vec();
        encoded.extend([0x41; 32]);
        encoded.extend([0, 0, 0, 0, 0, 0, 0, 18]);
        encoded.extend(b"https://as.example");
        encoded.extend(b"e1j3V_bKic8-LAEB");
        let expected: [u8; 32] = Sha256::digest(&encoded).into();
        let key = ReplayKey::new("https://as.example", &THUMBPRINT, "e1j3V_bKic8-LAEB");
        assert_eq!(key.as_bytes(), &expected);
    }

    proptest! {
        // A small alphabet makes pieces that could be mistaken for each other common.
        #[test]
        fn keys_are_equal_exactly_when_the_triples_are(
            a in ("[ab\0]{0,4}", prop::sample::select(vec![[0u8; 32], [0x61; 32]]), "[ab\0]{0,4}"),
            b in ("[ab\0]{0,4}", prop::sample::select(vec![[0u8; 32], [0x61; 32]]), "[ab\0]{0,4}"),
        ) {
            let (key_a, key_b) = (ReplayKey::new(&a.0, &a.1, &a.2), ReplayKey::new(&b.0, &b.1, &b.2));
            prop_assert_eq!(key_a == key_b, a == b);
        }
    }
}
