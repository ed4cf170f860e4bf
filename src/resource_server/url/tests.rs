//! Which URL a request is taken to mean.

use std::num::NonZeroUsize;

use http::Request;

use super::*;
use crate::{
    mtls::PeerAddr,
    rejection::{ForwardedError, Refusal},
};

/// `192.0.2.0/24` is where the proxies are.
const PROXY: &str = "192.0.2.1:4711";
const STRANGER: &str = "198.51.100.1:4711";

struct Case {
    rules: UrlRules,
    proxies: TrustedProxies,
    peer: &'static str,
}

impl Case {
    fn told_by(url: ForwardedUrl) -> Self {
        let network: ipnet::IpNet = "192.0.2.0/24".parse().unwrap();
        Self {
            rules: UrlRules::default(),
            proxies: TrustedProxies::new([network]).url(url),
            peer: PROXY,
        }
    }

    fn ask(&self, uri: &str, headers: &[(&str, &str)]) -> Result<String, Refusal> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        let peer = PeerAddr(self.peer.parse().unwrap());
        request.extensions_mut().insert(peer);
        let target = self
            .rules
            .target(&RequestFacts::of(&request), &self.proxies);
        target.map(|url| url.to_string())
    }
}

fn hops(url: ForwardedUrl, hops: usize) -> ForwardedUrl {
    url.hops(NonZeroUsize::new(hops).unwrap())
}

fn without_proxies(public_url: Option<&str>) -> Case {
    Case {
        rules: UrlRules {
            public_url: public_url.map(|url| url.parse().unwrap()),
            ..UrlRules::default()
        },
        proxies: TrustedProxies::default(),
        peer: STRANGER,
    }
}

// RFC 9449 §4.3 check 9; RFC 9110 §7.1 for the reconstruction of the target URI.
#[test]
fn without_proxies_the_url_is_the_configured_or_the_requested_one() {
    const API: Option<&str> = Some("https://api.example.com");
    const V1: Option<&str> = Some("https://api.example.com/v1/");
    #[rustfmt::skip]
    let cases = [
        ("origin form", "/a?b=c", vec!["api.example.com"], None, Some("https://api.example.com/a")),
        ("default port", "/a", vec!["API.example.com:443"], None, Some("https://api.example.com/a")),
        ("absolute form wins over Host", "https://api.example.com/a", vec!["evil.example"], None, Some("https://api.example.com/a")),
        ("h2c behind a proxy is https outside", "http://api.example.com/a", vec![], None, Some("https://api.example.com/a")),
        ("no host", "/a", vec![], None, None),
        ("two hosts", "/a", vec!["api.example.com", "evil.example"], None, None),
        ("host with user", "/a", vec!["x@api.example.com"], None, None),
        ("public URL", "/a", vec!["internal:8080"], API, Some("https://api.example.com/a")),
        ("public URL without host", "/a", vec![], API, Some("https://api.example.com/a")),
        ("prefix", "/a", vec!["internal"], V1, Some("https://api.example.com/v1/a")),
        ("prefix and root", "/", vec!["internal"], V1, Some("https://api.example.com/v1/")),
        ("asterisk", "*", vec!["api.example.com"], None, None),
        ("asterisk behind a prefix", "*", vec!["internal"], V1, None),
        ("loopback", "/a", vec!["x"], Some("http://127.0.0.1:3000"), Some("http://127.0.0.1:3000/a")),
    ];
    for (case, uri, hosts, public_url, expected) in cases {
        let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
        let url = without_proxies(public_url).ask(uri, &headers);
        match expected {
            Some(expected) => assert_eq!(url.as_deref(), Ok(expected), "{case}"),
            None => assert_eq!(url, Err(Refusal::Target), "{case}"),
        }
    }
}

