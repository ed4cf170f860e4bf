//! Encrypted access tokens, as their senders see the answers (RFC 7516, RFC 7519 §5.2, RFC 9068 §4).

use serde_json::json;

use super::*;
use crate::{
    jose::{
        JwsError,
        jwe::{
            AcceptedEncryption, ContentEncryption, DecryptionKey, DecryptionKeyRing,
            DecryptionKeys, EncryptionKey, JweAlgorithm, JweError,
        },
    },
    resource_server::ConfigError,
    testing::EncryptedTokenBuilder,
    token::TokenError,
};

/// A resource server with one decryption key.
struct Encrypted {
    world: World,
    ring: DecryptionKeyRing,
    key: Arc<EncryptionKey>,
}

fn new_key() -> (Arc<DecryptionKey>, Arc<EncryptionKey>) {
    let key = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let public = EncryptionKey::new(key.public().unwrap()).unwrap();
    (Arc::new(key), Arc::new(public))
}

fn shared_keys() -> (DecryptionKey, Arc<EncryptionKey>) {
    let (secret, kid) = ([7; 32], Some("shared".to_owned()));
    (
        DecryptionKey::shared(&secret, "A256GCM", kid.clone()).unwrap(),
        Arc::new(EncryptionKey::shared(&secret, "A256GCM", kid).unwrap()),
    )
}

impl Encrypted {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(settings: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder) -> Self {
        let (own, key) = new_key();
        let ring = DecryptionKeyRing::new(DecryptionKeys::shared([own]));
        let world = World::with(|builder| settings(builder.decryption_keys(ring.clone())));
        Self { world, ring, key }
    }

    /// A token of Alice that only its encryption could make wrong.
    fn token(&self) -> EncryptedTokenBuilder {
        self.signed().encrypted_to(self.key.clone())
    }

    fn signed(&self) -> TokenBuilder {
        let thumbprint = self.world.client.thumbprint();
        self.world.issuer.token(NOW).bound_to_key(thumbprint)
    }

    fn send(&self, token: &str) -> Response<String> {
        self.send_with_hash_of(token, token)
    }

    fn send_with_hash_of(&self, hashed: &str, token: &str) -> Response<String> {
        let client = &self.world.client;
        let proof = client.proof("GET", &format!("{API}/a"), NOW);
        let request = Request::get("/a")
            .header("host", "api.example.com")
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof.access_token(hashed).sign())
            .body(())
            .unwrap();
        let layer = FapiLayer::new(self.world.server.clone());
        self.world.send(layer, request)
    }

    /// Why a token is refused, for the operator.
    fn refusal(&self, token: &str) -> Refusal {
        let answer = self.send(token);
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        match answer.extensions().get() {
            Some(Rejection::Refused(refusal)) => refusal.clone(),
            other => panic!("{other:?}"),
        }
    }
}

fn passes(answer: &Response<String>) -> bool {
    (answer.status(), answer.body().as_str()) == (StatusCode::OK, "alice")
}

#[test]
fn an_encrypted_token_passes_however_it_may_be_written() {
    let encrypted = Encrypted::new();
    let token = encrypted.token();
    for (case, token) in [
        ("as it should be", token.clone()),
        ("no cty", token.clone().without_outer_header("cty")),
        (
            "cty of an access token",
            token.clone().outer_header("cty", "at+jwt"),
        ),
        (
            "cty in full",
            token.clone().outer_header("cty", "application/jwt"),
        ),
        ("with a typ", token.clone().outer_header("typ", "JWT")),
        ("without kid", token.clone().without_outer_header("kid")),
        // RFC 7519 §5.3: claims may be repeated outside; anybody can write them, so they are not read.
        (
            "claims outside",
            token
                .clone()
                .outer_header("iss", "https://elsewhere.example")
                .outer_header("exp", 0),
        ),
        (
            "another cipher",
            token.clone().encryption(ContentEncryption::A256CbcHs512),
        ),
        // RFC 7515 §4.1.2 and the like: nothing is fetched or believed.
        (
            "a key of its own",
            token.outer_header("jwk", json!({"kty": "EC"})),
        ),
    ] {
        assert!(passes(&encrypted.send(&token.mint())), "{case}");
    }
    // Plain tokens go on being taken while issuers change over.
    assert!(passes(&encrypted.send(&encrypted.signed().mint())));
}

