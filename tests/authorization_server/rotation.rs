//! From one key to the next, without a restart and without anybody noticing (OpenID Connect Core §10.1.1, RFC 7517 §4.5).

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, body::Body, routing::get};
use http::Request;
use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::{
        AuthorizationServer, ConfigError, EncryptionKeys, InvalidKeys, KeyFileError, KeyRotation,
        ScopeDescription, SigningKeys,
    },
    issuer::IssuerKeys,
    jose::{JwkSet, JwsAlgorithm, PrivateJwk, SigningKey, jwe::JweAlgorithm},
    layer::FapiLayer,
    resource_server::{ResourceServer, TrustedIssuer},
    testing::Document,
    time::Timestamp,
};

use crate::{
    introspection::Asking,
    world::{API, Alice, ISSUER, World, claims_of, send},
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// How long a key is known before it signs, and kept after that.
const LEAD: u64 = 1200;
const RETENTION: u64 = 7200;

fn times() -> KeyRotation {
    let mut rotation = KeyRotation::default();
    rotation.lead = Duration::from_secs(LEAD);
    rotation.retention = Duration::from_secs(RETENTION);
    rotation
}

/// A directory that goes when the test ends.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Arc<Self> {
        let name = format!("tower-fapi-rotation-{}", uuid::Uuid::new_v4());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Arc::new(Self(path))
    }

    fn file(&self) -> PathBuf {
        self.0.join("keys.json")
    }

    fn keys(&self) -> SigningKeys {
        SigningKeys::load_or_create(self.file(), JwsAlgorithm::Es256).unwrap()
    }

    fn read(&self) -> Value {
        serde_json::from_slice(&fs::read(self.file()).unwrap()).unwrap()
    }

    /// Writes the file as an operator does, whose file it stays.
    fn write(&self, text: &str) {
        fs::write(self.file(), text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(self.file(), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server whose keys are in a file, and whose resource server asks about tokens.
struct Instance {
    world: World,
    asking: Asking,
    directory: Arc<Directory>,
}

impl std::ops::Deref for Instance {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Instance {
    fn new() -> Self {
        Self::on(&Directory::new())
    }

    fn on(directory: &Arc<Directory>) -> Self {
        Self::asked(directory, &json!({}))
    }

    /// A resource server with these members more or other.
    fn asked(directory: &Arc<Directory>, changes: &Value) -> Self {
        let (keys, asking) = (directory.keys(), Asking::new("api"));
        let metadata = asking.metadata(changes);
        let mut world = World::with(|builder| {
            builder
                .signing_keys(keys.clone())
                .key_rotation(times())
                .resource(metadata)
        });
        world.keys = keys;
        Self {
            world,
            asking,
            directory: directory.clone(),
        }
    }

    /// The keys that are published, by their identifiers.
    async fn published(&self) -> Vec<String> {
        let jwks = self.jwks().await;
        let keys = jwks.keys().iter();
        keys.map(|key| key.kid().unwrap().to_owned()).collect()
    }

    async fn jwks(&self) -> JwkSet {
        let request = Request::get("https://as.example/jwks");
        let reply = self.send(request.body(Body::empty()).unwrap()).await;
        reply.body.parse().unwrap()
    }

    /// An access token that is issued now.
    async fn token(&self) -> String {
        let [token, _] = self.tokens(&[]).await;
        token
    }

    /// Which key signs at present.
    async fn signer(&self) -> String {
        kid(&self.token().await)
    }

    /// The status that our own resource server answers with, whose keys are these.
    async fn judged_with(&self, keys: IssuerKeys, token: &str) -> u16 {
        let server = ResourceServer::builder(API, TrustedIssuer::new(ISSUER, keys))
            .clock(self.clock.clone())
            .build()
            .unwrap();
        let accounts = Router::new().route("/accounts", get(|| async { "accounts" }));
        let api = accounts.layer(FapiLayer::new(server));
        let url = format!("{API}/accounts");
        let proof = self.dpop.proof("GET", &url, self.now());
        let request = Request::get(&url)
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof.access_token(token).sign())
            .body(Body::empty())
            .unwrap();
        send(api, request).await.status.as_u16()
    }
}

fn kid(token: &str) -> String {
    let header = token.split('.').next().unwrap();
    let header = tower_fapi::jose::base64url::decode(header).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn cached(jwks: &JwkSet) -> IssuerKeys {
    IssuerKeys::fixed(jwks).unwrap()
}

#[tokio::test]
async fn the_next_key_is_published_before_it_signs_and_the_old_one_after() {
    let server = Instance::new();
    let old = server.signer().await;
    let [next] = &server.server.rotate_keys().unwrap()[..] else {
        panic!("one algorithm, one key");
    };
    let new = next.kid.clone();
    assert_ne!(old, new);
    assert!(next.added);
    assert_eq!(next.begins, server.now().plus(Duration::from_secs(LEAD)));

    for (moment, passes, published, signer) in [
        ("at once", 0, vec![&new, &old], &old),
        ("a second before", LEAD - 1, vec![&new, &old], &old),
        ("from its moment", 1, vec![&new, &old], &new),
        (
            "a second before the old one goes",
            RETENTION - 1,
            vec![&new, &old],
            &new,
        ),
        ("gone", 1, vec![&new], &new),
    ] {
        server.advance(passes);
        assert_eq!(&server.signer().await, signer, "{moment}");
        assert_eq!(
            server.published().await.iter().collect::<Vec<_>>(),
            published,
            "{moment}"
        );
    }
}

// Nobody who keeps the published keys as long as they may sees a token before its key.
#[tokio::test]
async fn the_lead_is_longer_than_the_published_keys_may_be_kept() {
    let server = Instance::new();
    let request = Request::get("https://as.example/jwks")
        .body(Body::empty())
        .unwrap();
    let reply = server.send(request).await;
    let caching = reply.header("cache-control").unwrap();
    let max_age: u64 = caching
        .strip_prefix("public, max-age=")
        .unwrap()
        .parse()
        .unwrap();
    for (lead, allowed) in [
        (max_age, false),
        (2 * max_age - 1, false),
        (2 * max_age, true),
    ] {
        let mut rotation = times();
        rotation.lead = Duration::from_secs(lead);
        let built = AuthorizationServer::builder(ISSUER)
            .audience(API)
            .scope(ScopeDescription::new("accounts", "See your accounts"))
            .authenticator(Alice)
            .signing_keys(server.keys.clone())
            .key_rotation(rotation)
            .build();
        match built {
            Ok(_) => assert!(allowed, "{lead}"),
            Err(error) => {
                assert!(!allowed, "{lead}");
                assert!(
                    matches!(error, ConfigError::KeyRotation(refused) if refused.what == "lead")
                );
            }
        }
        let rotated = server
            .keys
            .rotate(JwsAlgorithm::Es256, &rotation, server.now());
        assert_eq!(rotated.is_ok(), allowed, "{lead}");
    }
}

#[tokio::test]
async fn resource_servers_verify_tokens_of_both_keys() {
    let server = Instance::new();
    let before = cached(&server.jwks().await);
    server.server.rotate_keys().unwrap();
    let during = cached(&server.jwks().await);
    server.advance(LEAD - 1);
    let of_old = server.token().await;
    assert_eq!(server.judged_with(before.clone(), &of_old).await, 200);
    server.advance(1);
    let of_new = server.token().await;
    let after = cached(&server.jwks().await);
    assert_ne!(kid(&of_old), kid(&of_new));
    for (filled, keys, old, new) in [
        ("longer ago than it may be", before, 200, 401),
        ("while the key was to come", during, 200, 200),
        ("since it signs", after, 200, 200),
    ] {
        assert_eq!(
            server.judged_with(keys.clone(), &of_old).await,
            old,
            "{filled}"
        );
        assert_eq!(server.judged_with(keys, &of_new).await, new, "{filled}");
    }
}

/// Over loopback: the keys that were fetched before a rotation serve on, and an unknown `kid` has them fetched again.
#[cfg(feature = "discovery")]
#[tokio::test]
async fn a_resource_server_that_has_slept_through_the_lead_fetches_the_keys() {
    use tower_fapi::issuer::{Discovery, Fetcher};

    let server = Instance::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let router = server.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let loopback = Fetcher::builder().dangerous().http_on_loopback().build();
    let keys = Discovery::new(ISSUER.parse().unwrap())
        .jwks_uri(url.parse().unwrap())
        .fetcher(loopback.unwrap())
        .clock(server.clock.clone())
        .connect()
        .await
        .unwrap();
    let of_old = server.token().await;
    assert_eq!(server.judged_with(keys.clone(), &of_old).await, 200);
    let fetched = keys.current(server.now()).unwrap().generation;
    server.server.rotate_keys().unwrap();
    server.advance(LEAD - 1);
    let of_old = server.token().await;
    server.advance(1);
    let of_new = server.token().await;
    assert_eq!(server.judged_with(keys.clone(), &of_old).await, 200);
    assert_eq!(keys.current(server.now()).unwrap().generation, fetched);
    assert_eq!(server.judged_with(keys.clone(), &of_new).await, 200);
    assert_ne!(keys.current(server.now()).unwrap().generation, fetched);
    assert_eq!(server.judged_with(keys, &of_old).await, 200);
}

// RFC 7662 §2.2, RFC 7009 §2.1, RFC 6749 §6.
#[tokio::test]
async fn tokens_of_the_old_key_are_known_and_revoked_as_before() {
    let server = Instance::new();
    server.server.rotate_keys().unwrap();
    server.advance(LEAD - 1);
    let [first, _] = server.tokens(&[]).await;
    let [second, refresh_token] = server.tokens(&[]).await;
    server.advance(10);
    assert_ne!(server.signer().await, kid(&first));
    assert!(server.asking.active(&server, &first).await);
    assert_eq!(server.revoke("dpop", &first, &[]).await.status, 200);
    assert!(!server.asking.active(&server, &first).await);

    assert!(server.asking.active(&server, &second).await);
    let refreshed = server
        .refreshed("dpop", &refresh_token)
        .await
        .text("access_token");
    assert_ne!(kid(&refreshed), kid(&second));
    assert!(server.asking.active(&server, &refreshed).await);
    assert_eq!(server.revoke("dpop", &refresh_token, &[]).await.status, 200);
    for token in [&second, &refreshed] {
        assert!(!server.asking.active(&server, token).await);
    }
}

/// The old key, in the hands of somebody who has found it in a backup.
#[tokio::test]
async fn what_an_old_key_signs_counts_until_its_time_and_not_after() {
    let server = Instance::new();
    let key: PrivateJwk = server.directory.read()["keys"][0]
        .to_string()
        .parse()
        .unwrap();
    let key = SigningKey::new(&key).unwrap();
    let mut claims = claims_of(&server.token().await);
    claims["exp"] = (server.now().as_unix() + 1_000_000).into();
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": key.kid() });
    let forged = Document::sign_texts(&key, &header.to_string(), &claims.to_string());
    server.server.rotate_keys().unwrap();
    server.advance(LEAD + RETENTION - 1);
    assert!(server.asking.active(&server, &forged).await);
    assert_eq!(
        server
            .judged_with(cached(&server.jwks().await), &forged)
            .await,
        200
    );
    server.advance(1);
    assert!(!server.asking.active(&server, &forged).await);
    assert_eq!(
        server
            .judged_with(cached(&server.jwks().await), &forged)
            .await,
        401
    );
}

#[tokio::test]
async fn instances_on_one_file_agree() {
    let one = Instance::new();
    let other = Instance::on(&one.directory);
    let old = one.signer().await;
    assert_eq!(other.signer().await, old);
    let new = one.server.rotate_keys().unwrap()[0].kid.clone();
    assert_eq!(other.published().await, [&*old], "not read yet");
    for instance in [&one, &other] {
        instance.advance(60);
        instance.server.maintain_keys().unwrap();
    }
    assert_eq!(other.published().await, one.published().await);
    let asked_again = other.server.rotate_keys().unwrap();
    assert_eq!(
        (asked_again[0].kid.as_str(), asked_again[0].added),
        (&*new, false)
    );
    for (passes, signer) in [(LEAD - 61, &old), (1, &new), (RETENTION, &new)] {
        for instance in [&one, &other] {
            instance.advance(passes);
            assert_eq!(&instance.signer().await, signer, "{passes}");
        }
        assert_eq!(other.published().await, one.published().await, "{passes}");
    }
    // A third one that starts now, or the first after a restart.
    let restarted = Instance::on(&one.directory);
    restarted.advance(60 + LEAD - 61 + 1);
    assert_eq!(restarted.signer().await, new);
    assert_eq!(restarted.published().await, [new.clone(), old.clone()]);
    restarted.advance(RETENTION);
    assert_eq!(restarted.published().await, [new]);
}

#[test]
fn of_many_who_rotate_at_once_one_adds_a_key() {
    let directory = Directory::new();
    directory.keys();
    let added: usize = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let keys = directory.keys();
                scope.spawn(move || {
                    keys.rotate(JwsAlgorithm::Es256, &times(), NOW)
                        .unwrap()
                        .added
                })
            })
            .collect();
        let added = starts.into_iter().map(|start| start.join().unwrap());
        added.filter(|added| *added).count()
    });
    assert_eq!(added, 1);
    assert_eq!(directory.read()["keys"].as_array().unwrap().len(), 2);
    assert_eq!(
        directory.names(),
        ["keys.json", "keys.json.lock"],
        "no draft left"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_used_changes_nothing() {
    let server = Instance::new();
    let good = fs::read_to_string(server.directory.file()).unwrap();
    let old = server.signer().await;
    let mut other = serde_json::from_str::<Value>(&good).unwrap();
    let replacement = PrivateJwk::generate(JwsAlgorithm::Es256)
        .unwrap()
        .with_kid(&old);
    other["keys"][0] = serde_json::from_str(&replacement.secret_json()).unwrap();
    let eddsa = PrivateJwk::generate(JwsAlgorithm::EdDsa).unwrap();
    let eddsa: Value = serde_json::from_str(&eddsa.secret_json()).unwrap();
    let ended = good.replacen("{\"keys\":[{", "{\"keys\":[{\"exp\":1,", 1);
    for (case, text) in [
        ("empty", String::new()),
        ("half", good[..good.len() / 2].to_owned()),
        ("no keys", json!({ "keys": [] }).to_string()),
        ("another key of this name", other.to_string()),
        ("another algorithm", json!({ "keys": [eddsa] }).to_string()),
        ("all ended", ended),
        ("no JSON", "keys".to_owned()),
    ] {
        server.directory.write(&text);
        let error = server.server.maintain_keys().unwrap_err();
        assert!(
            matches!(error, KeyFileError::Keys { .. }),
            "{case}: {error}"
        );
        assert_eq!(server.signer().await, old, "{case}");
        assert_eq!(server.published().await, [&*old], "{case}");
        assert!(server.server.rotate_keys().is_err(), "{case}");
        assert_eq!(server.signer().await, old, "{case}");
    }
    fs::remove_file(server.directory.file()).unwrap();
    let error = server.server.maintain_keys().unwrap_err();
    assert!(matches!(error, KeyFileError::Read { .. }), "{error}");
    assert_eq!(server.signer().await, old);

    // Mended, it is taken up.
    server.directory.write(&good);
    server.server.maintain_keys().unwrap();
    server.server.rotate_keys().unwrap();
    assert_eq!(server.published().await.len(), 2);
}

#[test]
fn a_change_of_the_file_is_said_to_be_one() {
    let directory = Directory::new();
    let keys = directory.keys();
    assert!(!keys.reload(NOW).unwrap());
    directory
        .keys()
        .rotate(JwsAlgorithm::Es256, &times(), NOW)
        .unwrap();
    let clone = keys.clone();
    assert!(keys.reload(NOW).unwrap());
    assert!(!keys.reload(NOW).unwrap());
    assert_eq!(
        clone.public_jwks(NOW),
        keys.public_jwks(NOW),
        "clones see the same"
    );
    let lost = json!({ "keys": [] }).to_string();
    directory.write(&lost);
    let error = keys.reload(NOW).unwrap_err();
    assert!(matches!(
        error,
        KeyFileError::Keys {
            problem: InvalidKeys::NoKeys,
            ..
        }
    ));
}

#[test]
fn keys_that_are_from_no_file_cannot_be_followed_by_others() {
    let keys = SigningKeys::generate(JwsAlgorithm::Es256).unwrap();
    assert!(!keys.reload(NOW).unwrap());
    let refused = keys.rotate(JwsAlgorithm::Es256, &times(), NOW).unwrap_err();
    assert!(matches!(refused, KeyFileError::NoFile));
}

#[cfg(unix)]
#[test]
fn the_file_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt as _;
    for mode in [0o600, 0o400, 0o640] {
        let directory = Directory::new();
        let keys = directory.keys();
        fs::set_permissions(directory.file(), fs::Permissions::from_mode(mode)).unwrap();
        keys.rotate(JwsAlgorithm::Es256, &times(), NOW).unwrap();
        let metadata = fs::metadata(directory.file()).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{mode:o}");
        let lock = fs::metadata(directory.0.join("keys.json.lock")).unwrap();
        assert_eq!(lock.permissions().mode() & 0o777, 0o600);
    }
    // Somebody else could have put a key into it.
    let directory = Directory::new();
    let keys = directory.keys();
    fs::set_permissions(directory.file(), fs::Permissions::from_mode(0o666)).unwrap();
    let refused = keys.rotate(JwsAlgorithm::Es256, &times(), NOW).unwrap_err();
    assert!(matches!(refused, KeyFileError::Exposed { .. }), "{refused}");
    assert_eq!(directory.read()["keys"].as_array().unwrap().len(), 1);
}

// The administrator rotates the keys of a service: it has to be able to read them, and its group has, and no other.
#[cfg(unix)]
#[test]
fn the_file_stays_whose_it_is() {
    use std::{
        io::Write as _,
        os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    };
    for mode in [0o600, 0o640] {
        let directory = Directory::new();
        let keys = directory.keys();
        if let Err(error) = chown(directory.file(), Some(4242), Some(4343)) {
            let said = format!("skipped: only root can give files away ({error})");
            let _ = writeln!(std::io::stderr(), "{said}");
            return;
        }
        fs::set_permissions(directory.file(), fs::Permissions::from_mode(mode)).unwrap();
        keys.rotate(JwsAlgorithm::Es256, &times(), NOW).unwrap();
        for name in ["keys.json", "keys.json.lock"] {
            let metadata = fs::metadata(directory.0.join(name)).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (4242, 4343), "{name}");
        }
        let kept = fs::metadata(directory.file()).unwrap().permissions().mode();
        assert_eq!(kept & 0o777, mode);
    }
}

