//! The TLS settings of a server, which can be replaced while it serves.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    sign::SingleCertAndKey,
    version::{TLS12, TLS13},
};

use super::{ClientCertificates, ServerIdentity, TlsError, crypto_provider, sessions::Sessions};

/// A server's side of TLS: its certificate and what it asks of clients.
///
/// Clones share one state: [`reload`](Self::reload) on any of them reaches every [`Server`](super::Server) that has one.
/// Sessions are resumed for up to an hour, in memory and within one process; a resumed session carries the client
/// certificate that its full handshake proved.
#[derive(Clone)]
pub struct ServerTls(Arc<ArcSwap<ServerConfig>>);

impl ServerTls {
    /// Puts a certificate into use.
    ///
    /// # Errors
    ///
    /// [`TlsError::ClientAuthorities`] or [`TlsError::Unusable`] if TLS cannot be set up with these.
    pub fn new(identity: &ServerIdentity, clients: &ClientCertificates) -> Result<Self, TlsError> {
        let config = server_config(identity, clients)?;
        Ok(Self(Arc::new(ArcSwap::from_pointee(config))))
    }

    /// Replaces everything, for the connections that begin from now on.
    ///
    /// Open connections go on as they are. No session from before is resumed, so that none brings in a client certificate
    /// that `clients` would refuse.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); what was in use stays in use.
    pub fn reload(
        &self,
        identity: &ServerIdentity,
        clients: &ClientCertificates,
    ) -> Result<(), TlsError> {
        self.0.store(Arc::new(server_config(identity, clients)?));
        Ok(())
    }

    /// What a connection that begins now works with.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.0.load_full()
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

fn server_config(
    identity: &ServerIdentity,
    clients: &ClientCertificates,
) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(crypto_provider());
    let verifier = clients.verifier(&provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified_key())));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // The server prefers its stronger suites, whatever order the client has (RFC 9325 §4.2.1).
    config.ignore_client_order = true;
    config.session_storage = Arc::new(Sessions::new());
    // A request in early data can be replayed by whoever recorded it (RFC 8446 §8).
    config.max_early_data_size = 0;
    Ok(config)
}
