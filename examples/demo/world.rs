//! The servers: each on a loopback socket of its own, over TLS, as they would stand in the world.

use std::time::Duration;

use axum::Router;
use reqwest::redirect;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tower_fapi::{
    authorization_server::Lifetimes,
    issuer::{Discovery, Fetcher, Introspection, TrustedRoots},
    jose::{JwsAlgorithm, PrivateJwk, SigningKey},
    resource_server::{ResourceServer, ResourceServerBuilder, TrustedIssuer},
    time::{Clock as _, Timestamp},
    tls::{ClientCertificates, Server, ServerTls},
};

use crate::{
    Outcome, api, bank,
    cast::{self, Cast},
    certificates::{Authority, Certificate},
    clock::ShiftableClock,
    seal::Seal,
    tap::Tap,
};

/// Everything that runs, and what a demonstrator has to know about it.
pub struct World {
    pub authority: Authority,
    pub cast: Cast,
    /// The authorization server's issuer identifier.
    pub issuer: String,
    /// Where the same server asks for client certificates (RFC 8705 §5).
    pub mtls: String,
    /// The API's base URL and the `aud` of its tokens.
    pub api: String,
    /// The same API once more, which asks the authorization server about each token (RFC 7662).
    pub asking: String,
    /// The clock of the authorization server.
    pub clock: ShiftableClock,
    /// The key the authorization server signs tokens with, so that tokens can be made that are wrong in one thing only.
    pub signing_key: SigningKey,
    /// What tokens for the API are encrypted to.
    pub seal: Seal,
    pub tap: Tap,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
}

/// What differs from one run to another.
#[derive(Default)]
pub struct Plan {
    /// The port to begin with, where it is free; any ports otherwise.
    pub first_port: Option<u16>,
    /// How long requests, tokens and so on live.
    pub lifetimes: Lifetimes,
    /// Another address that the first client may be returned to.
    pub also_returns_to: Option<String>,
}

impl World {
    pub async fn start(plan: &Plan) -> Outcome<Self> {
        let authority = Authority::new("tower-fapi demo CA")?;
        let cast = Cast::assemble(&authority)?;
        let port = |offset| plan.first_port.map(|port| port + offset);
        let (front, issuer) = bind(port(0)).await?;
        let (mutual, mtls) = bind(port(1)).await?;
        let (api_listener, api) = bind(port(2)).await?;
        let (asking_listener, asking) = bind(port(4)).await?;
        let (stop, _) = watch::channel(false);
        let signing_key = PrivateJwk::generate(JwsAlgorithm::Es256)?;
        let mut world = Self {
            signing_key: SigningKey::new(&signing_key)?,
            seal: Seal::generate()?,
            clock: ShiftableClock::default(),
            servers: Vec::new(),
            authority,
            cast,
            issuer,
            mtls,
            api,
            asking,
            stop,
            tap: Tap::default(),
        };
        let own = world.authority.server()?;

        // One authorization server behind two listeners, of which the second asks for certificates.
        let router = bank::authorization_server(&world, &signing_key, plan)?.router();
        world.serve(
            front,
            &own,
            &ClientCertificates::NotRequested,
            router.clone(),
        )?;
        world.serve(mutual, &own, &ClientCertificates::AnyRequested, router)?;

        let router = api::router(
            world.resource_server().await?.build()?,
            world.seal.keys.clone(),
        )?;
        world.serve(
            api_listener,
            &own,
            &ClientCertificates::AnyRequested,
            router,
        )?;
        let server = world.asking_resource_server().await?.build()?;
        let router = api::router(server, world.seal.keys.clone())?;
        let asked = ClientCertificates::AnyRequested;
        world.serve(asking_listener, &own, &asked, router)?;
        Ok(world)
    }

    /// Knows of the authorization server what everybody can: its metadata and its public keys.
    pub async fn resource_server(&self) -> Outcome<ResourceServerBuilder> {
        Ok(self.resource_server_of(self.trusted_issuer().await?))
    }

    /// Asks besides, and forgets the answer at once.
    async fn asking_resource_server(&self) -> Outcome<ResourceServerBuilder> {
        let certificate = self.cast.api.client_certificate()?;
        let introspection = Introspection::mutual_tls(cast::API, certificate)
            .roots(TrustedRoots::from_pem(self.authority.pem().as_bytes())?)
            .remember_active_for(Duration::ZERO);
        let issuer = self.trusted_issuer().await?.introspect(introspection);
        Ok(self.resource_server_of(issuer))
    }

    fn resource_server_of(&self, issuer: TrustedIssuer) -> ResourceServerBuilder {
        let keys = self.seal.keys.clone();
        ResourceServer::builder(&self.api, issuer).decryption_keys(keys)
    }

    async fn trusted_issuer(&self) -> Outcome<TrustedIssuer> {
        let fetcher = Fetcher::builder().http_client(self.http(None)?).build()?;
        let keys = Discovery::new(self.issuer.parse()?)
            .fetcher(fetcher)
            .connect()
            .await?;
        Ok(TrustedIssuer::new(&self.issuer, keys))
    }

    fn serve(
        &mut self,
        listener: TcpListener,
        own: &Certificate,
        clients: &ClientCertificates,
        router: Router,
    ) -> Outcome {
        let tls = ServerTls::new(&own.server_identity()?, clients)?;
        let router = self.tap.over(router);
        let mut stop = self.stop.subscribe();
        self.servers.push(tokio::spawn(async move {
            // The sender lives as long as the world, and ends with it.
            let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
            Server::https(tls)
                .drain_timeout(Duration::from_secs(2))
                .serve_until(listener, router, stopped)
                .await;
        }));
        Ok(())
    }

    /// An HTTP client that believes the demo's authority, shows this certificate if asked for one, and otherwise does
    /// exactly what it is told.
    pub fn http(&self, certificate: Option<&Certificate>) -> Outcome<reqwest::Client> {
        let roots = reqwest::Certificate::from_pem_bundle(self.authority.pem().as_bytes())?;
        let mut builder = reqwest::Client::builder()
            .tls_certs_only(roots)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .timeout(Duration::from_secs(10));
        if let Some(certificate) = certificate {
            let identity = reqwest::Identity::from_pem(certificate.both().as_bytes())?;
            builder = builder.identity(identity);
        }
        Ok(builder.build()?)
    }

    /// The present moment, as the authorization server has it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets requests in flight be answered, and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for server in self.servers {
            // A server that has panicked has said so already.
            drop(server.await);
        }
    }
}

async fn bind(port: Option<u16>) -> Outcome<(TcpListener, String)> {
    let listener = listener(port).await?;
    // An address and no name: `localhost` would teach browsers to demand TLS of everything on this machine (RFC 6797).
    let url = format!("https://{}", listener.local_addr()?);
    Ok((listener, url))
}

/// A socket on the loopback interface; on this port, if it is free.
pub async fn listener(port: Option<u16>) -> Outcome<TcpListener> {
    if let Some(port) = port
        && let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await
    {
        return Ok(listener);
    }
    Ok(TcpListener::bind("127.0.0.1:0").await?)
}
