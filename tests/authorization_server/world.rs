//! A server with a clock that is moved by hand, its clients, and how they ask.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;
use tower_fapi::{
    authorization_server::{
        AuthorizationDetailsType, AuthorizationServer, AuthorizationServerBuilder,
        ScopeDescription, SigningKeys,
        people::{
            Answer, Authenticated, AuthenticationFuture, Authenticator, AuthenticatorFault,
            LoginAttempt,
        },
        store::MemoryStore,
    },
    jose::{JwsAlgorithm, SigningKey, base64url, sha256},
    mtls::PeerCertificate,
    testing::{Document, DpopKey},
    time::{Clock, ManualClock, Timestamp},
};
use url::form_urlencoded::byte_serialize;

use crate::{
    certificates::{Authority, Certificate},
    clients::clients,
};

pub const ISSUER: &str = "https://as.example";
pub const PAR: &str = "https://as.example/par";
pub const TOKEN: &str = "https://as.example/token";
pub const MTLS_TOKEN: &str = "https://mtls.as.example/token";
pub const MTLS_PAR: &str = "https://mtls.as.example/par";
pub const API: &str = "https://api.example";
pub const OTHER_API: &str = "https://payments.example/v1";
pub const CALLBACK: &str = "https://client.example/callback";
pub const CALLBACK_WITH_QUERY: &str = "https://client.example/callback?bank=one&x=%7e";

pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The secret behind every challenge here (RFC 7636 Appendix B).
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub type Parameters = Vec<(String, String)>;

/// Everything a test needs.
pub struct World {
    pub server: AuthorizationServer,
    pub router: Router,
    pub clock: ManualClock,
    pub store: Arc<MemoryStore>,
    pub keys: SigningKeys,
    /// Signs the assertions of `dpop`, `other`, `no-refresh` and `certificate-bound`.
    pub client_key: SigningKey,
    pub dpop: DpopKey,
    pub authority: Authority,
    pub certificate: Certificate,
    pub self_signed: Certificate,
}

impl World {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub fn with(
        change: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        Self::with_types(crate::details::types(), change)
    }

    pub fn with_types(
        types: [AuthorizationDetailsType; 2],
        change: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        crate::emitted::watch();
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let store = Arc::new(MemoryStore::default());
        let client_key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
        let authority = Authority::new();
        let certificate = authority.issue("tls-client");
        let self_signed = Certificate::self_signed("self-signed");
        let keys = SigningKeys::generate(JwsAlgorithm::Es256).unwrap();
        let builder = described(&clock, &keys, &client_key, &authority, &self_signed, types);
        let builder = builder.store(store.clone());
        let server = change(builder).build().unwrap();
        Self {
            router: server.router(),
            server,
            clock,
            store,
            keys,
            client_key,
            dpop: DpopKey::generate(),
            authority,
            certificate,
            self_signed,
        }
    }

    /// Another instance of the server: the same keys, clients and clock, and a memory of its own.
    #[cfg(feature = "redis")]
    pub fn twin(
        &self,
        change: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Router {
        let builder = described(
            &self.clock,
            &self.keys,
            &self.client_key,
            &self.authority,
            &self.self_signed,
            crate::details::types(),
        );
        change(builder).build().unwrap().router()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Claims of an assertion that is right in everything.
    pub fn claims(&self, client_id: &str) -> Map<String, Value> {
        let now = self.now().as_unix();
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": ISSUER,
            "jti": uuid::Uuid::new_v4().to_string(), "iat": now, "exp": now + 60,
        });
        claims.as_object().unwrap().clone()
    }

    pub fn sign(&self, claims: &Map<String, Value>) -> String {
        let header = r#"{"alg":"ES256"}"#;
        Document::sign_texts(
            &self.client_key,
            header,
            &Value::Object(claims.clone()).to_string(),
        )
    }

    pub fn assertion(&self, client_id: &str) -> String {
        self.sign(&self.claims(client_id))
    }

    /// `client_id` and the two parameters of an assertion.
    pub fn authentication(&self, client_id: &str) -> Parameters {
        form([
            ("client_id", client_id),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", &self.assertion(client_id)),
        ])
    }

    pub fn proof(&self, url: &str) -> String {
        self.dpop.proof("POST", url, self.now()).sign()
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        send(self.router.clone(), request).await
    }

