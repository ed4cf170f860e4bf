//! How much one server gives to its connections.

use std::time::Duration;

use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};

/// See the setters of [`Server`](super::Server) for what each means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) handshake: Duration,
    pub(super) idle: Duration,
    pub(super) header_bytes: u32,
    pub(super) streams: u32,
    pub(super) connections: Option<usize>,
    pub(super) drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            // An access token of 16 KiB, a proof of 8 KiB, and as much again for everything else.
            header_bytes: 64 * 1024,
            streams: 128,
            connections: None,
            drain: Duration::from_secs(30),
        }
    }
}

/// Hyper accepts no smaller buffer for HTTP/1.1.
pub(super) const LEAST_HEADER_BYTES: u32 = 8 * 1024;

/// An HTTP/2 client that answers no ping for this long has gone.
const PING: Duration = Duration::from_secs(20);

impl Limits {
    /// A builder of connections within these limits.
    pub(super) fn http(&self) -> Builder<TokioExecutor> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .max_buf_size(usize::try_from(self.header_bytes).unwrap_or(usize::MAX))
            // A slow head is an idle connection, and those have their own clock, which knows HTTP/2, too.
            .header_read_timeout(None);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(self.header_bytes)
            .max_concurrent_streams(self.streams)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        builder
    }
}
