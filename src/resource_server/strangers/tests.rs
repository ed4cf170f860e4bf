//! What each kind of garbage costs, counted in operations with keys: the order of the checks is what keeps these numbers.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use http::{Request, request};

use super::*;
use crate::{
    issuer::IssuerKeys,
    jose::{
        Effort, JwkSet, JwsAlgorithm, PrivateJwk, base64url,
        jwe::{DecryptionKey, EncryptionKey, JweAlgorithm},
    },
    resource_server::{
        Findings, Judgement, ResourceServer, ResourceServerBuilder, TrustedIssuer, wish::Wish,
    },
    testing::{DpopKey, EncryptedTokenBuilder, ProofBuilder, TestIssuer, TokenBuilder},
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const API: &str = "https://api.example.com";
const URL: &str = "https://api.example.com/accounts";

struct World {
    issuer: TestIssuer,
    client: DpopKey,
    /// Signs, and is nobody's.
    stranger: TestIssuer,
    encryption: Arc<EncryptionKey>,
    server: ResourceServer,
}

impl World {
    fn new() -> Self {
        Self::trusting(|issuer| issuer, |builder| builder)
    }

    fn trusting(
        issuer: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
        settings: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder,
    ) -> Self {
        let signer = TestIssuer::new("https://as.example.com", API);
        let own = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
        let encryption = EncryptionKey::new(own.public().unwrap()).unwrap();
        let builder = ResourceServer::builder(API, issuer(signer.trusted())).decryption_keys(own);
        Self {
            server: settings(builder).build().unwrap(),
            stranger: TestIssuer::new(signer.issuer(), API),
            issuer: signer,
            client: DpopKey::generate(),
            encryption: Arc::new(encryption),
        }
    }

    /// A token that only what is done to it makes wrong.
    fn token(&self) -> TokenBuilder {
        let token = self.issuer.token(NOW);
        token.bound_to_key(self.client.thumbprint())
    }

    /// As the issuer's in everything but who signed it.
    fn forged(&self) -> TokenBuilder {
        self.token().signed_by(&self.stranger)
    }

    fn encrypted(&self) -> EncryptedTokenBuilder {
        self.token().encrypted_to(self.encryption.clone())
    }

    fn proof(&self, token: &str) -> ProofBuilder {
        self.client.proof("GET", URL, NOW).access_token(token)
    }

    fn request(&self, token: &str) -> request::Builder {
        dpop(token, &self.proof(token).sign())
    }

    /// What a request came to, and at what cost.
    fn judge(&self, request: request::Builder) -> (&'static str, (u32, u32)) {
        let request = request.body(()).unwrap();
        let facts = RequestFacts::of(&request);
        let judge = || self.server.judge(&facts, NOW, &Findings::default());
        let (judgement, effort) = Effort::of(judge);
        let outcome = match judgement {
            Judgement::Proven(_) => "proven",
            Judgement::Refused(denied) => denied.rejection.reason(),
            Judgement::Waits(Wish::Keys(_)) => "asks for keys",
            Judgement::Waits(_) => "asks the issuer",
        };
        (outcome, (effort.verifications, effort.decryptions))
    }

    /// Lets a request pass, so that its token and its key are remembered.
    fn accept(&self, token: &str) {
        let request = self.request(token).body(()).unwrap();
        let facts = RequestFacts::of(&request);
        let verdict = pin!(self.server.verify(&facts, NOW));
        let Poll::Ready(verdict) = verdict.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("everything is at hand")
        };
        verdict.unwrap();
    }
}

fn dpop(token: &str, proof: &str) -> request::Builder {
    Request::get("/accounts")
        .header("host", "api.example.com")
        .header("authorization", format!("DPoP {token}"))
        .header("dpop", proof)
}

/// Signatures verified, private keys used.
const NOTHING: (u32, u32) = (0, 0);
const ONE: (u32, u32) = (1, 0);

