//! Requests that pass.

use std::sync::Arc;

use http::Request;
use tokio::runtime::Runtime;
use tower_fapi::{
    dpop::{ProofPolicy, ProofRequest, ProofVerifier, TargetUri},
    jose::{
        JwsAlgorithm,
        jwe::{
            AcceptedEncryption, DecryptionKey, DecryptionKeys, EncryptionKey, JweAlgorithm, decrypt,
        },
        sha256,
    },
    mtls::PeerCertificate,
    resource_server::RequestFacts,
    testing::{AnswerBuilder, DpopKey, TokenBuilder},
};

use crate::{
    endpoint::server_that_asks,
    measure::{Case, Extent, print_table, timed},
    world::{
        EDDSA, ES256, NOW, PS256, URL, World, bare, bare_inputs, dpop, request, through_layer,
    },
};

const OPAQUE: &str = "2YotnFZFEjr1zCsicMWpAA";
const OPEN_ECDH: &str = "bare decryption, ECDH-ES";
const OPEN_RSA: &str = "bare decryption, RSA-OAEP-256";

pub(crate) fn print(extent: Extent) {
    let mut cases = vec![
        bare(ES256, JwsAlgorithm::Es256),
        bare(PS256, JwsAlgorithm::Ps256),
        bare(EDDSA, JwsAlgorithm::EdDsa),
        proof(),
        layer(),
    ];
    cases.extend(dpop_cases());
    cases.extend(cold_cases());
    cases.extend(certificate_cases());
    cases.extend(introspected_cases());
    cases.extend(encrypted_cases());
    print_table("Requests that pass", extent, cases);
}

fn proof() -> Case {
    let key = DpopKey::generate();
    let verifier = ProofVerifier::new(ProofPolicy::default());
    let (target, hash): (TargetUri, _) = (URL.parse().unwrap(), sha256(b"token"));
    Case::new("DPoP proof alone, key kept", &[ES256], move |times| {
        let request = ProofRequest {
            method: "GET",
            target: &target,
            access_token_hash: Some(&hash),
            bound_to: Some(key.thumbprint()),
            now: NOW,
        };
        timed(&bare_inputs(&key, times), |proof| {
            let accepted = verifier.verify(proof, &request).unwrap();
            verifier.remember(&accepted);
        })
    })
}

fn layer() -> Case {
    let world = World::new();
    let token = world.bound().mint();
    let mut send = through_layer(&world.server);
    Case::new(
        "DPoP layer around an empty service",
        &[ES256],
        move |times| {
            timed(world.requests(&token, times), |request| {
                assert_eq!(send(request), None);
            })
        },
    )
}

/// The same token and key again and again.
fn dpop_cases() -> Vec<Case> {
    use JwsAlgorithm::{EdDsa, Es256, Ps256};
    let case = |name, needs, algorithm| {
        let world = World::with(Es256, algorithm, |builder| builder);
        let token = world.bound().mint();
        Case::new(name, needs, move |times| {
            world.verify_all(&world.requests(&token, times))
        })
    };
    vec![
        case("DPoP, cached token", &[ES256], Es256),
        case("DPoP, cached token, PS256 proofs", &[PS256], Ps256),
        case("DPoP, cached token, Ed25519 proofs", &[EDDSA], EdDsa),
    ]
}

/// Every request another token.
fn cold_cases() -> Vec<Case> {
    use JwsAlgorithm::{EdDsa, Es256, Ps256};
    let case = |name, needs, issuer| {
        let world = World::with(issuer, Es256, |builder| builder);
        Case::new(name, needs, move |times| {
            let request = |_| dpop(&world.bound().mint(), &world.client);
            world.verify_all(&(0..times).map(request).collect::<Vec<_>>())
        })
    };
    let world = World::new();
    let strange = Case::new(
        "DPoP, new token and new key",
        &[ES256, ES256],
        move |times| {
            let request = |_| {
                let client = DpopKey::generate();
                let token = world.token().bound_to_key(client.thumbprint());
                dpop(&token.mint(), &client)
            };
            world.verify_all(&(0..times).map(request).collect::<Vec<_>>())
        },
    );
    vec![
        case("DPoP, new token", &[ES256, ES256], Es256),
        case("DPoP, new token signed PS256", &[ES256, PS256], Ps256),
        case("DPoP, new token signed Ed25519", &[ES256, EDDSA], EdDsa),
        strange,
    ]
}

