//! One connection, from its handshake to its end.

use std::{
    error::Error,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::{TowerToHyperService, TowerToHyperServiceFuture},
};
use pin_project_lite::pin_project;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tower::Service;
use tracing::debug;

use super::{
    activity::{Activity, InFlight, Tracked},
    limits::Limits,
};
use crate::mtls::{PeerAddr, PeerCertificate};

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// After the goodbye, a client that has nothing in flight gets this long to hang up.
const GOODBYE: Duration = Duration::from_secs(5);

/// What a connection needs beside its stream.
pub(super) struct Connection<S> {
    pub(super) service: S,
    pub(super) peer: PeerAddr,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) limits: Limits,
    /// Turns true when the server wants to end.
    pub(super) stop: watch::Receiver<bool>,
}

impl<S, B> Connection<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    /// Serves the stream until either side ends it. What goes wrong concerns this peer alone, and is only logged.
    pub(super) async fn run(
        mut self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) {
        let Some(config) = self.tls.take() else {
            let http = self.limits.http();
            return self.serve(stream, http, None).await;
        };
        let mut stop = self.stop.clone();
        let handshake = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            handshake = timeout(self.limits.handshake, TlsAcceptor::from(config).accept(stream)) => handshake,
        };
        match handshake.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => {
                let (http, certificate) = (negotiated(&self.limits, &stream), certificate(&stream));
                self.serve(stream, http, certificate).await;
            }
            Err(error) => debug!(peer = %self.peer, %error, "TLS handshake failed"),
        }
    }

    async fn serve(
        mut self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        http: Builder<TokioExecutor>,
        certificate: Option<PeerCertificate>,
    ) {
        let activity = Activity::new();
        let service = Introduced {
            inner: TowerToHyperService::new(self.service),
            peer: self.peer,
            certificate,
            activity: activity.clone(),
        };
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
        let mut patience = self.limits.idle;
        let mut leaving = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        debug!(peer = %self.peer, %error, "connection ended early");
                    }
                    return;
                }
                _ = self.stop.wait_for(|stop| *stop), if !leaving => {}
                () = activity.silence(patience) => if leaving { return },
            }
            // Requests in flight are answered, and no further ones accepted.
            connection.as_mut().graceful_shutdown();
            (leaving, patience) = (true, GOODBYE);
        }
    }
}

/// HTTP in the version that ALPN settled on; without ALPN it is HTTP/1.1 (RFC 9113 §3.2).
fn negotiated<I>(limits: &Limits, stream: &TlsStream<I>) -> Builder<TokioExecutor> {
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => limits.http().http2_only(),
        Some(_) | None => limits.http().http1_only(),
    }
}

/// The certificate of this handshake, or of the one whose session it resumed.
fn certificate<I>(stream: &TlsStream<I>) -> Option<PeerCertificate> {
    PeerCertificate::from_chain(stream.get_ref().1.peer_certificates()?)
}

/// Tells the service who is asking.
struct Introduced<S> {
    inner: TowerToHyperService<S>,
    peer: PeerAddr,
    certificate: Option<PeerCertificate>,
    activity: Activity,
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Introduced<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone,
{
    type Response = Response<Tracked<B>>;
    type Error = S::Error;
    type Future = Answer<S>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let extensions = request.extensions_mut();
        extensions.insert(self.peer);
        match &self.certificate {
            Some(certificate) => extensions.insert(certificate.clone()),
            None => extensions.remove::<PeerCertificate>(),
        };
        Answer {
            inner: self.inner.call(request),
            in_flight: Some(self.activity.begin()),
        }
    }
}

pin_project! {
    /// The inner answer, whose body keeps the request in flight.
    struct Answer<S>
    where
        S: Service<Request<Incoming>>,
    {
        #[pin]
        inner: TowerToHyperServiceFuture<S, Request<Incoming>>,
        in_flight: Option<InFlight>,
    }
}

impl<S, B> Future for Answer<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
{
    type Output = Result<Response<Tracked<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.inner.poll(cx))?;
        Poll::Ready(Ok(
            answer.map(|body| Tracked::new(body, this.in_flight.take()))
        ))
    }
}