#[test]
fn a_prefix_is_taken_off_before_another_is_put_in_front() {
    #[rustfmt::skip]
    let cases = [
        (None, "/v1", "/v1/a", Some("https://h/a")),
        (None, "/v1", "/v1", Some("https://h/")),
        (None, "/v1", "/v1/", Some("https://h/")),
        (None, "/v1", "/v1//a", Some("https://h//a")),
        (None, "/v1", "/a", None),
        (None, "/v1", "/v12", None),
        (Some("https://api.example.com/bank"), "/v1", "/v1/a", Some("https://api.example.com/bank/a")),
        (Some("https://api.example.com/bank"), "/v1", "/v1", Some("https://api.example.com/bank")),
        (Some("https://api.example.com/bank"), "/v1", "/bank/a", None),
        (Some("https://api.example.com"), "/", "/a", Some("https://api.example.com/a")),
    ];
    for (public_url, internal, path, expected) in cases {
        let mut case = without_proxies(public_url);
        case.rules.internal_prefix = Some(internal.parse().unwrap());
        let url = case.ask(path, &[("host", "h")]).ok();
        assert_eq!(url.as_deref(), expected, "{public_url:?} {path}");
    }
}

#[test]
fn only_the_listed_hosts_are_answered_for() {
    let with_hosts = |mut case: Case| {
        case.rules.hosts = vec![
            "api.example.com".parse().unwrap(),
            "localhost:8080".parse().unwrap(),
        ];
        case
    };
    let asked = with_hosts(without_proxies(None));
    let told = with_hosts(Case::told_by(ForwardedUrl::forwarded()));
    for (host, good) in [
        ("api.example.com", true),
        ("API.EXAMPLE.COM:443", true),
        ("api.example.com:8443", false),
        ("evil.example", false),
        ("api.example.com.evil.example", false),
        ("x@api.example.com", false),
    ] {
        let outcome = asked.ask("/a", &[("host", host)]);
        assert_eq!(outcome.is_ok(), good, "{host}: {outcome:?}");
        if !good {
            assert_eq!(outcome, Err(Refusal::Host(host.to_owned())));
        }
        let element = format!("host=\"{host}\";proto=https");
        let headers = [("host", "api.example.com"), ("forwarded", &*element)];
        assert_eq!(told.ask("/a", &headers).is_ok(), good, "{host}");
    }
    let loopback = [("forwarded", "host=\"localhost:8080\";proto=http")];
    let url = told.ask("/a", &loopback);
    assert_eq!(url.as_deref(), Ok("http://localhost:8080/a"));
}

// RFC 7239 §4, §5.3, §5.4.
#[test]
fn forwarded_tells_host_and_scheme() {
    let case = Case::told_by(ForwardedUrl::forwarded());
    let malformed = || Refusal::from(ForwardedError::Malformed(http::header::FORWARDED));
    let plain = || Refusal::from(ForwardedError::PlainHttp(http::header::FORWARDED));
    #[rustfmt::skip]
    let cases = [
        ("host=a.example;proto=https", Ok("https://a.example/x")),
        ("for=203.0.113.9;host=\"a.example:8443\"", Ok("https://a.example:8443/x")),
        ("for=203.0.113.9;proto=HTTPS", Ok("https://inside/x")),
        ("Host=a.example;Proto=https", Ok("https://a.example/x")),
        ("host=evil.example;proto=http, host=a.example;proto=https", Ok("https://a.example/x")),
        ("host=localhost;proto=http", Ok("http://localhost/x")),
        ("host=\"[::1]:3000\";proto=http", Ok("http://[::1]:3000/x")),
        ("host=a.example;proto=http", Err(plain())),
        ("host=localhost.example;proto=http", Err(plain())),
        ("host=a.example;proto=ftp", Err(ForwardedError::Scheme(http::header::FORWARDED).into())),
        ("host=\"a.example/b\"", Err(malformed())),
        ("host=\"x@a.example\"", Err(malformed())),
        ("host=\"\"", Err(malformed())),
        ("host=a.example:8443", Err(malformed())),
        ("host=a.example;host=b.example", Err(malformed())),
        ("", Err(ForwardedError::Missing(http::header::FORWARDED).into())),
    ];
    for (field, expected) in cases {
        let url = case.ask("/x", &[("host", "inside"), ("forwarded", field)]);
        assert_eq!(url, expected.map(str::to_owned), "{field}");
    }
    let none = case.ask("/x", &[("host", "inside")]);
    assert_eq!(
        none,
        Err(ForwardedError::Missing(http::header::FORWARDED).into())
    );
    let long = format!("host={}", "a".repeat(8 * 1024));
    let refusal = case.ask("/x", &[("forwarded", &long)]).unwrap_err();
    assert!(matches!(
        refusal,
        Refusal::Forwarded(ForwardedError::TooLarge(..))
    ));
}

