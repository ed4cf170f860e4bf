//! Requests that are refused, through the layer: from the request's arrival to the answer that is sent.

use std::sync::Arc;

use http::Request;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower_fapi::{
    jose::{
        JwsAlgorithm,
        jwe::{DecryptionKey, EncryptionKey, JweAlgorithm},
    },
    resource_server::ResourceServer,
    testing::{DpopKey, ProofBuilder, TestIssuer, TokenBuilder},
};

use crate::{
    endpoint::server_that_asks,
    measure::{Case, Extent, print_table, timed},
    world::{API, AS, ES256, NOW, URL, World, bare, request, through_layer, with_proof},
};

pub(crate) fn print(extent: Extent) {
    let mut cases = vec![bare(ES256, JwsAlgorithm::Es256)];
    cases.extend(plain_garbage());
    cases.extend(token_garbage());
    cases.extend(proof_garbage());
    cases.extend(large_garbage());
    cases.extend(encrypted_garbage());
    cases.extend(opaque_garbage());
    print_table("Requests that are refused", extent, cases);
}

type MakeToken = Box<dyn Fn(&World, u64) -> String>;
type MakeProof = Box<dyn Fn(ProofBuilder) -> String>;

/// Every request is made anew, and refused for this reason.
fn refused(
    name: &'static str,
    server: &ResourceServer,
    reason: &'static str,
    make: impl Fn(u64) -> Request<()> + 'static,
) -> Case {
    let mut send = through_layer(server);
    let mut numbers = 0..;
    Case::new(name, &[], move |times| {
        let numbers = numbers.by_ref().take(usize::try_from(times).unwrap());
        let requests: Vec<_> = numbers.map(&make).collect();
        timed(requests, |request| {
            assert_eq!(send(request), Some(reason), "{name}");
        })
    })
}

fn plain_garbage() -> Vec<Case> {
    let world = World::new();
    let refused = |name, reason, token: fn() -> String| {
        refused(name, &world.server, reason, move |_| {
            with_proof(&token(), "a.b.c")
        })
    };
    vec![
        refused("no JWT", "token_malformed", || "opaque".to_owned()),
        refused("token of 17 KiB", "token_too_large", || {
            "x".repeat(17 * 1024)
        }),
    ]
}

/// With a proof that is right in everything.
fn token_garbage() -> Vec<Case> {
    let world = Arc::new(World::new());
    let stranger = TestIssuer::new(AS, API);
    let elsewhere = TestIssuer::new("https://evil.example", API);
    let kid = world.issuer.signing_key().kid().unwrap().to_owned();
    let ended = world.bound().claim("exp", 1).mint();
    let refused = |name, reason, token: MakeToken| {
        let copy = world.clone();
        refused(name, &world.server, reason, move |number| {
            let token = token(&copy, number);
            with_proof(&token, &right(&copy, &token).sign())
        })
    };
    let forged = move |world: &World| world.bound().signed_by(&stranger);
    let forged = Arc::new(forged);
    let (named, unknown) = (forged.clone(), forged);
    vec![
        refused(
            "token of another issuer",
            "token_issuer",
            Box::new(move |_, _| elsewhere.token(NOW).mint()),
        ),
        refused(
            "token for another audience",
            "token_audience",
            Box::new(|world, _| world.bound().claim("aud", "https://x.example").mint()),
        ),
        refused(
            "token that has ended, again and again",
            "token_expired",
            Box::new(move |_, _| ended.clone()),
        ),
        refused(
            "token signed by nobody, each under another `kid`",
            "token_unknown_key",
            Box::new(move |world, number| unknown(world).header("kid", number.to_string()).mint()),
        ),
        refused(
            "token signed by nobody, under the issuer's `kid`",
            "token_signature",
            Box::new(move |world, _| named(world).header("kid", kid.clone()).mint()),
        ),
    ]
}

fn right(world: &World, token: &str) -> ProofBuilder {
    world.client.proof("GET", URL, NOW).access_token(token)
}

