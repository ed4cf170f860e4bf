//! What an authorization server signs and encrypts.

use serde_json::{Map, Value, json};
use tower_fapi::{
    jose::{
        Jwk, SigningKey,
        jwe::{ContentEncryption, EncryptionHeader, EncryptionKey, encrypt},
    },
    testing::Document,
};

use crate::{
    server::{Reply, Server},
    support::{METADATA, metadata, willing_server},
};

/// A server that publishes this key.
pub async fn signing_server(key: &SigningKey) -> Server {
    let server = willing_server().await;
    let jwks = json!({"jwks_uri": server.url("/jwks")});
    server.says(METADATA, [metadata(&server, &jwks)]);
    publish(&server, key);
    server
}

pub fn publish(server: &Server, key: &SigningKey) {
    let jwks = json!({"keys": [key.public().to_members()]});
    server.says("/jwks", [Reply::json(200, &jwks)]);
}

/// Signs these claims under this header, sound or not.
pub fn signed(key: &SigningKey, header: &str, claims: &Map<String, Value>) -> String {
    Document::sign_texts(key, header, &Value::Object(claims.clone()).to_string())
}

pub fn encrypted(to: &Jwk, jwt: &str) -> String {
    let key = EncryptionKey::new(to).unwrap();
    let header = EncryptionHeader {
        cty: Some("JWT"),
        ..EncryptionHeader::default()
    };
    encrypt(&key, ContentEncryption::A256Gcm, header, jwt.as_bytes()).unwrap()
}
