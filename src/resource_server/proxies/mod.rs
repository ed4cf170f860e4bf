//! Proxies whose word is taken for what they saw of the client.

use std::net::{IpAddr, Ipv4Addr};

use http::HeaderName;
use ipnet::{IpNet, Ipv4Net};

use super::{ConfigError, ForwardedUrl, RequestFacts};
use crate::mtls::{
    CertificateHeader, CertificateHeaderError, CertificateThumbprint, ForwardedCertificate, Peer,
    PeerCertificate, is_certificate_header,
};

/// The proxies in front: where they are, and what they tell of the client in headers.
///
/// Only the proxy that opened the connection itself is looked at, by its address. From there, the client's certificate is what
/// the [certificate header](Self::certificate_header) says, and never the certificate of the connection, which is the
/// proxy's own. From anywhere else the header means nothing, and the certificate is that of the connection.
///
/// A proxy that passes TLS through without ending it tells nothing in headers; do not list it here.
///
/// ```
/// use http::HeaderName;
/// use tower_fapi::{
///     mtls::CertificateHeader,
///     resource_server::{ForwardedUrl, IpNet, TrustedProxies, XForwarded},
/// };
///
/// let network: IpNet = "10.1.2.0/24".parse()?;
/// let nginx = TrustedProxies::new([network])
///     .certificate_header(CertificateHeader::escaped_pem(HeaderName::from_static("x-client-cert")))
///     .url(ForwardedUrl::x_forwarded(XForwarded::new()));
/// # let _ = nginx;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    unix_sockets: bool,
    certificate: Option<CertificateHeader>,
    url: Option<ForwardedUrl>,
}

impl TrustedProxies {
    /// Proxies at these addresses: networks ([`IpNet`]) or single addresses ([`IpAddr`]). IPv4 and IPv6 addresses that are
    /// mapped to them are the same (RFC 4291 §2.5.5.2).
    #[must_use]
    pub fn new<N: Into<IpNet>>(networks: impl IntoIterator<Item = N>) -> Self {
        let networks = networks.into_iter().map(|network| unmapped(network.into()));
        Self {
            networks: networks.collect(),
            ..Self::default()
        }
    }

    /// Trusts whoever comes through a Unix socket, too: requests with [`Peer::UnixSocket`] in their extensions.
    ///
    /// The server that listens there has to put it in. With a router of axum, `.layer(Extension(Peer::UnixSocket))` does, on a
    /// router that is served on the socket and nowhere else.
    #[must_use]
    pub const fn unix_sockets(mut self) -> Self {
        self.unix_sockets = true;
        self
    }

    /// Sets how they pass the client's certificate on; unless set, clients behind them have none.
    #[must_use]
    pub fn certificate_header(mut self, header: CertificateHeader) -> Self {
        self.certificate = Some(header);
        self
    }

    /// Sets how they tell which URL the client meant; unless set, it is that of the request or the configured public one.
    #[must_use]
    pub fn url(mut self, url: ForwardedUrl) -> Self {
        self.url = Some(url);
        self
    }

    pub(super) fn trust(&self, peer: Option<Peer>) -> bool {
        match peer {
            Some(Peer::Network(address)) => self.trust_address(address.ip()),
            Some(Peer::UnixSocket) => self.unix_sockets,
            None => false,
        }
    }

    pub(super) fn trust_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// How the URL is told by this peer, if it is.
    pub(super) fn url_told_by(&self, peer: Option<Peer>) -> Option<&ForwardedUrl> {
        self.url.as_ref().filter(|_| self.trust(peer))
    }

    pub(super) const fn tell_the_url(&self) -> bool {
        self.url.is_some()
    }

    /// The client's certificate: of the connection, or as a trusted proxy passes it on.
    pub(super) fn certificate(
        &self,
        facts: &RequestFacts<'_>,
    ) -> Result<ClientCertificate, CertificateHeaderError> {
        if !self.trust(facts.peer) {
            return Ok(facts
                .certificate
                .cloned()
                .map_or(ClientCertificate::None, ClientCertificate::Connection));
        }
        let header = self.certificate.as_ref();
        let forwarded = header
            .map(|header| header.read(facts.headers))
            .transpose()?;
        Ok(forwarded
            .flatten()
            .map_or(ClientCertificate::None, ClientCertificate::Forwarded))
    }

