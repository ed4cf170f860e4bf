//! What a request says of its client's certificate (RFC 8705 §3).

use rcgen::{
    CertificateParams,
    ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth},
    KeyPair, date_time_ymd,
};
use rustls::version::{TLS12, TLS13};
use tower_fapi::tls::ClientCertificates;

use crate::{
    pairs::{Authority, Pair},
    support::{Running, get},
};

#[tokio::test]
async fn the_thumbprint_of_whatever_certificate_was_proved_is_seen() {
    let server = Running::start(ClientCertificates::AnyRequested).await;
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        for alpn in [&["http/1.1"], &["h2"]] {
            for (case, pair) in [
                ("self-signed", Pair::self_signed("client")),
                ("issued", authority.issue(ClientAuth)),
                ("for another use", authority.issue(ServerAuth)),
                ("expired", expired()),
            ] {
                let client = server.client().version(version).alpn(alpn).showing(&pair);
                let seen = client.get(server.addr).await.expect(case);
                assert_eq!(seen.certificate, pair.thumbprint(), "{case}, {version:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_rest_of_the_chain_is_seen_beside_the_leaf() {
    let server = Running::start(ClientCertificates::AnyRequested).await;
    let mut pair = Pair::self_signed("client");
    let leaf = pair.thumbprint();
    pair.chain.extend(Pair::self_signed("beside").chain);
    for version in [&TLS12, &TLS13] {
        let config = server.client().version(version).showing(&pair).config();
        // The second time from a resumed session.
        for _ in 0..2 {
            let seen = get(server.addr, config.clone()).await.unwrap();
            assert_eq!((&seen.certificate, seen.beside), (&leaf, 1));
        }
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_served_without_one() {
    for clients in [ClientCertificates::AnyRequested, Authority::new().only()] {
        let server = Running::start(clients).await;
        for version in [&TLS12, &TLS13] {
            let seen = server
                .client()
                .version(version)
                .get(server.addr)
                .await
                .unwrap();
            assert_eq!(seen.certificate, "-");
        }
    }
}

#[tokio::test]
async fn a_certificate_nobody_asked_for_is_not_seen() {
    let server = Running::start(ClientCertificates::NotRequested).await;
    let client = server.client().showing(&Pair::self_signed("client"));
    assert_eq!(client.get(server.addr).await.unwrap().certificate, "-");
}

// Certificates are public. What counts is the signature over the handshake: RFC 8446 §4.4.3, RFC 5246 §7.4.8.
#[tokio::test]
async fn somebody_elses_certificate_fails_the_handshake() {
    let authority = Authority::new();
    for clients in [ClientCertificates::AnyRequested, authority.only()] {
        let server = Running::start(clients).await;
        let victim = authority.issue(ClientAuth);
        let thief = authority.issue(ClientAuth);
        for version in [&TLS12, &TLS13] {
            let client = server.client().version(version).claiming(&victim, &thief);
            let seen = client.get(server.addr).await;
            assert!(seen.is_err(), "{version:?}: {seen:?}");
        }
        assert_eq!(server.served(), 0);

        let seen = server.client().showing(&victim).get(server.addr).await;
        assert_eq!(seen.unwrap().certificate, victim.thumbprint());
    }
}

#[tokio::test]
async fn only_certificates_of_the_authority_are_let_in() {
    let authority = Authority::new();
    let server = Running::start(authority.only()).await;
    for version in [&TLS12, &TLS13] {
        let known = authority.issue(ClientAuth);
        let client = server.client().version(version).showing(&known);
        let seen = client.get(server.addr).await.unwrap();
        assert_eq!(seen.certificate, known.thumbprint());

        for (case, stranger) in [
            ("self-signed", Pair::self_signed("client")),
            ("of another authority", Authority::new().issue(ClientAuth)),
            ("not for client authentication", authority.issue(ServerAuth)),
        ] {
            let before = server.served();
            let client = server.client().version(version).showing(&stranger);
            let seen = client.get(server.addr).await;
            assert!(seen.is_err(), "{case}, {version:?}: {seen:?}");
            assert_eq!(server.served(), before, "{case}");
        }
    }
}

fn expired() -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["client.example".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(2020, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    Pair {
        chain: vec![certificate.der().clone()],
        pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    }
}
