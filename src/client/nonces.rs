//! The nonce each server asked for last.

use moka::{policy::EvictionPolicy, sync::Cache};
use url::Url;

/// Servers whose nonces are remembered at once.
const SERVERS: u64 = 1000;

/// One nonce for each origin: one server's nonce means nothing to another (RFC 9449 §8.2, §9).
///
/// A forgotten nonce costs one more round trip and nothing else, so a bounded cache may hold them.
#[derive(Debug)]
pub(super) struct ServerNonces(Cache<String, String>);

impl ServerNonces {
    pub(super) fn new() -> Self {
        Self(
            Cache::builder()
                .max_capacity(SERVERS)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
        )
    }

    pub(super) fn remember(&self, server: &Url, nonce: &str) {
        self.0.insert(origin(server), nonce.to_owned());
    }

    pub(super) fn latest(&self, server: &Url) -> Option<String> {
        self.0.get(&origin(server))
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9449 §8.2: the newest one, and only for the server that gave it.
    #[test]
    fn each_origin_has_its_own_newest_nonce() {
        let nonces = ServerNonces::new();
        let url = |text: &str| text.parse::<Url>().unwrap();
        nonces.remember(&url("https://as.example/par"), "one");
        nonces.remember(&url("https://AS.example:443/token?x"), "two");
        for (server, expected) in [
            ("https://as.example/other", Some("two")),
            ("https://as.example:8443/token", None),
            ("http://as.example/token", None),
            ("https://rs.example/token", None),
            ("https://as.example.evil/token", None),
        ] {
            assert_eq!(nonces.latest(&url(server)).as_deref(), expected, "{server}");
        }
    }
}