#[cfg(unix)]
#[test]
fn a_link_beside_the_file_leads_to_no_other() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let directory = Directory::new();
    let keys = directory.keys();
    let other = directory.0.join("other");
    fs::write(&other, "of somebody else").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o604)).unwrap();
    symlink(&other, directory.0.join("keys.json.next")).unwrap();
    symlink(&other, directory.0.join("keys.json.lock")).unwrap();
    keys.rotate(JwsAlgorithm::Es256, &times(), NOW).unwrap();
    assert_eq!(fs::read_to_string(&other).unwrap(), "of somebody else");
    let mode = fs::metadata(&other).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o604);
    assert_eq!(directory.read()["keys"].as_array().unwrap().len(), 2);
}

#[cfg(unix)]
#[test]
fn a_link_to_the_file_stays_one() {
    let directory = Directory::new();
    let link = directory.0.join("link.json");
    directory.keys();
    std::os::unix::fs::symlink(directory.file(), &link).unwrap();
    let keys = SigningKeys::load_or_create(&link, JwsAlgorithm::Es256).unwrap();
    keys.rotate(JwsAlgorithm::Es256, &times(), NOW).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(directory.read()["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn a_rotation_that_was_interrupted_is_done_again() {
    let directory = Directory::new();
    let keys = directory.keys();
    let published = keys.public_jwks(NOW);
    // The machine stopped before the draft took the place of the file.
    fs::write(directory.0.join("keys.json.next"), "{\"keys\":[{\"kty\":").unwrap();
    fs::write(directory.0.join("keys.json.lock"), "").unwrap();
    assert_eq!(directory.keys().public_jwks(NOW), published);
    assert!(!keys.reload(NOW).unwrap());
    assert!(
        keys.rotate(JwsAlgorithm::Es256, &times(), NOW)
            .unwrap()
            .added
    );
    assert_eq!(directory.names(), ["keys.json", "keys.json.lock"]);
    assert_eq!(directory.read()["keys"].as_array().unwrap().len(), 2);
}

// The algorithm that a client is registered for stays what it is signed with.
#[tokio::test]
async fn each_algorithm_has_its_own_next_key() {
    let directory = Directory::new();
    let keys = [JwsAlgorithm::Es256, JwsAlgorithm::EdDsa].map(|algorithm| {
        let key = PrivateJwk::generate(algorithm).unwrap();
        serde_json::from_str::<Value>(&key.secret_json()).unwrap()
    });
    drop(directory.keys());
    directory.write(&json!({ "keys": keys }).to_string());
    let server = Instance::asked(
        &directory,
        &json!({ "introspection_signed_response_alg": "EdDSA" }),
    );
    let token = server.token().await;
    let answered = async || kid(&server.asking.signed(&server, &token).await.body);
    let (old, of_tokens) = (answered().await, kid(&token));
    assert_eq!([&of_tokens, &old], [&keys[0]["kid"], &keys[1]["kid"]]);

    let next = server
        .keys
        .rotate(JwsAlgorithm::EdDsa, &times(), server.now());
    let next = next.unwrap();
    server.advance(LEAD - 1);
    assert_eq!(answered().await, old);
    server.advance(1);
    assert_eq!(answered().await, next.kid);
    assert_eq!(server.signer().await, of_tokens);
    server.advance(RETENTION);
    assert_eq!(answered().await, next.kid);
    assert_eq!(server.published().await, [of_tokens, next.kid]);
}

#[tokio::test]
async fn keys_are_replaced_when_they_have_grown_old() {
    let directory = Directory::new();
    let keys = directory.keys();
    let world = World::with(|builder| {
        let mut rotation = times();
        rotation.every = Some(Duration::from_secs(10 * 86_400));
        builder.signing_keys(keys.clone()).key_rotation(rotation)
    });
    let count = || {
        keys.public_jwks(world.now())["keys"]
            .as_array()
            .unwrap()
            .len()
    };
    world.server.maintain_keys().unwrap();
    assert_eq!(count(), 2, "of unknown age");
    world.server.maintain_keys().unwrap();
    world.advance(LEAD + RETENTION);
    world.server.maintain_keys().unwrap();
    assert_eq!(count(), 1, "young");
    world.advance(10 * 86_400 - LEAD - RETENTION - 1);
    world.server.maintain_keys().unwrap();
    assert_eq!(count(), 1, "not yet");
    world.advance(1);
    world.server.maintain_keys().unwrap();
    assert_eq!(count(), 2, "its age less the lead, since it began");
    assert_eq!(
        directory.read()["keys"].as_array().unwrap().len(),
        2,
        "the first one is gone"
    );
}

// OpenID Connect Core §10.2.1.
#[tokio::test]
async fn the_next_key_to_encrypt_to_decrypts_before_it_is_published() {
    let directory = Directory::new();
    let file = directory.0.join("encryption.json");
    let keys = EncryptionKeys::load_or_create(&file, JweAlgorithm::EcdhEs).unwrap();
    let signing = directory.keys();
    let world = World::with(|builder| {
        builder
            .signing_keys(signing.clone())
            .encryption_keys(keys.clone())
            .key_rotation(times())
    });
    let old = keys.public_jwks(world.now());
    assert_eq!(world.server.rotate_keys().unwrap().len(), 2);
    for (passes, is_old, decrypting) in [
        (0, true, 2),
        (LEAD - 1, true, 2),
        (1, false, 2),
        (RETENTION - 1, false, 2),
        (1, false, 1),
    ] {
        world.advance(passes);
        let now = world.now();
        let published = keys.public_jwks(now);
        assert_eq!(published["keys"].as_array().unwrap().len(), 1, "{passes}");
        assert_eq!(published == old, is_old, "{passes}");
        assert_eq!(
            keys.decryption_keys(now).keys().len(),
            decrypting,
            "{passes}"
        );
    }
}