/// Every way in which a proof can be wrong without a look at its signature.
fn wrong_proofs(world: &World, token: &str) -> Vec<(ProofBuilder, &'static str)> {
    let now = NOW.as_unix();
    let right = || world.proof(token);
    vec![
        (right().claim("htm", "POST"), "proof_method"),
        (right().claim("htu", "https://x.example/"), "proof_target"),
        (right().claim("iat", now - 61), "proof_too_old"),
        (right().claim("iat", now + 61), "proof_in_future"),
        (right().access_token("x"), "proof_access_token_hash"),
        (right().without_claim("ath"), "proof_missing_claim"),
        (right().claim("jti", ""), "proof_jti_length"),
        (right().header("typ", "JWT"), "proof_type"),
        (right().header("alg", "none"), "proof_algorithm"),
        (right().header("alg", "PS256"), "proof_algorithm"),
        (right().without_header("jwk"), "proof_missing_key"),
        (right().with_private_key(), "proof_key"),
        (right().header("crit", "x"), "proof_malformed"),
        (right().claim("x", "x".repeat(9000)), "proof_too_large"),
    ]
}

#[test]
fn what_is_wrong_with_a_token_by_its_own_word_costs_no_verification() {
    let world = World::new();
    let token = || world.token();
    for (token, reason) in [
        ("opaque".to_owned(), "token_malformed"),
        ("x".repeat(17 * 1024), "token_too_large"),
        (
            TestIssuer::new("https://evil.example", API)
                .token(NOW)
                .mint(),
            "token_issuer",
        ),
        (
            token().claim("aud", "https://x.example").mint(),
            "token_audience",
        ),
        (token().claim("exp", 1).mint(), "token_expired"),
        (token().header("typ", "JWT").mint(), "token_type"),
        (token().header("alg", "none").mint(), "token_algorithm"),
        (token().without_claim("sub").mint(), "token_missing_claim"),
    ] {
        assert_eq!(world.judge(world.request(&token)), (reason, NOTHING));
    }
}

// RFC 9449 §4.3: eleven of the twelve checks need no key, and so come first, whatever token the proof came with.
#[test]
fn a_wrong_proof_costs_no_verification_whatever_it_comes_with() {
    let world = World::new();
    let (accepted, new, forged) = (
        world.token().mint(),
        world.token().mint(),
        world.forged().mint(),
    );
    world.accept(&accepted);
    for (case, token) in [
        ("an accepted token", accepted),
        ("a genuine token", new),
        ("a forged token", forged),
        ("an encrypted token", world.encrypted().mint()),
    ] {
        for (proof, reason) in wrong_proofs(&world, &token) {
            let request = dpop(&token, &proof.sign());
            assert_eq!(world.judge(request), (reason, NOTHING), "{case}");
        }
    }
}

#[test]
fn a_forged_token_costs_one_verification_and_none_if_no_key_could_be_meant() {
    let world = World::new();
    let issuer_kid = world.issuer.signing_key().kid().unwrap();
    let named = world.forged().header("kid", issuer_kid).mint();
    for (case, token, reason, effort) in [
        ("the issuer's key", named, "token_signature", ONE),
        (
            "no key",
            world.forged().without_header("kid").mint(),
            "token_signature",
            ONE,
        ),
        (
            "a key that nobody has",
            world.forged().header("kid", "x").mint(),
            "asks for keys",
            NOTHING,
        ),
        (
            "an algorithm without a key",
            world.forged().header("alg", "EdDSA").mint(),
            "asks for keys",
            NOTHING,
        ),
    ] {
        assert_eq!(
            world.judge(world.request(&token)),
            (reason, effort),
            "{case}"
        );
    }
    // Whatever the proof's signature is.
    let token = world.forged().without_header("kid").mint();
    let proof = world.proof(&token).signed_by(&DpopKey::generate()).sign();
    assert_eq!(world.judge(dpop(&token, &proof)), ("token_signature", ONE));
}

// Without `kid` each key of the algorithm may have been meant. RFC 9068 §4 does not demand one.
#[test]
fn a_forged_token_that_names_no_key_is_tried_with_as_many_as_there_are_and_no_more_than_eight() {
    for (keys, expected) in [(2, 2), (8, 8), (20, 8)] {
        let keys = (0..keys).map(|_| PrivateJwk::generate(JwsAlgorithm::Es256).unwrap());
        let set = JwkSet::new(keys.map(|key| key.public().clone()));
        let issuer = |issuer: TrustedIssuer| {
            TrustedIssuer::new(issuer.issuer, IssuerKeys::fixed(&set).unwrap())
        };
        let world = World::trusting(issuer, |builder| builder);
        let request = world.request(&world.token().without_header("kid").mint());
        assert_eq!(world.judge(request), ("token_signature", (expected, 0)));
    }
}

