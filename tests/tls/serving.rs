//! Staying up, ending well, and changing certificates in between.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::Empty;
use tokio::{net::TcpStream, task::yield_now, time::timeout};
use tower_fapi::{
    mtls::CertificateThumbprint,
    tls::{ClientCertificates, Server, ServerIdentity, TlsError},
};

use crate::{
    pairs::Pair,
    support::{Client, Http, Running, connect, over, text},
};

const BOTH: [&[&str]; 2] = [&["http/1.1"], &["h2"]];

/// Far more than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn stalled_handshakes_hold_nobody_up() {
    let server = Running::start(ClientCertificates::AnyRequested).await;
    let mut stalled = Vec::new();
    for _ in 0..50 {
        stalled.push(TcpStream::connect(server.addr).await.unwrap());
    }
    let seen = timeout(PATIENCE, server.client().get(server.addr)).await;
    assert_eq!(seen.unwrap().unwrap().certificate, "-");
}

#[tokio::test]
async fn nothing_a_peer_sends_ends_the_server() {
    let server = Running::start(ClientCertificates::AnyRequested).await;
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0x16, 3, 1, 0xff, 0xff],
        &[0; 64],
    ] {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.ok();
    }
    for alpn in BOTH {
        let stream = connect(server.addr, server.client().alpn(alpn).config()).await;
        let mut http = over(stream.unwrap()).await.unwrap();
        assert!(http.request("/panic").await.is_err(), "{alpn:?}");
    }
    assert!(server.client().get(server.addr).await.is_ok());
}

// FAPI 1.0 Part 1 §6.2.1 no. 10; RFC 9110 §6.6.1.
#[tokio::test]
async fn every_answer_carries_the_servers_date() {
    let server = Running::start(ClientCertificates::NotRequested).await;
    for alpn in BOTH {
        let stream = connect(server.addr, server.client().alpn(alpn).config()).await;
        let mut http = over(stream.unwrap()).await.unwrap();
        let answer = http.request("/").await.unwrap();
        let date = answer.headers()["date"].to_str().unwrap();
        assert!(
            date.len() == 29 && date.ends_with(" GMT"),
            "{alpn:?}: {date}"
        );
    }
}