#[test]
fn what_is_inside_has_to_be_a_token_that_would_be_accepted_in_the_clear() {
    let encrypted = Encrypted::new();
    let other = TestIssuer::new("https://as.example.com", API);
    let signed = || encrypted.signed();
    let past = NOW.as_unix() - 1;
    for (case, token, expected) in [
        (
            "expired",
            signed().claim("exp", past),
            TokenError::Expired(Timestamp::from_unix(past)),
        ),
        (
            "another signature",
            signed().signed_by(&other),
            TokenError::Signature,
        ),
        (
            "another key",
            signed().header("kid", "other"),
            TokenError::UnknownKey,
        ),
        (
            "no signature",
            signed().header("alg", "none"),
            TokenError::Algorithm,
        ),
        (
            "another audience",
            signed().claim("aud", "b"),
            TokenError::Audience("b".to_owned()),
        ),
        (
            "another issuer",
            signed().claim("iss", "c"),
            TokenError::Issuer("c".to_owned()),
        ),
        (
            "an ID token",
            signed().header("typ", "JWT"),
            TokenError::Type(Some("JWT".to_owned())),
        ),
        (
            "no subject",
            signed().without_claim("sub"),
            TokenError::MissingClaim("sub"),
        ),
        (
            "crit",
            signed().header("crit", json!(["exp"])),
            JwsError::Critical.into(),
        ),
    ] {
        let token = token.encrypted_to(encrypted.key.clone()).mint();
        assert_eq!(encrypted.refusal(&token), expected.into(), "{case}");
    }
    let unbound = encrypted
        .world
        .issuer
        .token(NOW)
        .encrypted_to(encrypted.key.clone());
    assert_eq!(encrypted.refusal(&unbound.mint()), Refusal::NotDpopBound);
}

// RFC 8725 §2.3 and §3.3: who can encrypt has shown nothing, whether the key is public or shared.
#[test]
fn claims_that_nobody_has_signed_are_never_believed() {
    let (own, shared) = shared_keys();
    let world = World::with(|builder| builder.decryption_keys(own));
    let key = shared.clone();
    let ring = DecryptionKeyRing::default();
    for encrypted in [Encrypted { world, ring, key }, Encrypted::new()] {
        assert!(passes(&encrypted.send(&encrypted.token().mint())));
        let claims = json!({
            "iss": "https://as.example.com", "aud": API, "sub": "mallory", "client_id": "client",
            "jti": "1", "iat": NOW.as_unix(), "exp": NOW.as_unix() + 60,
            "cnf": {"jkt": encrypted.world.client.thumbprint()},
        });
        let token = encrypted.token();
        for (case, token) in [
            ("claims", token.clone().content(claims.to_string())),
            ("claims as an access token", {
                let typed = token.clone().outer_header("typ", "at+jwt");
                typed
                    .content(claims.to_string())
                    .without_outer_header("cty")
            }),
            ("encrypted twice", token.clone().encrypted_again()),
            ("nothing", token.clone().content("")),
            ("not even text", token.clone().content([0xff, b'.', b'.'])),
            ("another content type", token.outer_header("cty", "json")),
        ] {
            let refusal = encrypted.refusal(&token.mint());
            assert_eq!(refusal, TokenError::EncryptedContent.into(), "{case}");
        }
    }
}

/// Changes the last character of one segment.
fn damaged(token: &str, segment: usize) -> String {
    let mut segments: Vec<_> = token.split('.').map(str::to_owned).collect();
    let last = segments[segment].pop().unwrap();
    // Both end in bits that mean something, or in none: the text stays canonical.
    segments[segment].push(if last == 'A' { 'Q' } else { 'A' });
    segments.join(".")
}

