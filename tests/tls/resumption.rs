//! A resumed session belongs to whoever proved a certificate in its first handshake (RFC 8446 §4.6.1, RFC 5246 §7.3).

use rustls::{
    HandshakeKind,
    version::{TLS12, TLS13},
};
use tower_fapi::tls::ClientCertificates;

use crate::{
    pairs::{Authority, Pair},
    support::{Running, get},
};

#[tokio::test]
async fn a_resumed_session_keeps_its_certificate() {
    let server = Running::start(ClientCertificates::AnyRequested).await;
    for version in [&TLS12, &TLS13] {
        let pair = Pair::self_signed("client");
        let config = server.client().version(version).showing(&pair).config();
        let first = get(server.addr, config.clone()).await.unwrap();
        assert_ne!(first.kind, Some(HandshakeKind::Resumed));
        // Resumed from a session that was itself resumed, too.
        for _ in 0..3 {
            let again = get(server.addr, config.clone()).await.unwrap();
            assert_eq!(again.kind, Some(HandshakeKind::Resumed), "{version:?}");
            assert_eq!(again.certificate, pair.thumbprint(), "{version:?}");
        }
    }
}

#[tokio::test]
async fn a_resumed_session_without_a_certificate_stays_without() {
    let server = Running::start(ClientCertificates::AnyRequested).await;
    // Somebody else's session lies in the same store.
    let other = server.client().showing(&Pair::self_signed("client"));
    other.get(server.addr).await.unwrap();
    for version in [&TLS12, &TLS13] {
        let config = server.client().version(version).config();
        for expected in [false, true] {
            let seen = get(server.addr, config.clone()).await.unwrap();
            assert_eq!(seen.kind == Some(HandshakeKind::Resumed), expected);
            assert_eq!(seen.certificate, "-", "{version:?}");
        }
    }
}

#[tokio::test]
async fn a_session_from_before_a_reload_is_not_resumed() {
    let server = Running::start(ClientCertificates::AnyRequested).await;
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        let any = ClientCertificates::AnyRequested;
        server.tls.reload(&server.own.identity(), &any).unwrap();
        let stranger = Pair::self_signed("client");
        let config = server.client().version(version).showing(&stranger).config();
        get(server.addr, config.clone()).await.unwrap();

        let identity = server.own.identity();
        server.tls.reload(&identity, &authority.only()).unwrap();
        let seen = get(server.addr, config).await;
        assert!(seen.is_err(), "{version:?}: {seen:?}");
    }
}
