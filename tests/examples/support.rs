//! A directory with everything that a configuration file names, and those who sign.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
    response::Response,
};
use serde_json::Value;
use tower::ServiceExt as _;
use tower_fapi::{
    testing::{DpopKey, TestIssuer, TokenBuilder},
    time::{Clock as _, SystemClock, Timestamp},
};

use crate::setup::{Mistake, Setup, set_up};

pub const API: &str = "https://api.example.com";
/// Nobody answers there.
pub const ISSUER: &str = "https://127.0.0.1:1";

/// A small sound file.
pub const FILE: &str = r#"audiences = ["https://api.example.com"]
binding = "either"
[listen]
address = "127.0.0.1:0"
certificate = "chain.pem"
key = "key.pem"
[dpop]
nonces = false
[[issuer]]
issuer = "https://127.0.0.1:1"
jwks_file = "keys.json"
[[route]]
path = "/accounts"
methods = ["GET"]
scopes_all = ["accounts"]
"#;

/// Two secrets for nonces.
const SECRETS: &str = "# current\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n\n# the one before\nAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI\n";

/// What this server signs its questions to the issuer with: the key of RFC 7515 Appendix A.3.
const OWN_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

/// The file with another text for one of its lines, counted from 1.
pub fn file_with(line: usize, text: &str) -> String {
    let mut lines: Vec<_> = FILE.lines().collect();
    lines[line - 1] = text;
    lines.join("\n")
}

pub struct World {
    pub directory: PathBuf,
    pub chain: String,
    pub issuer: TestIssuer,
    pub client: DpopKey,
    pub now: Timestamp,
}

impl World {
    pub fn new() -> Self {
        Self::of(|_, _| TestIssuer::new(ISSUER, API))
    }

    /// With another issuer, which may need the server's certificate and key.
    pub fn of(issuer: impl FnOnce(&str, &str) -> TestIssuer) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("examples-{count}"));
        let directory = parent.join("resource_server");
        let sibling = parent.join("authorization_server");
        fs::create_dir_all(&directory).unwrap();
        fs::create_dir_all(&sibling).unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let issuer = issuer(&chain, &key);
        let other_key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let jwks = serde_json::to_string(&issuer.jwks()).unwrap();
        for (path, content) in [
            (directory.join("chain.pem"), &*chain),
            (directory.join("key.pem"), &key),
            (directory.join("other-key.pem"), &other_key),
            (directory.join("keys.json"), &jwks),
            (directory.join("secrets.txt"), SECRETS),
            (directory.join("no-secrets.txt"), "# none\n\n"),
            (directory.join("no-keys.json"), r#"{"keys":[]}"#),
            (directory.join("own-key.json"), OWN_KEY),
            (sibling.join("server-chain.pem"), &chain),
            (sibling.join("server-key.pem"), &key),
        ] {
            fs::write(path, content).unwrap();
        }
        Self {
            directory,
            chain,
            issuer,
            client: DpopKey::generate(),
            now: SystemClock.now(),
        }
    }

    pub fn set_up(&self, text: &str) -> Result<Setup, Vec<Mistake>> {
        set_up(text, &self.directory)
    }

    /// A server that has to be right.
    pub fn server(&self, text: &str) -> Setup {
        self.set_up(text).unwrap_or_else(|mistakes| {
            panic!("{mistakes:?}\n{text}");
        })
    }

    /// A good token for this scope.
    pub fn token(&self, scope: &str) -> TokenBuilder {
        let token = self.issuer.token(self.now).scope(scope);
        token.bound_to_key(self.client.thumbprint())
    }

    /// A good request, if the token is one.
    pub fn request(&self, method: &str, path: &str, token: &TokenBuilder) -> Request<Body> {
        self.request_at(method, path, token, API, self.now)
    }

    /// A good request whose proof holds this nonce.
    pub fn request_with_nonce(&self, path: &str, nonce: &str) -> Request<Body> {
        let token = self.token("accounts").mint();
        let proof = self.client.proof("GET", &format!("{API}{path}"), self.now);
        Request::get(path)
            .header("host", "api.example.com")
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof.access_token(&token).nonce(nonce).sign())
            .body(Body::empty())
            .unwrap()
    }

    /// A request whose proof was made for this URL in front of the path, at this time.
    pub fn request_at(
        &self,
        method: &str,
        path: &str,
        token: &TokenBuilder,
        base: &str,
        at: Timestamp,
    ) -> Request<Body> {
        let token = token.mint();
        let proof = self.client.proof(method, &format!("{base}{path}"), at);
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", "api.example.com")
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof.access_token(&token).sign())
            .body(Body::empty())
            .unwrap()
    }
}

pub async fn send(setup: &Setup, request: Request<Body>) -> Response {
    setup
        .app
        .clone()
        .oneshot(request)
        .await
        .unwrap()
        .map(Body::new)
}

/// The status, and the body as JSON if it is that.
pub async fn status_and_body(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}
