//! The clients of the authorization server under test, and the resource servers that ask it about tokens.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use tower_fapi::{
    authorization_server::{ClientMetadata, ResourceMetadata},
    jose::{
        JwsAlgorithm, PrivateJwk, SigningKey,
        jwe::{DecryptionKey, JweAlgorithm},
    },
};

use crate::authority::{Authority, Certificate};

/// No client is there: the scripts read the address they would be sent to.
pub const CALLBACK: &str = "https://client.example/callback";
pub const SIGNED_OUT: &str = "https://client.example/signed-out";
pub const CALLBACK_WITH_QUERY: &str = "https://client.example/callback?bank=one";

/// What the servers are told of clients and resource servers, and what the scripts are.
#[derive(Default)]
pub struct Registrations {
    pub clients: Vec<ClientMetadata>,
    /// By `client_id`: keys and certificates with their private halves.
    pub private: Map<String, Value>,
}

impl Registrations {
    pub fn new(authority: &Authority) -> Self {
        let mut all = Self::default();
        let dpop = json!({ "dpop_bound_access_tokens": true });
        for (id, algorithm) in [
            ("dpop", JwsAlgorithm::Es256),
            ("dpop-ps256", JwsAlgorithm::Ps256),
            ("dpop-eddsa", JwsAlgorithm::EdDsa),
        ] {
            all.with_key(id, algorithm, &dpop);
        }
        all.with_certificates(authority);
        all.signers();
        all.fapi1(authority);
        all.openid();
        let alone = json!({
            "grant_types": ["client_credentials"],
            "redirect_uris": [],
            "authorization_details_types": [],
            "scope": "reports",
        });
        all.with_key("alone", JwsAlgorithm::Es256, &merged(&dpop, &alone));
        all
    }

    fn with_key(&mut self, id: &str, algorithm: JwsAlgorithm, changes: &Value) {
        let key = private_key(algorithm);
        self.add(id, &[public(&key)], changes);
        self.private[id]["key"] = secret(&key);
    }

    /// `tls_client_auth`, `self_signed_tls_client_auth`, and an assertion with certificate-bound tokens.
    fn with_certificates(&mut self, authority: &Authority) {
        let bound = json!({ "tls_client_certificate_bound_access_tokens": true });
        let by_subject = merged(
            &bound,
            &json!({
                "token_endpoint_auth_method": "tls_client_auth",
                "tls_client_auth_subject_dn": "CN=mtls",
                "scope": "openid email accounts",
            }),
        );
        self.add("mtls", &[], &by_subject);
        self.private["mtls"]["certificate"] = authority.client("mtls").both();

        let own = Certificate::self_signed("self-signed");
        let registered = merged(
            &bound,
            &json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth" }),
        );
        self.add("self-signed", &[own.jwk()], &registered);
        self.private["self-signed"]["certificate"] = own.both();

        self.with_key("assertion-and-certificate", JwsAlgorithm::Es256, &bound);
        let certificate = authority.client("anything").both();
        self.private["assertion-and-certificate"]["certificate"] = certificate;
    }

    /// Clients that sign what they ask, or whose answers are signed or encrypted (FAPI 2.0 Message Signing §5.3 and §5.4).
    fn signers(&mut self) {
        let dpop = json!({ "dpop_bound_access_tokens": true });
        let signer = merged(&dpop, &json!({ "require_signed_request_object": true }));
        self.with_key("signer", JwsAlgorithm::Ps256, &signer);
        let answered = merged(&signer, &json!({ "response_modes": ["jwt", "query.jwt"] }));
        self.with_key("answered", JwsAlgorithm::Es256, &answered);

        let key = private_key(JwsAlgorithm::EdDsa);
        let decryption = PrivateJwk::generate_for_decryption(JweAlgorithm::EcdhEsA256Kw).unwrap();
        let sealed = merged(
            &answered,
            &json!({
                "authorization_signed_response_alg": "PS256",
                "authorization_encrypted_response_alg": "ECDH-ES+A256KW",
                "authorization_encrypted_response_enc": "A256GCM",
            }),
        );
        self.add("sealed", &[public(&key), public(&decryption)], &sealed);
        self.private["sealed"]["key"] = secret(&key);
        self.private["sealed"]["decryption_key"] = secret(&decryption);
    }

    /// Clients that want to know who has signed in.
    fn openid(&mut self) {
        let usual = json!({
            "dpop_bound_access_tokens": true,
            "scope": "openid email accounts",
            "post_logout_redirect_uris": [SIGNED_OUT],
        });
        let signed = |alg: &str| {
            merged(
                &usual,
                &json!({ "id_token_signed_response_alg": alg, "userinfo_signed_response_alg": alg }),
            )
        };
        self.with_key("oidc", JwsAlgorithm::Es256, &usual);
        self.with_key("oidc-ps256", JwsAlgorithm::Es256, &signed("PS256"));
        self.with_key("oidc-eddsa", JwsAlgorithm::Es256, &signed("EdDSA"));
        let key = private_key(JwsAlgorithm::Es256);
        let decryption = PrivateJwk::generate_for_decryption(JweAlgorithm::EcdhEsA256Kw).unwrap();
        let sealed = json!({
            "id_token_encrypted_response_alg": "ECDH-ES+A256KW",
            "id_token_encrypted_response_enc": "A256GCM",
            "userinfo_signed_response_alg": "ES256",
            "userinfo_encrypted_response_alg": "ECDH-ES+A256KW",
            "userinfo_encrypted_response_enc": "A256GCM",
        });
        let keys = [public(&key), public(&decryption)];
        self.add("oidc-sealed", &keys, &merged(&usual, &sealed));
        self.private["oidc-sealed"]["key"] = secret(&key);
        self.private["oidc-sealed"]["decryption_key"] = secret(&decryption);
    }

