//! A server that says what it saw, and a client whose TLS can be bent.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
    client::ResolvesClientCert,
    crypto::{CryptoProvider, aws_lc_rs},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Notify, oneshot},
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower_fapi::{
    mtls::{PeerAddr, PeerCertificate},
    tls::{ClientCertificates, Server, ServerTls},
};

use crate::pairs::Pair;

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The server under test, on a loopback socket.
pub struct Running {
    pub addr: SocketAddr,
    pub own: Pair,
    pub tls: ServerTls,
    /// How many requests came as far as the service.
    pub served: Arc<AtomicUsize>,
    /// Lets a request for `/slow` be answered.
    pub release: Arc<Notify>,
    pub stop: Option<oneshot::Sender<()>>,
    pub ended: JoinHandle<()>,
}

impl Running {
    pub async fn start(clients: ClientCertificates) -> Self {
        Self::start_with(clients, |server| server).await
    }

    pub async fn start_with(
        clients: ClientCertificates,
        set: impl FnOnce(Server) -> Server,
    ) -> Self {
        let own = Pair::self_signed("localhost");
        let tls = ServerTls::new(&own.identity(), &clients).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (served, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let service = {
            let (served, release) = (Arc::clone(&served), Arc::clone(&release));
            tower::service_fn(move |request: Request<Incoming>| {
                served.fetch_add(1, Ordering::SeqCst);
                let release = Arc::clone(&release);
                async move {
                    match request.uri().path() {
                        "/slow" => release.notified().await,
                        "/panic" => panic!("a handler that panics"),
                        _ => {}
                    }
                    Ok::<_, Infallible>(describe(&request))
                }
            })
        };
        let ended =
            tokio::spawn(
                set(Server::https(tls.clone())).serve_until(listener, service, async {
                    stopped.await.ok();
                }),
            );
        Self {
            addr,
            own,
            tls,
            served,
            release,
            stop: Some(stop),
            ended,
        }
    }

    pub fn client(&self) -> Client {
        Client::trusting(&self.own)
    }

    pub fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

/// `<thumbprint or "-"> <peer address> <certificates beside the leaf>`
fn describe(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let certificate = request.extensions().get::<PeerCertificate>();
    let beside = certificate.map_or(0, |it| it.intermediates().len());
    let certificate = certificate.map_or("-".to_owned(), |it| it.thumbprint().to_string());
    let peer = request.extensions().get::<PeerAddr>().unwrap();
    Response::new(Full::from(format!("{certificate} {peer} {beside}")))
}

/// A TLS client, to be bent before it connects.
pub struct Client {
    trusted: RootCertStore,
    pub provider: CryptoProvider,
    pub versions: Vec<&'static SupportedProtocolVersion>,
    pub certificate: Option<Arc<dyn ResolvesClientCert>>,
    pub alpn: &'static [&'static str],
}

impl Client {
    pub fn trusting(server: &Pair) -> Self {
        let mut trusted = RootCertStore::empty();
        trusted.add(server.chain[0].clone()).unwrap();
        Self {
            trusted,
            provider: aws_lc_rs::default_provider(),
            versions: vec![&TLS13, &TLS12],
            certificate: None,
            alpn: &["http/1.1"],
        }
    }

    pub fn version(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    pub fn showing(self, pair: &Pair) -> Self {
        self.claiming(pair, pair)
    }

    pub fn claiming(mut self, shown: &Pair, signer: &Pair) -> Self {
        self.certificate = Some(shown.shown_by(signer));
        self
    }

    pub fn alpn(mut self, alpn: &'static [&'static str]) -> Self {
        self.alpn = alpn;
        self
    }

    pub fn config(self) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::new(self.provider))
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(self.trusted);
        let mut config = match self.certificate {
            Some(resolver) => builder.with_client_cert_resolver(resolver),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.iter().map(|it| it.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// One connection, one request.
    pub async fn get(self, addr: SocketAddr) -> Result<Seen, BoxError> {
        get(addr, self.config()).await
    }
}

/// What one exchange showed.
#[derive(Debug)]
pub struct Seen {
    /// The thumbprint the server saw, or `-`.
    pub certificate: String,
    /// How many more certificates of the client's chain it saw.
    pub beside: usize,
    pub tls: Option<ProtocolVersion>,
    pub suite: String,
    pub kind: Option<HandshakeKind>,
    pub http: Version,
}

pub async fn connect(
    addr: SocketAddr,
    config: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, BoxError> {
    let stream = TcpStream::connect(addr).await?;
    let name = "localhost".try_into()?;
    Ok(TlsConnector::from(config).connect(name, stream).await?)
}

pub async fn get(addr: SocketAddr, config: Arc<ClientConfig>) -> Result<Seen, BoxError> {
    let stream = connect(addr, config).await?;
    let local = stream.get_ref().0.local_addr()?;
    let tls = &stream.get_ref().1;
    let (version, kind) = (tls.protocol_version(), tls.handshake_kind());
    let suite = format!("{:?}", tls.negotiated_cipher_suite().unwrap().suite());
    let mut http = over(stream).await?;
    let answer = http.request("/").await?;
    let (http, text) = (answer.version(), text(answer).await?);
    let [certificate, peer, beside] = text.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{text}");
    };
    assert_eq!(peer, local.to_string());
    Ok(Seen {
        certificate: certificate.to_owned(),
        beside: beside.parse()?,
        tls: version,
        suite,
        kind,
        http,
    })
}

pub async fn text(answer: Response<Incoming>) -> Result<String, BoxError> {
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec())?)
}

/// A client's connection in whichever version ALPN gave.
pub enum Http {
    One(hyper::client::conn::http1::SendRequest<Empty<Bytes>>),
    Two(hyper::client::conn::http2::SendRequest<Empty<Bytes>>),
}

/// HTTP on a TLS connection, as ALPN settled it.
pub async fn over(stream: TlsStream<TcpStream>) -> Result<Http, BoxError> {
    let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Http::start(stream, two).await
}

impl Http {
    pub async fn start(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        two: bool,
    ) -> Result<Self, BoxError> {
        let io = TokioIo::new(stream);
        if two {
            let executor = TokioExecutor::new();
            let (sender, connection) = hyper::client::conn::http2::handshake(executor, io).await?;
            tokio::spawn(connection);
            Ok(Self::Two(sender))
        } else {
            let (sender, connection) = hyper::client::conn::http1::handshake(io).await?;
            tokio::spawn(connection);
            Ok(Self::One(sender))
        }
    }

    pub async fn request(&mut self, path: &str) -> Result<Response<Incoming>, BoxError> {
        self.send(Request::get(format!("https://localhost{path}")).body(Empty::new())?)
            .await
    }

    pub async fn send(
        &mut self,
        mut request: Request<Empty<Bytes>>,
    ) -> Result<Response<Incoming>, BoxError> {
        match self {
            Self::One(sender) => {
                *request.uri_mut() = request.uri().path().parse()?;
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
            Self::Two(sender) => {
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
        }
    }
}
