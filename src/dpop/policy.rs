//! What a server accepts as a proof.

use std::time::Duration;

use crate::{jose::JwsAlgorithm, time::Timestamp};

/// How far a proof's `iat` may lie from the server's clock (RFC 9449 §4.3 check 11, §11.1).
///
/// 60 s back and 10 s ahead unless set otherwise. Wider means that a stolen proof lives longer and the replay store grows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProofWindow {
    past: Duration,
    future: Duration,
}

/// The window is not one this profile allows.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidWindow {
    /// Backwards, 1 s to 300 s make sense.
    #[error("a proof window of {0:?} back; it has to be 1 s to 300 s")]
    Past(Duration),
    /// Ahead, 10 s have to pass and more than 60 s must not (FAPI 2.0 Security Profile §5.3.2.1).
    #[error("a proof window of {0:?} ahead; it has to be 10 s to 60 s")]
    Future(Duration),
}

impl ProofWindow {
    /// A window of whole seconds.
    ///
    /// # Errors
    ///
    /// [`InvalidWindow`], with the value, if `past` is not 1 s to 300 s or `future` not 10 s to 60 s.
    pub const fn new(past: Duration, future: Duration) -> Result<Self, InvalidWindow> {
        if past.as_secs() < 1 || past.as_secs() > 300 {
            return Err(InvalidWindow::Past(past));
        }
        if future.as_secs() < 10 || future.as_secs() > 60 {
            return Err(InvalidWindow::Future(future));
        }
        Ok(Self { past, future })
    }

    /// The last second at which a proof issued at `iat` is accepted: until then it has to be remembered.
    #[must_use]
    pub fn last_accepted(&self, iat: Timestamp) -> Timestamp {
        iat.plus(self.past)
    }

    pub(super) fn check(&self, iat: Timestamp, now: Timestamp) -> Result<(), super::ProofError> {
        if now > self.last_accepted(iat) {
            Err(super::ProofError::TooOld(now.since(iat)))
        } else if iat > now.plus(self.future) {
            Err(super::ProofError::InFuture(iat.since(now)))
        } else {
            Ok(())
        }
    }
}

impl Default for ProofWindow {
    fn default() -> Self {
        Self {
            past: Duration::from_secs(60),
            future: Duration::from_secs(10),
        }
    }
}

/// What a server accepts as a proof.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProofPolicy {
    /// The signature algorithms; all three of FAPI 2.0 unless set otherwise.
    pub algorithms: Vec<JwsAlgorithm>,
    /// How far `iat` may lie from the clock.
    pub window: ProofWindow,
    /// How many bytes of proof are read at all; 8 KiB unless set otherwise.
    pub max_bytes: usize,
    /// How many prepared client keys are kept, at 1.5 KiB each, or 4 KiB if they are RSA keys; 10 000 unless set otherwise.
    ///
    /// Only keys of accepted proofs are, so strangers push out none, and of those the ones that are looked up again and again
    /// stay when a multitude comes by once. A resource server looks one up for the first proof beside a token, and keeps it
    /// there for the next unless it is large. A client whose key is not kept is served all the same: its key is made ready
    /// anew, which takes a tenth of the time that verifying its proof does.
    pub kept_keys: u64,
}

impl Default for ProofPolicy {
    fn default() -> Self {
        Self {
            algorithms: vec![
                JwsAlgorithm::Es256,
                JwsAlgorithm::EdDsa,
                JwsAlgorithm::Ps256,
            ],
            window: ProofWindow::default(),
            max_bytes: 8 * 1024,
            kept_keys: 10_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dpop::ProofError;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    // RFC 9449 §4.3 check 11 and §11.1; FAPI 2.0 Security Profile §5.3.2.1 for the seconds ahead.
    #[test]
    fn proofs_outside_the_window_are_refused() {
        const NOW: i64 = 1_800_000_000;
        let ages = |iat| {
            ProofWindow::default().check(Timestamp::from_unix(iat), Timestamp::from_unix(NOW))
        };
        for (case, iat, expected) in [
            ("now", NOW, Ok(())),
            ("oldest accepted", NOW - 60, Ok(())),
            (
                "one second older",
                NOW - 61,
                Err(ProofError::TooOld(secs(61))),
            ),
            ("furthest ahead", NOW + 10, Ok(())),
            (
                "one second further",
                NOW + 11,
                Err(ProofError::InFuture(secs(11))),
            ),
            ("the epoch", 0, Err(ProofError::TooOld(secs(1_800_000_000)))),
        ] {
            assert_eq!(ages(iat), expected, "{case}");
        }
        assert!(
            matches!(ages(i64::MIN), Err(ProofError::TooOld(_))),
            "no underflow"
        );
        assert!(
            matches!(ages(i64::MAX), Err(ProofError::InFuture(_))),
            "no overflow"
        );
    }

    #[test]
    fn windows_the_profile_does_not_allow_cannot_be_made() {
        for (past, future, allowed) in [
            (60, 10, true),
            (1, 60, true),
            (300, 10, true),
            (0, 10, false),
            (301, 10, false),
            (60, 9, false),
            (60, 61, false),
        ] {
            assert_eq!(
                ProofWindow::new(secs(past), secs(future)).is_ok(),
                allowed,
                "{past} {future}"
            );
        }
    }
}
