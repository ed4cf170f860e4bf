//! Where requests go, and what all of them have in common.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri,
    header::{AUTHORIZATION, HOST},
};
use http_body_util::Empty;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower_fapi::tls::crypto_provider;
use url::{Position, Url};

use crate::{
    Outcome,
    arguments::Arguments,
    certificates::{ClientCertificate, read_chain},
    connection::Connection,
    folder::Folder,
    material::Carried,
};

pub struct Target {
    url: Url,
    address: SocketAddr,
    http2: bool,
    tls: Option<RootCertStore>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Target {
    pub fn new(
        url: &str,
        http2: bool,
        arguments: &Arguments,
        folder: Option<&Folder>,
    ) -> Outcome<Self> {
        let url: Url = url.parse().map_err(|error| format!("{url}: {error}"))?;
        let address = url.socket_addrs(|| None)?;
        let address = *address.first().ok_or("the URL has no address")?;
        let tls = match url.scheme() {
            "http" => None,
            "https" => Some(roots(arguments, folder)?),
            other => return Err(format!("{url}: {other} is neither http nor https").into()),
        };
        let authority = url[Position::BeforeHost..Position::AfterPort].to_owned();
        let mut headers = HeaderMap::new();
        for header in arguments.all("header") {
            let split = header.split_once(':');
            let (name, value) = split.ok_or(format!("--header {header}: it is NAME:VALUE"))?;
            let name: HeaderName = name.trim().parse()?;
            headers.append(name, HeaderValue::from_str(value.trim())?);
        }
        // HTTP/2 takes scheme and authority from the URI, HTTP/1.1 has the authority in a header of its own.
        let uri = if http2 {
            url[..Position::AfterQuery].parse()?
        } else {
            if !headers.contains_key(HOST) {
                headers.insert(HOST, HeaderValue::from_str(&authority)?);
            }
            url[Position::BeforePath..Position::AfterQuery].parse()?
        };
        Ok(Self {
            address,
            http2,
            tls,
            method: arguments.text("method").unwrap_or("GET").parse()?,
            uri,
            headers,
            url,
        })
    }

    pub fn request(&self, carried: &Carried<'_>) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        if let Some(value) = carried.authorization {
            headers.insert(AUTHORIZATION, value.clone());
        }
        if let Some(value) = carried.proof {
            headers.insert("dpop", value.clone());
        }
        request
    }

    pub async fn connect(&self, certificate: Option<&ClientCertificate>) -> Outcome<Connection> {
        let opened = self.open(certificate).await;
        opened.map_err(|error| format!("connecting to {} failed: {error}", self.url).into())
    }

    async fn open(&self, certificate: Option<&ClientCertificate>) -> Outcome<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Connection::over(stream, self.http2).await,
            Some(roots) => {
                let stream = self.shake_hands(stream, roots, certificate).await?;
                Connection::over(stream, self.http2).await
            }
        }
    }

    async fn shake_hands(
        &self,
        stream: TcpStream,
        roots: &RootCertStore,
        certificate: Option<&ClientCertificate>,
    ) -> Outcome<TlsStream<TcpStream>> {
        let config = ClientConfig::builder_with_provider(Arc::new(crypto_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots.clone());
        let mut config = match certificate {
            None => config.with_no_client_auth(),
            Some(certificate) => config
                .with_client_auth_cert(certificate.chain.clone(), certificate.key.clone_key())?,
        };
        let protocol: &[u8] = if self.http2 { b"h2" } else { b"http/1.1" };
        config.alpn_protocols = vec![protocol.to_vec()];
        let host = self.url.host_str().ok_or("the URL has no host")?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from(host)?, stream)
            .await?;
        if self.http2 && stream.get_ref().1.alpn_protocol() != Some(protocol) {
            return Err("the server does not offer HTTP/2 (ALPN h2)".into());
        }
        Ok(stream)
    }
}

fn roots(arguments: &Arguments, folder: Option<&Folder>) -> Outcome<RootCertStore> {
    let path = match (arguments.text("ca"), folder) {
        (Some(path), _) => path.to_owned(),
        (None, Some(folder)) => folder.file("ca.pem").display().to_string(),
        (None, None) => {
            return Err("--ca is missing: the PEM roots of the server's certificate".into());
        }
    };
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(read_chain(&path)?);
    if added == 0 {
        return Err(format!("{path}: no root in it").into());
    }
    Ok(roots)
}
