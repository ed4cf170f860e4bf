//! What depends on time, over streams in memory: the clock stands still until everybody waits for it.

mod scripted;

use std::{io, pin::pin, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

use self::scripted::{Running, answered, http2, hung_up, over_tls, tls};
use super::Server;

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
const STREAM: &[u8] = b"GET /stream HTTP/1.1\r\nhost: localhost\r\n\r\n";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty HTTP/2 SETTINGS frame (RFC 9113 §6.5).
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

// The defaults: RFC 9325 and hyper have no opinion, so these are ours.
const HANDSHAKE: u64 = 10;
const IDLE: u64 = 60;
const GOODBYE: u64 = 5;
const DRAIN: u64 = 30;

#[tokio::test(start_paused = true)]
async fn a_handshake_that_takes_too_long_is_ended() {
    for bytes in [&b""[..], &[0x16, 3, 1, 2, 0]] {
        let server = Running::start(Server::https(tls().0));
        let mut client = server.connect();
        client.write_all(bytes).await.unwrap();
        hung_up(&mut client).await;
        assert_eq!(server.seconds(), HANDSHAKE, "{bytes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_ended() {
    for (case, bytes, latest) in [
        ("nothing at all", &b""[..], IDLE),
        ("half a preface", &PREFACE[..12], IDLE),
        ("half a head", &GET[..20], IDLE + GOODBYE),
        ("after an answer", GET, IDLE),
        // Long before, for want of a pong (RFC 9113 §6.7).
        (
            "HTTP/2 client gone",
            &[PREFACE, SETTINGS].concat(),
            IDLE - 1,
        ),
    ] {
        let server = Running::start(Server::plain_http());
        let mut client = server.connect();
        client.write_all(bytes).await.unwrap();
        timeout(Duration::from_secs(1000), hung_up(&mut client))
            .await
            .expect(case);
        assert!(server.seconds() <= latest, "{case}: {}", server.seconds());
        assert!(
            latest < IDLE || server.seconds() >= IDLE,
            "{case}: {}",
            server.seconds()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_http_2_connection_is_ended_though_the_client_answers_pings() {
    let server = Running::start(Server::plain_http());
    let (mut sender, connection) = http2(&server).await;
    sleep(Duration::from_secs(IDLE - 10)).await;
    let request = Request::get("http://localhost/").body(Empty::<Bytes>::new());
    sender.send_request(request.unwrap()).await.unwrap();
    connection.await.unwrap().unwrap();
    assert_eq!(server.seconds(), 2 * IDLE - 10);
}

#[tokio::test(start_paused = true)]
async fn an_http_2_client_that_never_begins_is_not_waited_for() {
    let (tls, client) = tls();
    let server = Running::start(Server::https(tls.clone()));
    let mut stream = over_tls(server.connect(), client.clone()).await;
    hung_up(&mut stream).await;
    assert_eq!(server.seconds(), IDLE + GOODBYE);

    let server = Running::start(Server::https(tls));
    let _stream = over_tls(server.connect(), client).await;
    assert_eq!(server.stop().await, GOODBYE);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_takes_its_time_is_not_idleness() {
    let server = Running::start(Server::plain_http());
    let mut client = server.connect();
    client.write_all(STREAM).await.unwrap();
    answered(&mut client).await;
    sleep(Duration::from_secs(100 * IDLE)).await;
    let speak = server.stream.lock().unwrap().take().unwrap();
    speak.send(Bytes::from_static(b"hello")).unwrap();
    drop(speak);
    let mut body = vec![0; 15];
    client.read_exact(&mut body).await.unwrap();
    assert_eq!(body, b"5\r\nhello\r\n0\r\n\r\n");
    hung_up(&mut client).await;
    assert_eq!(server.seconds(), 101 * IDLE);
}

#[tokio::test(start_paused = true)]
async fn an_end_waits_for_answers_and_for_nothing_else() {
    for (case, bytes, expected) in [
        ("nothing at all", &b""[..], 0),
        ("after an answer", GET, 0),
        ("half a head", &GET[..20], GOODBYE),
        ("an answer that goes on", STREAM, DRAIN),
    ] {
        let server = Running::start(Server::plain_http());
        let mut client = server.connect();
        client.write_all(bytes).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(server.stop().await, expected, "{case}");
    }
    let server = Running::start(Server::https(tls().0));
    let _handshake = server.connect();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(server.stop().await, 0, "in the handshake");
}

#[tokio::test(start_paused = true)]
async fn failing_to_accept_is_not_the_end() {
    const EMFILE: i32 = 24;
    for (error, waited) in [
        (io::Error::from_raw_os_error(EMFILE), true),
        (io::ErrorKind::OutOfMemory.into(), true),
        (io::ErrorKind::ConnectionAborted.into(), false),
        (io::ErrorKind::ConnectionReset.into(), false),
    ] {
        let server = Running::start(Server::plain_http());
        let case = error.to_string();
        server.listener.send(Err(error)).unwrap();
        let mut client = server.connect();
        client.write_all(GET).await.unwrap();
        answered(&mut client).await;
        assert_eq!(server.began.elapsed() > Duration::ZERO, waited, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_server_lets_further_clients_wait() {
    let server = Running::start(Server::plain_http().max_connections(2));
    let mut clients = [server.connect(), server.connect(), server.connect()];
    for client in &mut clients {
        client.write_all(GET).await.unwrap();
    }
    let [mut first, mut second, mut third] = clients;
    answered(&mut first).await;
    answered(&mut second).await;
    let wait = Duration::from_secs(1);
    assert!(timeout(wait, answered(&mut third)).await.is_err());
    drop(first);
    answered(&mut third).await;
    assert_eq!(server.seconds(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_http_2_client_has_so_many_requests_in_flight_and_no_more() {
    let server = Running::start(Server::plain_http().max_concurrent_streams(1));
    let mut sender = http2(&server).await.0;
    let mut get = |path| {
        let request = Request::get(format!("http://localhost{path}"));
        sender.send_request(request.body(Empty::<Bytes>::new()).unwrap())
    };
    let first = get("/stream").await.unwrap();
    let mut second = pin!(get("/"));
    let wait = Duration::from_secs(1);
    assert!(timeout(wait, &mut second).await.is_err());
    drop(first);
    server.stream.lock().unwrap().take();
    assert!(second.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_limits_can_be_set() {
    let server = Running::start(
        Server::https(tls().0)
            .handshake_timeout(Duration::from_secs(1))
            .max_connections(0),
    );
    hung_up(&mut server.connect()).await;
    assert_eq!(server.seconds(), 1);

    let server = Running::start(Server::plain_http().idle_timeout(Duration::from_secs(2)));
    hung_up(&mut server.connect()).await;
    assert_eq!(server.seconds(), 2);

    let server = Running::start(Server::plain_http().drain_timeout(Duration::ZERO));
    let mut client = server.connect();
    client.write_all(STREAM).await.unwrap();
    answered(&mut client).await;
    assert_eq!(server.stop().await, 0);
}