fn certificate() -> PeerCertificate {
    PeerCertificate::new(*b"certificate", [])
}

fn bearer(token: &str) -> Request<()> {
    let request = request().header("authorization", format!("Bearer {token}"));
    request.extension(certificate()).body(()).unwrap()
}

fn certificate_cases() -> Vec<Case> {
    let bound = |world: &World| {
        let token = world
            .token()
            .bound_to_certificate(certificate().thumbprint());
        bearer(&token.mint())
    };
    let (world, cold) = (World::new(), World::new());
    let request = bound(&world);
    vec![
        Case::new("mTLS, cached token", &[], move |times| {
            timed(0..times, |_| world.verify(&request))
        }),
        Case::new("mTLS, new token", &[ES256], move |times| {
            cold.verify_all(&(0..times).map(|_| bound(&cold)).collect::<Vec<_>>())
        }),
    ]
}

fn introspected_cases() -> Vec<Case> {
    let runtime = Arc::new(Runtime::new().unwrap());
    let ask = |world: &mut World, answer: AnswerBuilder, first: Request<()>| {
        world.server = server_that_asks(&runtime, &answer);
        let facts = RequestFacts::of(&first);
        let verdict = world.server.verify(&facts, NOW);
        runtime.block_on(verdict).unwrap();
    };
    let (mut by_key, mut by_certificate) = (World::new(), World::new());
    let answer = by_key.issuer.introspection(NOW).scope("accounts payments");
    let (of_key, of_certificate) = (
        answer.clone().bound_to_key(by_key.client.thumbprint()),
        answer.bound_to_certificate(certificate().thumbprint()),
    );
    let request = bearer(OPAQUE);
    let first = dpop(OPAQUE, &by_key.client);
    ask(&mut by_certificate, of_certificate, bearer(OPAQUE));
    ask(&mut by_key, of_key, first);
    vec![
        Case::new(
            "mTLS, introspected token, answer cached",
            &[],
            move |times| timed(0..times, |_| by_certificate.verify(&request)),
        ),
        Case::new(
            "DPoP, introspected token, answer cached",
            &[ES256],
            move |times| {
                let _alive = &runtime;
                by_key.verify_all(&by_key.requests(OPAQUE, times))
            },
        ),
    ]
}

fn encrypted_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (algorithm, bare, cached, needs, cold) in [
        (
            JweAlgorithm::EcdhEs,
            OPEN_ECDH,
            "DPoP, cached token encrypted by ECDH-ES",
            &[ES256, ES256, OPEN_ECDH] as &[_],
            "DPoP, new token encrypted by ECDH-ES",
        ),
        (
            JweAlgorithm::RsaOaep256,
            OPEN_RSA,
            "DPoP, cached token encrypted by RSA-OAEP-256",
            &[ES256, ES256, OPEN_RSA],
            "DPoP, new token encrypted by RSA-OAEP-256",
        ),
    ] {
        let own = DecryptionKeys::new([DecryptionKey::generate(algorithm).unwrap()]);
        let public = Arc::new(EncryptionKey::from_set(&own.public(), None).unwrap());
        let world = || {
            let keys = own.clone();
            World::with(JwsAlgorithm::Es256, JwsAlgorithm::Es256, |builder| {
                builder.decryption_keys(keys)
            })
        };
        let encrypt = move |token: TokenBuilder| token.encrypted_to(public.clone()).mint();
        let opened = own.clone();
        let (issuer, encrypted) = (World::new(), encrypt.clone());
        cases.push(Case::new(bare, &[], move |times| {
            let tokens: Vec<_> = (0..times).map(|_| encrypted(issuer.bound())).collect();
            let accepted = AcceptedEncryption::default();
            timed(&tokens, |token| decrypt(token, &opened, &accepted).unwrap())
        }));
        let warm = world();
        let token = encrypt(warm.bound());
        cases.push(Case::new(cached, &[ES256], move |times| {
            warm.verify_all(&warm.requests(&token, times))
        }));
        let world = world();
        cases.push(Case::new(cold, needs, move |times| {
            let request = |_| dpop(&encrypt(world.bound()), &world.client);
            world.verify_all(&(0..times).map(request).collect::<Vec<_>>())
        }));
    }
    cases
}
