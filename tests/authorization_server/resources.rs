//! Resource servers (RFC 8707), and tokens that only they can read (RFC 7516, RFC 9068 §6).

use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::{
        AuthorizationServerBuilder, ConfigError, ResourceMetadata, ResourceProblem,
    },
    jose::jwe::{
        AcceptedEncryption, ContentEncryption, DecryptionKey, DecryptionKeys, JweAlgorithm, decrypt,
    },
};

use crate::{
    configuration::builder,
    world::{API, OTHER_API, Reply, TOKEN, World, changed, form, post, with_proof},
};

const SECRET_API: &str = "https://secret.example";

/// The keys of one resource server.
fn keys(algorithm: JweAlgorithm) -> DecryptionKeys {
    DecryptionKeys::new([DecryptionKey::generate(algorithm).unwrap()])
}

fn resource(changes: &Value) -> ResourceMetadata {
    let mut metadata = json!({"resource": SECRET_API});
    for (name, value) in changes.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    serde_json::from_value(metadata).unwrap()
}

fn encrypted(keys: &DecryptionKeys, algorithm: JweAlgorithm) -> ResourceMetadata {
    resource(&json!({
        "jwks": keys.public(),
        "access_token_encrypted_response_alg": algorithm,
        "access_token_encrypted_response_enc": "A256GCM",
    }))
}

/// A code for a grant that covers these resource servers.
async fn code_for(world: &World, resources: &[&str]) -> String {
    let mut parameters = world.pushed("dpop", &[]);
    for resource in resources {
        parameters.extend(form([("resource", *resource)]));
    }
    let pushed = world.send(post(crate::world::PAR, &parameters)).await;
    let request_uri = pushed.text("request_uri");
    let url = crate::browser::Browser::new(world)
        .approve("dpop", &request_uri)
        .await;
    crate::browser::answer(&url)["code"].clone()
}

async fn redeem(world: &World, code: &str, changes: &[(&str, &str)]) -> Reply {
    let request = post(TOKEN, &changed(world.redemption("dpop", code), changes));
    world.send(with_proof(request, &world.proof(TOKEN))).await
}

async fn refresh(world: &World, token: &str, changes: &[(&str, &str)]) -> Reply {
    let mut parameters = world.authentication("dpop");
    parameters.extend(form([
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
    ]));
    let request = post(TOKEN, &changed(parameters, changes));
    world.send(with_proof(request, &world.proof(TOKEN))).await
}

// RFC 9068 §6, RFC 7519 §5.2 and §11.2: signed, then encrypted.
#[tokio::test]
async fn a_token_is_encrypted_to_the_resource_server_it_is_for() {
    for (algorithm, encryption) in [
        (JweAlgorithm::EcdhEs, ContentEncryption::A256Gcm),
        (JweAlgorithm::RsaOaep256, ContentEncryption::A256Gcm),
    ] {
        let keys = keys(algorithm);
        let world = World::with(|builder| builder.resource(encrypted(&keys, algorithm)));
        let code = code_for(&world, &[SECRET_API]).await;
        let reply = redeem(&world, &code, &[]).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let refreshed = refresh(&world, &reply.text("refresh_token"), &[]).await;
        for token in [reply.text("access_token"), refreshed.text("access_token")] {
            assert_eq!(token.split('.').count(), 5);
            let opened = decrypt(&token, &keys, &AcceptedEncryption::default()).unwrap();
            assert!(opened.header.is_cty("JWT"));
            assert_eq!(opened.header.algorithm(), algorithm);
            assert_eq!(opened.header.encryption(), encryption);
            assert_eq!(opened.header.kid(), keys.keys()[0].kid());
            let signed = String::from_utf8(opened.plaintext.to_vec()).unwrap();
            let judged = world.judge(&signed, SECRET_API);
            assert_eq!(judged.subject(), "subject-1");
            assert_eq!(judged.audience(), [SECRET_API]);
        }
        // Others get theirs as ever.
        let plain = world.redeem(&world.code("dpop", &[]).await).await;
        world.judge(&plain.text("access_token"), API);
    }
}