#[test]
fn whatever_else_is_wrong_about_a_genuine_token_costs_one_verification() {
    let world = World::new();
    let token = world.token().mint();
    let stolen = || {
        DpopKey::generate()
            .proof("GET", URL, NOW)
            .access_token(&token)
    };
    // The first request pays for the token, and this one for a forged proof as well; from then on the token is remembered.
    let forged = || {
        dpop(
            &token,
            &world.proof(&token).signed_by(&DpopKey::generate()).sign(),
        )
    };
    assert_eq!(world.judge(forged()), ("proof_signature", (2, 0)));
    assert_eq!(world.judge(forged()), ("proof_signature", ONE));
    let stolen = || dpop(&token, &stolen().sign());
    assert_eq!(world.judge(stolen()), ("proof_key_mismatch", NOTHING));
    let bearer = Request::get("/accounts").header("authorization", format!("Bearer {token}"));
    assert_eq!(world.judge(bearer), ("dpop_token_as_bearer", NOTHING));
    assert_eq!(world.judge(world.request(&token)), ("proven", ONE));

    // Whose token was stolen is told by the token, so it has to be genuine: that is worth a verification.
    let world = World::new();
    let token = world.token().mint();
    let proof = DpopKey::generate()
        .proof("GET", URL, NOW)
        .access_token(&token)
        .sign();
    assert_eq!(
        world.judge(dpop(&token, &proof)),
        ("proof_key_mismatch", ONE)
    );
}

/// As many values as a token has room for.
fn many() -> Vec<serde_json::Value> {
    vec![serde_json::json!([]); 3000]
}

// To read thousands of claims costs more than several verifications, so nobody's are read who cannot sign.
#[test]
fn a_multitude_of_claims_is_read_of_a_genuine_token_alone() {
    let world = World::new();
    let large = |token: TokenBuilder| token.claim("x", many());
    let forged = || large(world.forged()).without_header("kid");
    for (case, token, reason, effort) in [
        (
            "forged, and wrong beside",
            forged().claim("aud", "https://x.example").mint(),
            "token_signature",
            ONE,
        ),
        (
            "genuine, and wrong beside",
            large(world.token())
                .claim("aud", "https://x.example")
                .mint(),
            "token_audience",
            ONE,
        ),
        (
            "genuine, and not an access token",
            large(world.token()).header("typ", "JWT").mint(),
            "token_type",
            ONE,
        ),
        (
            "of another issuer",
            large(world.token())
                .claim("iss", "https://x.example")
                .mint(),
            "token_issuer",
            NOTHING,
        ),
        (
            "of no issuer",
            large(world.token()).without_claim("iss").mint(),
            "token_missing_claim",
            NOTHING,
        ),
        ("genuine", large(world.token()).mint(), "proven", (2, 0)),
    ] {
        assert_eq!(
            world.judge(world.request(&token)),
            (reason, effort),
            "{case}"
        );
    }
    // Claims that go on for ever are no reason to ignore what is wrong with the proof.
    let token = forged().mint();
    for (proof, reason) in wrong_proofs(&world, &token) {
        assert_eq!(world.judge(dpop(&token, &proof.sign())), (reason, NOTHING));
    }
}

#[test]
fn a_multitude_of_members_is_read_in_no_header_and_no_proof() {
    let world = World::new();
    let token = world.token().mint();
    let many = || many().split_off(2000);
    let token_header = world.token().header("x", many()).mint();
    let encrypted_header = world.encrypted().outer_header("x", many()).mint();
    for (request, reason) in [
        (world.request(&token_header), "token_malformed"),
        (world.request(&encrypted_header), "token_decryption"),
        (
            dpop(&token, &world.proof(&token).header("x", many()).sign()),
            "proof_malformed",
        ),
        (
            dpop(&token, &world.proof(&token).claim("x", many()).sign()),
            "proof_malformed_claims",
        ),
    ] {
        assert_eq!(world.judge(request), (reason, NOTHING));
    }
}

