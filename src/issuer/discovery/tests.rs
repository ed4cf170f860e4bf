use http::StatusCode;

use super::*;
use crate::{
    issuer::{
        FetchError, FetcherBuilder,
        test_server::{Page, TestServer},
    },
    jose::{JwkSet, JwsAlgorithm, PrivateJwk},
    time::{ManualClock, Timestamp},
};

const METADATA: &str = "/.well-known/oauth-authorization-server";
const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn fetcher() -> Fetcher {
    // A busy machine is no fault of the issuer's.
    let patient = Fetcher::builder()
        .timeout(FetcherBuilder::MAX_TIMEOUT)
        .unwrap();
    patient.dangerous().http_on_loopback().build().unwrap()
}

fn discovery(issuer: &str) -> Discovery {
    Discovery::new(issuer.parse().unwrap())
        .fetcher(fetcher())
        .clock(ManualClock::at(NOW))
}

fn key_set(kids: &[&str]) -> String {
    let key = PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
    let keys = kids.iter().map(|kid| key.public().clone().with_kid(*kid));
    serde_json::to_string(&JwkSet::new(keys)).unwrap()
}

fn metadata(issuer: &str, jwks_uri: &str) -> Page {
    Page::json(format!(
        r#"{{"issuer":"{issuer}","jwks_uri":"{jwks_uri}"}}"#
    ))
}

/// A server that publishes metadata and these keys.
async fn issuer(kids: &[&str]) -> TestServer {
    let server = TestServer::start().await;
    server.put(METADATA, metadata(&server.url(""), &server.url("/jwks")));
    server.put("/jwks", Page::json(key_set(kids)));
    server
}

