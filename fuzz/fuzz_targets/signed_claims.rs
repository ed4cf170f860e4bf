//! Header and claims of anything, rightly signed: what an issuer or a client gone bad can do.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use libfuzzer_sys::fuzz_target;
use tower_fapi::{
    dpop::{ProofPolicy, ProofRequest, ProofVerifier, TargetUri},
    jose::{JwsAlgorithm, VerifyingKeySet},
    testing::{Document, TestIssuer},
    time::Timestamp,
    token::{Compatibility, TokenRules, UnverifiedToken},
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const API: &str = "https://api.example.com";

struct World {
    issuer: TestIssuer,
    keys: VerifyingKeySet,
    audiences: [String; 1],
    proofs: ProofVerifier,
    target: TargetUri,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let issuer = TestIssuer::new("https://as.example.com", API);
    World {
        keys: VerifyingKeySet::new(&issuer.jwks()),
        issuer,
        audiences: [API.to_owned()],
        proofs: ProofVerifier::new(ProofPolicy::default()),
        target: API.parse().expect("a URL"),
    }
});

fuzz_target!(|texts: (&str, &str)| {
    let world = &*WORLD;
    let document = Document::sign_texts(world.issuer.signing_key(), texts.0, texts.1);
    let rules = TokenRules {
        algorithms: &JwsAlgorithm::ALL,
        audiences: &world.audiences,
        compatibility: Compatibility::keycloak(),
        clock_skew: Duration::from_secs(10),
    };
    if let Ok(token) = UnverifiedToken::parse(&document) {
        let _ = token.verify(&rules, &world.keys, NOW);
    }
    let request = ProofRequest {
        method: "GET",
        target: &world.target,
        access_token_hash: None,
        bound_to: None,
        now: NOW,
    };
    let _ = world.proofs.verify(&document, &request);
});