// A token of 16 KiB and a proof of 8 KiB have to pass; what no API needs is answered 431 (RFC 6585 §5), or not at all.
#[tokio::test]
async fn heads_pass_up_to_the_limit() {
    let server = Running::start(ClientCertificates::NotRequested).await;
    for alpn in BOTH {
        let config = server.client().alpn(alpn).config();
        for (kibibytes, passes) in [(24, true), (56, true), (160, false), (400, false)] {
            let before = server.served();
            let stream = connect(server.addr, config.clone()).await.unwrap();
            let mut http = over(stream).await.unwrap();
            let mut request = Request::get("https://localhost/");
            for n in 0..kibibytes / 8 {
                request = request.header(format!("x-{n}"), "v".repeat(8000));
            }
            match http.send(request.body(Empty::new()).unwrap()).await {
                Ok(answer) if passes => assert_eq!(answer.status(), StatusCode::OK),
                Ok(answer) => {
                    assert_eq!(answer.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
                }
                Err(error) => assert!(!passes, "{alpn:?}, {kibibytes}: {error}"),
            }
            let expected = before + usize::from(passes);
            assert_eq!(server.served(), expected, "{alpn:?}, {kibibytes}");
        }
    }
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_end() {
    for alpn in BOTH {
        let mut server = Running::start(ClientCertificates::NotRequested).await;
        let config = server.client().alpn(alpn).config();
        let idle = connect(server.addr, config.clone()).await.unwrap();
        let mut idle = over(idle).await.unwrap();
        assert!(idle.request("/").await.is_ok());

        let busy = connect(server.addr, config).await.unwrap();
        let mut busy = over(busy).await.unwrap();
        let answer = tokio::spawn(async move { text(busy.request("/slow").await?).await });
        while server.served() < 2 {
            yield_now().await;
        }
        server.stop.take().unwrap().send(()).unwrap();
        let refused = async {
            while TcpStream::connect(server.addr).await.is_ok() {
                yield_now().await;
            }
        };
        timeout(PATIENCE, refused)
            .await
            .expect("new connections are refused");
        assert!(!server.ended.is_finished(), "{alpn:?}");

        server.release.notify_one();
        let answer = answer.await.unwrap().unwrap();
        assert!(answer.starts_with("- 127.0.0.1"), "{alpn:?}: {answer}");
        // The idle connection is not waited for.
        timeout(Duration::from_secs(4), server.ended)
            .await
            .expect("ends")
            .unwrap();
        assert!(idle.request("/").await.is_err(), "{alpn:?}");
    }
}

#[tokio::test]
async fn a_request_that_outlasts_the_deadline_is_cut_off() {
    for alpn in BOTH {
        let mut server = Running::start_with(ClientCertificates::NotRequested, |server| {
            server.drain_timeout(Duration::from_millis(50))
        })
        .await;
        let stream = connect(server.addr, server.client().alpn(alpn).config()).await;
        let mut http = over(stream.unwrap()).await.unwrap();
        let answer = tokio::spawn(async move { http.request("/slow").await });
        while server.served() < 1 {
            yield_now().await;
        }
        server.stop.take().unwrap().send(()).unwrap();
        timeout(PATIENCE, server.ended)
            .await
            .expect("ends")
            .unwrap();
        assert!(answer.await.unwrap().is_err(), "{alpn:?}");
    }
}

#[tokio::test]
async fn a_reload_reaches_new_connections_and_leaves_old_ones() {
    for alpn in BOTH {
        let server = Running::start(ClientCertificates::NotRequested).await;
        let config = server.client().alpn(alpn).config();
        let stream = connect(server.addr, config.clone()).await.unwrap();
        let mut old = over(stream).await.unwrap();
        assert!(old.request("/").await.is_ok());

        let renewed = Pair::self_signed("localhost");
        let any = ClientCertificates::AnyRequested;
        server.tls.reload(&renewed.identity(), &any).unwrap();

        assert!(old.request("/").await.is_ok(), "{alpn:?}");
        // Who trusts the old certificate alone is turned away, who trusts the new one let in.
        assert!(connect(server.addr, config).await.is_err(), "{alpn:?}");
        let trusting = Client::trusting(&renewed).alpn(alpn);
        let stream = connect(server.addr, trusting.config()).await.unwrap();
        let shown = stream.get_ref().1.peer_certificates().unwrap();
        let shown = CertificateThumbprint::of_der(&shown[0]).to_string();
        assert_eq!(shown, renewed.thumbprint());
        // The new policy towards clients holds as well.
        let client = Pair::self_signed("client");
        let trusting = Client::trusting(&renewed).showing(&client);
        let seen = trusting.get(server.addr).await.unwrap();
        assert_eq!(seen.certificate, client.thumbprint());
    }
}

#[tokio::test]
async fn what_cannot_be_used_does_not_replace_what_is_in_use() {
    let server = Running::start(ClientCertificates::NotRequested).await;
    let (one, other) = (
        Pair::self_signed("localhost"),
        Pair::self_signed("localhost"),
    );
    let mixed = ServerIdentity::from_pem(one.pem.as_bytes(), other.key_pem.as_bytes());
    assert!(matches!(mixed, Err(TlsError::KeyMismatch)));
    assert!(server.client().get(server.addr).await.is_ok());
}

#[tokio::test]
async fn without_tls_there_is_no_certificate_but_both_versions_of_http() {
    use axum::{Extension, Router, routing::get};
    use tower_fapi::mtls::{PeerAddr, PeerCertificate};

    async fn whoami(
        Extension(PeerAddr(peer)): Extension<PeerAddr>,
        certificate: Option<Extension<PeerCertificate>>,
    ) -> String {
        format!("{} {}", certificate.is_some(), peer.ip())
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let api = Router::new().route("/", get(whoami));
    let server = tokio::spawn(Server::plain_http().serve(listener, api));

    for two in [false, true] {
        let stream = TcpStream::connect(addr).await.unwrap();
        let mut http = Http::start(stream, two).await.unwrap();
        let answer = http.request("/").await.unwrap();
        assert_eq!(text(answer).await.unwrap(), "false 127.0.0.1", "{two}");
    }
    server.abort();
}