// The client writes to the left of the proxies.
#[test]
fn entries_are_counted_from_the_right() {
    let one = Case::told_by(ForwardedUrl::forwarded());
    let two = Case::told_by(hops(ForwardedUrl::forwarded(), 2));
    let (edge, inner) = (
        "for=203.0.113.9;host=api.example",
        "for=192.0.2.7;host=inside.example;proto=http",
    );
    let both = format!("{edge}, {inner}");
    let spoofed = format!("host=evil.example, {both}");
    let past = format!(
        "host=evil.example, {}",
        inner.replace("192.0.2.7", "203.0.113.66")
    );
    let hidden = format!("{edge}, {}", inner.replace("192.0.2.7", "_edge"));
    let ask = |case: &Case, fields: &[&str]| {
        let fields: Vec<_> = fields.iter().map(|field| ("forwarded", *field)).collect();
        case.ask("/", &[&[("host", "h")][..], &fields].concat())
    };
    assert_eq!(ask(&two, &[&both]).as_deref(), Ok("https://api.example/"));
    assert_eq!(
        ask(&two, &[&spoofed]).as_deref(),
        Ok("https://api.example/")
    );
    assert_eq!(
        ask(&two, &[edge, inner]).as_deref(),
        Ok("https://api.example/")
    );
    assert_eq!(
        ask(&two, &["host=evil.example", edge, inner]).as_deref(),
        Ok("https://api.example/")
    );
    assert_eq!(ask(&two, &[&hidden]).as_deref(), Ok("https://api.example/"));
    assert!(matches!(
        ask(&one, &[&both]),
        Err(Refusal::Forwarded(ForwardedError::PlainHttp(_)))
    ));
    let few = ForwardedError::TooFew(http::header::FORWARDED, 1);
    assert_eq!(ask(&two, &[inner]), Err(few.into()));
    let bypassed = ForwardedError::Bypassed("203.0.113.66".parse().unwrap());
    assert_eq!(ask(&two, &[&past]), Err(bypassed.into()));
}

type Fields<'a> = &'a [(&'a str, &'a str)];

const PROTO: (&str, &str) = ("x-forwarded-proto", "https");

