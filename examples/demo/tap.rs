//! Listens on the servers' side of TLS, so that what the client sends can be shown as it really arrives.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use http::{
    HeaderMap, Method, StatusCode,
    header::{CONTENT_TYPE, HOST},
};
use serde_json::Value;
use tower_fapi::mtls::{CertificateThumbprint, PeerCertificate};

use crate::{challenge, print};

/// Collects what passes through the routers it is put over or, from when it is told to, prints a line for each request.
#[derive(Clone, Default)]
pub struct Tap {
    passed: Arc<Mutex<Vec<Exchange>>>,
    prints: Arc<AtomicBool>,
}

/// A request and its answer.
pub struct Exchange {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    /// What the connection proved about the client.
    pub certificate: Option<CertificateThumbprint>,
    /// The fields of a form.
    pub form: Vec<(String, String)>,
    /// The body of the request, if it is JSON.
    pub content: Option<Value>,
    pub status: StatusCode,
    /// The `acr_values` of a challenge (RFC 9470 §3).
    pub acr_values: Option<String>,
    /// The body of the answer, if it is JSON.
    pub answer: Option<Value>,
}

/// Larger than anything that is said here.
const LIMIT: usize = 1024 * 1024;

impl Tap {
    /// Prints from now on and collects no longer.
    pub fn print(&self) {
        self.prints.store(true, Ordering::SeqCst);
    }

    /// Puts the tap over a server.
    pub fn over(&self, router: Router) -> Router {
        let tap = self.clone();
        router.layer(middleware::from_fn(move |request: Request, next: Next| {
            let tap = tap.clone();
            async move { tap.pass(request, next).await }
        }))
    }

    /// What has passed since the last time.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.passed())
    }

    fn passed(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(&self, request: Request, next: Next) -> Response {
        let (head, body) = request.into_parts();
        let (method, url, headers) = (head.method.clone(), url(&head), head.headers.clone());
        let certificate = head.extensions.get().map(PeerCertificate::thumbprint);
        if self.prints.load(Ordering::SeqCst) {
            let answer = next.run(Request::from_parts(head, body)).await;
            let status = answer.status();
            let (path, _query) = url.split_once('?').unwrap_or((&url, ""));
            print::line(format_args!(
                "  {} {:<4} {path}",
                status.as_u16(),
                method.as_str()
            ));
            return answer;
        }
        // The authorization server fetches the API's keys when it likes, and not in the step that is being shown.
        if head.uri.path() == "/jwks.json" {
            return next.run(Request::from_parts(head, body)).await;
        }
        // A body that breaks off arrives as an empty one, which is refused for what is missing.
        let body = to_bytes(body, LIMIT).await.unwrap_or_default();
        let content = is_json(&headers).then(|| serde_json::from_slice(&body).unwrap_or_default());
        let form = match content {
            Some(_) => Vec::new(),
            None => form_urlencoded::parse(&body).into_owned().collect(),
        };
        let request = Request::from_parts(head, Body::from(body));
        let (answer, body) = next.run(request).await.into_parts();
        let body = to_bytes(body, LIMIT).await.unwrap_or_default();
        let exchange = Exchange {
            method,
            url,
            headers,
            certificate,
            form,
            content,
            status: answer.status,
            acr_values: challenge::parameter(&answer.headers, "acr_values"),
            answer: is_json(&answer.headers)
                .then(|| serde_json::from_slice(&body).unwrap_or_default()),
        };
        self.passed().push(exchange);
        Response::from_parts(answer, Body::from(body))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

/// The whole URL: HTTP/2 has it in the request target, HTTP/1.1 has the host in a header.
fn url(head: &http::request::Parts) -> String {
    if head.uri.authority().is_some() {
        return head.uri.to_string();
    }
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    format!("https://{}{}", host.unwrap_or_default(), head.uri)
}
