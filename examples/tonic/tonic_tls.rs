//! Where TLS is tonic's own, and not that of `tower_fapi::tls`.

use std::fs;

use http::Request;
use tonic::transport::{
    Certificate, Identity, Server, ServerTlsConfig,
    server::{TcpConnectInfo, TlsConnectInfo},
};
use tower::util::MapRequestLayer;
use tower_fapi::{
    layer::FapiLayer,
    mtls::{PeerAddr, PeerCertificate},
    resource_server::ResourceServer,
};

use crate::{Outcome, bank};

/// Serves with tonic's transport. Clients may show certificates of these authorities; those that show none are served, too.
pub async fn serve(server: ResourceServer, chain: &str, key: &str, authorities: &str) -> Outcome {
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(fs::read(chain)?, fs::read(key)?))
        .client_ca_root(Certificate::from_pem(fs::read(authorities)?))
        .client_auth_optional(true);
    Server::builder()
        .tls_config(tls)?
        .layer(MapRequestLayer::new(introduce))
        .layer(FapiLayer::new(server))
        .add_routes(bank::routes()?.into())
        .serve("127.0.0.1:8443".parse()?)
        .await?;
    Ok(())
}

/// Tells `FapiLayer` what tonic knows of the connection, for tokens that are bound to a certificate (RFC 8705 §3).
///
/// It stands before `FapiLayer`, and whatever stood in these places before is gone.
pub fn introduce<B>(mut request: Request<B>) -> Request<B> {
    let extensions = request.extensions_mut();
    extensions.remove::<PeerCertificate>();
    extensions.remove::<PeerAddr>();
    if let Some(tls) = extensions.get::<TlsConnectInfo<TcpConnectInfo>>().cloned() {
        let chain = tls.peer_certs().unwrap_or_default();
        if let Some(certificate) = PeerCertificate::from_chain(chain.iter()) {
            extensions.insert(certificate);
        }
        if let Some(address) = tls.get_ref().remote_addr() {
            extensions.insert(PeerAddr(address));
        }
    }
    request
}
