//! Nonces a server hands out (RFC 9449 §8, §9), without keeping any of them.
//!
//! A nonce is the time of its issue, encrypted and authenticated, bound to the client's key when that is known. Whoever
//! holds the same secret can check it, so several instances need share nothing else.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::{
    jose::{JwkThumbprint, base64url},
    time::Timestamp,
};

/// The secret nonces are made with: 32 bytes from a good generator, the same for all instances.
pub struct NonceSecret(Zeroizing<[u8; 32]>);

impl NonceSecret {
    /// A secret that somebody keeps: the same bytes on every instance.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new secret from the system's generator, for a server that runs alone.
    ///
    /// # Errors
    ///
    /// [`NonceFailure`] if the generator fails.
    pub fn generate() -> Result<Self, NonceFailure> {
        let mut bytes = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(&mut bytes[..]).map_err(|_| NonceFailure)?;
        Ok(Self(bytes))
    }

    fn key(&self) -> Result<RandomizedNonceKey, NonceFailure> {
        // Anybody can have nonces made, as many as the network carries. With SIV a random IV that comes twice betrays no more
        // than that two nonces were made in one second; with plain GCM it would betray how to forge them.
        RandomizedNonceKey::new(&AES_256_GCM_SIV, &self.0[..]).map_err(|_| NonceFailure)
    }
}

impl fmt::Debug for NonceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceSecret(..)")
    }
}

/// The cryptographic library failed: our fault, never the client's.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the cryptographic library failed to make a nonce")]
pub struct NonceFailure;

/// Why nonces cannot be made with these settings.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoncesError {
    /// The lifetime is not [`Nonces::MIN_LIFETIME`] to [`Nonces::MAX_LIFETIME`].
    #[error("a nonce lifetime of {0:?}; it has to be 10 s to 3600 s")]
    Lifetime(Duration),
    /// The cryptographic library does not take the secret.
    #[error(transparent)]
    Library(#[from] NonceFailure),
}

/// The nonce is not one of ours, was made for another key, or has become too old.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("nonce not accepted")]
pub struct InvalidNonce;

/// What a nonce that is accepted tells about itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NonceState {
    /// It can go on being used.
    Fresh,
    /// It will end soon: a new one belongs on the answer.
    NearsItsEnd,
}

/// Makes and checks nonces.
pub struct Nonces {
    keys: ArcSwap<Vec<RandomizedNonceKey>>,
    lifetime: Duration,
}

/// Seconds a nonce may come from the future: instances do not share a clock.
const SKEW: Duration = Duration::from_secs(10);
const SEALED: usize = 12 + 8 + 16;

impl Nonces {
    /// The shortest lifetime. With a shorter one the round trip that brings a nonce to the client, and the difference
    /// between the clocks of two instances, would be most of it.
    pub const MIN_LIFETIME: Duration = Duration::from_secs(10);

    /// The longest lifetime. What a nonce is good for, that nobody can make proofs for long after, ends there.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(3600);

    /// Nonces from this secret that are accepted for `lifetime`, in whole seconds.
    ///
    /// # Errors
    ///
    /// [`NoncesError`] if the lifetime is not [`MIN_LIFETIME`](Self::MIN_LIFETIME) to [`MAX_LIFETIME`](Self::MAX_LIFETIME),
    /// or the library does not take the secret.
    pub fn new(secret: &NonceSecret, lifetime: Duration) -> Result<Self, NoncesError> {
        if !(Self::MIN_LIFETIME..=Self::MAX_LIFETIME).contains(&lifetime) {
            return Err(NoncesError::Lifetime(lifetime));
        }
        Ok(Self {
            keys: ArcSwap::from_pointee(vec![secret.key()?]),
            lifetime,
        })
    }

