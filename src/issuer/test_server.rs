//! An HTTP server for tests that can misbehave in every way, on loopback.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket},
    task::AbortHandle,
};

/// What is written back, octet by octet as given, when, and whether the connection is then left hanging.
#[derive(Clone, Debug)]
pub(super) struct Page {
    bytes: Vec<u8>,
    delay: Duration,
    hang: bool,
}

impl Page {
    /// 200 with this JSON.
    pub(super) fn json(body: impl AsRef<str>) -> Self {
        Self::with("200 OK", "content-type: application/json\r\n", body)
    }

    /// Any status line, any header lines (each ending in CRLF) and a body of honest length.
    pub(super) fn with(status: &str, headers: &str, body: impl AsRef<str>) -> Self {
        let body = body.as_ref();
        Self::raw(format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Exactly these octets, then the connection ends.
    pub(super) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            delay: Duration::ZERO,
            hang: false,
        }
    }

    /// The same, later.
    #[cfg(feature = "discovery")]
    pub(super) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The same, but the connection never ends.
    pub(super) fn and_hang(mut self) -> Self {
        self.hang = true;
        self
    }
}

/// What came in.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    path: String,
    #[cfg_attr(
        not(feature = "discovery"),
        expect(dead_code, reason = "for who posts")
    )]
    pub(super) head: String,
    #[cfg_attr(
        not(feature = "discovery"),
        expect(dead_code, reason = "for who posts")
    )]
    pub(super) body: String,
}

/// A running server; ends when dropped. A path without a page is a 404.
pub(super) struct TestServer {
    address: SocketAddr,
    pages: Arc<Mutex<HashMap<String, Page>>>,
    requests: Arc<Mutex<Vec<Exchange>>>,
    task: AbortHandle,
}

impl TestServer {
    pub(super) async fn start() -> Self {
        Self::start_on(Self::reserve()).await
    }

    /// A place for a server that is not up yet: nobody else gets the port, and who connects is refused.
    pub(super) fn reserve() -> TcpSocket {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        socket
    }

    #[expect(clippy::unused_async, reason = "must be called on a runtime")]
    pub(super) async fn start_on(socket: TcpSocket) -> Self {
        let listener = socket.listen(128).unwrap();
        let address = listener.local_addr().unwrap();
        let pages = Arc::new(Mutex::new(HashMap::new()));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(serve(listener, pages.clone(), requests.clone())).abort_handle();
        Self {
            address,
            pages,
            requests,
            task,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn put(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    /// Puts TLS in front, with a certificate of its own authority for `localhost`. Gives the authority as PEM, and where the
    /// keys now are.
    #[cfg(all(feature = "discovery", feature = "tls"))]
    pub(super) async fn behind_tls(&self) -> (String, String) {
        use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![cert.der().clone()],
                signing_key.serialize_der().try_into().unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!(
            "https://localhost:{}/jwks",
            listener.local_addr().unwrap().port()
        );
        let behind = self.address;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut plain = tokio::net::TcpStream::connect(behind).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
                }
            }
        });
        (cert.pem(), url)
    }

    /// The paths asked for so far.
    pub(super) fn requests(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .map(|request| request.path.clone())
            .collect()
    }

    /// The last request.
    #[cfg(feature = "discovery")]
    pub(super) fn last(&self) -> Exchange {
        self.requests.lock().unwrap().last().unwrap().clone()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    pages: Arc<Mutex<HashMap<String, Page>>>,
    requests: Arc<Mutex<Vec<Exchange>>>,
) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let (pages, requests) = (pages.clone(), requests.clone());
        tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            let head = String::from_utf8(head).unwrap();
            let path = head.split(' ').nth(1).unwrap().to_owned();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            if stream.read_exact(&mut body).await.is_err() {
                return;
            }
            let body = String::from_utf8(body).unwrap();
            let page = pages.lock().unwrap().get(&path).cloned();
            requests.lock().unwrap().push(Exchange { path, head, body });
            let page = page.unwrap_or_else(|| Page::with("404 Not Found", "", ""));
            tokio::time::sleep(page.delay).await;
            let _ = stream.write_all(&page.bytes).await;
            if page.hang {
                std::future::pending::<()>().await;
            }
            let _ = stream.shutdown().await;
        });
    }
}
