//! Ways for a request to get to the API: directly, through a proxy that ends TLS, and as a gRPC call.
//!
//! The API is the same each time, and so are its tokens. Only the URLs differ, which proofs have to name, and the form of
//! refusals.

mod grpc;
mod http;

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use ::http::{HeaderName, Method};
use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};
use tower::Layer as _;
use tower_fapi::{
    layer::FapiLayer,
    mtls::CertificateHeader,
    resource_server::{ForwardedUrl, IpNet, TrustedProxies, XForwarded},
    tls::{ClientCertificates, Server, ServerTls},
};

use super::{
    answer::Answer,
    api::{Call, Operation, Shown},
};
use crate::{
    Outcome, api,
    certificates::Authority,
    grpc_bank,
    nginx::{self, Nginx, Site},
    world::{self, World},
};

/// Where the demo's nginx puts the client's certificate.
pub const CERTIFICATE_HEADER: HeaderName = HeaderName::from_static("x-client-cert");

/// Every way there is, and what listens at their ends.
pub struct Carriers {
    pub direct: Carrier,
    /// `None` where there is no nginx.
    pub nginx: Option<Carrier>,
    pub grpc: Carrier,
    _nginx: Option<Nginx>,
    servers: Vec<JoinHandle<()>>,
}

/// One way.
pub struct Carrier {
    kind: Kind,
    /// Scheme, host and port, as clients see them.
    base: String,
    clients: Clients,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Direct,
    Nginx,
    Grpc,
}

impl Carriers {
    /// Starts the servers that the world has not got.
    pub async fn start(world: &World) -> Outcome<Self> {
        let grpc = world::listener(None).await?;
        let behind = world::listener(None).await?;
        let url = format!("https://{}", grpc.local_addr()?);
        let nginx = start_nginx(world, behind.local_addr()?)?;
        let carrier = |kind, base: &str| -> Outcome<Carrier> {
            Ok(Carrier {
                kind,
                base: base.to_owned(),
                clients: Clients::new(world)?,
            })
        };
        let through_nginx =
            |nginx: &Nginx| carrier(Kind::Nginx, &format!("https://{}", nginx.address));
        Ok(Self {
            direct: carrier(Kind::Direct, &world.api)?,
            nginx: nginx.as_ref().map(through_nginx).transpose()?,
            grpc: carrier(Kind::Grpc, &url)?,
            _nginx: nginx,
            servers: vec![
                serve_grpc(world, grpc).await?,
                serve_behind(world, behind).await?,
            ],
        })
    }
}

impl Drop for Carriers {
    fn drop(&mut self) {
        self.servers.iter().for_each(JoinHandle::abort);
    }
}

impl Carrier {
    pub const fn name(&self) -> &'static str {
        match self.kind {
            Kind::Direct => "directly",
            Kind::Nginx => "through nginx",
            Kind::Grpc => "over gRPC",
        }
    }

    /// The URL of an operation, as a proof has to name it.
    pub fn url(&self, operation: Operation) -> String {
        let path = match self.kind {
            Kind::Direct | Kind::Nginx => http::path(operation),
            Kind::Grpc => grpc::path(operation),
        };
        format!("{}{path}", self.base)
    }

    pub const fn method(&self, operation: Operation) -> Method {
        match (self.kind, operation) {
            (Kind::Direct | Kind::Nginx, Operation::Accounts) => Method::GET,
            (Kind::Direct | Kind::Nginx, Operation::Pay(_)) | (Kind::Grpc, _) => Method::POST,
        }
    }

    /// Sends a request, or the same one twice.
    pub async fn send(&self, call: &Call) -> Outcome<Answer> {
        let first = self.send_once(call).await?;
        let passed = ["200", "OK"].contains(&&*first.said);
        if call.twice && passed {
            return self.send_once(call).await;
        }
        Ok(first)
    }

    async fn send_once(&self, call: &Call) -> Outcome<Answer> {
        let mut url = format!("{}{}", self.url(call.operation), call.query);
        if !call.over_tls {
            url = url.replacen("https", "http", 1);
        }
        let client = self.clients.showing(call.shown);
        let request = client.request(self.method(call.operation), url);
        let request = call.headers.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        match self.kind {
            Kind::Direct | Kind::Nginx => http::send(request, call).await,
            Kind::Grpc => grpc::send(request, call).await,
        }
    }

    /// What an answer has to say by this way, if over HTTP it is this.
    pub fn expected(&self, said: &str) -> String {
        match self.kind {
            Kind::Direct | Kind::Nginx => said.to_owned(),
            Kind::Grpc => grpc::expected(said),
        }
    }

    /// Whether nginx itself has refused this, for being no sound HTTP: it gives no code, as the API would.
    pub fn refused_itself(&self, expected: &str, answer: &Answer) -> bool {
        let malformed = expected.starts_with("400") || expected == "no answer";
        self.kind == Kind::Nginx && malformed && answer.said == "400"
    }
}