    /// Makes nonces from `current` henceforth, and accepts those of `others` beside it.
    ///
    /// To change the secret of several instances without refusing anybody: first give the new one to all as one of
    /// `others`, then make it `current` everywhere, and drop the old one when its nonces have ended.
    ///
    /// # Errors
    ///
    /// [`NonceFailure`] if the library does not take a secret; nothing has changed then.
    pub fn set_secrets(
        &self,
        current: &NonceSecret,
        others: &[NonceSecret],
    ) -> Result<(), NonceFailure> {
        let secrets = std::iter::once(current).chain(others);
        let keys = secrets.map(NonceSecret::key).collect::<Result<_, _>>()?;
        self.keys.store(Arc::new(keys));
        Ok(())
    }

    /// Makes a nonce, for this key if one is known.
    ///
    /// # Errors
    ///
    /// [`NonceFailure`] if the library fails.
    pub fn issue(
        &self,
        key: Option<JwkThumbprint>,
        now: Timestamp,
    ) -> Result<String, NonceFailure> {
        let keys = self.keys.load();
        let sealing = keys.first().ok_or(NonceFailure)?;
        let mut sealed = now.as_unix().to_be_bytes().to_vec();
        let nonce = sealing
            .seal_in_place_append_tag(Aad::from(bound_to(key)), &mut sealed)
            .map_err(|_| NonceFailure)?;
        let mut bytes = vec![u8::from(key.is_some())];
        bytes.extend_from_slice(nonce.as_ref());
        bytes.extend_from_slice(&sealed);
        Ok(base64url::encode(bytes))
    }

