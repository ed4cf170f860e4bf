//! A server whose listener the test plays, and the clients of it.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::Empty;
use hyper::{
    body::Incoming,
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use tokio::{
    io::{AsyncRead, AsyncReadExt, DuplexStream, duplex},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::Instant,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::tls::{
    ClientCertificates, Server, ServerIdentity, ServerTls, crypto_provider, server::Listener,
};

/// A listener whose connections and errors come from the test.
pub(super) struct Scripted(tokio::sync::Mutex<mpsc::UnboundedReceiver<io::Result<DuplexStream>>>);

impl Listener for Scripted {
    type Stream = DuplexStream;

    async fn accept(&self) -> io::Result<(DuplexStream, SocketAddr)> {
        let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7);
        match self.0.lock().await.recv().await {
            Some(accepted) => accepted.map(|stream| (stream, peer)),
            None => std::future::pending().await,
        }
    }
}

/// A body that goes on until the test ends it.
pub(super) struct Spoken(mpsc::UnboundedReceiver<Bytes>);

impl Body for Spoken {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.poll_recv(cx);
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

pub(super) struct Running {
    pub(super) listener: mpsc::UnboundedSender<io::Result<DuplexStream>>,
    /// Speaks the body of `/stream`; that of `/` is empty.
    pub(super) stream: Arc<Mutex<Option<mpsc::UnboundedSender<Bytes>>>>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
    pub(super) began: Instant,
}

impl Running {
    pub(super) fn start(server: Server) -> Self {
        let (listener, accepted) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let stream = Arc::new(Mutex::new(None));
        let speaker = Arc::clone(&stream);
        let service = tower::service_fn(move |request: Request<Incoming>| {
            let (speak, spoken) = mpsc::unbounded_channel();
            if request.uri().path() == "/stream" {
                speaker.lock().unwrap().replace(speak);
            }
            async { Ok::<_, Infallible>(Response::new(Spoken(spoken))) }
        });
        let scripted = Scripted(tokio::sync::Mutex::new(accepted));
        let ended = tokio::spawn(server.accept_from(scripted, service, async {
            stopped.await.ok();
        }));
        Self {
            listener,
            stream,
            stop,
            ended,
            began: Instant::now(),
        }
    }

    pub(super) fn connect(&self) -> DuplexStream {
        let (ours, theirs) = duplex(64 * 1024);
        self.listener.send(Ok(theirs)).unwrap();
        ours
    }

    pub(super) fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// Tells the server to end, and says how many seconds later it has.
    pub(super) async fn stop(self) -> u64 {
        let asked = Instant::now();
        self.stop.send(()).unwrap();
        self.ended.await.unwrap();
        asked.elapsed().as_secs()
    }
}

/// Waits for an answer's head.
pub(super) async fn answered(stream: &mut DuplexStream) {
    let mut seen = Vec::new();
    while !seen.windows(4).any(|it| it == b"\r\n\r\n") {
        let read = stream.read_buf(&mut seen).await.unwrap();
        assert_ne!(read, 0, "closed without an answer");
    }
    assert!(seen.starts_with(b"HTTP/1.1 200 "), "{seen:?}");
}

/// Waits until the server has hung up.
pub(super) async fn hung_up(stream: &mut (impl AsyncRead + Unpin)) {
    stream.read_to_end(&mut Vec::new()).await.ok();
}

/// An HTTP/2 client that does all that is asked of it, and its connection's end.
pub(super) async fn http2(
    server: &Running,
) -> (
    SendRequest<Empty<Bytes>>,
    JoinHandle<Result<(), hyper::Error>>,
) {
    let io = TokioIo::new(server.connect());
    let (sender, connection) = handshake(TokioExecutor::new(), io).await.unwrap();
    (sender, tokio::spawn(connection))
}

pub(super) fn tls() -> (ServerTls, Arc<ClientConfig>) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let identity = ServerIdentity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let mut trusted = RootCertStore::empty();
    trusted.add(own.cert.der().clone()).unwrap();
    let mut client = ClientConfig::builder_with_provider(Arc::new(crypto_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec()];
    let server = ServerTls::new(&identity, &ClientCertificates::AnyRequested).unwrap();
    (server, Arc::new(client))
}

pub(super) async fn over_tls(
    stream: DuplexStream,
    client: Arc<ClientConfig>,
) -> TlsStream<DuplexStream> {
    let name = "localhost".try_into().unwrap();
    let stream = TlsConnector::from(client).connect(name, stream).await;
    stream.unwrap()
}
