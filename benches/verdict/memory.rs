//! Many clients: what is kept of each, and that it does not grow without bound.

use std::{env, fs, time::Instant};

use tower_fapi::{
    dpop::{ProofPolicy, ProofRequest, ProofVerifier, TargetUri},
    jose::{JwsAlgorithm, sha256},
    resource_server::RequestFacts,
    testing::DpopKey,
};

use crate::{
    measure::{Extent, now_or_never, timed},
    world::{NOW, URL, World, dpop},
};

pub(crate) fn print(extent: Extent) {
    let clients: u64 = match (extent, env::var("KEYS")) {
        (Extent::Trial, _) => 20,
        (Extent::Full, Ok(number)) => number.parse().unwrap(),
        (Extent::Full, Err(_)) => 20_000,
    };
    let all = Kept::keys(clients, JwsAlgorithm::Es256, clients);
    let bounded = Kept::keys(
        clients,
        JwsAlgorithm::Es256,
        ProofPolicy::default().kept_keys,
    );
    let rsa = Kept::keys(clients / 20, JwsAlgorithm::Ps256, clients);
    let bound = 64 << 20;
    let tokens = Kept::tokens(clients, bound);
    if extent == Extent::Trial {
        return;
    }
    println!("\nMemory kept ({clients} clients, each with one request; RSA keys: a twentieth)");
    println!(
        "{:<48} {:>12} {:>12} {:>14}",
        "", "resident MiB", "bytes each", "again, µs"
    );
    for (name, kept) in [
        ("ES256 keys, all kept", all),
        ("ES256 keys, 10 000 kept", bounded),
        ("PS256 keys, all kept", rsa),
        ("tokens of 900 bytes, 64 MiB by weight", tokens),
    ] {
        println!(
            "{name:<48} {:>12.1} {:>12.0} {:>14.2}",
            kept.bytes / f64::from(1 << 20),
            kept.bytes / kept.number as f64,
            kept.again
        );
    }
}

struct Kept {
    bytes: f64,
    number: u64,
    /// What the next request of the last client takes.
    again: f64,
}

impl Kept {
    fn keys(clients: u64, algorithm: JwsAlgorithm, kept_keys: u64) -> Self {
        let mut policy = ProofPolicy::default();
        policy.kept_keys = kept_keys;
        let verifier = ProofVerifier::new(policy);
        let (target, hash): (TargetUri, _) = (URL.parse().unwrap(), sha256(b"token"));
        let accept = |key: &DpopKey| {
            let proof = key.proof("GET", URL, NOW).access_token("token").sign();
            let request = ProofRequest {
                method: "GET",
                target: &target,
                access_token_hash: Some(&hash),
                bound_to: Some(key.thumbprint()),
                now: NOW,
            };
            let began = Instant::now();
            let accepted = verifier.verify(&proof, &request).unwrap();
            verifier.remember(&accepted);
            began.elapsed()
        };
        // RSA keys take a second each to make, and what is kept of one does not depend on its numbers.
        let before = resident();
        let mut last = DpopKey::generate_for(algorithm);
        for _ in 0..clients.max(1) {
            last = DpopKey::generate_for(algorithm);
            accept(&last);
        }
        let bytes = resident() - before;
        Self {
            bytes,
            number: clients.clamp(1, kept_keys),
            again: accept(&last).as_secs_f64() * 1e6,
        }
    }

    fn tokens(clients: u64, bound: u64) -> Self {
        let world = World::with(JwsAlgorithm::Es256, JwsAlgorithm::Es256, |builder| {
            builder.token_cache_bytes(bound)
        });
        let accept = |request| {
            let facts = RequestFacts::of(&request);
            now_or_never(world.server.verify(&facts, NOW)).unwrap();
        };
        let before = resident();
        let mut last = world.bound().mint();
        for _ in 0..clients {
            last = world.bound().mint();
            accept(dpop(&last, &world.client));
        }
        let again = timed([dpop(&last, &world.client)], accept);
        Self {
            bytes: resident() - before,
            number: clients.max(1),
            again: again.as_secs_f64() * 1e6,
        }
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