// RFC 8707 §2.2: one token for each resource server.
#[tokio::test]
async fn a_token_that_one_alone_can_read_is_for_one_alone() {
    let keys = keys(JweAlgorithm::EcdhEs);
    let world = World::with(|builder| builder.resource(encrypted(&keys, JweAlgorithm::EcdhEs)));
    for all in [[API, SECRET_API], [SECRET_API, OTHER_API]] {
        let code = code_for(&world, &all).await;
        let refused = (400, "invalid_target".to_owned());
        assert_eq!(redeem(&world, &code, &[]).await.refusal(), refused);
        let elsewhere = [("resource", "https://evil.example")];
        assert_eq!(redeem(&world, &code, &elsewhere).await.refusal(), refused);
        // That cost nothing: the code is still good.
        let reply = redeem(&world, &code, &[("resource", SECRET_API)]).await;
        assert_eq!(reply.text("access_token").split('.').count(), 5);
        let token = reply.text("refresh_token");
        assert_eq!(refresh(&world, &token, &[]).await.refusal(), refused);
        for resource in all {
            let reply = refresh(&world, &token, &[("resource", resource)]).await;
            let segments = if resource == SECRET_API { 5 } else { 3 };
            assert_eq!(
                reply.text("access_token").split('.').count(),
                segments,
                "{resource}"
            );
        }
    }
}

#[tokio::test]
async fn the_usual_resource_server_can_want_it_too() {
    let keys = keys(JweAlgorithm::EcdhEsA256Kw);
    let described = || {
        let mut metadata = encrypted(&keys, JweAlgorithm::EcdhEsA256Kw);
        metadata.resource = API.to_owned();
        metadata
    };
    for world in [
        World::with(|builder| builder.audience(described())),
        World::with(|builder| builder.resource(described())),
    ] {
        let reply = world.redeem(&world.code("dpop", &[]).await).await;
        let token = reply.text("access_token");
        assert!(decrypt(&token, &keys, &AcceptedEncryption::default()).is_ok());
    }
}

#[test]
fn a_resource_server_is_registered_once_and_can_be_encrypted_to() {
    let set = keys(JweAlgorithm::EcdhEs).public();
    let plain = || resource(&json!({}));
    let alg = "access_token_encrypted_response_alg";
    for (resources, expected) in [
        (vec![plain(), plain()], ResourceProblem::Duplicate),
        (
            vec![resource(&json!({alg: "ECDH-ES"}))],
            ResourceProblem::NoKeys,
        ),
        (
            vec![resource(&json!({alg: "RSA-OAEP-256", "jwks": set}))],
            ResourceProblem::NoUsableKey,
        ),
    ] {
        let builder = resources
            .into_iter()
            .fold(builder(), AuthorizationServerBuilder::resource);
        match builder.build().unwrap_err() {
            ConfigError::Resource(refused) => assert_eq!(refused.problem, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[cfg(feature = "discovery")]
mod fetched {
    use tower_fapi::issuer::Fetcher;

    use super::*;
    use crate::jwks_uri::Jwks;

    async fn world(jwks: &Jwks) -> World {
        let url = jwks.listen().await;
        let fetcher = Fetcher::builder()
            .dangerous()
            .http_on_loopback()
            .build()
            .unwrap();
        World::with(|builder| {
            let metadata = resource(&json!({
                "jwks_uri": url,
                "access_token_encrypted_response_alg": "ECDH-ES",
            }));
            builder.client_keys_fetcher(fetcher).resource(metadata)
        })
    }

    // Our own fault, never the client's, and nothing is lost by it.
    #[tokio::test]
    async fn a_token_that_cannot_be_encrypted_does_not_go_out() {
        let jwks = Jwks::default();
        let world = world(&jwks).await;
        let code = code_for(&world, &[SECRET_API]).await;
        let reply = redeem(&world, &code, &[]).await;
        assert_eq!(reply.status, 503, "no keys can be had");
        assert!(reply.header("retry-after").is_some());

        let unfit = Jwks::default();
        unfit.publish_set(&keys(JweAlgorithm::RsaOaep256).public());
        let other = self::world(&unfit).await;
        let code = code_for(&other, &[SECRET_API]).await;
        assert_eq!(
            redeem(&other, &code, &[]).await.status,
            503,
            "none of them fits"
        );
    }

    #[tokio::test]
    async fn a_token_is_encrypted_to_a_key_that_is_published() {
        let jwks = Jwks::default();
        let keys = keys(JweAlgorithm::EcdhEs);
        jwks.publish_set(&keys.public());
        let world = world(&jwks).await;
        let code = code_for(&world, &[SECRET_API]).await;
        let reply = redeem(&world, &code, &[]).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let token = reply.text("access_token");
        let opened = decrypt(&token, &keys, &AcceptedEncryption::default()).unwrap();
        assert_eq!(
            opened.header.encryption(),
            ContentEncryption::A128CbcHs256,
            "the default"
        );
    }
}
