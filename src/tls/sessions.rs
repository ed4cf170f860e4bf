//! Sessions kept for resumption.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::server::{ServerSessionMemoryCache, StoresServerSessions};

/// How long after its handshake a session may be resumed.
///
/// A resumed session carries the certificate of its first handshake, which is not verified again; and RFC 9325 §3.4 asks
/// for a reasonable limit.
const LIFETIME: Duration = Duration::from_hours(1);

/// The oldest session makes room for the next.
const SESSIONS: usize = 1024;

/// A session holds the client's whole certificate chain, whose length the client chooses. A longer one is not kept, so
/// that the store's memory has a bound; its client makes full handshakes.
const LARGEST: usize = 8 * 1024;

/// Sessions in memory, bounded in number, size and age.
///
/// Kept here and not in tickets, so nothing that could decrypt a recorded TLS 1.2 session outlives it, and a TLS 1.3
/// ticket works once (RFC 8446 §8.1).
pub(super) struct Sessions {
    started: Instant,
    kept: Arc<ServerSessionMemoryCache>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            kept: ServerSessionMemoryCache::new(SESSIONS),
        }
    }

    fn put_at(&self, age: Duration, key: Vec<u8>, session: &[u8]) -> bool {
        if session.len() > LARGEST {
            return false;
        }
        let mut stamped = Vec::with_capacity(size_of::<u64>() + session.len());
        stamped.extend_from_slice(&age.as_secs().to_be_bytes());
        stamped.extend_from_slice(session);
        self.kept.put(key, stamped)
    }
}

/// The session, unless it is too old at `now`; both times count from the store's beginning.
fn fresh(stamped: &[u8], now: Duration) -> Option<Vec<u8>> {
    let (stamp, session) = stamped.split_first_chunk()?;
    let age = now.checked_sub(Duration::from_secs(u64::from_be_bytes(*stamp)))?;
    (age < LIFETIME).then(|| session.to_vec())
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, session: Vec<u8>) -> bool {
        self.put_at(self.started.elapsed(), key, &session)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        fresh(&self.kept.get(key)?, self.started.elapsed())
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        fresh(&self.kept.take(key)?, self.started.elapsed())
    }

    fn can_cache(&self) -> bool {
        true
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    // RFC 9325 §3.4.
    #[test]
    fn a_session_ends_with_its_lifetime() {
        let put = 7 * SECOND;
        let sessions = Sessions::new();
        assert!(sessions.put_at(put, b"key".to_vec(), b"session"));
        let stamped = sessions.kept.get(b"key").unwrap();
        for (case, now, expected) in [
            ("at once", put, true),
            ("in its last second", 6 * SECOND + LIFETIME, true),
            ("at its end", put + LIFETIME, false),
            ("long after", put + 1000 * LIFETIME, false),
        ] {
            let found = fresh(&stamped, now);
            assert_eq!(found, expected.then(|| b"session".to_vec()), "{case}");
        }
    }

    #[test]
    fn a_session_taken_is_gone() {
        let sessions = Sessions::new();
        assert!(sessions.put(b"key".to_vec(), b"session".to_vec()));
        assert_eq!(sessions.get(b"key"), Some(b"session".to_vec()));
        assert_eq!(sessions.take(b"key"), Some(b"session".to_vec()));
        assert_eq!(sessions.take(b"key"), None);
        assert_eq!(sessions.get(b"key"), None);
    }

    #[test]
    fn memory_has_a_bound() {
        let sessions = Sessions::new();
        assert!(sessions.put(b"largest".to_vec(), vec![7; LARGEST]));
        assert!(!sessions.put(b"larger".to_vec(), vec![7; LARGEST + 1]));
        assert_eq!(sessions.get(b"larger"), None);

        for n in 0..2 * SESSIONS {
            sessions.put(n.to_be_bytes().to_vec(), b"session".to_vec());
        }
        let kept = (0..2 * SESSIONS).filter(|n| sessions.get(&n.to_be_bytes()).is_some());
        assert!(kept.count() <= SESSIONS);
    }
}
