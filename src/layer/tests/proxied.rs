//! What the service behind sees of a request that came through a proxy, or claims to.

use std::sync::Mutex;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName};

use super::*;
use crate::{
    mtls::{CertificateHeader, CertificateHeaderFlaw, Peer, PeerAddr, PeerCertificate},
    rejection::ForwardedError,
    resource_server::{ConfigError, ForwardedUrl, IpNet, TrustedProxies, XForwarded},
};

const PROXY: Option<&str> = Some("192.0.2.1:4711");
const STRANGER: Option<&str> = Some("198.51.100.1:4711");

fn proxies() -> TrustedProxies {
    TrustedProxies::new(["192.0.2.0/24".parse::<IpNet>().unwrap()]).certificate_header(
        CertificateHeader::base64_der(HeaderName::from_static("x-mine")),
    )
}

struct Client {
    certificate: PeerCertificate,
    header: String,
}

fn client() -> Client {
    let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    Client {
        certificate: PeerCertificate::new(made.cert.der().to_vec(), []),
        header: BASE64_STANDARD.encode(made.cert.der()),
    }
}

/// A request with a token that is bound to this certificate, from there, with these headers.
fn bound(
    world: &World,
    certificate: &PeerCertificate,
    peer: Option<&str>,
    headers: &[(&'static str, &str)],
) -> Request<()> {
    let token = world.issuer.token(NOW);
    let token = token.bound_to_certificate(certificate.thumbprint()).mint();
    let mut request = Request::get("/a")
        .header("host", "api.example.com")
        .header("authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(()).unwrap();
    if let Some(peer) = peer {
        request
            .extensions_mut()
            .insert(PeerAddr(peer.parse().unwrap()));
    }
    request
}

type Seen = (HeaderMap, Option<PeerCertificate>);

/// The status, and what the service behind saw, if it was asked.
fn send(world: &World, request: Request<()>) -> (Response<String>, Option<Seen>) {
    let seen: Arc<Mutex<Option<Seen>>> = Arc::default();
    let layer = FapiLayer::new(world.server.clone());
    let answer = {
        let seen = Arc::clone(&seen);
        let service = service_fn(move |request: Request<()>| {
            let certificate = request.extensions().get().cloned();
            *seen.lock().unwrap() = Some((request.headers().clone(), certificate));
            async { Ok::<_, Infallible>(Response::new(OneFrame(None))) }
        });
        block_on(layer.layer(service).call(request))
            .unwrap()
            .map(text)
    };
    let seen = seen.lock().unwrap().take();
    (answer, seen)
}

// RFC 8705 §3, RFC 9440 §4.
#[test]
fn a_certificate_counts_from_a_trusted_proxy_and_from_nobody_else() {
    let world = World::with(|builder| builder.trusted_proxies(proxies()));
    let (mine, other) = (client(), client());
    for (case, peer, header, status) in [
        ("told by a proxy", PROXY, Some(&*mine.header), 200),
        ("another one told", PROXY, Some(&other.header), 401),
        ("none told", PROXY, None, 401),
        ("an empty one told", PROXY, Some(""), 401),
        ("nonsense told", PROXY, Some("x"), 400),
        ("told by a stranger", STRANGER, Some(&mine.header), 401),
        ("told by nobody knows whom", None, Some(&mine.header), 401),
    ] {
        let headers: Vec<_> = header
            .map(|header| ("x-mine", header))
            .into_iter()
            .collect();
        let (answer, seen) = send(&world, bound(&world, &mine.certificate, peer, &headers));
        assert_eq!(answer.status().as_u16(), status, "{case}");
        assert_eq!(seen.is_some(), status == 200, "{case}");
    }
    let twice = [("x-mine", &*mine.header), ("x-mine", &mine.header)];
    let (answer, _) = send(&world, bound(&world, &mine.certificate, PROXY, &twice));
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let Some(Rejection::Refused(Refusal::CertificateHeader(error))) = answer.extensions().get()
    else {
        panic!("{:?}", answer.extensions().get::<Rejection>())
    };
    assert_eq!(error.flaw(), CertificateHeaderFlaw::Several(2));
    assert!(
        answer.body().contains("invalid_request"),
        "{}",
        answer.body()
    );
    // Malformed is malformed, whatever the token is bound to.
    let mut by_key = world.request("");
    by_key.headers_mut().insert("x-mine", "x".parse().unwrap());
    by_key
        .extensions_mut()
        .insert(PeerAddr(PROXY.unwrap().parse().unwrap()));
    assert_eq!(send(&world, by_key).0.status(), StatusCode::BAD_REQUEST);
}

#[test]
fn the_certificate_of_a_proxy_is_not_the_clients() {
    let world = World::with(|builder| builder.trusted_proxies(proxies()));
    let (of_proxy, mine) = (client(), client());
    let ask = |bound_to: &Client, peer, headers: &[_]| {
        let mut request = bound(&world, &bound_to.certificate, peer, headers);
        request
            .extensions_mut()
            .insert(of_proxy.certificate.clone());
        send(&world, request)
    };
    assert_eq!(ask(&of_proxy, PROXY, &[]).0.status(), 401);
    assert_eq!(
        ask(&of_proxy, PROXY, &[("x-mine", &*mine.header)])
            .0
            .status(),
        401
    );
    // Of whom no proxy is, it is the client's own.
    assert_eq!(
        ask(&of_proxy, STRANGER, &[("x-mine", &*mine.header)])
            .0
            .status(),
        200
    );
    let (answer, seen) = ask(&mine, PROXY, &[("x-mine", &*mine.header)]);
    assert_eq!(answer.status(), 200);
    let (_, certificate) = seen.unwrap();
    assert_eq!(certificate.unwrap().leaf(), mine.certificate.leaf());
    // A client without a certificate behind a proxy with one: the handler sees none.
    let mut request = world.request("");
    request
        .extensions_mut()
        .insert(of_proxy.certificate.clone());
    request
        .extensions_mut()
        .insert(PeerAddr(PROXY.unwrap().parse().unwrap()));
    assert!(send(&world, request).1.unwrap().1.is_none());
}

#[test]
fn a_unix_socket_is_trusted_where_it_is_said_to_be() {
    let mine = client();
    for (proxies, status) in [(proxies(), 401), (proxies().unix_sockets(), 200)] {
        let world = World::with(|builder| builder.trusted_proxies(proxies));
        let headers = [("x-mine", &*mine.header)];
        let mut request = bound(&world, &mine.certificate, None, &headers);
        request.extensions_mut().insert(Peer::UnixSocket);
        assert_eq!(send(&world, request).0.status(), status);
    }
}

const CLAIMS: [&str; 8] = [
    "client-cert",
    "x-forwarded-client-cert",
    "x-forwarded-tls-client-cert",
    "x-amzn-mtls-clientcert",
    "ssl_client_verify",
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-for",
];

fn with_claims(world: &World, peer: Option<&str>) -> Request<()> {
    let mut request = world.request("");
    for name in CLAIMS {
        request.headers_mut().append(name, "a".parse().unwrap());
        request.headers_mut().append(name, "b".parse().unwrap());
    }
    if let Some(peer) = peer {
        request
            .extensions_mut()
            .insert(PeerAddr(peer.parse().unwrap()));
    }
    request
}

#[test]
fn the_service_behind_sees_nothing_that_nobody_vouches_for() {
    let plain = World::new();
    let reporting = World::with(|builder| builder.dangerous().report_only());
    let proxied = World::with(|builder| builder.trusted_proxies(proxies()));
    for (case, world, peer) in [
        ("no proxies, nobody known", &plain, None),
        ("no proxies", &plain, PROXY),
        ("report only", &reporting, PROXY),
        ("a stranger", &proxied, STRANGER),
    ] {
        let (headers, _) = send(world, with_claims(world, peer)).1.expect(case);
        for name in CLAIMS {
            assert!(!headers.contains_key(name), "{case}: {name}");
        }
        assert!(headers.contains_key("host"), "{case}");
    }
    let (headers, _) = send(&proxied, with_claims(&proxied, PROXY)).1.unwrap();
    let left: Vec<_> = CLAIMS
        .iter()
        .filter(|name| headers.contains_key(**name))
        .collect();
    assert_eq!(
        left,
        [&"forwarded", &"x-forwarded-host", &"x-forwarded-for"]
    );
    // Also what would have been refused and is let through.
    let mut refused = with_claims(&reporting, None);
    refused.headers_mut().remove("authorization");
    let (headers, _) = send(&reporting, refused).1.unwrap();
    assert!(!CLAIMS.iter().any(|name| headers.contains_key(*name)));
}

// FAPI 2.0 Security Profile §5.2.1: TLS, whatever the token is bound to.
#[test]
fn what_a_proxy_tells_of_the_url_counts_without_a_proof_too() {
    let told = proxies().url(ForwardedUrl::x_forwarded(XForwarded::new()));
    let world = World::with(|builder| {
        let hosts = ["api.example.com".parse().unwrap()];
        builder.trusted_proxies(told).hosts(hosts)
    });
    let mine = client();
    let refusal = |proto: &str, host: &str| {
        let headers = [
            ("x-mine", &*mine.header),
            ("x-forwarded-proto", proto),
            ("x-forwarded-host", host),
        ];
        let (answer, _) = send(&world, bound(&world, &mine.certificate, PROXY, &headers));
        let status = answer.status().as_u16();
        (
            status,
            answer
                .extensions()
                .get()
                .map(|rejection: &Rejection| rejection.to_string()),
        )
    };
    let plain = ForwardedError::PlainHttp(HeaderName::from_static("x-forwarded-proto"));
    assert_eq!(refusal("https", "api.example.com"), (200, None));
    assert_eq!(
        refusal("http", "api.example.com"),
        (400, Some(plain.to_string()))
    );
    let elsewhere = Refusal::Host("evil.example".to_owned());
    assert_eq!(
        refusal("https", "evil.example"),
        (400, Some(elsewhere.to_string()))
    );
}

#[test]
fn settings_that_contradict_each_other_are_mistakes() {
    let attempt = |set: fn(ResourceServerBuilder) -> ResourceServerBuilder| {
        let issuer = TestIssuer::new("https://as.example.com", API);
        let keys = IssuerKeys::fixed(&issuer.jwks()).unwrap();
        let builder = ResourceServer::builder(API, TrustedIssuer::new(issuer.issuer(), keys));
        set(builder).build().map(drop)
    };
    for (set, expected) in [
        (
            (|builder| {
                builder
                    .public_url(API.parse().unwrap())
                    .trusted_proxies(proxies())
            }) as fn(ResourceServerBuilder) -> ResourceServerBuilder,
            Ok(()),
        ),
        (
            |builder| {
                let told = proxies().url(ForwardedUrl::forwarded());
                builder
                    .public_url(API.parse().unwrap())
                    .trusted_proxies(told)
            },
            Err(ConfigError::UrlTwice),
        ),
        (
            |builder| {
                let hosts = ["api.example.com".parse().unwrap()];
                builder.public_url(API.parse().unwrap()).hosts(hosts)
            },
            Err(ConfigError::HostsWithPublicUrl),
        ),
        (
            |builder| builder.trusted_proxies(TrustedProxies::default()),
            Err(ConfigError::NoProxyTrusted),
        ),
        (
            |builder| {
                let everybody: IpNet = "0.0.0.0/0".parse().unwrap();
                builder.trusted_proxies(TrustedProxies::new([everybody]))
            },
            Err(ConfigError::EverybodyTrusted),
        ),
    ] {
        assert_eq!(attempt(set), expected);
    }
}
