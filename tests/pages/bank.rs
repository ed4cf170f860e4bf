//! An authorization server with people and a client, and another origin where the client and a stranger are.

use std::{collections::BTreeMap, time::Duration};

use axum::{Router, body::Body, extract::Query, response::Html, routing::get};
use http::{Request, header};
use http_body_util::BodyExt as _;
use rcgen::CertifiedKey;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use tower_fapi::{
    authorization_server::{
        AuthorizationDetailsType, AuthorizationServer, DetailMember, DetailValue, Lifetimes,
        ScopeDescription, SigningKeys,
        pages::Branding,
        people::{
            ConfiguredUsers, Password, StandardClaims, TotpSecret, UserConfig, hash_password,
        },
    },
    jose::{JwsAlgorithm, SigningKey},
    testing::Document,
    time::{Clock as _, SystemClock},
    tls::{ClientCertificates, Server, ServerIdentity, ServerTls},
};
use url::form_urlencoded::Serializer;

pub const CLIENT: &str = "budget-planner";
pub const PASSWORD: &str = "correct horse battery staple";

/// How many requests of a kind there are to open.
const REQUESTS: usize = 12;

/// Two people whose secrets are with the script, one who has none.
const WITH_SECOND_FACTOR: [(&str, &str); 2] = [("bob", "Bob Example"), ("carol", "Carol Example")];

pub struct Bank {
    pub issuer: String,
    /// The other origin: the client's callback, and a page that puts any other into a frame.
    pub elsewhere: String,
    pub totp: Value,
    router: Router,
    key: SigningKey,
}

impl Bank {
    pub async fn open() -> Self {
        let own = rcgen::generate_simple_self_signed(["localhost".into(), "127.0.0.1".into()]);
        let (front, port) = bind().await;
        let issuer = format!("https://localhost:{port}");
        let (other, port) = bind().await;
        let elsewhere = format!("https://127.0.0.1:{port}");
        let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
        let (people, totp) = people();
        let mut lifetimes = Lifetimes::default();
        // The script takes its time.
        lifetimes.pushed_request = Duration::from_secs(599);
        let client = json!({
            "client_id": CLIENT,
            "client_name": "Budget Planner",
            "redirect_uris": [format!("{elsewhere}/callback")],
            "post_logout_redirect_uris": [format!("{elsewhere}/bye")],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [key.public().to_members()] },
            "scope": "accounts payments",
            "authorization_details_types": ["payment_initiation"],
            "dpop_bound_access_tokens": true,
        });
        let server = AuthorizationServer::builder(&issuer)
            .audience("https://api.example")
            .scope(
                ScopeDescription::new("accounts", "See your accounts")
                    .allows("Names, numbers and balances"),
            )
            .scope(ScopeDescription::new("payments", "Make payments"))
            .authorization_details_type(payment_type())
            .client(serde_json::from_value(client).unwrap())
            .authenticator(ConfiguredUsers::new(people).unwrap())
            .signing_keys(SigningKeys::generate(JwsAlgorithm::Es256).unwrap())
            .lifetimes(lifetimes)
            .branding(Branding::new("Example Bank").help("Questions? Call us at +00 000 000."))
            .build()
            .unwrap();
        let own = own.unwrap();
        serve(front, &own, server.router());
        serve(other, &own, another_origin());
        Self {
            router: server.router(),
            issuer,
            elsewhere,
            totp,
            key,
        }
    }

    /// Pushes as many requests as anybody needs, and returns their `request_uri`s.
    pub async fn push_many(&self, parameters: &Value) -> Vec<String> {
        let mut pushed = Vec::new();
        for _ in 0..REQUESTS {
            pushed.push(self.push(parameters).await);
        }
        pushed
    }

    async fn push(&self, parameters: &Value) -> String {
        let now = SystemClock.now().as_unix();
        let claims = json!({
            "iss": CLIENT, "sub": CLIENT, "aud": self.issuer,
            "jti": uuid::Uuid::new_v4().to_string(), "iat": now, "exp": now + 60,
        });
        let header = r#"{"alg":"ES256"}"#;
        let assertion = Document::sign_texts(&self.key, header, &claims.to_string());
        let mut form = Serializer::new(String::new());
        form.extend_pairs([
            ("client_id", CLIENT),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", &assertion),
            ("response_type", "code"),
            ("redirect_uri", &format!("{}/callback", self.elsewhere)),
            ("state", "the state"),
            // RFC 7636 Appendix B.
            (
                "code_challenge",
                "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            ),
            ("code_challenge_method", "S256"),
        ]);
        let parameters: &Map<String, Value> = parameters.as_object().unwrap();
        for (name, value) in parameters {
            form.append_pair(name, value.as_str().unwrap());
        }
        let request = Request::post(format!("{}/par", self.issuer))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.finish()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        body["request_uri"].as_str().expect("pushed").to_owned()
    }
}

/// What a payment asks for.
pub fn payment() -> Value {
    let details = json!([{
        "type": "payment_initiation",
        "instructedAmount": {"currency": "EUR", "amount": "1123.50"},
        "creditorName": "Merchant A Ltd",
        "creditorAccount": {"iban": "DE02100100109307118603"},
        "remittanceInformationUnstructured": "Invoice 2027-118",
    }]);
    json!({ "authorization_details": details.to_string() })
}

fn payment_type() -> AuthorizationDetailsType {
    let required = DetailMember::required;
    AuthorizationDetailsType::new("payment_initiation", "Payment")
        .member(required("instructedAmount", "Amount", DetailValue::Amount).prominent())
        .member(required("creditorName", "To", DetailValue::Text).prominent())
        .member(required("creditorAccount", "Account", DetailValue::Account))
        .member(DetailMember::optional(
            "remittanceInformationUnstructured",
            "Reference",
            DetailValue::Text,
        ))
}

fn people() -> (Vec<UserConfig>, Value) {
    let password_hash = hash_password(&Password::from(PASSWORD.to_owned())).unwrap();
    let person = |name: &str, display_name: &str, totp_secret| UserConfig {
        username: name.to_owned(),
        subject: format!("subject-of-{name}"),
        display_name: display_name.to_owned(),
        password_hash: password_hash.clone(),
        totp_secret,
        claims: StandardClaims::default(),
    };
    let mut people = vec![person("alice", "Alice Example", None)];
    let mut secrets = Map::new();
    for (name, display_name) in WITH_SECOND_FACTOR {
        let secret = TotpSecret::generate().unwrap().to_base32().to_string();
        secrets.insert(name.to_owned(), secret.clone().into());
        people.push(person(name, display_name, Some(secret.into())));
    }
    (people, secrets.into())
}

/// Where the client is, and whoever would like to put the bank's pages into a frame of theirs.
fn another_origin() -> Router {
    let frame = |Query(query): Query<BTreeMap<String, String>>| async move {
        let url = query["url"].replace('&', "&amp;");
        Html(format!(
            "<!doctype html><title>Frame</title><iframe src=\"{url}\"></iframe>"
        ))
    };
    Router::new()
        .route("/frame", get(frame))
        .fallback(|| async { Html("<!doctype html><title>Elsewhere</title>") })
}

async fn bind() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn serve(listener: TcpListener, own: &CertifiedKey<rcgen::KeyPair>, router: Router) {
    let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let identity = ServerIdentity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let tls = ServerTls::new(&identity, &ClientCertificates::NotRequested).unwrap();
    tokio::spawn(Server::https(tls).serve(listener, router));
}