    /// Clients that are held to FAPI 1.0 Advanced.
    fn fapi1(&mut self, authority: &Authority) {
        let usual = json!({
            "fapi_profile": "fapi1_advanced",
            "scope": "openid accounts payments",
            "tls_client_certificate_bound_access_tokens": true,
        });
        self.with_key("fapi1", JwsAlgorithm::Ps256, &usual);
        let hybrid = json!({ "response_types": ["code", "code id_token"] });
        self.with_key(
            "fapi1-hybrid",
            JwsAlgorithm::Es256,
            &merged(&usual, &hybrid),
        );
        let by_subject = json!({
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=fapi1-mtls",
        });
        self.with_key(
            "fapi1-mtls",
            JwsAlgorithm::Es256,
            &merged(&usual, &by_subject),
        );
        for id in ["fapi1", "fapi1-hybrid", "fapi1-mtls"] {
            self.private[id]["certificate"] = authority.client(id).both();
        }
    }

    fn add(&mut self, id: &str, keys: &[Value], changes: &Value) {
        let usual = json!({
            "client_id": id,
            "client_name": format!("The client {id}"),
            "redirect_uris": [CALLBACK, CALLBACK_WITH_QUERY],
            "token_endpoint_auth_method": "private_key_jwt",
            "scope": "accounts payments",
            "authorization_details_types": ["payment_initiation"],
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let mut metadata = merged(&usual, changes);
        if !keys.is_empty() {
            metadata["jwks"] = json!({ "keys": keys });
        }
        let client = serde_json::from_value(metadata.clone()).unwrap();
        self.clients.push(client);
        self.private
            .insert(id.to_owned(), json!({ "metadata": metadata }));
    }
}

/// A resource server that asks about its tokens, and may have everything encrypted that is said to it.
pub struct Inquirer {
    pub id: &'static str,
    pub resource: String,
    key: PrivateJwk,
    decryption: Option<PrivateJwk>,
}

impl Inquirer {
    pub fn new(id: &'static str, resource: String, encrypted: bool) -> Self {
        let decryption = encrypted
            .then(|| PrivateJwk::generate_for_decryption(JweAlgorithm::EcdhEsA256Kw).unwrap());
        Self {
            id,
            resource,
            key: private_key(JwsAlgorithm::Es256),
            decryption,
        }
    }

    pub fn signing_key(&self) -> SigningKey {
        SigningKey::new(&self.key).unwrap()
    }

    pub fn decryption_key(&self) -> Option<DecryptionKey> {
        self.decryption
            .as_ref()
            .map(|key| DecryptionKey::new(key).unwrap())
    }

    pub fn registration(&self) -> ResourceMetadata {
        let mut keys = vec![public(&self.key)];
        keys.extend(self.decryption.as_ref().map(public));
        let mut metadata = json!({
            "resource": self.resource,
            "client_id": self.id,
            "token_endpoint_auth_method": "private_key_jwt",
            "introspection_signed_response_alg": "ES256",
            "jwks": { "keys": keys },
        });
        if self.decryption.is_some() {
            let (alg, enc) = ("ECDH-ES+A256KW", "A256GCM");
            metadata["access_token_encrypted_response_alg"] = alg.into();
            metadata["access_token_encrypted_response_enc"] = enc.into();
            metadata["introspection_encrypted_response_alg"] = alg.into();
            metadata["introspection_encrypted_response_enc"] = enc.into();
        }
        serde_json::from_value(metadata).unwrap()
    }

    /// As a client of somebody else's authorization server, which keeps no resource servers apart from clients.
    pub fn client(&self) -> Value {
        let mut metadata = serde_json::to_value(self.registration()).unwrap();
        let members = metadata.as_object_mut().unwrap();
        members.retain(|name, _| name != "resource" && !name.starts_with("access_token_"));
        members.insert("token_endpoint_auth_signing_alg".to_owned(), "ES256".into());
        for name in ["redirect_uris", "response_types", "grant_types"] {
            members.insert(name.to_owned(), json!([]));
        }
        metadata
    }

    /// As a script takes it that asks in its name.
    pub fn private(&self) -> Value {
        json!({
            "metadata": { "client_id": self.id, "introspection_signed_response_alg": "ES256" },
            "key": secret(&self.key),
            "decryption_key": self.decryption.as_ref().map(secret),
        })
    }
}

/// A new key. RSA keys take long to make, so there is one for all.
pub fn private_key(algorithm: JwsAlgorithm) -> PrivateJwk {
    static RSA: LazyLock<Value> =
        LazyLock::new(|| secret(&PrivateJwk::generate(JwsAlgorithm::Ps256).unwrap()));
    match algorithm {
        JwsAlgorithm::Ps256 => PrivateJwk::from_members(RSA.as_object().unwrap()).unwrap(),
        _ => PrivateJwk::generate(algorithm).unwrap(),
    }
}

pub fn public(key: &PrivateJwk) -> Value {
    Value::Object(key.public().to_members())
}

pub fn secret(key: &PrivateJwk) -> Value {
    serde_json::from_str(&key.secret_json()).unwrap()
}

fn merged(usual: &Value, changes: &Value) -> Value {
    let mut all = usual.clone();
    for (name, value) in changes.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}
