//! The resource server enforces tokens of `oidc-provider`, which runs as a program of its own.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdout, Stdio},
    time::Duration,
};

use axum::Router;
use serde_json::{Map, Value, json};
use tower_fapi::{
    issuer::{Discovery, IntrospectedTokens, Introspection, IssuerKeys},
    jose::{
        JwsAlgorithm, PrivateJwk,
        jwe::{DecryptionKey, DecryptionKeys, JweAlgorithm},
    },
    resource_server::{ResourceMetadata, ResourceServer, ResourceServerBuilder, TrustedIssuer},
    tls::ClientCertificates,
};

use crate::{
    api::routes,
    authority::{Authority, Certificate},
    node,
    registrations::{CALLBACK_WITH_QUERY, Inquirer, private_key, public, secret},
    script,
    world::{RootFile, bind, serve},
};

/// Ends with the test.
pub struct Provider {
    process: Child,
    pub issuer: String,
    /// Open as long as it may want to say something.
    stdout: BufReader<ChildStdout>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Provider {
    /// Starts it, and waits for the first line it says.
    pub fn start(input: &Value) -> Option<Self> {
        let mut node = script::find_with("provider.mjs", &["oidc-provider"])?;
        let mut process = node
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = process.stdin.take().unwrap();
        stdin.write_all(input.to_string().as_bytes()).unwrap();
        drop(stdin);
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let mut provider = Self {
            process,
            issuer: String::new(),
            stdout,
        };
        provider.stdout.read_line(&mut provider.issuer).unwrap();
        let said = provider.issuer.trim_end().len();
        provider.issuer.truncate(said);
        if provider.issuer.starts_with("skipped: ") {
            node::say(&provider.issuer);
            return None;
        }
        assert!(provider.issuer.starts_with("https://"), "it did not start");
        Some(provider)
    }
}

/// Who there is: two clients, the APIs that ask about tokens, and the key that one of them has its tokens encrypted to.
pub struct Cast {
    pub base: String,
    pub authority: Authority,
    key: PrivateJwk,
    certificate: Certificate,
    decryption: PrivateJwk,
    inquirers: [Inquirer; 4],
}

impl Cast {
    pub fn new(base: String) -> Self {
        let named = |id: &'static str| Inquirer::new(id, format!("{base}/{id}"), id == "encrypted");
        let authority = Authority::new();
        Self {
            inquirers: ["strict", "opaque", "signed", "encrypted"].map(named),
            key: private_key(JwsAlgorithm::Es256),
            certificate: authority.client("certified"),
            decryption: PrivateJwk::generate_for_decryption(JweAlgorithm::EcdhEsA256Kw).unwrap(),
            base,
            authority,
        }
    }

    /// What `oidc-provider` is told.
    pub fn configuration(&self) -> Value {
        let mut registrations = vec![
            client(json!({
                "client_id": "keyed",
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": "ES256",
                "jwks": { "keys": [public(&self.key)] },
                "dpop_bound_access_tokens": true,
            })),
            client(json!({
                "client_id": "certified",
                "token_endpoint_auth_method": "tls_client_auth",
                "tls_client_auth_subject_dn": "CN=certified",
                "tls_client_certificate_bound_access_tokens": true,
            })),
        ];
        registrations.extend(self.inquirers.iter().map(Inquirer::client));
        json!({
            "api": self.base,
            "ca": self.authority.pem(),
            "server": self.authority.server().both(),
            "encryption": {
                "alg": "ECDH-ES+A256KW", "enc": "A256GCM",
                "kid": self.decryption.public().kid(), "jwk": public(&self.decryption),
            },
            "registrations": registrations,
        })
    }