/// Whoever sends, by the certificate that is shown.
struct Clients {
    nothing: reqwest::Client,
    own: reqwest::Client,
    other: reqwest::Client,
    forged: reqwest::Client,
}

impl Clients {
    fn new(world: &World) -> Outcome<Self> {
        let books = &world.cast.books;
        let forged = Authority::new("tower-fapi demo CA")?.client(books.id)?;
        Ok(Self {
            nothing: world.http(None)?,
            own: world.http(Some(&books.certificate))?,
            other: world.http(Some(&world.authority.client("coupon-club")?))?,
            forged: world.http(Some(&forged))?,
        })
    }

    const fn showing(&self, shown: Shown) -> &reqwest::Client {
        match shown {
            Shown::Nothing => &self.nothing,
            Shown::Own => &self.own,
            Shown::Other => &self.other,
            Shown::Forged => &self.forged,
        }
    }
}

/// An nginx in front of what listens at this address. It ends TLS, and tells which certificate it was shown and which URL it
/// was asked for.
fn start_nginx(world: &World, behind: SocketAddr) -> Outcome<Option<Nginx>> {
    if !nginx::found() {
        return Ok(None);
    }
    let own = world.authority.server()?;
    Ok(Nginx::start(&Site {
        certificate: own.pem,
        key: own.key_pem,
        location: "/",
        pass_to: format!("http://{behind}/"),
        client_authorities: None,
        headers: vec![
            ("X-Client-Cert", "$ssl_client_escaped_cert"),
            ("X-Forwarded-Proto", "$scheme"),
            ("X-Forwarded-Host", "$host"),
            ("X-Forwarded-Port", "$server_port"),
        ],
    }))
}

/// The API as it stands behind nginx: without TLS, and believing what comes from there.
async fn serve_behind(world: &World, listener: TcpListener) -> Outcome<JoinHandle<()>> {
    let proxies = TrustedProxies::new([IpNet::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST))])
        .certificate_header(CertificateHeader::escaped_pem(CERTIFICATE_HEADER))
        .url(ForwardedUrl::x_forwarded(XForwarded::new().with_port()));
    let server = world.resource_server().await?.trusted_proxies(proxies);
    let router: Router = api::router(server.build()?, world.seal.keys.clone())?;
    let server = Server::plain_http().drain_timeout(Duration::ZERO);
    Ok(tokio::spawn(server.serve(listener, router)))
}

/// The bank of the example `tonic`.
async fn serve_grpc(world: &World, listener: TcpListener) -> Outcome<JoinHandle<()>> {
    let server = world.resource_server().await?.build()?;
    let identity = world.authority.server()?.server_identity()?;
    let tls = ServerTls::new(&identity, &ClientCertificates::AnyRequested)?;
    let routes = grpc_bank::routes().map_err(|error| error.to_string())?;
    let app = FapiLayer::new(server).layer(routes);
    Ok(tokio::spawn(Server::https(tls).serve(listener, app)))
}