    /// Whether a header of this name, from this peer, says something of the client that nobody vouches for.
    ///
    /// From a trusted proxy that is what others of its kind write and it does not; from anybody else it is all of them.
    /// An underscore is as good as a hyphen: there are services behind that make no difference.
    pub(super) fn distrust(&self, name: &HeaderName, trusted: bool) -> bool {
        let certificate = self.certificate.as_ref();
        if certificate.is_none() && !may_speak_of_clients(name) {
            return false;
        }
        if certificate.is_some_and(|header| header.writes(name)) {
            return !trusted;
        }
        let hyphened = hyphened(name);
        let name = hyphened.as_ref().unwrap_or(name);
        let like_own = certificate.is_some_and(|header| {
            header
                .names()
                .any(|own| self::hyphened(own).as_ref().unwrap_or(own) == name)
        });
        if like_own || is_certificate_header(name) {
            return true;
        }
        if !is_forwarding_header(name) {
            return false;
        }
        let Some(url) = self.url.as_ref().filter(|_| trusted) else {
            return !trusted;
        };
        let vouched_for = url.writes(name) || !tells_the_url(name);
        !vouched_for || hyphened.is_some()
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self
            .networks
            .iter()
            .find(|network| network.prefix_len() == 0)
        {
            Some(_) => Err(ConfigError::EverybodyTrusted),
            None if self.networks.is_empty() && !self.unix_sockets => {
                Err(ConfigError::NoProxyTrusted)
            }
            None => Ok(()),
        }
    }
}

/// The client's certificate and where it was seen.
#[derive(Clone, Debug)]
pub(crate) enum ClientCertificate {
    None,
    Connection(PeerCertificate),
    Forwarded(ForwardedCertificate),
}

impl ClientCertificate {
    pub(super) fn thumbprint(&self) -> Option<CertificateThumbprint> {
        match self {
            Self::None => None,
            Self::Connection(certificate) => Some(certificate.thumbprint()),
            Self::Forwarded(certificate) => Some(certificate.thumbprint()),
        }
    }

    pub(super) fn into_certificate(self) -> Option<PeerCertificate> {
        match self {
            Self::None => None,
            Self::Connection(certificate) => Some(certificate),
            Self::Forwarded(certificate) => certificate.certificate().cloned(),
        }
    }
}

/// A network of IPv4-mapped IPv6 addresses as what it is.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else {
        return network.trunc();
    };
    let length = mapped.prefix_len().checked_sub(96);
    let address: Option<Ipv4Addr> = mapped.network().to_ipv4_mapped();
    match (length, address) {
        (Some(length), Some(address)) => Ipv4Net::new(address, length).map_or(network, IpNet::V4),
        _ => network.trunc(),
    }
}

/// False of nearly every header by a single letter, where the lists would take longer. Says nothing of headers that the operator
/// has named.
fn may_speak_of_clients(name: &HeaderName) -> bool {
    let first = name.as_str().as_bytes().first();
    matches!(first, Some(b'c' | b'f' | b's' | b't' | b'x'))
}

/// The name with hyphens, if it has underscores.
fn hyphened(name: &HeaderName) -> Option<HeaderName> {
    if !name.as_str().contains('_') {
        return None;
    }
    name.as_str().replace('_', "-").parse().ok()
}

fn is_forwarding_header(name: &HeaderName) -> bool {
    tells_the_url(name) || OF_THE_ADDRESS.contains(&name.as_str())
}

fn tells_the_url(name: &HeaderName) -> bool {
    OF_THE_URL.contains(&name.as_str())
}

const OF_THE_ADDRESS: [&str; 9] = [
    "x-forwarded-for",
    "x-forwarded-by",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "cf-connecting-ip",
    "fastly-client-ip",
    "true-client-ip",
];

const OF_THE_URL: [&str; 15] = [
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-method",
    "x-forwarded-path",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-forwarded-uri",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
    "x-scheme",
];

#[cfg(test)]
mod tests;
