use super::*;
use crate::{
    issuer::test_server::{Page, TestServer},
    jose::{InvalidJwkSet, JwsAlgorithm, PrivateJwk},
};

async fn fetch(page: Page) -> Result<usize, FetchError> {
    let server = TestServer::start().await;
    server.put("/jwks", page);
    fetch_at(&server.url("/jwks")).await
}

async fn fetch_at(url: &str) -> Result<usize, FetchError> {
    fetch_within(FetcherBuilder::MAX_TIMEOUT, url).await
}

async fn fetch_within(timeout: Duration, url: &str) -> Result<usize, FetchError> {
    let builder = Fetcher::builder().timeout(timeout).unwrap();
    let fetcher = builder.dangerous().http_on_loopback().build().unwrap();
    let set = fetcher.key_set(&url.parse().unwrap()).await?;
    Ok(set.keys().len())
}

fn padded(len: usize) -> String {
    format!(r#"{{"keys":[],"pad":"{}"}}"#, "x".repeat(len - 20))
}

fn keys(count: usize) -> String {
    format!(r#"{{"keys":[{}]}}"#, vec!["{}"; count].join(","))
}

#[tokio::test]
async fn plain_http_is_refused() {
    let server = TestServer::start().await;
    server.put("/jwks", Page::json(r#"{"keys":[]}"#));
    let strict = Fetcher::builder().build().unwrap();
    let insecure = |url: String| Err(FetchError::Insecure(url));
    let url = server.url("/jwks");
    assert_eq!(strict.key_set(&url.parse().unwrap()).await, insecure(url));
    for url in [
        "http://as.example/jwks",
        "http://10.0.0.1/jwks",
        "file:///etc/jwks",
        "https://me@as.example/jwks",
    ] {
        assert_eq!(
            fetch_at(url).await,
            insecure(url.to_owned()).map(|_: JwkSet| 0)
        );
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn only_a_200_is_an_answer() {
    for (status, code) in [
        ("204 No Content", 204),
        ("206 Partial Content", 206),
        ("404 Not Found", 404),
        ("500 Oops", 500),
    ] {
        let status = fetch(Page::with(status, "", "")).await;
        assert_eq!(
            status,
            Err(FetchError::Status(StatusCode::from_u16(code).unwrap()))
        );
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = TestServer::start().await;
    other.put("/jwks", Page::json(r#"{"keys":[]}"#));
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let location = format!("location: {}\r\n", other.url("/jwks"));
        let answer = fetch(Page::with(status, &location, r#"{"keys":[]}"#)).await;
        assert_eq!(answer, Err(FetchError::Redirected), "{status}");
    }
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_client_that_follows_redirects_may_not_leave_the_host() {
    let (server, other) = (TestServer::start().await, TestServer::start().await);
    for server in [&server, &other] {
        server.put("/jwks", Page::json(r#"{"keys":[]}"#));
    }
    let to = |url: String| Page::with("302 Found", &format!("location: {url}\r\n"), "");
    server.put("/here", to(server.url("/jwks")));
    server.put("/away", to(other.url("/jwks")));
    let following = Fetcher::builder()
        .http_client(Client::new())
        .timeout(FetcherBuilder::MAX_TIMEOUT)
        .unwrap()
        .dangerous()
        .http_on_loopback()
        .build()
        .unwrap();
    let ask = async |path: &str| following.key_set(&server.url(path).parse().unwrap()).await;
    assert_eq!(ask("/here").await, Ok(JwkSet::default()));
    assert_eq!(ask("/away").await, Err(FetchError::Redirected));
}

#[tokio::test]
async fn the_size_of_a_document_is_bounded_whatever_is_announced() {
    let max = Fetcher::MAX_BODY;
    let chunk = |len: usize| format!("{len:x}\r\n{}\r\n", "x".repeat(len));
    for (case, page, expected) in [
        ("at the limit", Page::json(padded(max)), Ok(0)),
        (
            "one more",
            Page::json(padded(max + 1)),
            Err(FetchError::TooLarge),
        ),
        (
            "announced, never sent",
            Page::raw("HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n").and_hang(),
            Err(FetchError::TooLarge),
        ),
        (
            "not announced, never ending",
            Page::raw(format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}",
                chunk(max / 2).repeat(3)
            ))
            .and_hang(),
            Err(FetchError::TooLarge),
        ),
        (
            "until the connection ends",
            Page::raw(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(max + 1))),
            Err(FetchError::TooLarge),
        ),
    ] {
        assert_eq!(fetch(page).await, expected, "{case}");
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_no_document() {
    let page = Page::raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\":[]}");
    let answer = fetch(page).await;
    assert!(
        matches!(answer, Err(FetchError::Unreachable(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_slow_answer_ends_with_the_timeout() {
    for (case, bytes) in [
        ("nothing at all", ""),
        ("half a head", "HTTP/1.1 200 OK\r\n"),
        (
            "half a body",
            "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"keys",
        ),
    ] {
        let server = TestServer::start().await;
        server.put("/jwks", Page::raw(bytes).and_hang());
        let url = server.url("/jwks");
        let answer = fetch_within(Duration::from_millis(200), &url);
        // What a test waits for must not be what it tests.
        let answer = tokio::time::timeout(Duration::from_secs(30), answer).await;
        assert_eq!(answer, Ok(Err(FetchError::Timeout)), "{case}");
    }
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let socket = TestServer::reserve();
    let url = format!("http://{}/jwks", socket.local_addr().unwrap());
    let answer = fetch_at(&url).await;
    assert!(
        matches!(answer, Err(FetchError::Unreachable(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn media_types_of_json_and_of_careless_hosting_pass() {
    for (header, accepted) in [
        ("", true),
        ("content-type: application/json\r\n", true),
        ("content-type: APPLICATION/JSON; charset=utf-8\r\n", true),
        ("content-type: application/jwk-set+json\r\n", true),
        ("content-type: text/plain\r\n", true),
        ("content-type: application/octet-stream\r\n", true),
        ("content-type: text/html\r\n", false),
        ("content-type: application/xml\r\n", false),
        ("content-type: application/jwt\r\n", false),
        ("content-type: \r\n", false),
    ] {
        let answer = fetch(Page::with("200 OK", header, r#"{"keys":[]}"#)).await;
        let refused = matches!(answer, Err(FetchError::MediaType(_)));
        assert_eq!(
            (answer == Ok(0), refused),
            (accepted, !accepted),
            "{header}"
        );
    }
}

#[tokio::test]
async fn a_key_set_is_strict_json_with_at_most_a_hundred_keys() {
    let garbage = [
        "",
        "[]",
        "nonsense",
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]} x"#,
    ];
    for text in garbage {
        let answer = fetch(Page::json(text)).await;
        let expected = Err(FetchError::KeySet(InvalidJwkSet::NoKeys));
        assert!(matches!(answer, Err(FetchError::KeySet(_))), "{text}");
        assert_ne!(answer, expected, "{text}");
    }
    assert_eq!(
        fetch(Page::json(r#"{"keys":{}}"#)).await,
        Err(FetchError::KeySet(InvalidJwkSet::NoKeys))
    );
    assert_eq!(fetch(Page::json(keys(100))).await, Ok(0));
    assert_eq!(
        fetch(Page::json(keys(101))).await,
        Err(FetchError::KeySet(InvalidJwkSet::TooMany(101)))
    );
}

// RFC 7517 §5: "Implementations SHOULD ignore JWKs within a JWK Set that use "kty" values that are not understood".
#[tokio::test]
async fn a_key_that_cannot_be_used_does_not_spoil_the_rest() {
    let key = PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
    let key = serde_json::to_string(key.public()).unwrap();
    let text = format!(r#"{{"keys":[5,{{"kty":"oct","k":"AA"}},{key}]}}"#);
    assert_eq!(fetch(Page::json(text)).await, Ok(1));
}
