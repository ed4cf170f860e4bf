//! An issuer, a client, a resource server, and requests.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Request, Response, request::Builder};
use http_body_util::Empty;
use tower::{Layer as _, Service as _, service_fn};
use tower_fapi::{
    jose::{CompactJws, JwsAlgorithm, VerifyingKey},
    layer::FapiLayer,
    rejection::Rejection,
    replay::MemoryReplayStore,
    resource_server::{RequestFacts, ResourceServer, ResourceServerBuilder},
    testing::{DpopKey, TestIssuer, TokenBuilder},
    time::{ManualClock, Timestamp},
};

use crate::measure::{Case, now_or_never, timed};

pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
pub(crate) const AS: &str = "https://as.example.com";
pub(crate) const API: &str = "https://api.example.com";
pub(crate) const URL: &str = "https://api.example.com/accounts";

pub(crate) const ES256: &str = "bare ES256 verification";
pub(crate) const PS256: &str = "bare PS256 verification";
pub(crate) const EDDSA: &str = "bare Ed25519 verification";

pub(crate) struct World {
    pub(crate) issuer: TestIssuer,
    pub(crate) client: DpopKey,
    pub(crate) server: ResourceServer,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(JwsAlgorithm::Es256, JwsAlgorithm::Es256, |builder| builder)
    }

    /// With an issuer and a client that sign so.
    pub(crate) fn with(
        issuer: JwsAlgorithm,
        client: JwsAlgorithm,
        settings: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder,
    ) -> Self {
        let issuer = TestIssuer::with_algorithm(AS, API, issuer);
        let server = server(ResourceServer::builder(API, issuer.trusted()), settings);
        Self {
            issuer,
            client: DpopKey::generate_for(client),
            server,
        }
    }

    /// Longer than ours, as tokens with a few claims of the bank's own are: about 900 bytes.
    pub(crate) fn token(&self) -> TokenBuilder {
        self.issuer
            .token(NOW)
            .scope("accounts payments")
            .claim("branch", "x".repeat(270))
    }

    pub(crate) fn bound(&self) -> TokenBuilder {
        self.token().bound_to_key(self.client.thumbprint())
    }

    /// So many requests with this token, each with a proof of its own.
    pub(crate) fn requests(&self, token: &str, times: u64) -> Vec<Request<()>> {
        (0..times).map(|_| dpop(token, &self.client)).collect()
    }

    pub(crate) fn verify(&self, request: &Request<()>) {
        now_or_never(self.server.verify(&RequestFacts::of(request), NOW)).unwrap();
    }

    pub(crate) fn verify_all(&self, requests: &[Request<()>]) -> Duration {
        timed(requests, |request| self.verify(request))
    }
}

pub(crate) fn server(
    builder: ResourceServerBuilder,
    settings: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder,
) -> ResourceServer {
    let builder = builder
        .replay_store(MemoryReplayStore::new(4_000_000))
        .clock(ManualClock::at(NOW));
    settings(builder).build().unwrap()
}

pub(crate) fn request() -> Builder {
    Request::get("/accounts").header("host", "api.example.com")
}

/// A request that is right in everything, with a new proof of this key.
pub(crate) fn dpop(token: &str, key: &DpopKey) -> Request<()> {
    let proof = key.proof("GET", URL, NOW).access_token(token).sign();
    with_proof(token, &proof)
}

pub(crate) fn with_proof(token: &str, proof: &str) -> Request<()> {
    let request = request()
        .header("authorization", format!("DPoP {token}"))
        .header("dpop", proof);
    request.body(()).unwrap()
}

/// Every signature is another one: a processor that has seen the same one many times over guesses its way through.
pub(crate) fn bare(name: &'static str, algorithm: JwsAlgorithm) -> Case {
    let key = DpopKey::generate_for(algorithm);
    let prepared = VerifyingKey::new(key.signing_key().public()).unwrap();
    Case::new(name, &[], move |times| {
        let proofs = bare_inputs(&key, times);
        timed(&proofs, |proof| bare_verification(proof, &prepared))
    })
}

pub(crate) fn bare_inputs(key: &DpopKey, times: u64) -> Vec<String> {
    let proof = |_| key.proof("GET", URL, NOW).access_token("token").sign();
    (0..times).map(proof).collect()
}

pub(crate) fn bare_verification(proof: &str, key: &VerifyingKey) {
    CompactJws::parse(proof).unwrap().verify(key).unwrap();
}

/// Sends a request through the layer to a service that does nothing, and says why it was refused, if it was.
pub(crate) fn through_layer(
    server: &ResourceServer,
) -> impl FnMut(Request<()>) -> Option<&'static str> + 'static + use<> {
    let empty = service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let mut service = FapiLayer::new(server.clone()).layer(empty);
    move |request| {
        let response = now_or_never(service.call(request)).unwrap();
        let rejection = response.extensions().get::<Rejection>();
        rejection.map(Rejection::reason)
    }
}