/// With a token that was accepted before, as a thief may have it.
fn proof_garbage() -> Vec<Case> {
    let world = Arc::new(World::new());
    let token = world.bound().mint();
    world.verify_all(&world.requests(&token, 1));
    let thief = DpopKey::generate();
    let replayed = right(&world, &token).sign();
    world.verify(&with_proof(&token, &replayed));
    let refused = |name, reason, make: MakeProof| {
        let (world, token) = (world.clone(), token.clone());
        let server = world.server.clone();
        refused(name, &server, reason, move |_| {
            with_proof(&token, &make(right(&world, &token)))
        })
    };
    let bearer = token.clone();
    let forged = thief.clone();
    let stolen = token.clone();
    vec![
        self::refused(
            "stolen token without a proof",
            &world.server,
            "dpop_token_as_bearer",
            move |_| {
                let request = request().header("authorization", format!("Bearer {bearer}"));
                request.body(()).unwrap()
            },
        ),
        refused(
            "proof by another key",
            "proof_key_mismatch",
            Box::new(move |_| thief.proof("GET", URL, NOW).access_token(&stolen).sign()),
        ),
        refused(
            "proof for another method",
            "proof_method",
            Box::new(|proof| proof.claim("htm", "PUT").sign()),
        ),
        refused(
            "proof for another URL",
            "proof_target",
            Box::new(|proof| proof.claim("htu", "https://evil.example/").sign()),
        ),
        refused(
            "proof that has ended",
            "proof_too_old",
            Box::new(|proof| proof.claim("iat", NOW.as_unix() - 61).sign()),
        ),
        refused(
            "proof for another token",
            "proof_access_token_hash",
            Box::new(|proof| proof.access_token("x").sign()),
        ),
        refused(
            "proof of another `typ`",
            "proof_type",
            Box::new(|proof| proof.header("typ", "JWT").sign()),
        ),
        refused(
            "proof with `alg` none",
            "proof_algorithm",
            Box::new(|proof| proof.header("alg", "none").sign()),
        ),
        refused(
            "proof of 9 KiB",
            "proof_too_large",
            Box::new(|proof| proof.claim("x", "x".repeat(7000)).sign()),
        ),
        refused(
            "proof signed by another key",
            "proof_signature",
            Box::new(move |proof| proof.signed_by(&forged).sign()),
        ),
        refused(
            "proof used before",
            "replayed",
            Box::new(move |_| replayed.clone()),
        ),
    ]
}

/// An object of so many members.
fn members(count: usize) -> Value {
    let member = |number| (format!("{number:x}"), json!([]));
    Value::Object((0..count).map(member).collect())
}

/// As much to read as is read at all.
fn large_garbage() -> Vec<Case> {
    let world = Arc::new(World::new());
    let stranger = TestIssuer::new(AS, API);
    let kid = world.issuer.signing_key().kid().unwrap().to_owned();
    let token = world.bound().mint();
    world.verify_all(&world.requests(&token, 1));
    let small = world.bound().signed_by(&stranger).header("kid", kid);
    let mut cases = Vec::new();
    let mut add = |name, token: TokenBuilder| {
        let token = token.mint();
        let copy = world.clone();
        cases.push(refused(name, &world.server, "token_signature", move |_| {
            with_proof(&token, &right(&copy, &token).sign())
        }));
    };
    add(
        "forged token of 16 KiB, a long claim",
        small.clone().claim("x", "x".repeat(11_000)),
    );
    add(
        "forged token of 16 KiB, numbers",
        small.clone().claim("x", vec![json!(1); 5_500]),
    );
    add(
        "forged token of 16 KiB, arrays",
        small.clone().claim("x", vec![json!([]); 3_700]),
    );
    add(
        "forged token of 16 KiB, members",
        small.clone().claim("x", members(1_250)),
    );
    for (name, reason, claim) in [
        (
            "forged proof of 8 KiB, a long claim",
            "proof_signature",
            Value::from("x".repeat(5_500)),
        ),
        (
            "proof of 8 KiB, numbers",
            "proof_malformed_claims",
            vec![json!(1); 2_700].into(),
        ),
        (
            "proof of 8 KiB, arrays",
            "proof_malformed_claims",
            vec![json!([]); 1_800].into(),
        ),
        (
            "proof of 8 KiB, members",
            "proof_malformed_claims",
            members(600),
        ),
    ] {
        let other = DpopKey::generate();
        let (copy, token) = (world.clone(), token.clone());
        cases.push(refused(name, &world.server, reason, move |_| {
            let proof = right(&copy, &token).claim("x", claim.clone());
            with_proof(&token, &proof.signed_by(&other).sign())
        }));
    }
    cases
}