    /// A sound pushed request of the client called `dpop`, with parameters replaced or (with an empty value) left out.
    pub async fn push(&self, changes: &[(&str, &str)]) -> Reply {
        let parameters = self.pushed("dpop", changes);
        self.send(post(PAR, &parameters)).await
    }

    pub fn pushed(&self, client_id: &str, changes: &[(&str, &str)]) -> Parameters {
        let mut parameters = self.authentication(client_id);
        parameters.extend(request());
        changed(parameters, changes)
    }
}

/// A server, as far as every test wants it.
fn described(
    clock: &ManualClock,
    keys: &SigningKeys,
    client_key: &SigningKey,
    authority: &Authority,
    self_signed: &Certificate,
    types: [AuthorizationDetailsType; 2],
) -> AuthorizationServerBuilder {
    let builder = AuthorizationServer::builder(ISSUER)
        .mtls_base_url("https://mtls.as.example")
        .audience(API)
        .resource(OTHER_API)
        .scope(ScopeDescription::new("accounts", "See your accounts").allows("Balances too"))
        .scope(ScopeDescription::new("payments", "Make payments"))
        .scope(ScopeDescription::new("admin", "Do anything"))
        .clients(clients(client_key, self_signed))
        .client_certificate_authorities(authority.trusted())
        .authenticator(Alice)
        .signing_keys(keys.clone())
        .clock(clock.clone());
    types.into_iter().fold(
        builder,
        AuthorizationServerBuilder::authorization_details_type,
    )
}

/// What a good client asks for, without saying who it is.
pub fn request() -> Parameters {
    form([
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "accounts"),
        ("state", "the state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ])
}

pub fn form<const N: usize>(pairs: [(&str, &str); N]) -> Parameters {
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// The parameters with some replaced, added, or (with an empty value) left out.
pub fn changed(mut parameters: Parameters, changes: &[(&str, &str)]) -> Parameters {
    for (name, value) in changes {
        parameters.retain(|(known, _)| known != name);
        if !value.is_empty() {
            parameters.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    parameters
}

pub fn encode(parameters: &[(String, String)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| {
        let [name, value] =
            [name, value].map(|text| byte_serialize(text.as_bytes()).collect::<String>());
        format!("{name}={value}")
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// A form posted to an endpoint.
pub fn post(url: &str, parameters: &[(String, String)]) -> Request<Body> {
    Request::post(url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(encode(parameters)))
        .unwrap()
}

pub fn with_proof(mut request: Request<Body>, proof: &str) -> Request<Body> {
    request.headers_mut().append("dpop", proof.parse().unwrap());
    request
}

/// The request as it arrives over a connection with this client certificate.
pub fn over(mut request: Request<Body>, certificate: &Certificate) -> Request<Body> {
    let peer = PeerCertificate::new(certificate.der.clone(), []);
    request.extensions_mut().insert(peer);
    request
}

pub async fn send(router: Router, request: Request<Body>) -> Reply {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Reply {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{self:?}"
        );
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and `error` of a refusal, which nobody may cache and whose description keeps to RFC 6749 §5.2.
    #[track_caller]
    pub fn refusal(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let description = body["error_description"].as_str().unwrap();
        assert!(
            description
                .bytes()
                .all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        );
        let error = body["error"].as_str().unwrap_or_else(|| panic!("{self:?}"));
        (self.status.as_u16(), error.to_owned())
    }

    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        let body = self.json();
        body[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}: {self:?}"))
            .to_owned()
    }
}

/// Whoever knows her password is Alice.
#[derive(Debug)]
pub struct Alice;

impl Authenticator for Alice {
    fn authenticate(&self, attempt: LoginAttempt, now: Timestamp) -> AuthenticationFuture<'_> {
        let answer = match (attempt.username.as_str(), attempt.password.secret()) {
            ("alice", "wonderland") => Ok(Answer::Authenticated(Authenticated::with_password(
                "subject-1",
                "Alice",
                now,
            ))),
            ("hatter", _) => Ok(Answer::Throttled {
                retry_after: Duration::from_secs(7),
            }),
            ("rabbit", _) => Err(AuthenticatorFault::Busy),
            _ => Ok(Answer::Refused),
        };
        Box::pin(std::future::ready(answer))
    }
}

/// The claims of a token that is not verified here.
pub fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64url::decode(payload).unwrap()).unwrap()
}

#[test]
fn the_challenge_belongs_to_the_verifier() {
    assert_eq!(base64url::encode(sha256(VERIFIER.as_bytes())), CHALLENGE);
}
