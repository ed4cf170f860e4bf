//! Connections of the generator: HTTP/1.1 or HTTP/2, plain or over TLS.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tower_fapi::tls::crypto_provider;
use url::Url;

use crate::{
    Outcome,
    folder::{ClientCertificate, Folder},
};

/// Where requests go.
pub struct Target {
    pub url: Url,
    pub address: SocketAddr,
    pub http2: bool,
    tls: Option<RootCertStore>,
}

/// One connection. Of HTTP/2, clones share it.
pub enum Connection {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

impl Target {
    pub fn new(url: &str, http2: bool, folder: &Folder) -> Outcome<Self> {
        let url: Url = url.parse()?;
        let address = url.socket_addrs(|| None)?;
        let address = *address.first().ok_or("the URL has no address")?;
        let tls = match url.scheme() {
            "https" => {
                let mut roots = RootCertStore::empty();
                for root in CertificateDer::pem_file_iter(folder.file("ca.pem"))? {
                    roots.add(root?)?;
                }
                Some(roots)
            }
            _ => None,
        };
        Ok(Self {
            url,
            address,
            http2,
            tls,
        })
    }

    pub async fn connect(&self, certificate: Option<&ClientCertificate>) -> Outcome<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let Some(roots) = &self.tls else {
            return self.shake_hands(stream).await;
        };
        let config = ClientConfig::builder_with_provider(Arc::new(crypto_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots.clone());
        let mut config = match certificate {
            None => config.with_no_client_auth(),
            Some(certificate) => {
                let key = PrivatePkcs8KeyDer::from(certificate.key.clone());
                let chain = vec![CertificateDer::from(certificate.der.clone())];
                config.with_client_auth_cert(chain, PrivateKeyDer::Pkcs8(key))?
            }
        };
        let protocol: &[u8] = if self.http2 { b"h2" } else { b"http/1.1" };
        config.alpn_protocols = vec![protocol.to_vec()];
        let host = self.url.host_str().ok_or("the URL has no host")?.to_owned();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from(host)?, stream)
            .await?;
        self.shake_hands(stream).await
    }

    async fn shake_hands<S>(&self, stream: S) -> Outcome<Connection>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = TokioIo::new(stream);
        if self.http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(connection);
            Ok(Connection::Http2(sender))
        } else {
            let (sender, connection) = http1::handshake(stream).await?;
            tokio::spawn(connection);
            Ok(Connection::Http1(sender))
        }
    }
}

impl Connection {
    /// Another one who sends on the same connection; `None` for HTTP/1.1, where one request waits for the other.
    pub fn share(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(sender) => Some(Self::Http2(sender.clone())),
        }
    }

    pub async fn send(&mut self, request: Request<Empty<Bytes>>) -> Outcome<Response<Incoming>> {
        match self {
            Self::Http1(sender) => {
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
            Self::Http2(sender) => {
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
        }
    }
}
