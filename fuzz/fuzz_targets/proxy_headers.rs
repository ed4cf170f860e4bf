//! What comes in the headers of a proxy that is trusted: an answer, whatever it is.
#![no_main]

use std::{
    num::NonZeroUsize,
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use libfuzzer_sys::fuzz_target;
use tower_fapi::{
    issuer::IssuerKeys,
    mtls::{CertificateHeader, Peer},
    resource_server::{
        ForwardedUrl, RequestFacts, ResourceServer, ServedHost, TrustedIssuer, TrustedProxies,
        XForwarded,
    },
    testing::{DpopKey, TestIssuer},
    time::Timestamp,
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// A server for each of the two families, and a token that gets a request as far as these headers.
struct World {
    servers: [ResourceServer; 2],
    token: HeaderValue,
    proof: HeaderValue,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let issuer = TestIssuer::new("https://as.example.com", "https://api.example.com");
    let hops = NonZeroUsize::MIN.saturating_add(1);
    let servers = [
        ForwardedUrl::forwarded().hops(hops),
        ForwardedUrl::x_forwarded(XForwarded::new().with_port().with_prefix()),
    ]
    .map(|url| {
        let keys = IssuerKeys::fixed(&issuer.jwks()).expect("there is a key");
        let trusted = TrustedIssuer::new(issuer.issuer(), keys);
        let network: tower_fapi::resource_server::IpNet = "192.0.2.0/24".parse().expect("sound");
        let proxies = TrustedProxies::new([network])
            .unix_sockets()
            .certificate_header(CertificateHeader::rfc9440())
            .url(url);
        let builder = ResourceServer::builder("https://api.example.com", trusted);
        builder.trusted_proxies(proxies).build().expect("the settings are sound")
    });
    let client = DpopKey::generate();
    let token = issuer.token(NOW).bound_to_key(client.thumbprint()).mint();
    // For a URL that none of the headers can make: a proof is never accepted, and so never recorded.
    let proof = client.proof("POST", "https://api.example.com/", NOW).access_token(&token).sign();
    World {
        servers,
        token: format!("DPoP {token}").parse().expect("text"),
        proof: proof.parse().expect("text"),
    }
});

fuzz_target!(|parts: (&[u8], &[u8], &[u8], &str)| {
    let (certificate, forwarded, host, text) = parts;
    let own = HeaderName::from_static("x-cert");
    for header in [
        CertificateHeader::rfc9440(),
        CertificateHeader::envoy(),
        CertificateHeader::escaped_pem(own.clone()),
        CertificateHeader::base64_der(own),
        CertificateHeader::traefik(),
        CertificateHeader::aws_alb(),
    ] {
        let Ok(value) = HeaderValue::from_bytes(certificate) else { break };
        let headers = HeaderMap::from_iter([
            (header.name().clone(), value.clone()),
            (HeaderName::from_static("client-cert-chain"), value),
        ]);
        let _ = header.read(&headers);
    }
    if let Ok(served) = text.parse::<ServedHost>() {
        assert_eq!(served.to_string().parse(), Ok(served));
    }
    let mut headers = HeaderMap::new();
    let mut add = |name: &'static str, value: &[u8]| {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    };
    add("host", host);
    add("forwarded", forwarded);
    add("x-forwarded-for", forwarded);
    add("x-forwarded-proto", b"https");
    add("x-forwarded-host", host);
    add("x-forwarded-port", text.as_bytes());
    add("x-forwarded-prefix", text.as_bytes());
    headers.insert("authorization", WORLD.token.clone());
    headers.insert("dpop", WORLD.proof.clone());
    let uri = Uri::from_static("/a");
    for server in &WORLD.servers {
        let mut facts = RequestFacts::new(&Method::GET, &uri, &headers);
        facts.peer = Some(Peer::UnixSocket);
        match pin!(server.verify(&facts, NOW)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(verdict) => assert!(verdict.is_err(), "a proof for another request"),
            Poll::Pending => unreachable!("everything is at hand"),
        }
    }
});
