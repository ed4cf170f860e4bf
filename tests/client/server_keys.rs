//! The authorization server's keys: believed while they are published, where they are published (OpenID Connect Core §10).

use std::time::Duration;

use serde_json::{Map, Value, json};
use tower_fapi::{
    client::{Client, IdTokenError},
    jose::{
        SigningKey,
        jwe::{AcceptedEncryption, DecryptionKey, DecryptionKeys, JweAlgorithm, decrypt},
    },
    time::{Clock, ManualClock},
};

use crate::{
    id_token::{ES256, bound, sign_in, verdict},
    seal::{publish, signed, signing_server, with},
    server::{Reply, Server},
    support::{METADATA, NOW, key, metadata, request},
};

/// Whether an ID token of this moment, signed with this key, is believed.
async fn believed(
    client: &Client,
    server: &Server,
    clock: &ManualClock,
    signer: &SigningKey,
) -> Result<(), IdTokenError> {
    let now = clock.now().as_unix();
    let change = |claims: Map<String, Value>| {
        let claims = with(claims, "iat", &json!(now));
        let claims = with(claims, "auth_time", &json!(now));
        signed(signer, ES256, &with(claims, "exp", &json!(now + 300)))
    };
    let found = verdict(client, server, &sign_in(), change).await;
    found.map(|_| ())
}

// OpenID Connect Core §10.1.1.
#[tokio::test]
async fn a_key_is_believed_for_an_hour_after_it_was_published() {
    let (old, new) = (key(), key());
    let server = signing_server(&old).await;
    let clock = ManualClock::at(NOW);
    let client = bound(&server).clock(clock.clone()).build().unwrap();
    client.discover().await.unwrap();
    clock.advance(Duration::from_mins(30));
    let believed = async |key: &SigningKey| believed(&client, &server, &clock, key).await.is_ok();
    assert!(believed(&old).await);

    publish(&server, &new);
    clock.advance(Duration::from_mins(59));
    assert!(believed(&old).await);
    clock.advance(Duration::from_mins(1));
    assert!(!believed(&old).await);
    assert!(believed(&new).await);

    // The server has moved its keys, and what lies at the old place is no longer its own.
    let elsewhere = json!({"keys": [old.public().to_members()]});
    server.says("/jwks2", [Reply::json(200, &elsewhere)]);
    let moved = json!({"jwks_uri": server.url("/jwks2")});
    server.says(METADATA, [metadata(&server, &moved)]);
    clock.advance(Duration::from_mins(59));
    assert!(!believed(&new).await);
    assert!(believed(&old).await);

    // A clock that jumps back does not keep old keys alive.
    let current = json!({"keys": [new.public().to_members()]});
    server.says("/jwks2", [Reply::json(200, &current)]);
    clock.set(NOW);
    assert!(!believed(&old).await);
}

// RFC 9101 §6.1.
#[tokio::test]
async fn a_request_is_encrypted_to_no_key_of_an_hour_ago() {
    let signer = key();
    let server = signing_server(&signer).await;
    let clock = ManualClock::at(NOW);
    let client = bound(&server).encrypted_requests(key());
    let client = client.clock(clock.clone()).build().unwrap();
    let generate = || DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let (old, new) = (generate(), generate());
    let publish = |key: &DecryptionKey| {
        let keys = json!({"keys": [key.public().unwrap().to_members()]});
        server.says("/jwks", [Reply::json(200, &keys)]);
    };
    let opened = async |key: DecryptionKey| {
        client.authorize(&request()).await.unwrap();
        let object = server.seen("/par").pop().unwrap().form()["request"].clone();
        let keys = DecryptionKeys::new([key]);
        decrypt(&object, &keys, &AcceptedEncryption::default()).is_ok()
    };
    publish(&old);
    client.authorize(&request()).await.unwrap();
    publish(&new);
    clock.advance(Duration::from_mins(59));
    assert!(opened(old).await);
    clock.advance(Duration::from_mins(1));
    assert!(opened(new).await);
}