// RFC 7516: anybody can encrypt, so opening is for those who have signed a proof for it.
#[test]
fn a_private_key_is_used_for_nobody_who_could_not_use_the_token() {
    let world = World::new();
    let good = world.encrypted();
    let damaged = |token: &str| {
        let (rest, tag) = token.rsplit_once('.').unwrap();
        let zeros = base64url::encode([0; 16]);
        assert_ne!(tag, zeros);
        format!("{rest}.{zeros}")
    };
    let damaged = damaged(&good.mint());
    let forged_proof = |token: &str| {
        let proof = world.proof(token).signed_by(&DpopKey::generate());
        dpop(token, &proof.sign())
    };
    for (case, request, reason, effort) in [
        (
            "for a key that is not here",
            world.request(&good.clone().outer_header("kid", "x").mint()),
            "token_decryption",
            NOTHING,
        ),
        (
            "under an algorithm that is not accepted",
            world.request(&good.clone().outer_header("alg", "RSA-OAEP").mint()),
            "token_decryption",
            NOTHING,
        ),
        (
            "cut short",
            world.request(damaged.trim_end_matches('A')),
            "token_decryption",
            NOTHING,
        ),
        (
            "with a forged proof",
            forged_proof(&damaged),
            "proof_signature",
            ONE,
        ),
        (
            "with a good proof, and nothing but garbage inside",
            world.request(&damaged),
            "token_decryption",
            (1, 1),
        ),
        (
            "with a good proof, and a forged token inside",
            world.request(
                &world
                    .forged()
                    .without_header("kid")
                    .encrypted_to(world.encryption.clone())
                    .mint(),
            ),
            "token_signature",
            (2, 1),
        ),
    ] {
        assert_eq!(world.judge(request), (reason, effort), "{case}");
    }
}

// What cannot be saved: one verification for each signature, and one use of the private key.
#[test]
fn nothing_dear_is_done_twice_for_a_request_that_passes() {
    let world = World::new();
    for (case, token, new) in [
        ("a signed token", world.token().mint(), (2, 0)),
        ("an encrypted token", world.encrypted().mint(), (2, 1)),
    ] {
        assert_eq!(
            world.judge(world.request(&token)),
            ("proven", new),
            "{case}"
        );
        assert_eq!(
            world.judge(world.request(&token)),
            ("proven", ONE),
            "{case}"
        );
    }
    let certificate = crate::mtls::PeerCertificate::new(*b"certificate", []);
    let token = world
        .issuer
        .token(NOW)
        .bound_to_certificate(certificate.thumbprint())
        .mint();
    let request = || {
        let request = Request::get("/accounts").header("authorization", format!("Bearer {token}"));
        request.extension(certificate.clone())
    };
    assert_eq!(world.judge(request()), ("proven", ONE));
    assert_eq!(world.judge(request()), ("proven", NOTHING));
}

// The issuer's attention is dear, too: RFC 7662 §2 is a request over the network.
#[cfg(feature = "discovery")]
#[test]
fn the_issuer_is_asked_about_an_opaque_token_once_the_proof_is_found_good() {
    let endpoint = crate::issuer::introspection_fake::FakeEndpoint::default();
    let introspected = |issuer: TrustedIssuer| issuer.introspect(endpoint.introspection());
    let world = World::trusting(introspected, |builder| builder);
    let token = "2YotnFZFEjr1zCsicMWpAA";
    for (proof, reason) in wrong_proofs(&world, token) {
        assert_eq!(world.judge(dpop(token, &proof.sign())), (reason, NOTHING));
    }
    let forged = world.proof(token).signed_by(&DpopKey::generate());
    let cases = [
        (forged, "proof_signature"),
        (world.proof(token), "asks the issuer"),
    ];
    for (proof, outcome) in cases {
        assert_eq!(world.judge(dpop(token, &proof.sign())), (outcome, ONE));
    }
}
