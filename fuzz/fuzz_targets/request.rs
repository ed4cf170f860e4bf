//! A whole request of a stranger: never let in, never a panic.
#![no_main]

use std::{
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use libfuzzer_sys::fuzz_target;
use tower_fapi::{
    issuer::IssuerKeys,
    resource_server::{RequestFacts, ResourceServer, TrustedIssuer},
    testing::TestIssuer,
    time::Timestamp,
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

static SERVER: LazyLock<ResourceServer> = LazyLock::new(|| {
    let issuer = TestIssuer::new("https://as.example.com", "https://api.example.com");
    let keys = IssuerKeys::fixed(&issuer.jwks()).expect("there is a key");
    let issuer = TrustedIssuer::new(issuer.issuer(), keys);
    let builder = ResourceServer::builder("https://api.example.com", issuer);
    builder.build().expect("the settings are sound")
});

fuzz_target!(|parts: (&str, &str, &[u8], &[u8], Option<&[u8]>)| {
    let (uri, host, authorization, dpop, second) = parts;
    let Ok(uri) = uri.parse::<Uri>() else { return };
    let mut headers = HeaderMap::new();
    let mut add = |name: HeaderName, value: &[u8]| {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    };
    add(http::header::HOST, host.as_bytes());
    add(http::header::AUTHORIZATION, authorization);
    add(HeaderName::from_static("dpop"), dpop);
    if let Some(second) = second {
        add(HeaderName::from_static("dpop"), second);
    }
    let facts = RequestFacts::new(&Method::GET, &uri, &headers);
    let verdict = pin!(SERVER.verify(&facts, NOW)).poll(&mut Context::from_waker(Waker::noop()));
    match verdict {
        Poll::Ready(verdict) => {
            let rejection = verdict.expect_err("a stranger is let in");
            let _ = SERVER.answer(rejection, &facts, NOW);
        }
        Poll::Pending => unreachable!("everything is at hand"),
    }
});