fn encrypted_garbage() -> Vec<Case> {
    let mut cases = Vec::new();
    for (algorithm, stranger, proofless, damaged) in [
        (
            JweAlgorithm::EcdhEs,
            "encrypted to a key that is not here",
            "ECDH-ES garbage, proof signed by another key",
            "ECDH-ES garbage, proof signed for it",
        ),
        (
            JweAlgorithm::RsaOaep256,
            "encrypted to an RSA key that is not here",
            "RSA-OAEP-256 garbage, proof signed by another key",
            "RSA-OAEP-256 garbage, proof signed for it",
        ),
    ] {
        let own = DecryptionKey::generate(algorithm).unwrap();
        let public = Arc::new(EncryptionKey::new(own.public().unwrap()).unwrap());
        let world = World::with(JwsAlgorithm::Es256, JwsAlgorithm::Es256, |builder| {
            builder.decryption_keys(own)
        });
        let world = Arc::new(world);
        let token = world.bound().encrypted_to(public);
        let unknown = token.clone().outer_header("kid", "x").mint();
        let (rest, _) = token
            .mint()
            .rsplit_once('.')
            .map(|(rest, tag)| (rest.to_owned(), tag.len()))
            .unwrap();
        let garbage = format!("{rest}.{}", "A".repeat(22));
        let other = DpopKey::generate();
        let mut add = |name, reason, token: &str, forged: bool| {
            let (copy, token, other) = (world.clone(), token.to_owned(), other.clone());
            cases.push(refused(name, &world.server, reason, move |_| {
                let proof = right(&copy, &token);
                let proof = if forged {
                    proof.signed_by(&other)
                } else {
                    proof
                };
                with_proof(&token, &proof.sign())
            }));
        };
        add(stranger, "token_decryption", &unknown, false);
        add(proofless, "proof_signature", &garbage, true);
        add(damaged, "token_decryption", &garbage, false);
    }
    cases
}

fn opaque_garbage() -> Vec<Case> {
    let runtime = Runtime::new().unwrap();
    let mut world = World::new();
    world.server = server_that_asks(&runtime, &world.issuer.inactive(NOW));
    let known = "known";
    let request = with_proof(known, &right(&world, known).sign());
    let facts = tower_fapi::resource_server::RequestFacts::of(&request);
    runtime
        .block_on(world.server.verify(&facts, NOW))
        .unwrap_err();
    let (world, other) = (Arc::new(world), DpopKey::generate());
    let (stale, forged, asked) = (world.clone(), world.clone(), world.clone());
    vec![
        refused(
            "opaque token, proof for another token",
            &world.server,
            "proof_access_token_hash",
            move |number| with_proof(&format!("opaque{number}"), &right(&stale, "x").sign()),
        ),
        refused(
            "opaque token, proof signed by another key",
            &world.server,
            "proof_signature",
            move |number| {
                let token = format!("opaque{number}");
                with_proof(&token, &right(&forged, &token).signed_by(&other).sign())
            },
        ),
        refused(
            "opaque token that the issuer has just refused",
            &world.server,
            "token_inactive",
            move |_| {
                let _alive = &runtime;
                with_proof(known, &right(&asked, known).sign())
            },
        ),
    ]
}