    /// Checks a nonce that came back in a proof of this key.
    ///
    /// # Errors
    ///
    /// [`InvalidNonce`], for every reason the same.
    pub fn check(
        &self,
        nonce: &str,
        key: JwkThumbprint,
        now: Timestamp,
    ) -> Result<NonceState, InvalidNonce> {
        let bytes: [u8; 1 + SEALED] = base64url::decode_array(nonce).map_err(|_| InvalidNonce)?;
        let (flag, sealed) = bytes.split_first().ok_or(InvalidNonce)?;
        let key = match flag {
            0 => None,
            1 => Some(key),
            _ => return Err(InvalidNonce),
        };
        let (iv, sealed) = sealed.split_first_chunk::<12>().ok_or(InvalidNonce)?;
        let issued = self
            .keys
            .load()
            .iter()
            .find_map(|candidate| open(candidate, *iv, sealed, key))
            .ok_or(InvalidNonce)?;
        let age = now.since(issued);
        if issued > now.plus(SKEW) || age > self.lifetime {
            Err(InvalidNonce)
        } else if age > self.lifetime / 2 {
            Ok(NonceState::NearsItsEnd)
        } else {
            Ok(NonceState::Fresh)
        }
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

fn bound_to(key: Option<JwkThumbprint>) -> Vec<u8> {
    let mut aad = b"tower-fapi dpop nonce".to_vec();
    if let Some(thumbprint) = key {
        aad.extend_from_slice(thumbprint.as_bytes());
    }
    aad
}

fn open(
    with: &RandomizedNonceKey,
    iv: [u8; 12],
    sealed: &[u8],
    key: Option<JwkThumbprint>,
) -> Option<Timestamp> {
    let mut sealed = sealed.to_vec();
    let plain = with
        .open_in_place(
            Nonce::assume_unique_for_key(iv),
            Aad::from(bound_to(key)),
            &mut sealed,
        )
        .ok()?;
    let seconds: [u8; 8] = (&*plain).try_into().ok()?;
    Some(Timestamp::from_unix(i64::from_be_bytes(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
    const MINUTE: Duration = Duration::from_secs(60);
    const KEY: JwkThumbprint = JwkThumbprint::from_bytes([1; 32]);
    const OTHER: JwkThumbprint = JwkThumbprint::from_bytes([2; 32]);

    fn secret(byte: u8) -> NonceSecret {
        NonceSecret::from_bytes([byte; 32])
    }

    #[test]
    fn a_lifetime_is_bounded_both_ways() {
        for (millis, good) in [
            (0, false),
            (9_999, false),
            (10_000, true),
            (3_600_000, true),
            (3_600_001, false),
            (u64::MAX, false),
        ] {
            let lifetime = Duration::from_millis(millis);
            let made = Nonces::new(&secret(1), lifetime);
            let expected = (!good).then_some(NoncesError::Lifetime(lifetime));
            assert_eq!(made.err(), expected);
        }
    }

    // RFC 9449 §8, §8.2, §9.
    #[test]
    fn a_nonce_lives_for_its_time_and_says_when_it_nears_the_end() {
        let nonces = Nonces::new(&secret(1), MINUTE).unwrap();
        let nonce = nonces.issue(Some(KEY), NOW).unwrap();
        let after = |seconds| nonces.check(&nonce, KEY, NOW.plus(Duration::from_secs(seconds)));
        assert_eq!(after(0), Ok(NonceState::Fresh));
        assert_eq!(after(30), Ok(NonceState::Fresh));
        assert_eq!(after(31), Ok(NonceState::NearsItsEnd));
        assert_eq!(after(60), Ok(NonceState::NearsItsEnd));
        assert_eq!(after(61), Err(InvalidNonce));
        let before = |seconds| nonces.check(&nonce, KEY, NOW.minus(Duration::from_secs(seconds)));
        assert_eq!(
            before(10),
            Ok(NonceState::Fresh),
            "another instance's clock is ahead"
        );
        assert_eq!(before(11), Err(InvalidNonce));
    }

    #[test]
    fn a_nonce_serves_only_the_key_it_was_made_for() {
        let nonces = Nonces::new(&secret(1), MINUTE).unwrap();
        let bound = nonces.issue(Some(KEY), NOW).unwrap();
        assert_eq!(nonces.check(&bound, OTHER, NOW), Err(InvalidNonce));
        let unbound = nonces.issue(None, NOW).unwrap();
        assert_eq!(nonces.check(&unbound, OTHER, NOW), Ok(NonceState::Fresh));
        assert_ne!(
            bound,
            nonces.issue(Some(KEY), NOW).unwrap(),
            "never the same twice"
        );
    }

    #[test]
    fn forgeries_are_refused() {
        let nonces = Nonces::new(&secret(1), MINUTE).unwrap();
        let good = base64url::decode(nonces.issue(None, NOW).unwrap()).unwrap();
        for position in 0..good.len() {
            let mut bad = good.clone();
            bad[position] ^= 1;
            assert_eq!(
                nonces.check(&base64url::encode(bad), KEY, NOW),
                Err(InvalidNonce),
                "{position}"
            );
        }
        for text in ["", "x", "AAAA", &"A".repeat(5000)] {
            assert_eq!(nonces.check(text, KEY, NOW), Err(InvalidNonce));
        }
        let foreign = Nonces::new(&secret(2), MINUTE)
            .unwrap()
            .issue(None, NOW)
            .unwrap();
        assert_eq!(nonces.check(&foreign, KEY, NOW), Err(InvalidNonce));
    }

    #[test]
    fn secrets_change_on_two_instances_without_refusing_anybody() {
        let (one, two) = (
            Nonces::new(&secret(1), MINUTE).unwrap(),
            Nonces::new(&secret(1), MINUTE).unwrap(),
        );
        let agree = |one: &Nonces, two: &Nonces| {
            for (from, to) in [(one, two), (two, one)] {
                let nonce = from.issue(Some(KEY), NOW).unwrap();
                assert_eq!(to.check(&nonce, KEY, NOW), Ok(NonceState::Fresh));
            }
        };
        let old = one.issue(Some(KEY), NOW).unwrap();
        for (current, other) in [(1, 2), (2, 1)] {
            one.set_secrets(&secret(current), &[secret(other)]).unwrap();
            agree(&one, &two);
            two.set_secrets(&secret(current), &[secret(other)]).unwrap();
            agree(&one, &two);
        }
        assert_eq!(two.check(&old, KEY, NOW), Ok(NonceState::Fresh));
        two.set_secrets(&secret(2), &[]).unwrap();
        assert_eq!(
            two.check(&old, KEY, NOW),
            Err(InvalidNonce),
            "the old secret is gone"
        );
    }
}
