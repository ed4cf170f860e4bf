//! The cryptography of a connection.

use rustls::crypto::{CryptoProvider, aws_lc_rs};

/// TLS cryptography as FAPI 2.0 Security Profile §5.2.2 wants it, over aws-lc-rs.
///
/// A value, not the process's default: whatever else the program links chooses its own.
///
/// - TLS 1.2: the four suites that RFC 9325 §4.2 (BCP 195) recommends, ECDHE with AES-GCM, and no other. The
///   `CHACHA20_POLY1305` suites of RFC 7905 are sound, but are not among them, and a server "shall only permit the
///   cipher suites recommended in BCP 195".
/// - TLS 1.3: its two AES-GCM suites and `TLS_CHACHA20_POLY1305_SHA256`; RFC 9325 §4.3 leaves the choice to RFC 8446
///   §9.1, which names these three.
///
/// The stronger suite stands first in each, as RFC 9325 §4.2.1 has the server prefer it.
#[must_use]
pub fn crypto_provider() -> CryptoProvider {
    use aws_lc_rs::cipher_suite as suite;
    CryptoProvider {
        cipher_suites: vec![
            suite::TLS13_AES_256_GCM_SHA384,
            suite::TLS13_AES_128_GCM_SHA256,
            suite::TLS13_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ],
        ..aws_lc_rs::default_provider()
    }
}

#[cfg(test)]
mod tests {
    use rustls::{NamedGroup, ProtocolVersion};

    use super::*;

    // RFC 9325 §4.2, FAPI 2.0 Security Profile §5.2.2.
    #[test]
    fn tls_1_2_has_the_recommended_suites_and_no_other() {
        let mut names: Vec<_> = crypto_provider()
            .cipher_suites
            .iter()
            .filter(|suite| suite.version().version == ProtocolVersion::TLSv1_2)
            .map(|suite| format!("{:?}", suite.suite()))
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            ]
        );
    }

    // RFC 9325 §4.2.1: P-256 and X25519.
    #[test]
    fn both_recommended_groups_are_offered() {
        let groups: Vec<_> = crypto_provider()
            .kx_groups
            .iter()
            .map(|group| group.name())
            .collect();
        assert!(groups.contains(&NamedGroup::X25519), "{groups:?}");
        assert!(groups.contains(&NamedGroup::secp256r1), "{groups:?}");
    }
}