// RFC 7516 §11.5: the operator learns why, the client does not.
#[test]
fn however_decryption_fails_the_client_gets_the_same_answer() {
    let encrypted = Encrypted::new();
    let (_, other) = new_key();
    let kid = encrypted.key.kid().unwrap();
    let token = encrypted.token();
    let good = token.mint();
    let elsewhere = encrypted.signed().encrypted_to(other);
    let mut answers = Vec::new();
    for (case, token, expected) in [
        ("unknown key", elsewhere.clone().mint(), JweError::NoKey),
        (
            "another key",
            elsewhere.outer_header("kid", kid).mint(),
            JweError::Decryption,
        ),
        ("wrapped key", damaged(&good, 1), JweError::Decryption),
        (
            "initialization vector",
            damaged(&good, 2),
            JweError::Decryption,
        ),
        ("content", damaged(&good, 3), JweError::Decryption),
        ("tag", damaged(&good, 4), JweError::Decryption),
        (
            "crit",
            token.clone().outer_header("crit", json!(["exp"])).mint(),
            JweError::Critical,
        ),
        (
            "zip",
            token.clone().outer_header("zip", "DEF").mint(),
            JweError::Compressed,
        ),
        (
            "alg",
            token.clone().outer_header("alg", "RSA1_5").mint(),
            JweError::Algorithm,
        ),
        (
            "enc",
            token.clone().outer_header("enc", "A192GCM").mint(),
            JweError::Encryption,
        ),
        (
            "no alg",
            token.without_outer_header("alg").mint(),
            JweError::Header("alg"),
        ),
        ("empty segments", "....".to_owned(), JweError::Segments),
    ] {
        let refusal = encrypted.refusal(&token);
        assert_eq!(refusal, TokenError::from(expected).into(), "{case}");
        let mut answer = encrypted.send(&token);
        answer.headers_mut().remove(X_FAPI_INTERACTION_ID);
        answers.push((
            answer.status(),
            answer.headers().clone(),
            answer.into_body(),
        ));
    }
    let content = encrypted.token().content("claims");
    let mut answer = encrypted.send(&content.mint());
    answer.headers_mut().remove(X_FAPI_INTERACTION_ID);
    answers.push((
        answer.status(),
        answer.headers().clone(),
        answer.into_body(),
    ));
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);
    assert!(answers[0].2.contains("invalid_token"), "{}", answers[0].2);
    for word in ["key", "decrypt", "encrypt"] {
        assert!(!answers[0].2.contains(word), "{}", answers[0].2);
    }
    assert_eq!(encrypted.world.calls.load(Ordering::SeqCst), 0);
}

#[test]
fn a_server_that_demands_encryption_refuses_a_plain_token() {
    let encrypted = Encrypted::with(ResourceServerBuilder::require_encryption);
    assert!(passes(&encrypted.send(&encrypted.token().mint())));
    let plain = encrypted.signed().mint();
    assert_eq!(encrypted.refusal(&plain), TokenError::NotEncrypted.into());
    let answer = encrypted.send(&plain);
    assert!(
        answer
            .body()
            .contains("this resource takes encrypted access tokens only")
    );
}

#[test]
fn a_server_without_decryption_keys_takes_no_encrypted_token() {
    let (_, key) = new_key();
    let ring = DecryptionKeyRing::default();
    let world = World::new();
    let encrypted = Encrypted { world, ring, key };
    let refusal = encrypted.refusal(&encrypted.token().mint());
    assert_eq!(refusal, TokenError::from(JweError::NoKey).into());
}

// RFC 8725 §3.2: SHA-1 only for those who ask for it.
#[test]
fn only_accepted_algorithms_are_used() {
    let rsa = DecryptionKey::generate(JweAlgorithm::RsaOaep).unwrap();
    let key = Arc::new(EncryptionKey::new(rsa.public().unwrap()).unwrap());
    let keys = DecryptionKeys::new([rsa]);
    let all = AcceptedEncryption::default().with_algorithms(JweAlgorithm::ALL);
    let gcm = [ContentEncryption::A256Gcm];
    for (accepted, encryption, expected) in [
        (
            AcceptedEncryption::default(),
            ContentEncryption::A256Gcm,
            Some(JweError::Algorithm),
        ),
        (all.clone(), ContentEncryption::A128Gcm, None),
        (
            all.clone().with_encryptions(gcm),
            ContentEncryption::A256Gcm,
            None,
        ),
        (
            all.with_encryptions(gcm),
            ContentEncryption::A128Gcm,
            Some(JweError::Encryption),
        ),
    ] {
        let world = World::with(|builder| {
            builder
                .decryption_keys(keys.clone())
                .accepted_encryption(accepted)
        });
        let (ring, key) = (DecryptionKeyRing::default(), key.clone());
        let encrypted = Encrypted { world, ring, key };
        let token = encrypted.token().encryption(encryption).mint();
        match expected {
            None => assert!(passes(&encrypted.send(&token))),
            Some(error) => {
                assert_eq!(encrypted.refusal(&token), TokenError::from(error).into());
            }
        }
    }
}

// RFC 9449 §4.2: the hash of the access token as it is sent.
#[test]
fn a_proof_is_for_the_token_as_it_is_sent() {
    let encrypted = Encrypted::new();
    let signed = encrypted.signed().mint();
    let sent = encrypted.token().content(signed.clone()).mint();
    let answer = encrypted.send_with_hash_of(&signed, &sent);
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let rejection = answer.extensions().get::<Rejection>().unwrap();
    assert_eq!(
        rejection.to_string(),
        crate::dpop::ProofError::AccessTokenHash.to_string()
    );
    assert!(passes(&encrypted.send(&sent)));
}

