//! Whom to believe, and what.

use http::Request;

use super::*;
use crate::mtls::{CERTIFICATE_HEADER_FAMILIES, CERTIFICATE_HEADERS, PeerAddr};

fn networks(texts: &[&str]) -> TrustedProxies {
    TrustedProxies::new(texts.iter().map(|text| text.parse::<IpNet>().unwrap()))
}

fn name(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

// RFC 4291 §2.5.5.2 for the mapped addresses.
#[test]
fn trusted_is_who_asks_from_one_of_the_networks() {
    for (network, address, trusted) in [
        ("192.0.2.0/24", "192.0.2.1", true),
        ("192.0.2.0/24", "192.0.3.1", false),
        ("192.0.2.99/24", "192.0.2.1", true),
        ("192.0.2.0/24", "::ffff:192.0.2.1", true),
        ("192.0.2.0/24", "::ffff:192.0.3.1", false),
        ("192.0.2.0/24", "::192.0.2.1", false),
        ("192.0.2.1/32", "192.0.2.2", false),
        ("::ffff:192.0.2.0/120", "192.0.2.1", true),
        ("::ffff:192.0.2.0/120", "::ffff:192.0.2.1", true),
        ("::ffff:192.0.2.0/120", "192.0.3.1", false),
        ("2001:db8::/32", "2001:db8::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("::1/128", "127.0.0.1", false),
        ("::1/128", "::1", true),
        // Nobody means all of IPv4 by these.
        ("::/1", "192.0.2.1", false),
    ] {
        let proxies = networks(&[network]);
        let address: IpAddr = address.parse().unwrap();
        let peer = Peer::Network((address, 1).into());
        assert_eq!(proxies.trust(Some(peer)), trusted, "{network} {address}");
    }
    let single: IpAddr = "192.0.2.1".parse().unwrap();
    assert!(TrustedProxies::new([single]).trust_address(single));
}

#[test]
fn nobody_is_trusted_without_being_known() {
    let proxies = networks(&["0.0.0.0/1", "128.0.0.0/1", "::/1"]);
    assert!(!proxies.trust(None));
    assert!(!proxies.trust(Some(Peer::UnixSocket)));
    assert!(proxies.unix_sockets().trust(Some(Peer::UnixSocket)));
    assert!(!TrustedProxies::default().trust(Some(Peer::UnixSocket)));
}

#[test]
fn settings_that_trust_everybody_or_nobody_are_mistakes() {
    for (networks_, expected) in [
        (&["0.0.0.0/0"][..], Err(ConfigError::EverybodyTrusted)),
        (
            &["192.0.2.0/24", "::/0"],
            Err(ConfigError::EverybodyTrusted),
        ),
        (&["::ffff:0.0.0.0/96"], Err(ConfigError::EverybodyTrusted)),
        (&[], Err(ConfigError::NoProxyTrusted)),
        (&["0.0.0.0/1"], Ok(())),
    ] {
        assert_eq!(networks(networks_).check(), expected, "{networks_:?}");
    }
    assert_eq!(networks(&[]).unix_sockets().check(), Ok(()));
}

// RFC 9440 §4: only from a trusted proxy; RFC 8705 §3 for the connection's own.
#[test]
fn the_certificate_is_that_of_the_connection_or_of_the_header_and_never_both() {
    let der = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    let client = CertificateThumbprint::of_der(der.cert.der());
    let own = PeerCertificate::new(*b"of the connection", []);
    let value = format!(
        ":{}:",
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, der.cert.der())
    );
    let silent = networks(&["192.0.2.0/24"]);
    let told = silent
        .clone()
        .certificate_header(CertificateHeader::rfc9440());
    let (proxy, stranger) = ("192.0.2.1:1", "198.51.100.1:1");
    for (case, proxies, peer, header, expected) in [
        (
            "told by a proxy",
            &told,
            Some(proxy),
            Some(&*value),
            Ok(Some(client)),
        ),
        ("not told by a proxy", &told, Some(proxy), None, Ok(None)),
        ("told badly", &told, Some(proxy), Some("x"), Err(())),
        (
            "told by a stranger",
            &told,
            Some(stranger),
            Some(&*value),
            Ok(Some(own.thumbprint())),
        ),
        (
            "told badly by a stranger",
            &told,
            Some(stranger),
            Some("x"),
            Ok(Some(own.thumbprint())),
        ),
        (
            "told by nobody knows whom",
            &told,
            None,
            Some(&*value),
            Ok(Some(own.thumbprint())),
        ),
        (
            "a proxy that is not to tell",
            &silent,
            Some(proxy),
            Some(&*value),
            Ok(None),
        ),
    ] {
        let mut request = Request::new(());
        request.extensions_mut().insert(own.clone());
        if let Some(peer) = peer {
            request
                .extensions_mut()
                .insert(PeerAddr(peer.parse().unwrap()));
        }
        if let Some(header) = header {
            request
                .headers_mut()
                .insert("client-cert", header.parse().unwrap());
        }
        let found = proxies.certificate(&RequestFacts::of(&request));
        let found = found.map(|found| found.thumbprint()).map_err(drop);
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn what_nobody_vouches_for_is_hidden() {
    use super::super::XForwarded;
    let silent = networks(&["192.0.2.0/24"]);
    let nginx = silent.clone().certificate_header(
        CertificateHeader::escaped_pem(name("x-of-mine")).verified_by(name("x-good")),
    );
    let forwarded = nginx.clone().url(ForwardedUrl::forwarded());
    let x_forwarded = nginx
        .clone()
        .url(ForwardedUrl::x_forwarded(XForwarded::new()));
    // Whether it is hidden: from strangers, and from the trusted proxies with each of these settings.
    #[rustfmt::skip]
    let cases = [
        ("client-cert",                  [true, true, true, true, true]),
        ("client-cert-chain",            [true, true, true, true, true]),
        ("x-forwarded-client-cert",      [true, true, true, true, true]),
        ("x-forwarded-tls-client-cert",  [true, true, true, true, true]),
        ("x-amzn-mtls-clientcert-leaf",  [true, true, true, true, true]),
        ("x-amzn-mtls-clientcert-subject", [true, true, true, true, true]),
        ("ssl-client-verify",            [true, true, true, true, true]),
        ("x-ssl-client-sha1",            [true, true, true, true, true]),
        ("x-client-cert-leaf",           [true, true, true, true, true]),
        ("x-rewrite-url",                [true, false, false, true, true]),
        ("cf-connecting-ip",             [true, false, false, false, false]),
        ("fastly-client-ip",             [true, false, false, false, false]),
        ("true-client-ip",               [true, false, false, false, false]),
        ("client_cert",                  [true, true, true, true, true]),
        ("forwarded",                    [true, false, false, false, true]),
        ("x-forwarded-host",             [true, false, false, true, false]),
        ("x-forwarded-proto",            [true, false, false, true, false]),
        ("x-forwarded-prefix",           [true, false, false, true, true]),
        ("x-forwarded-for",              [true, false, false, false, false]),
        ("x-real-ip",                    [true, false, false, false, false]),
        ("x_forwarded_host",             [true, false, false, true, true]),
        ("host",                         [false, false, false, false, false]),
        ("x-fapi-customer-ip-address",   [false, false, false, false, false]),
        ("x-client-id",                  [false, false, false, false, false]),
    ];
    for (header, hidden) in cases {
        let header = name(header);
        let found = [
            TrustedProxies::default().distrust(&header, false),
            silent.distrust(&header, true),
            nginx.distrust(&header, true),
            forwarded.distrust(&header, true),
            x_forwarded.distrust(&header, true),
        ];
        assert_eq!(found, hidden, "{header}");
        assert_eq!(nginx.distrust(&header, false), hidden[0], "{header}");
    }
    for own in ["x-of-mine", "x-good"] {
        assert!(!nginx.distrust(&name(own), true) && nginx.distrust(&name(own), false));
        assert!(!TrustedProxies::default().distrust(&name(own), false));
    }
    assert!(nginx.distrust(&name("x_of_mine"), true));
    // Whatever its name begins with.
    let named = CertificateHeader::escaped_pem(name("my-client"));
    let named = silent.clone().certificate_header(named);
    assert!(named.distrust(&name("my-client"), false) && named.distrust(&name("my_client"), true));
    // An operator may write the underscores.
    for own in ["x_of_mine", "ssl_client_cert"] {
        let header = CertificateHeader::escaped_pem(name(own));
        let apache = silent.clone().certificate_header(header);
        assert!(!apache.distrust(&name(own), true) && apache.distrust(&name(own), false));
        let other = own.replace('_', "-").parse().unwrap();
        assert!(apache.distrust(&other, true) && apache.distrust(&other, false));
    }
}

#[test]
fn every_listed_header_of_a_stranger_is_hidden() {
    let families = CERTIFICATE_HEADER_FAMILIES.map(|family| format!("{family}x"));
    let names = CERTIFICATE_HEADERS
        .into_iter()
        .chain(OF_THE_ADDRESS)
        .chain(OF_THE_URL);
    for name in names.chain(families.iter().map(String::as_str)) {
        for name in [name.to_owned(), name.replace('-', "_")] {
            let header = name.parse().unwrap();
            assert!(TrustedProxies::default().distrust(&header, false), "{name}");
        }
    }
}
