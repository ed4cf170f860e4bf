//! A registered client that does by hand what the crate's client does, and can therefore do it wrong.

use http::{HeaderValue, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};
use tower_fapi::{
    client::AuthorizationResponse,
    dpop::DPOP,
    jose::{SigningKey, base64url, sha256},
    testing::{Document, DpopKey, ProofBuilder},
    time::Timestamp,
};
use url::Url;
use uuid::Uuid;

use super::{answer::Answer, form::Form};
use crate::{Outcome, browser::Browser, cast::KeyClient, world::World};

pub struct RawClient<'a> {
    pub who: &'a KeyClient,
    /// Signs assertions.
    pub key: SigningKey,
    /// Signs proofs.
    pub dpop: DpopKey,
    /// The secret behind the code challenge of every request of this client.
    pub verifier: String,
    pub world: &'a World,
    http: reqwest::Client,
}

/// `client_assertion_type` (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl<'a> RawClient<'a> {
    pub fn new(world: &'a World, who: &'a KeyClient) -> Outcome<Self> {
        Ok(Self {
            who,
            key: who.signing_key()?,
            dpop: DpopKey::generate(),
            verifier: unique(),
            world,
            http: world.http(None)?,
        })
    }

    pub fn now(&self) -> Timestamp {
        self.world.now()
    }

    /// The claims of an assertion with nothing wrong about it.
    pub fn assertion_claims(&self) -> Map<String, Value> {
        let now = self.now().as_unix();
        let claims = json!({
            "iss": self.who.id,
            "sub": self.who.id,
            "aud": self.world.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": unique(),
        });
        claims.as_object().cloned().unwrap_or_default()
    }

    /// An assertion with nothing wrong about it.
    pub fn assertion(&self) -> String {
        self.sign(&self.assertion_claims())
    }

    /// Signs any claims as an assertion.
    pub fn sign(&self, claims: &Map<String, Value>) -> String {
        let header = json!({ "alg": self.key.algorithm(), "kid": self.key.kid() });
        let claims = Value::Object(claims.clone());
        Document::sign_texts(&self.key, &header.to_string(), &claims.to_string())
    }

    /// The form with client authentication by this assertion.
    pub fn with_assertion(&self, form: Form, assertion: &str) -> Form {
        form.with("client_id", self.who.id)
            .with("client_assertion_type", ASSERTION_TYPE)
            .with("client_assertion", assertion)
    }

    /// The form with client authentication that nothing is wrong about.
    pub fn authenticated(&self, form: Form) -> Form {
        self.with_assertion(form, &self.assertion())
    }

    /// What is pushed, without client authentication.
    pub fn request(&self) -> Form {
        let challenge = base64url::encode(sha256(self.verifier.as_bytes()));
        Form::new([
            ("response_type", "code"),
            ("redirect_uri", self.who.redirect_uri),
            ("scope", "accounts"),
            ("state", "a-state"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ])
    }

    /// What a code is redeemed with, without client authentication.
    pub fn redemption(&self, code: &str) -> Form {
        Form::new([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.who.redirect_uri),
            ("code_verifier", &self.verifier),
        ])
    }

    /// A proof for one of the authorization server's endpoints.
    pub fn proof(&self, endpoint: &str) -> ProofBuilder {
        let url = format!("{}{endpoint}", self.world.issuer);
        self.dpop.proof("POST", &url, self.now())
    }

    /// Posts a form to an endpoint of the authorization server.
    pub async fn post(&self, endpoint: &str, form: &Form, proofs: &[String]) -> Outcome<Answer> {
        let url = format!("{}{endpoint}", self.world.issuer);
        Answer::to(posted(&self.http, &url, form, proofs)).await
    }

    /// Pushes a request and says what the browser has to open.
    pub async fn push(&self) -> Outcome<Url> {
        self.push_form(self.request()).await
    }

    /// Pushes what this form asks for.
    pub async fn push_form(&self, form: Form) -> Outcome<Url> {
        let form = self.authenticated(form);
        let proof = self.proof("/par").sign();
        let answer = self.post("/par", &form, &[proof]).await?;
        self.authorization_url(self.who.id, &answer.member("request_uri")?)
    }

    /// The authorization endpoint with a pushed request, or what pretends to be one.
    pub fn authorization_url(&self, client_id: &str, request_uri: &str) -> Outcome<Url> {
        let base = format!("{}/authorize", self.world.issuer);
        let parameters = [("client_id", client_id), ("request_uri", request_uri)];
        Ok(Url::parse_with_params(&base, parameters)?)
    }

    /// A code that Ada has approved.
    pub async fn code(&self, browser: &mut Browser) -> Outcome<String> {
        let url = self.push().await?;
        self.approved(&url, browser).await
    }

    async fn approved(&self, url: &Url, browser: &mut Browser) -> Outcome<String> {
        let back = browser.approve(url, &self.world.cast.ada).await?;
        // Nothing wrong with it, or the crate would not read it.
        AuthorizationResponse::from_url(back.as_str())?;
        let code = back.query_pairs().find(|(name, _)| name == "code");
        Ok(code.ok_or("no code")?.1.into_owned())
    }

    /// An access token for what this form asks for.
    pub async fn token(&self, form: Form, browser: &mut Browser) -> Outcome<String> {
        let url = self.push_form(form).await?;
        let code = self.approved(&url, browser).await?;
        let form = self.authenticated(self.redemption(&code));
        let proof = self.proof("/token").sign();
        let answer = self.post("/token", &form, &[proof]).await?;
        answer.member("access_token")
    }
}

/// A form on its way, with these proofs.
pub fn posted(
    http: &reqwest::Client,
    url: &str,
    form: &Form,
    proofs: &[String],
) -> reqwest::RequestBuilder {
    let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    let request = http
        .post(url)
        .header(CONTENT_TYPE, media_type)
        .body(form.encode());
    proofs
        .iter()
        .fold(request, |request, proof| request.header(DPOP, proof))
}

/// A text nobody has used before, fit for a code verifier (RFC 7636 §4.1).
pub fn unique() -> String {
    base64url::encode(sha256(Uuid::new_v4().as_bytes()))
}