fn reason(result: Result<impl Sized, DiscoveryError>) -> FetchError {
    match result.map(drop) {
        Err(DiscoveryError::Keys(KeysUnavailable::Fetch { error, .. })) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn metadata_leads_to_the_keys_and_is_remembered() {
    let server = issuer(&["a"]).await;
    let keys = discovery(&server.url("")).start().unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let keys = keys.clone();
        callers.spawn(async move { keys.obtain(NOW).await });
    }
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(server.requests(), [METADATA, "/jwks"]);

    server.put("/jwks", Page::json(key_set(&["a", "b"])));
    let seen = keys.current(NOW).unwrap().generation;
    let newer = keys.refresh_for_unknown_key(seen, NOW).await.unwrap();
    assert_eq!(newer.keys.keys().len(), 2);
    assert_eq!(server.requests(), [METADATA, "/jwks", "/jwks"]);
}

#[tokio::test]
async fn metadata_is_read_again_when_its_time_is_over() {
    let server = issuer(&["a"]).await;
    let keys = discovery(&server.url("")).connect().await.unwrap();
    let seen = keys.current(NOW).unwrap().generation;
    tokio::time::pause();
    tokio::time::advance(Duration::from_hours(1)).await;
    tokio::time::resume();
    keys.refresh_for_unknown_key(seen, NOW).await.unwrap();
    assert_eq!(
        server.requests()[..4],
        [METADATA, "/jwks", METADATA, "/jwks"]
    );
}

#[tokio::test]
async fn keys_that_have_moved_are_found_again() {
    let server = issuer(&["a"]).await;
    let keys = discovery(&server.url("")).connect().await.unwrap();
    let seen = keys.current(NOW).unwrap().generation;

    server.put("/jwks", Page::with("410 Gone", "", ""));
    server.put("/new", Page::json(key_set(&["b"])));
    server.put(METADATA, metadata(&server.url(""), &server.url("/new")));
    let lost = keys.refresh_for_unknown_key(seen, NOW).await;
    let gone = FetchError::Status(StatusCode::GONE);
    assert!(matches!(lost, Err(KeysUnavailable::Fetch { error, .. }) if error == gone));
    assert!(keys.current(NOW).is_some(), "what is known serves on");

    let later = NOW.plus(Duration::from_mins(1));
    let found = keys.refresh_for_unknown_key(seen, later).await.unwrap();
    assert_eq!(found.keys.keys()[0].kid(), Some("b"));
    assert_eq!(server.requests()[2..], ["/jwks", METADATA, "/new"]);
}

#[tokio::test]
async fn a_given_url_needs_no_metadata() {
    let server = issuer(&["a"]).await;
    let url = server.url("/jwks").parse().unwrap();
    let keys = discovery("https://as.example").jwks_uri(url);
    assert!(keys.connect().await.is_ok());
    assert_eq!(server.requests(), ["/jwks"]);
}

#[tokio::test]
async fn a_missing_issuer_stops_only_those_who_want_it_to() {
    let socket = TestServer::reserve();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let refused = reason(discovery(&url).connect().await);
    assert!(matches!(refused, FetchError::Unreachable(_)), "{refused:?}");

    let keys = discovery(&url).start().unwrap();
    assert!(keys.obtain(NOW).await.is_err());
    let server = TestServer::start_on(socket).await;
    server.put(METADATA, metadata(&url, &server.url("/jwks")));
    server.put("/jwks", Page::json(key_set(&["a"])));
    assert!(keys.refresh_for_unknown_key(0, NOW).await.is_ok());
    assert!(keys.current(NOW).is_some());
}

#[tokio::test]
async fn an_issuer_that_misbehaves_gives_no_keys() {
    let server = issuer(&["a"]).await;
    let (own, jwks) = (server.url(""), server.url("/jwks"));
    for (case, page, expected) in [
        (
            "another issuer",
            metadata("https://as.example", &jwks),
            FetchError::IssuerMismatch("https://as.example".to_owned()),
        ),
        (
            "no keys named",
            Page::json(format!(r#"{{"issuer":"{own}"}}"#)),
            FetchError::NoJwksUri,
        ),
        (
            "keys in the clear",
            metadata(&own, "http://as.example/jwks"),
            FetchError::InsecureEndpoint("jwks_uri"),
        ),
    ] {
        server.put(METADATA, page);
        assert_eq!(reason(discovery(&own).connect().await), expected, "{case}");
    }
    server.put(METADATA, metadata(&own, &jwks));
    for (case, page, expected) in [
        (
            "no key",
            Page::json(r#"{"keys":[]}"#),
            FetchError::NoUsableKey,
        ),
        (
            "no signing key",
            Page::json(key_set(&["a"]).replace(r#""sig""#, r#""enc""#)),
            FetchError::NoUsableKey,
        ),
        (
            "huge",
            Page::json("x".repeat(Fetcher::MAX_BODY + 1)),
            FetchError::TooLarge,
        ),
        (
            "elsewhere",
            Page::with("302 Found", "location: /x\r\n", ""),
            FetchError::Redirected,
        ),
    ] {
        server.put("/jwks", page);
        assert_eq!(reason(discovery(&own).connect().await), expected, "{case}");
    }
}

#[tokio::test]
async fn metadata_and_keys_share_one_timeout() {
    let server = issuer(&["a"]).await;
    let most_of_it = |page: Page| page.after(Duration::from_millis(250));
    server.put(
        METADATA,
        most_of_it(metadata(&server.url(""), &server.url("/jwks"))),
    );
    server.put("/jwks", most_of_it(Page::json(key_set(&["a"]))));
    let builder = Fetcher::builder()
        .timeout(Duration::from_millis(400))
        .unwrap();
    let fetcher = builder.dangerous().http_on_loopback().build().unwrap();
    let refused = discovery(&server.url("")).fetcher(fetcher).connect().await;
    assert_eq!(reason(refused), FetchError::Timeout);
}

#[tokio::test]
async fn the_servers_word_on_caching_counts_within_bounds() {
    for (header, earliest, latest) in [
        ("cache-control: max-age=600\r\n", 480, 540),
        ("cache-control: max-age=600\r\nage: 300\r\n", 240, 270),
        ("cache-control: no-store\r\n", 48, 54),
        ("cache-control: max-age=999999\r\n", 2880, 3240),
        ("expires: Fri, 15 Jan 2027 08:10:00 GMT\r\n", 480, 540),
        ("", 240, 270),
    ] {
        let server = issuer(&["a"]).await;
        server.put("/jwks", Page::with("200 OK", header, key_set(&["a"])));
        let keys = discovery(&server.url("")).connect().await.unwrap();
        let next = keys.health(NOW).next_refresh.unwrap().since(NOW).as_secs();
        assert!((earliest..=latest).contains(&next), "{header}: {next}");
    }
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let secs = Duration::from_secs;
    let sound = || discovery("https://as.example");
    assert!(sound().start().is_ok());
    for (case, settings) in [
        ("no floor", sound().lifetime_between(secs(0), secs(10))),
        (
            "floor above ceiling",
            sound().lifetime_between(secs(11), secs(10)),
        ),
        ("ceiling above maximum age", sound().maximum_age(secs(3599))),
    ] {
        let result = settings.start();
        assert!(
            matches!(result, Err(DiscoveryError::Lifetimes { .. })),
            "{case}"
        );
    }
    let result = sound().cool_down(Duration::from_millis(999)).start();
    assert!(matches!(result, Err(DiscoveryError::CoolDown(_))));
    let strict = Fetcher::builder().build().unwrap();
    for settings in [
        discovery("http://as.example"),
        discovery("http://127.0.0.1:1").fetcher(strict),
        sound().jwks_uri("http://as.example/jwks".parse().unwrap()),
    ] {
        assert!(matches!(settings.start(), Err(DiscoveryError::Insecure(_))));
    }
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let result = discovery("https://as.example").start();
    assert!(matches!(result, Err(DiscoveryError::NoRuntime)));
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn a_private_authority_is_trusted_only_if_it_was_given() {
    let server = issuer(&["a"]).await;
    let (root, url) = server.behind_tls().await;
    let at = |fetcher: FetcherBuilder| {
        let keys = discovery("https://as.example").jwks_uri(url.parse().unwrap());
        keys.fetcher(fetcher.build().unwrap()).connect()
    };
    let given = || {
        Fetcher::builder()
            .root_certificates_pem(root.as_bytes())
            .unwrap()
    };
    assert!(at(given()).await.is_ok());
    assert!(at(given().without_system_roots()).await.is_ok());
    let refused = reason(at(Fetcher::builder()).await);
    assert!(matches!(refused, FetchError::Unreachable(_)), "{refused:?}");
}