#[test]
#[rustfmt::skip]
fn of_the_x_headers_those_are_read_that_proxies_write() {
    let all = XForwarded::new().with_port().with_prefix();
    let port_alone = XForwarded::new().without_host().with_port();
    let (host, port, prefix) = ("x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix");
    let cases: [(_, Fields<'_>, _); 22] = [
        (XForwarded::new(), &[PROTO, (host, "a.example")], Some("https://a.example/x")),
        (XForwarded::new(), &[PROTO, (host, "a.example:8443")], Some("https://a.example:8443/x")),
        (XForwarded::new(), &[("x-forwarded-proto", "wss"), (host, "a.example")], Some("https://a.example/x")),
        (XForwarded::new(), &[PROTO, (host, "evil.example, a.example")], Some("https://a.example/x")),
        (XForwarded::new(), &[PROTO, (host, "evil.example"), (host, "a.example")], Some("https://a.example/x")),
        (XForwarded::new(), &[PROTO, (host, "a.example"), (port, "1"), (prefix, "/evil")], Some("https://a.example/x")),
        (XForwarded::new(), &[PROTO, (host, "a.example"), ("forwarded", "host=evil.example")], Some("https://a.example/x")),
        (XForwarded::new().without_host(), &[PROTO, (host, "evil.example")], Some("https://inside/x")),
        (port_alone, &[PROTO, (port, "443")], Some("https://inside/x")),
        (port_alone, &[PROTO, (port, "8443")], Some("https://inside:8443/x")),
        (all, &[PROTO, (host, "a.example"), (port, "8443"), (prefix, "/bank")], Some("https://a.example:8443/bank/x")),
        (all, &[PROTO, (host, "a.example:8443"), (port, "8443"), (prefix, "/")], Some("https://a.example:8443/x")),
        (all, &[PROTO, (host, "a.example"), (port, "443"), (prefix, "/evil, /bank/")], Some("https://a.example/bank/x")),
        (XForwarded::new(), &[PROTO], None),
        (XForwarded::new(), &[(host, "a.example")], None),
        (XForwarded::new(), &[("x-forwarded-proto", "http"), (host, "a.example")], None),
        (XForwarded::new(), &[PROTO, (host, "a.example,")], None),
        (XForwarded::new(), &[PROTO, (host, "a.example/b")], None),
        (all, &[PROTO, (host, "a.example:1"), (port, "2"), (prefix, "/")], None),
        (all, &[PROTO, (host, "a.example"), (port, "x"), (prefix, "/")], None),
        (all, &[PROTO, (host, "a.example"), (port, "443"), (prefix, "//evil.example")], None),
        (all, &[PROTO, (host, "a.example"), (port, "443")], None),
    ];
    for (headers, fields, expected) in cases {
        let case = Case::told_by(ForwardedUrl::x_forwarded(headers));
        let url = case.ask("/x", &[&[("host", "inside")][..], fields].concat());
        assert_eq!(url.as_deref().ok(), expected, "{fields:?} {url:?}");
        if expected.is_none() {
            assert!(matches!(url, Err(Refusal::Forwarded(_))), "{url:?}");
        }
    }
}

#[test]
fn of_the_x_headers_too_the_right_end_counts() {
    let case = Case::told_by(hops(ForwardedUrl::x_forwarded(XForwarded::new()), 2));
    let ask = |host: &str, sender: &str| {
        let headers = [
            ("x-forwarded-proto", "https, http"),
            ("x-forwarded-host", host),
            ("x-forwarded-for", sender),
        ];
        case.ask("/", &headers)
    };
    let good = Ok("https://api.example/");
    for sender in [
        "203.0.113.9, 192.0.2.7",
        "192.0.2.7:4711",
        "[::ffff:192.0.2.7]:1",
        "_edge",
        "unknown",
    ] {
        let url = ask("evil.example, api.example,inside", sender);
        assert_eq!(url.as_deref(), good, "{sender}");
    }
    for sender in [
        "192.0.2.7, 203.0.113.66",
        "203.0.113.66:1",
        "[2001:db8::1]",
        "2001:db8::1",
    ] {
        let refusal = ask("api.example, inside", sender).unwrap_err();
        let bypassed = matches!(refusal, Refusal::Forwarded(ForwardedError::Bypassed(_)));
        assert!(bypassed, "{sender}: {refusal}");
    }
    let refusal = ask("inside", "192.0.2.7").unwrap_err();
    assert!(
        matches!(refusal, Refusal::Forwarded(ForwardedError::TooFew(_, 1))),
        "{refusal}"
    );
}

#[test]
fn a_stranger_tells_nothing() {
    for url in [
        ForwardedUrl::forwarded(),
        ForwardedUrl::x_forwarded(XForwarded::new()),
    ] {
        let mut case = Case::told_by(url.public_prefix("/bank".parse().unwrap()));
        let headers = [
            ("host", "api.example"),
            ("forwarded", "host=evil.example;proto=https"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
        ];
        assert_eq!(
            case.ask("/a", &headers).as_deref(),
            Ok("https://evil.example/bank/a")
        );
        case.peer = STRANGER;
        assert_eq!(
            case.ask("/a", &headers).as_deref(),
            Ok("https://api.example/a")
        );
        case.peer = "[::ffff:192.0.2.1]:1";
        assert!(case.ask("/a", &headers).unwrap().contains("evil"));
    }
}
