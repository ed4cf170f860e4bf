//! A connection that is opened anew when the server closes it.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::Response;
use hyper::body::Incoming;
use tokio::sync::Mutex;

use crate::{
    Outcome,
    connection::Connection,
    material::{Carried, Material},
    target::Target,
};

/// How often in a row a connection may close without an answer.
const PATIENCE: usize = 3;

/// What connections of one run have in common.
pub struct Lines {
    pub target: Target,
    pub material: Material,
    /// How many were opened anew.
    pub renewed: AtomicUsize,
}

/// One of those who send on a line, one request after the other.
pub struct Sender {
    lines: Arc<Lines>,
    line: Arc<Line>,
    connection: Connection,
    /// How many connections the line had before this one.
    age: usize,
}

struct Line {
    number: usize,
    /// The latest connection and its age; `None` if it cannot be shared.
    latest: Mutex<(usize, Option<Connection>)>,
}

impl Lines {
    /// Opens a connection, for so many senders if it can be shared.
    pub async fn open(self: &Arc<Self>, number: usize, senders: usize) -> Outcome<Vec<Sender>> {
        let connection = self.connect(number).await?;
        let line = Arc::new(Line {
            number,
            latest: Mutex::new((0, connection.share())),
        });
        let sender = |connection| Sender {
            lines: Arc::clone(self),
            line: Arc::clone(&line),
            connection,
            age: 0,
        };
        let others = (1..senders).map_while(|_| connection.share());
        let mut all: Vec<_> = others.map(sender).collect();
        all.push(sender(connection));
        Ok(all)
    }

    async fn connect(&self, number: usize) -> Outcome<Connection> {
        let client = self.material.client(number);
        let certificate = client.and_then(|client| client.certificate.as_ref());
        self.target.connect(certificate).await
    }
}

impl Sender {
    /// The number of the connection.
    pub fn number(&self) -> usize {
        self.line.number
    }

    /// Sends it again if the connection closes, as servers do after so many requests. Should the server have dealt with it
    /// already, it will tell by refusing a proof that it has seen.
    pub async fn send(&mut self, carried: &Carried<'_>) -> Outcome<Response<Incoming>> {
        let mut patience = PATIENCE;
        loop {
            let request = self.lines.target.request(carried);
            match self.connection.send(request).await {
                Ok(response) => return Ok(response),
                Err(_) if patience > 0 => {
                    patience -= 1;
                    self.renew().await?;
                }
                Err(error) => {
                    let why = error.source().map(|source| format!(": {source}"));
                    let why = why.unwrap_or_default();
                    let text = format!(
                        "the connection ended without an answer: {error}{why}. Does the server speak the --http asked for, \
                         and TLS if the URL says so?"
                    );
                    return Err(text.into());
                }
            }
        }
    }

    /// Goes over to the line's next connection, which whoever comes first opens.
    async fn renew(&mut self) -> Outcome {
        let mut latest = self.line.latest.lock().await;
        if latest.0 > self.age
            && let Some(connection) = latest.1.as_ref().and_then(Connection::share)
        {
            self.connection = connection;
        } else {
            self.connection = self.lines.connect(self.line.number).await?;
            self.lines.renewed.fetch_add(1, Ordering::Relaxed);
            *latest = (latest.0 + 1, self.connection.share());
        }
        self.age = latest.0;
        Ok(())
    }
}
