//! Which connections come about (FAPI 2.0 Security Profile §5.2, RFC 9325 §4.2).

use http::Version;
use rustls::{
    CipherSuite, ProtocolVersion,
    crypto::aws_lc_rs::{self, cipher_suite as suite},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
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

// FAPI 2.0 Security Profile §5.2.1 no. 2, RFC 9325 §3.1.1. The offers differ in nothing but their version.
#[tokio::test]
async fn older_versions_of_tls_are_refused() {
    const HANDSHAKE: u8 = 22;
    const ALERT: u8 = 21;
    const PROTOCOL_VERSION: u8 = 70;
    let server = Running::start(ClientCertificates::NotRequested).await;
    for (minor, kind) in [(3, HANDSHAKE), (2, ALERT), (1, ALERT), (0, ALERT)] {
        let mut hello = vec![3, minor];
        hello.extend([7; 32]); // random
        hello.push(0); // no session
        hello.extend([0, 4, 0xc0, 0x2b, 0xc0, 0x2f]); // ECDHE with AES-128-GCM, ECDSA and RSA
        hello.extend([1, 0]); // no compression
        hello.extend([0, 22]);
        hello.extend([0, 10, 0, 4, 0, 2, 0, 23]); // supported_groups: secp256r1
        hello.extend([0, 11, 0, 2, 1, 0]); // ec_point_formats: uncompressed
        hello.extend([0, 13, 0, 4, 0, 2, 4, 3]); // signature_algorithms: ecdsa_secp256r1_sha256
        let length = u8::try_from(hello.len()).unwrap();
        let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
        record.extend(hello);
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(&record).await.unwrap();
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer[0], kind, "3.{minor}");
        if kind == ALERT {
            assert_eq!(answer[6], PROTOCOL_VERSION, "3.{minor}");
        }
    }
    assert_eq!(server.served(), 0);
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
