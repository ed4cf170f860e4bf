//! Which connections come about (FAPI 2.0 Security Profile §5.2, RFC 9325 §4.2).

use http::Version;
use rustls::{
    CipherSuite, ProtocolVersion,
    crypto::aws_lc_rs::{self, cipher_suite as suite},
    version::{TLS12, TLS13},
};
use tower_fapi::tls::ClientCertificates;

use crate::support::Running;

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken() {
    let server = Running::start(ClientCertificates::NotRequested).await;
    for (version, expected) in [
        (&TLS12, ProtocolVersion::TLSv1_2),
        (&TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let seen = server
            .client()
            .version(version)
            .get(server.addr)
            .await
            .unwrap();
        assert_eq!(seen.tls, Some(expected));
        assert_eq!(seen.certificate, "-");
    }
}

// RFC 9325 §4.2: what is sound but not recommended is not permitted either.
#[tokio::test]
async fn a_tls_1_2_suite_that_is_not_recommended_is_refused() {
    let server = Running::start(ClientCertificates::NotRequested).await;
    let offered = aws_lc_rs::DEFAULT_CIPHER_SUITES
        .iter()
        .filter(|it| it.version() == &TLS12);
    let (mut accepted, mut refused) = (0, 0);
    for suite in offered {
        let mut client = server.client().version(&TLS12);
        client.provider.cipher_suites = vec![*suite];
        let seen = client.get(server.addr).await;
        match suite.suite() {
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => {
                assert!(seen.is_ok(), "{suite:?}: {seen:?}");
                accepted += 1;
            }
            // The RSA suites are permitted, but this server's key is not an RSA key.
            other => {
                assert!(seen.is_err(), "{suite:?}: {seen:?}");
                refused += usize::from(format!("{other:?}").contains("ECDSA_WITH_CHACHA20"));
            }
        }
    }
    assert_eq!((accepted, refused), (2, 1));
    assert_eq!(server.served(), 2);
}

// RFC 9325 §4.2.1.
#[tokio::test]
async fn the_stronger_suite_wins_over_the_clients_order() {
    let server = Running::start(ClientCertificates::NotRequested).await;
    for (suites, expected) in [
        (
            vec![
                suite::TLS13_AES_128_GCM_SHA256,
                suite::TLS13_AES_256_GCM_SHA384,
            ],
            "TLS13_AES_256_GCM_SHA384",
        ),
        (
            vec![
                suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            ],
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        ),
    ] {
        let mut client = server.client().version(suites[0].version());
        client.provider.cipher_suites = suites;
        let seen = client.get(server.addr).await.unwrap();
        assert_eq!(seen.suite, expected);
    }
}

// RFC 7301 §3.2: the server chooses; a client without ALPN speaks HTTP/1.1.
#[tokio::test]
async fn alpn_settles_the_version_of_http() {
    let server = Running::start(ClientCertificates::NotRequested).await;
    for (alpn, expected) in [
        (&["h2"][..], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&["http/1.1", "h2"], Version::HTTP_2),
        (&[], Version::HTTP_11),
    ] {
        let seen = server.client().alpn(alpn).get(server.addr).await.unwrap();
        assert_eq!(seen.http, expected, "{alpn:?}");
    }
    let seen = server.client().alpn(&["spdy/3"]).get(server.addr).await;
    assert!(seen.is_err(), "{seen:?}");
}
