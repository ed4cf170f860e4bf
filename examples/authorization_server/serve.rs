//! Listening: once for everybody, once more for clients with certificates.

use std::error::Error;

use tokio::{net::TcpListener, sync::watch};
use tower_fapi::tls::{ClientCertificates, Server, ServerIdentity, ServerTls};
use tracing_subscriber::EnvFilter;

use crate::config::Config;

pub async fn serve(config: Config) -> Result<(), Box<dyn Error>> {
    let levels = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(levels).init();

    let router = config.server()?.router();
    let settings = &config.settings;
    let identity = ServerIdentity::from_pem_files(
        config.path(&settings.listen.certificate),
        config.path(&settings.listen.key),
    )?;
    let listener = TcpListener::bind(settings.listen.address).await?;
    // People are not asked for a certificate: their browsers would ask them which.
    let tls = ServerTls::new(&identity, &ClientCertificates::NotRequested)?;
    println!(
        "{} on {}",
        settings.issuer.get_ref(),
        listener.local_addr()?
    );

    let (stop, stopped) = watch::channel(());
    let wait = |mut stopped: watch::Receiver<()>| async move {
        // An error means that the sender is gone, which is the signal.
        while stopped.changed().await.is_ok() {}
    };
    let people = Server::https(tls).serve_until(listener, router.clone(), wait(stopped.clone()));
    let Some(mtls) = &settings.mtls else {
        tokio::join!(people, stop_on_interrupt(stop));
        return Ok(());
    };
    let listener = TcpListener::bind(mtls.address).await?;
    // Any certificate: one that was registered itself is of no authority. Who it belongs to is judged with the request.
    let tls = ServerTls::new(&identity, &ClientCertificates::AnyRequested)?;
    println!("{} on {}", mtls.base_url.get_ref(), listener.local_addr()?);
    let clients = Server::https(tls).serve_until(listener, router, wait(stopped));
    tokio::join!(people, clients, stop_on_interrupt(stop));
    Ok(())
}

/// Ends when somebody presses Ctrl-C, and everything that holds the other end with it.
async fn stop_on_interrupt(stop: watch::Sender<()>) {
    if tokio::signal::ctrl_c().await.is_err() {
        tracing::error!("no signal will be heard: stopping");
    }
    drop(stop);
}
