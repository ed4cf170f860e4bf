//! Listening: once for everybody, once more for clients with certificates.

use std::{
    error::Error,
    fs,
    io::{self, IsTerminal as _},
    net::SocketAddr,
    time::Duration,
};

use tokio::{net::TcpListener, sync::watch};
use tower_fapi::{
    authorization_server::AuthorizationServer,
    tls::{ClientCertificates, Server, ServerIdentity, ServerTls, TlsError},
};
use tracing_subscriber::EnvFilter;

use crate::{
    application::Application,
    certificate::{CertificateFiles, curl},
    config::Config,
};

pub async fn serve(config: Config) -> Result<(), Box<dyn Error>> {
    let levels = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(levels)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();

    let server = config.server()?;
    let router = server.router();
    let settings = &config.settings;
    let identity = identity(&config)?;
    let listener = listen(settings.listen.address).await?;
    // People are not asked for a certificate: their browsers would ask them which.
    let tls = ServerTls::new(&identity, &ClientCertificates::NotRequested)?;

    tokio::spawn(maintain_keys(server));
    let trial = match config.trial()? {
        None => None,
        Some((trial, client, keys)) => {
            let listener = listen(trial.address).await?;
            let chain = fs::read(certificate_files(&config).chain)?;
            let issuer = settings.issuer.get_ref();
            let application = Application::new(issuer, trial, &client, &keys, &chain)?;
            let server = if trial.https {
                Server::https(ServerTls::new(
                    &identity,
                    &ClientCertificates::NotRequested,
                )?)
            } else {
                Server::plain_http()
            };
            Some((application, server, listener))
        }
    };

    let (stop, stopped) = watch::channel(());
    let wait = |mut stopped: watch::Receiver<()>| async move {
        // An error means that the sender is gone, which is the signal.
        while stopped.changed().await.is_ok() {}
    };
    let trial = async {
        if let Some((application, server, listener)) = trial {
            application
                .serve(server, listener, wait(stopped.clone()))
                .await;
        }
    };
    let people = Server::https(tls).serve_until(listener, router.clone(), wait(stopped.clone()));
    let Some(mtls) = &settings.mtls else {
        introduce(&config);
        tokio::join!(people, trial, stop_on_interrupt(stop));
        return Ok(());
    };
    let listener = listen(mtls.address).await?;
    // Any certificate: one that was registered itself is of no authority. Who it belongs to is judged with the request.
    let tls = ServerTls::new(&identity, &ClientCertificates::AnyRequested)?;
    let clients = Server::https(tls).serve_until(listener, router, wait(stopped.clone()));
    introduce(&config);
    tokio::join!(people, clients, trial, stop_on_interrupt(stop));
    Ok(())
}

/// Takes up new keys every minute and on SIGHUP. Ends with the runtime.
async fn maintain_keys(server: AuthorizationServer) {
    let mut minutes = tokio::time::interval(Duration::from_mins(1));
    let mut signals = HangUps::new();
    loop {
        tokio::select! {
            _ = minutes.tick() => {}
            () = signals.next() => tracing::info!("SIGHUP: reading the key files"),
        }
        let server = server.clone();
        // It reads files, and may make a key. What is wrong is logged there, and the former keys stay.
        let _ = tokio::task::spawn_blocking(move || server.maintain_keys()).await;
    }
}

/// What a system administrator sends to have configuration read again.
struct HangUps(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl HangUps {
    #[cfg(unix)]
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(signal(SignalKind::hangup()).ok())
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self()
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.0 {
            signal.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Where the configuration says that the certificate is.
pub fn certificate_files(config: &Config) -> CertificateFiles {
    let listen = &config.settings.listen;
    CertificateFiles {
        chain: config.path(listen.certificate.get_ref()),
        key: config.path(listen.key.get_ref()),
    }
}

fn identity(config: &Config) -> Result<ServerIdentity, Box<dyn Error>> {
    let listen = &config.settings.listen;
    let files = certificate_files(config);
    ServerIdentity::from_pem_files(&files.chain, &files.key).map_err(|error| {
        let wrong = match &error {
            TlsError::Read { path, .. } if *path == files.chain => &listen.certificate,
            TlsError::NoCertificate => &listen.certificate,
            _ => &listen.key,
        };
        let cause = error.source().map(|cause| format!(": {cause}"));
        let reason = format!("{error}{}", cause.unwrap_or_default());
        let mistake = config.mistake(wrong.span(), reason).to_string();
        match files.advice() {
            Some(advice) => format!("{mistake}\n\n{advice}").into(),
            None => mistake.into(),
        }
    })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| format!("cannot listen on {address}: {error}"))
}

/// What runs where, and what to try first.
fn introduce(config: &Config) {
    let settings = &config.settings;
    let issuer = settings.issuer.get_ref();
    println!(
        "Authorization server {issuer} on {}; ctrl-c ends it.",
        settings.listen.address
    );
    if let Some(mtls) = &settings.mtls {
        let base_url = mtls.base_url.get_ref();
        println!(
            "  for clients with certificates: {base_url} on {}",
            mtls.address
        );
    }
    println!(
        "  what clients have to know: {}",
        curl(&certificate_files(config).chain, &metadata_url(issuer))
    );
    if let Some(trial) = &settings.trial {
        let trial = trial.get_ref();
        println!(
            "\nTo try it, open this in a browser:\n\n  {}\n\n\
             {} a certificate of this machine's own, which the browser warns of: let it pass.",
            trial.home(),
            if trial.https {
                format!("It and {issuer} have")
            } else {
                format!("{issuer} has")
            }
        );
        if let Some(advice) = &trial.advice {
            println!("{advice}");
        }
    }
}

/// The well-known path goes between the host and the path of the issuer (RFC 8414 §3.1).
fn metadata_url(issuer: &str) -> String {
    let (scheme, rest) = issuer.split_once("://").unwrap_or(("https", issuer));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = if path.is_empty() {
        String::new()
    } else {
        format!("/{path}")
    };
    format!("{scheme}://{host}/.well-known/oauth-authorization-server{path}")
}

/// Ends when somebody presses Ctrl-C, and everything that holds the other end with it.
async fn stop_on_interrupt(stop: watch::Sender<()>) {
    if tokio::signal::ctrl_c().await.is_err() {
        tracing::error!("no signal will be heard: stopping");
    }
    drop(stop);
}
