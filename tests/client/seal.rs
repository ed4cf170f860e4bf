//! What an authorization server signs and encrypts.

use serde_json::{Map, Value, json};
use tower_fapi::{
    client::{Client, TokenSet},
    jose::{
        Jwk, SigningKey,
        jwe::{ContentEncryption, EncryptionHeader, EncryptionKey, encrypt},
    },
    testing::Document,
};

use crate::{
    server::{Reply, Server},
    support::{METADATA, NOW, honest, metadata, request, willing_server},
};

/// A server that publishes this key.
pub async fn signing_server(key: &SigningKey) -> Server {
    let server = willing_server().await;
    let more = json!({
        "jwks_uri": server.url("/jwks"),
        "userinfo_endpoint": server.url("/userinfo"),
        "revocation_endpoint": server.url("/revoke"),
        "introspection_endpoint": server.url("/introspect"),
        "end_session_endpoint": server.url("/logout?lang=de"),
    });
    server.says(METADATA, [metadata(&server, &more)]);
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

/// The tokens of a sign-in of `alice` at a server that publishes this key.
pub async fn signed_in(client: &Client, server: &Server, key: &SigningKey) -> TokenSet {
    let request = request().scope("openid accounts").unwrap();
    let pending = client.authorize(&request).await.unwrap();
    let nonce = server.seen("/par").pop().unwrap().form()["nonce"].clone();
    let now = NOW.as_unix();
    let claims = json!({
        "iss": server.url(""), "sub": "alice", "aud": "app 1", "nonce": nonce,
        "iat": now, "exp": now + 300,
    });
    let header = json!({"alg": key.algorithm()}).to_string();
    let body = json!({
        "access_token": "at-1", "token_type": client_type(client), "refresh_token": "rt-1",
        "id_token": signed(key, &header, claims.as_object().unwrap()),
    });
    server.says("/token", [Reply::json(200, &body)]);
    let response = honest(&pending, server);
    client.complete(&pending, &response).await.unwrap()
}

fn client_type(client: &Client) -> &'static str {
    match client.dpop_thumbprint() {
        Some(_) => "DPoP",
        None => "Bearer",
    }
}

/// Replaces a claim, or takes it away.
pub fn with(mut claims: Map<String, Value>, name: &str, value: &Value) -> Map<String, Value> {
    match value {
        Value::Null => claims.remove(name),
        value => claims.insert(name.to_owned(), value.clone()),
    };
    claims
}
