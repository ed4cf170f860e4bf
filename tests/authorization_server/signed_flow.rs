//! The crate's own client at the crate's own authorization server, over real TLS: request and response are signed, and the
//! response is encrypted (FAPI 2.0 Message Signing §5.3 and §5.4).

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_fapi::{
    authorization_server::AuthorizationServerBuilder,
    client::{
        AuthorizationRequest, AuthorizationResponse, CallbackError, Client, ClientBuilder,
        ClientError, TrustedRoots, step,
    },
    jose::{
        JwsAlgorithm, SigningKey,
        jwe::{DecryptionKey, DecryptionKeys, JweAlgorithm},
    },
    tls::{ClientCertificates, Server, ServerIdentity, ServerTls},
};

use crate::{
    browser::{Browser, landed},
    configuration::builder_for,
    world::{Alice, CALLBACK, World},
};

/// A server for real connections, and what a client of it trusts.
pub struct Running {
    pub issuer: String,
    certificate: String,
    pub world: World,
}

impl Running {
    pub async fn start(
        register: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("https://{}", listener.local_addr().unwrap());
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap().pem();
        let pem = key.serialize_pem();
        let identity = ServerIdentity::from_pem(certificate.as_bytes(), pem.as_bytes()).unwrap();
        let tls = ServerTls::new(&identity, &ClientCertificates::AnyRequested).unwrap();
        let builder = register(builder_for(&issuer).authenticator(Alice));
        let router = builder.build().unwrap().router();
        // The browser is one without a network: it only needs the pages.
        let mut world = World::new();
        world.router = router.clone();
        tokio::spawn(Server::https(tls).serve(listener, router));
        Self {
            issuer,
            certificate,
            world,
        }
    }

    pub fn client(&self, key: SigningKey, dpop: SigningKey) -> ClientBuilder<step::Bound> {
        self.named("treasury", key, dpop)
    }

    pub fn named(
        &self,
        client_id: &str,
        key: SigningKey,
        dpop: SigningKey,
    ) -> ClientBuilder<step::Bound> {
        let roots = TrustedRoots::from_pem(self.certificate.as_bytes()).unwrap();
        Client::builder(self.issuer.parse().unwrap(), client_id)
            .trusted_roots(roots)
            .private_key_jwt(key)
            .dpop(dpop)
    }
}

pub fn key(algorithm: JwsAlgorithm) -> SigningKey {
    SigningKey::generate(algorithm).unwrap()
}

fn registration(keys: &Value) -> Value {
    json!({
        "client_id": "treasury",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": { "keys": keys },
        "scope": "accounts",
        "dpop_bound_access_tokens": true,
        "require_signed_request_object": true,
        "request_object_signing_alg": "EdDSA",
        "response_modes": ["jwt"],
        "authorization_encrypted_response_alg": "ECDH-ES+A256KW",
        "authorization_encrypted_response_enc": "A256GCM",
    })
}

#[tokio::test]
async fn client_and_server_sign_what_they_say() {
    let (assertions, requests) = (key(JwsAlgorithm::Es256), key(JwsAlgorithm::EdDsa));
    let decryption = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let keys = json!([
        assertions.public().to_members(),
        requests.public().to_members(),
        decryption.public().unwrap().to_members(),
    ]);
    let metadata = serde_json::from_value(registration(&keys)).unwrap();
    let running = Running::start(|builder| builder.client(metadata)).await;
    let client = running
        .client(assertions, key(JwsAlgorithm::Es256))
        .signed_requests(requests)
        .encrypted_responses(DecryptionKeys::new([decryption]))
        .build()
        .unwrap();
    let request = AuthorizationRequest::new(CALLBACK).unwrap();
    let request = request.scope("accounts").unwrap();

    let pending = client.authorize(&request).await.unwrap();
    let mut browser = Browser::new(&running.world);
    let url = browser
        .approve("treasury", &request_uri(pending.url()))
        .await;
    let response = AuthorizationResponse::from_url(url.as_str()).unwrap();
    let tokens = client.complete(&pending, &response).await.unwrap();
    assert_eq!(tokens.scope(), Some("accounts"));

    // A denial is as well sealed, and the answer to one request is none to another.
    let denied = client.authorize(&request).await.unwrap();
    let foreign = client.complete(&denied, &response).await.err();
    assert!(matches!(
        foreign,
        Some(ClientError::Callback(CallbackError::WrongState))
    ));
    let page = browser.open("treasury", &request_uri(denied.url())).await;
    let url = landed(&browser.submit(&page, &[], "deny").await);
    let response = AuthorizationResponse::from_url(url.as_str()).unwrap();
    match client.complete(&denied, &response).await {
        Err(ClientError::Callback(CallbackError::Refused(error))) => {
            assert_eq!(error.code(), "access_denied");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_does_not_sign_as_registered_gets_no_further_than_the_push() {
    let (assertions, requests) = (key(JwsAlgorithm::Es256), key(JwsAlgorithm::EdDsa));
    let decryption = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let keys = json!([
        assertions.public().to_members(),
        requests.public().to_members(),
        decryption.public().unwrap().to_members(),
    ]);
    let metadata = serde_json::from_value(registration(&keys)).unwrap();
    let running = Running::start(|builder| builder.client(metadata)).await;
    let request = AuthorizationRequest::new(CALLBACK).unwrap();
    let request = request.scope("accounts").unwrap();

    // With a key that is not registered.
    let unregistered = running
        .client(assertions, key(JwsAlgorithm::Es256))
        .signed_requests(key(JwsAlgorithm::EdDsa))
        .signed_responses()
        .build()
        .unwrap();
    match unregistered.authorize(&request).await {
        Err(ClientError::Refused { error, .. }) => {
            assert_eq!(error.code(), "invalid_request_object");
        }
        other => panic!("{other:?}"),
    }
}

pub fn request_uri(url: &url::Url) -> String {
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(name, _)| name == "request_uri");
    found.unwrap().1.into_owned()
}
