//! The listener's side: accepting, counting, ending.

use std::{future::pending, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{JoinError, JoinSet},
    time::{sleep, timeout},
};
use tower::Service;
use tracing::{error, info, warn};

use super::{
    ServerTls,
    connection::{BoxError, Connection},
    limits::{LEAST_HEADER_BYTES, Limits},
};
use crate::mtls::PeerAddr;

/// Serves HTTP/1.1 and HTTP/2 on a listener. See the [module](super) for what requests carry, and an example.
///
/// Nothing a peer does ends the server: a failed or slow handshake, a broken connection or a panicking handler ends that
/// connection, and when the system has no more sockets to give, accepting waits a moment. The time a handler takes, or a
/// client for the body of a request, is not limited here: that is for a layer.
///
/// Protocol upgrades (RFC 9110 §7.8) are not offered.
#[derive(Clone, Debug)]
pub struct Server {
    tls: Option<ServerTls>,
    limits: Limits,
}

impl Server {
    /// A server that speaks TLS only (FAPI 2.0 Security Profile §5.2.1).
    #[must_use]
    pub fn https(tls: ServerTls) -> Self {
        Self {
            tls: Some(tls),
            limits: Limits::default(),
        }
    }

    /// A server without TLS: for loopback, or behind something that ends TLS on a network nobody else reads.
    ///
    /// Requests never carry a [`PeerCertificate`](crate::mtls::PeerCertificate). HTTP/2 is with prior knowledge.
    #[must_use]
    pub fn plain_http() -> Self {
        Self {
            tls: None,
            limits: Limits::default(),
        }
    }

    /// How long a TLS handshake may take; 10 s unless set.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.limits.handshake = timeout;
        self
    }

    /// How long a connection may be without a request in flight; 60 s unless set. A request is in flight from when its
    /// head has arrived until its answer has been produced, so this is also how long a head may take to arrive.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.limits.idle = timeout;
        self
    }

    /// The size that the head of a request may have, in bytes; 64 KiB unless set, and never less than 8 KiB.
    ///
    /// A larger one is answered 431, or ends the connection. HTTP/1.1 reads ahead, and may let pass up to twice as much.
    #[must_use]
    pub fn max_header_bytes(mut self, bytes: u32) -> Self {
        self.limits.header_bytes = bytes.max(LEAST_HEADER_BYTES);
        self
    }

    /// How many requests an HTTP/2 client may have in flight on one connection; 128 unless set.
    #[must_use]
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.limits.streams = streams;
        self
    }

    /// How many connections are served at once, at least one; as many as the system allows unless set. Further ones wait
    /// in the listener's backlog.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.limits.connections = Some(connections.clamp(1, Semaphore::MAX_PERMITS));
        self
    }

    /// How long requests in flight may take to end once the server is to end; 30 s unless set. Then they are cut off.
    #[must_use]
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.limits.drain = timeout;
        self
    }

    /// Serves for ever. Dropping the future cuts every connection off.
    pub async fn serve<S, B>(self, listener: TcpListener, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + 'static,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        self.serve_until(listener, service, pending()).await;
    }

    /// Serves until `stop` ends, then closes the listener, lets the requests in flight be answered, and returns when all
    /// connections have ended or [`drain_timeout`](Self::drain_timeout) has passed.
    ///
    /// Each connection gets a clone of `service`, and each request a clone of that. Finish a router of axum with
    /// `with_state(())`: until then it puts its layers around a copy of the route for each request.
    pub async fn serve_until<S, B>(
        self,
        listener: TcpListener,
        service: S,
        stop: impl Future<Output = ()>,
    ) where
        S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + 'static,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        self.accept_from(listener, service, stop).await;
    }

    pub(super) async fn accept_from<S, B>(
        self,
        listener: impl Listener,
        service: S,
        stop: impl Future<Output = ()>,
    ) where
        S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + 'static,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let Self { tls, limits } = self;
        let permits = limits.connections.map(|n| Arc::new(Semaphore::new(n)));
        let stopping = watch::Sender::new(false);
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                // The list must not grow with connections that have ended.
                Some(ended) = connections.join_next() => report(ended),
                (stream, peer, permit) = next(&listener, permits.as_ref()) => {
                    let connection = Connection {
                        service: service.clone(),
                        peer: PeerAddr(peer),
                        tls: tls.as_ref().map(ServerTls::current),
                        limits,
                        stop: stopping.subscribe(),
                    };
                    connections.spawn(async move {
                        connection.run(stream).await;
                        drop(permit);
                    });
                }
            }
        }
        drop(listener);
        stopping.send_replace(true);
        drain(connections, limits.drain).await;
    }
}

/// The next connection, when there is room for it.
async fn next<L: Listener>(
    listener: &L,
    permits: Option<&Arc<Semaphore>>,
) -> (L::Stream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // A little longer than it takes other connections to give back a socket or some memory.
    const BACK_OFF: Duration = Duration::from_millis(100);
    let permit = match permits {
        // Never closed, so never an error.
        Some(permits) => Arc::clone(permits).acquire_owned().await.ok(),
        None => None,
    };
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                warn!(%error, "cannot accept connections");
                sleep(BACK_OFF).await;
            }
        }
    }
}

/// Whether it was that one connection which failed, before it could be accepted.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

async fn drain(mut connections: JoinSet<()>, limit: Duration) {
    let drained = timeout(limit, async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    });
    if drained.await.is_ok() {
        info!("server ended");
    } else {
        warn!(
            connections = connections.len(),
            "server ended and cut connections off"
        );
        connections.shutdown().await;
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a request ended its connection");
    }
}

/// Where connections come from.
pub(super) trait Listener {
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = Self::accept(self).await?;
        // Answers are small and awaited; a socket that refuses the option still works.
        stream.set_nodelay(true).ok();
        Ok((stream, peer))
    }
}
