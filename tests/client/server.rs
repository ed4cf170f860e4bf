//! A server that says what it was told to say, and remembers what was said to it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use axum::{Extension, Router, body::Bytes, extract::Request, response::Response};
use http::{HeaderMap, Method};
use serde_json::{Map, Value};
use tokio::{net::TcpListener, task::AbortHandle};
use tower_fapi::{
    dpop::{ProofPolicy, ProofRequest, ProofVerifier, proof_header},
    jose::{CompactJws, JwkThumbprint, json, sha256},
    mtls::{CertificateThumbprint, PeerCertificate},
    tls::{Server as HttpServer, ServerTls},
};

use crate::support::NOW;

/// An answer. The last one for a path is given again and again.
#[derive(Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, body.to_string()).header("content-type", "application/json")
    }

    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub certificate: Option<CertificateThumbprint>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok();
        assert_eq!(values.next(), None, "{name} twice");
        value
    }

    /// The form, which must hold each name once.
    pub fn form(&self) -> HashMap<String, String> {
        assert_eq!(
            self.header("content-type"),
            Some("application/x-www-form-urlencoded")
        );
        let mut form = HashMap::new();
        for (name, value) in form_urlencoded::parse(&self.body) {
            let before = form.insert(name.clone().into_owned(), value.into_owned());
            assert_eq!(before, None, "{name} twice");
        }
        form
    }

    /// The claims of the client assertion, unverified.
    pub fn assertion(&self) -> Map<String, Value> {
        payload(&self.form()["client_assertion"])
    }

    /// The claims of the proof, after a resource server's checks of it.
    pub fn proof(&self, url: &str, token: Option<&str>, key: JwkThumbprint) -> Map<String, Value> {
        let proof = proof_header(&self.headers).unwrap().expect("no proof");
        let hash = token.map(|token| sha256(token.as_bytes()));
        let request = ProofRequest {
            method: self.method.as_str(),
            target: &url.parse().unwrap(),
            access_token_hash: hash.as_ref(),
            bound_to: Some(key),
            now: NOW,
        };
        ProofVerifier::new(ProofPolicy::default())
            .verify(proof, &request)
            .unwrap();
        payload(proof)
    }
}

fn payload(jws: &str) -> Map<String, Value> {
    let payload = CompactJws::parse(jws).unwrap().payload().unwrap();
    json::object(&payload).unwrap()
}

#[derive(Clone, Default)]
struct Script {
    replies: Arc<Mutex<HashMap<String, VecDeque<Reply>>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A running server; ends when dropped.
pub struct Server {
    base: String,
    script: Script,
    task: AbortHandle,
}

impl Server {
    pub async fn start() -> Self {
        Self::run("http://127.0.0.1", HttpServer::plain_http()).await
    }

    pub async fn start_tls(tls: ServerTls) -> Self {
        Self::run("https://127.0.0.1", HttpServer::https(tls)).await
    }

    async fn run(origin: &str, http: HttpServer) -> Self {
        crate::emitted::watch();
        let script = Script::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("{origin}:{}", listener.local_addr().unwrap().port());
        let service = Router::new()
            .fallback(answer)
            .layer(Extension(script.clone()));
        let task = tokio::spawn(http.serve(listener, service)).abort_handle();
        Self { base, script, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sets what is answered at a path, one after the other.
    pub fn says(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies = replies.into_iter().collect();
        let mut all = self.script.replies.lock().unwrap();
        all.insert(path.to_owned(), replies);
    }

    /// Every request there was to this path.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        let all = self.script.seen.lock().unwrap();
        all.iter()
            .filter(|seen| seen.path == path)
            .cloned()
            .collect()
    }

    /// The only request there was to this path.
    pub fn only(&self, path: &str) -> Seen {
        let mut seen = self.seen(path);
        assert_eq!(seen.len(), 1, "{path}");
        seen.remove(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(Extension(script): Extension<Script>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let peer = head.extensions.get::<PeerCertificate>();
    let seen = Seen {
        method: head.method,
        path: path.clone(),
        query: head.uri.query().map(str::to_owned),
        certificate: peer.map(PeerCertificate::thumbprint),
        headers: head.headers,
        body: axum::body::to_bytes(body, 1 << 20).await.unwrap(),
    };
    script.seen.lock().unwrap().push(seen);
    let reply = {
        let mut replies = script.replies.lock().unwrap();
        match replies.get_mut(&path) {
            Some(queue) if queue.len() > 1 => queue.pop_front(),
            Some(queue) => queue.front().cloned(),
            None => Some(Reply::text(404, "")),
        }
    };
    let Some(reply) = reply else {
        // An empty list of answers: none ever comes.
        return std::future::pending().await;
    };
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(reply.body.into()).unwrap()
}