    /// What the script is told.
    fn input(&self, issuer: &str) -> Value {
        let inquirers = self.inquirers.iter();
        let inquirers: Map<_, _> = inquirers
            .map(|inquirer| (inquirer.id.to_owned(), inquirer.private()))
            .collect();
        json!({
            "issuer": issuer,
            "api": self.base,
            "ca": self.authority.pem(),
            "callback_with_query": CALLBACK_WITH_QUERY,
            "clients": {
                "keyed": { "key": secret(&self.key) },
                "certified": { "certificate": self.certificate.both() },
            },
            "inquirers": inquirers,
            "stranger": self.authority.client("stranger").both(),
        })
    }
}

/// A client as `oidc-provider` knows it.
fn client(mut metadata: Value) -> Value {
    for (name, value) in [
        ("redirect_uris", json!([CALLBACK_WITH_QUERY])),
        ("response_types", json!(["code"])),
        (
            "grant_types",
            json!(["authorization_code", "client_credentials"]),
        ),
        ("id_token_signed_response_alg", json!("ES256")),
        ("scope", json!("accounts")),
    ] {
        metadata[name] = value;
    }
    metadata
}

/// The APIs, each with a kind of token of its own.
pub struct Apis {
    pub cast: Cast,
    pub issuer: String,
    pub keys: IssuerKeys,
}

impl Apis {
    pub fn router(&self) -> Router {
        let mut all = Router::new();
        for path in ["/jwt", "/ps256", "/eddsa", "/ed25519", "/rs256"] {
            all = all.merge(self.open(path, self.trusted(), |builder| builder));
        }
        let key = DecryptionKey::new(&self.cast.decryption).unwrap();
        all = all.merge(self.open("/sealed", self.trusted(), |builder| {
            let keys = DecryptionKeys::new([key]);
            builder.decryption_keys(keys).require_encryption()
        }));
        for inquirer in &self.cast.inquirers {
            let asking = self.introspection(inquirer);
            // Of a token that a client has for itself it names no subject.
            let asking = match inquirer.id {
                "strict" => asking,
                "signed" => asking.signed_answers().accept_missing_subject(),
                "encrypted" => asking
                    .encrypted_answers(DecryptionKeys::new(inquirer.decryption_key()))
                    .accept_missing_subject(),
                _ => asking.accept_missing_subject(),
            };
            let issuer = self.trusted().introspect(asking);
            all = all.merge(self.open(&format!("/{}", inquirer.id), issuer, |builder| builder));
        }
        all
    }

    fn trusted(&self) -> TrustedIssuer {
        TrustedIssuer::new(&self.issuer, self.keys.clone())
    }

    fn introspection(&self, inquirer: &Inquirer) -> Introspection {
        Introspection::private_key_jwt(inquirer.id, inquirer.signing_key())
            .tokens(IntrospectedTokens::Opaque)
            .roots(self.cast.authority.roots())
            .remember_active_for(Duration::ZERO)
    }

    fn open(
        &self,
        path: &str,
        issuer: TrustedIssuer,
        settings: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder,
    ) -> Router {
        let builder = ResourceServer::builder(format!("{}{path}", self.cast.base), issuer)
            .metadata(ResourceMetadata::new().scopes(["accounts"]));
        routes(path, settings(builder).build().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_oidc_provider() {
    let Some(mut node) = script::find("provider-tokens.mjs") else {
        return;
    };
    crate::emitted::watch();
    let (listener, base) = bind().await;
    let cast = Cast::new(base);
    let Some(provider) = Provider::start(&cast.configuration()) else {
        return;
    };
    let discovery = Discovery::new(provider.issuer.parse().unwrap());
    let keys = discovery.fetcher(cast.authority.fetcher()).connect().await;
    let apis = Apis {
        cast,
        issuer: provider.issuer.clone(),
        keys: keys.unwrap(),
    };
    let authority = &apis.cast.authority;
    let any = ClientCertificates::AnyRequested;
    serve(listener, authority, &any, apis.router());

    let root = RootFile::write(&authority.pem());
    node.env("NODE_EXTRA_CA_CERTS", &root.0);
    let input = apis.cast.input(&provider.issuer);
    let worked = script::run(node, "provider-tokens.mjs", &input).await;
    assert_eq!(worked, 35);
}