#[test]
fn keys_rotate_without_an_outage() {
    let encrypted = Encrypted::new();
    let published =
        |ring: &DecryptionKeyRing| EncryptionKey::from_set(&ring.public(), None).unwrap();
    let old = encrypted.ring.current().keys()[0].clone();
    // An authorization server that fetched the keys before the rotation, and goes on using them from its cache.
    let stale = Arc::new(published(&encrypted.ring));
    let token = |key: &Arc<EncryptionKey>| encrypted.signed().encrypted_to(key.clone()).mint();

    let (new, _) = new_key();
    encrypted
        .ring
        .replace(DecryptionKeys::shared([new.clone()]).with_unpublished([old]));
    let fresh = Arc::new(published(&encrypted.ring));
    assert_eq!(fresh.kid(), new.kid());
    let (early, late) = (token(&stale), token(&stale));
    for token in [&early, &token(&fresh)] {
        assert!(passes(&encrypted.send(token)));
    }

    encrypted.ring.replace(DecryptionKeys::shared([new]));
    assert!(passes(&encrypted.send(&token(&fresh))));
    // The one was accepted while its key was there; for the other it is too late.
    assert!(passes(&encrypted.send(&early)));
    assert_eq!(
        encrypted.refusal(&late),
        TokenError::from(JweError::NoKey).into()
    );
}

#[test]
fn settings_that_could_accept_nothing_make_no_server() {
    let build = |settings: fn(ResourceServerBuilder) -> ResourceServerBuilder| {
        let issuer = TestIssuer::new("https://as.example.com", API);
        let keys = IssuerKeys::fixed(&issuer.jwks()).unwrap();
        let trusted = TrustedIssuer::new(issuer.issuer(), keys);
        settings(ResourceServer::builder(API, trusted))
            .build()
            .unwrap_err()
    };
    assert_eq!(
        build(ResourceServerBuilder::require_encryption),
        ConfigError::NoDecryptionKeys
    );
    for accepted in [
        AcceptedEncryption::default().with_algorithms([]),
        AcceptedEncryption::default().with_encryptions([]),
    ] {
        let issuer = TestIssuer::new("https://as.example.com", API);
        let keys = IssuerKeys::fixed(&issuer.jwks()).unwrap();
        let trusted = TrustedIssuer::new(issuer.issuer(), keys);
        let builder = ResourceServer::builder(API, trusted).accepted_encryption(accepted);
        assert_eq!(builder.build().unwrap_err(), ConfigError::NoEncryption);
    }
}

// A stranger must not make us use a private key for nothing: what is wrong beside the token is found first.
#[test]
fn garbage_is_decrypted_for_nobody_whose_request_could_not_pass_anyway() {
    let encrypted = Encrypted::new();
    let garbage = damaged(&encrypted.token().mint(), 3);
    let client = &encrypted.world.client;
    let proof = |hashed: &str| {
        let proof = client.proof("GET", &format!("{API}/a"), NOW);
        proof.access_token(hashed)
    };
    let good = proof(&garbage);
    for (case, scheme, proof, expected) in [
        ("no proof", "DPoP", None, "no DPoP proof"),
        ("no certificate", "Bearer", None, "no client certificate"),
        (
            "another token's proof",
            "DPoP",
            Some(proof("another").sign()),
            "`ath` is not the hash of the access token",
        ),
        (
            "another method",
            "DPoP",
            Some(good.clone().claim("htm", "POST").sign()),
            "`htm` is not the request's method",
        ),
        (
            "a proof whose signature is another's",
            "DPoP",
            Some({
                let (mine, other) = (good.sign(), proof("another").sign());
                let (input, _) = mine.rsplit_once('.').unwrap();
                let (_, signature) = other.rsplit_once('.').unwrap();
                format!("{input}.{signature}")
            }),
            "signature does not verify",
        ),
        (
            "all else is right",
            "DPoP",
            Some(good.sign()),
            "encrypted token: decryption failed",
        ),
    ] {
        let mut request = Request::get("/a")
            .header("host", "api.example.com")
            .header("authorization", format!("{scheme} {garbage}"));
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        let layer = FapiLayer::new(encrypted.world.server.clone());
        let answer = encrypted.world.send(layer, request.body(()).unwrap());
        let reason = answer.extensions().get::<Rejection>().unwrap().to_string();
        assert!(reason.contains(expected), "{case}: {reason}");
    }
}
