//! Many clients: what is kept of each, and that it does not grow without bound.

use std::{any::Any, env, fs};

use tower_fapi::{
    dpop::{ProofPolicy, ProofRequest, ProofVerifier, TargetUri},
    jose::{JwsAlgorithm, sha256},
    mtls::PeerCertificate,
    replay::{Recorded, Recording, ReplayKey, ReplayStore},
    testing::DpopKey,
    time::Timestamp,
};

use crate::{
    measure::Extent,
    world::{NOW, URL, World, request, with_proof},
};

pub(crate) fn print(extent: Extent) {
    let clients: u64 = match (extent, env::var("KEYS")) {
        (Extent::Trial, _) => 20,
        (Extent::Full, Ok(number)) => number.parse().unwrap(),
        (Extent::Full, Err(_)) => 20_000,
    };
    let usual = ProofPolicy::default().kept_keys;
    // Whatever is measured stays until the end: what is freed is filled again, and would not be seen.
    let measured = [
        (
            "PS256 keys, all kept",
            keys(clients.min(2_000), JwsAlgorithm::Ps256, clients),
        ),
        (
            "ES256 keys, 10 000 kept",
            keys(clients, JwsAlgorithm::Es256, usual),
        ),
        (
            "ES256 keys, all kept",
            keys(clients, JwsAlgorithm::Es256, clients),
        ),
        ("tokens of 900 bytes, 64 MiB kept", tokens(clients)),
        (
            "the same, with the keys of their proofs",
            bound_tokens(clients),
        ),
    ];
    if extent == Extent::Trial {
        return;
    }
    println!("\nMemory of many clients, each with one request");
    println!(
        "{:<40} {:>10} {:>14} {:>16}",
        "", "clients", "resident MiB", "bytes a client"
    );
    for (name, kept) in &measured {
        println!(
            "{name:<40} {:>10} {:>14.1} {:>16.0}",
            kept.clients,
            kept.bytes / f64::from(1 << 20),
            kept.bytes / kept.clients as f64
        );
    }
}

struct Kept {
    clients: u64,
    bytes: f64,
    _by: Box<dyn Any>,
}

/// Proofs of so many clients. The key is the same, and what is kept of it is not: nobody knows before it is parsed.
fn keys(clients: u64, algorithm: JwsAlgorithm, kept_keys: u64) -> Kept {
    let mut policy = ProofPolicy::default();
    policy.kept_keys = kept_keys;
    let (verifier, key) = (ProofVerifier::new(policy), DpopKey::generate_for(algorithm));
    let (target, hash): (TargetUri, _) = (URL.parse().unwrap(), sha256(b"token"));
    let request = ProofRequest {
        method: "GET",
        target: &target,
        access_token_hash: Some(&hash),
        bound_to: Some(key.thumbprint()),
        now: NOW,
    };
    let before = resident();
    for client in 0..clients {
        let proof = key.proof("GET", URL, NOW).access_token("token");
        let proof = proof.header("client", client).sign();
        let accepted = verifier.verify(&proof, &request).unwrap();
        verifier.remember(&accepted);
    }
    Kept {
        clients,
        bytes: resident() - before,
        _by: Box::new(verifier),
    }
}

fn tokens(clients: u64) -> Kept {
    let certificate = PeerCertificate::new(*b"certificate", []);
    let world = World::new();
    let before = resident();
    for _ in 0..clients {
        let token = world.token().bound_to_certificate(certificate.thumbprint());
        let request = request().header("authorization", format!("Bearer {}", token.mint()));
        world.verify(&request.extension(certificate.clone()).body(()).unwrap());
    }
    Kept {
        clients,
        bytes: resident() - before,
        _by: Box::new(world),
    }
}

/// Each with a key of its own, as far as anybody knows, which is kept nowhere but beside the token.
fn bound_tokens(clients: u64) -> Kept {
    let mut policy = ProofPolicy::default();
    policy.kept_keys = 0;
    let world = World::with(JwsAlgorithm::Es256, JwsAlgorithm::Es256, |builder| {
        builder.proofs(policy).replay_store(Forgetful)
    });
    let before = resident();
    for client in 0..clients {
        let token = world.bound().mint();
        let proof = world.client.proof("GET", URL, NOW).access_token(&token);
        world.verify(&with_proof(&token, &proof.header("client", client).sign()));
    }
    Kept {
        clients,
        bytes: resident() - before,
        _by: Box::new(world),
    }
}

/// Keeps nothing, so that nothing of it is measured.
struct Forgetful;

impl ReplayStore for Forgetful {
    fn record(&self, _: ReplayKey, _: Timestamp, _: Timestamp) -> Recording {
        Recording::ready(Ok(Recorded::First))
    }
}

/// Resident memory of this process, in bytes. Linux only.
fn resident() -> f64 {
    let statistics = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statistics
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or_default();
    (pages * 4096) as f64
}
