//! A bank behind the layer, on a loopback socket, and what it takes to call it.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::Request;
use tokio::net::TcpListener;
use tonic::{
    Response, Status,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, ServerTlsConfig},
};
use tower::{Layer, util::MapRequestLayer};
use tower_fapi::{
    issuer::IssuerKeys,
    layer::FapiLayer,
    mtls::PeerAddr,
    resource_server::{ResourceServer, ResourceServerBuilder, TrustedIssuer},
    testing::{DpopKey, TestIssuer},
    time::{Clock, ManualClock, SystemClock},
    tls::{ClientCertificates, Server, ServerIdentity, ServerTls},
};

use crate::{
    bank::{self, ListAccountsRequest, ListAccountsResponse, bank_client::BankClient},
    tonic_tls::introduce,
};

pub const LIST: &str = "/bank.v1.Bank/ListAccounts";

/// Who serves the bank.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Serving {
    /// `tower_fapi::tls`.
    Crate,
    /// tonic's transport, with its own TLS.
    Tonic,
}

/// A certificate and its key, as PEM.
pub struct Pair {
    pub certificate: rcgen::Certificate,
    pub key: String,
}

impl Pair {
    pub fn self_signed(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Self {
            certificate: made.cert,
            key: made.signing_key.serialize_pem(),
        }
    }

    pub fn identity(&self) -> Identity {
        Identity::from_pem(self.certificate.pem(), &self.key)
    }
}

pub struct World {
    pub address: SocketAddr,
    pub url: String,
    pub issuer: TestIssuer,
    pub key: DpopKey,
    pub clock: ManualClock,
    pub own: Pair,
    pub server: ResourceServer,
    behind: Arc<Behind>,
}

/// What has come through the layer.
#[derive(Default)]
struct Behind {
    calls: AtomicUsize,
    peer: Mutex<Option<PeerAddr>>,
}

impl World {
    pub async fn start(serving: Serving) -> Self {
        Self::with(serving, None, |builder| builder).await
    }

    /// `authority` signs client certificates, for a server that has to know it.
    pub async fn with(
        serving: Serving,
        authority: Option<&Pair>,
        settings: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder,
    ) -> Self {
        crate::emitted::watch();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("https://localhost:{}", address.port());
        let issuer = TestIssuer::new("https://as.example.com", &url);
        let keys = IssuerKeys::fixed(&issuer.jwks()).unwrap();
        // The example's client asks the system for the time.
        let clock = ManualClock::at(SystemClock.now());
        let trusted = TrustedIssuer::new(issuer.issuer(), keys);
        let builder = ResourceServer::builder(&url, trusted).clock(clock.clone());
        let world = Self {
            address,
            url,
            issuer,
            key: DpopKey::generate(),
            clock,
            own: Pair::self_signed("localhost"),
            server: settings(builder).build().unwrap(),
            behind: Arc::default(),
        };
        let server = world.server.clone();
        match serving {
            Serving::Tonic => world.serve_with_tonic(listener, server, authority),
            Serving::Crate => {
                let routes = MapRequestLayer::new(world.count()).layer(bank::routes().unwrap());
                let app = FapiLayer::new(server).layer(routes);
                tokio::spawn(Server::https(world.tls()).serve(listener, app));
            }
        }
        world
    }

    fn tls(&self) -> ServerTls {
        let (chain, key) = (self.own.certificate.pem(), &self.own.key);
        let identity = ServerIdentity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        ServerTls::new(&identity, &ClientCertificates::AnyRequested).unwrap()
    }

    fn serve_with_tonic(
        &self,
        listener: TcpListener,
        server: ResourceServer,
        authority: Option<&Pair>,
    ) {
        let mut tls = ServerTlsConfig::new().identity(self.own.identity());
        if let Some(authority) = authority {
            let root = Certificate::from_pem(authority.certificate.pem());
            tls = tls.client_ca_root(root).client_auth_optional(true);
        }
        let serving = tonic::transport::Server::builder()
            .tls_config(tls)
            .unwrap()
            .layer(MapRequestLayer::new(introduce))
            .layer(FapiLayer::new(server))
            .layer(MapRequestLayer::new(self.count()))
            .add_routes(bank::routes().unwrap().into())
            .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener));
        tokio::spawn(serving);
    }

    fn count<B>(&self) -> impl Fn(Request<B>) -> Request<B> + Clone + use<B> {
        let behind = Arc::clone(&self.behind);
        move |request: Request<B>| {
            behind.calls.fetch_add(1, Ordering::SeqCst);
            *behind.peer.lock().unwrap() = request.extensions().get().copied();
            request
        }
    }

    /// How many calls have come through the layer.
    pub fn calls(&self) -> usize {
        self.behind.calls.load(Ordering::SeqCst)
    }

    /// Whose the last of them was.
    pub fn peer(&self) -> Option<PeerAddr> {
        *self.behind.peer.lock().unwrap()
    }

    pub async fn channel(&self) -> Channel {
        self.channel_showing(None).await
    }

    pub async fn channel_showing(&self, identity: Option<Identity>) -> Channel {
        let root = Certificate::from_pem(self.own.certificate.pem());
        let mut tls = ClientTlsConfig::new().ca_certificate(root);
        if let Some(identity) = identity {
            tls = tls.identity(identity);
        }
        let endpoint = Endpoint::from_shared(self.url.clone()).unwrap();
        endpoint.tls_config(tls).unwrap().connect().await.unwrap()
    }

    /// A token with this scope, bound to the key.
    pub fn token(&self, scope: &str) -> String {
        let token = self.issuer.token(self.clock.now()).scope(scope);
        token.bound_to_key(self.key.thumbprint()).mint()
    }

    /// A proof for a call of this method, right in everything.
    pub fn proof(&self, path: &str, token: &str) -> String {
        let url = format!("{}{path}", self.url);
        let proof = self.key.proof("POST", &url, self.clock.now());
        proof.access_token(token).sign()
    }

    /// What a good call of this method carries.
    pub fn credentials(&self, path: &str, scope: &str) -> Vec<(&'static str, String)> {
        let token = self.token(scope);
        let proof = self.proof(path, &token);
        vec![("authorization", format!("DPoP {token}")), ("dpop", proof)]
    }
}

/// A message with these fields as metadata.
pub fn carrying<T>(message: T, fields: &[(&'static str, String)]) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    for (name, value) in fields {
        let value = value.parse().unwrap();
        request.metadata_mut().append(*name, value);
    }
    request
}

/// Asks for the accounts.
pub async fn list(
    channel: Channel,
    fields: &[(&'static str, String)],
) -> Result<Response<ListAccountsResponse>, Status> {
    let request = carrying(ListAccountsRequest {}, fields);
    BankClient::new(channel).list_accounts(request).await
}

/// All challenges of a refusal, one a line.
pub fn challenges(status: &Status) -> String {
    let lines = status.metadata().get_all("www-authenticate");
    let lines: Vec<_> = lines.iter().map(|line| line.to_str().unwrap()).collect();
    lines.join("\n")
}
