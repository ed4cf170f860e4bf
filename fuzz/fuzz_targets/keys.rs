//! Keys and key sets: whatever parses can be written and read again, as the same key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_fapi::jose::{Jwk, JwkSet, PrivateJwk, SigningKey, VerifyingKey, VerifyingKeySet};

fuzz_target!(|text: &str| {
    if let Ok(key) = text.parse::<Jwk>() {
        let again = Jwk::from_members(&key.to_members());
        assert_eq!(again.as_ref().map(Jwk::thumbprint), Ok(key.thumbprint()));
        let _ = VerifyingKey::new(&key);
    }
    if let Ok(set) = text.parse::<JwkSet>() {
        assert!(set.keys().len() <= JwkSet::MAX_KEYS);
        let _ = VerifyingKeySet::new(&set);
    }
    if let Ok(key) = text.parse::<PrivateJwk>() {
        let _ = SigningKey::new(&key);
    }
});
