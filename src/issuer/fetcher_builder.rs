//! Settings of a [`Fetcher`].

use std::{net::SocketAddr, time::Duration};

use reqwest::{Certificate, Client, redirect};

use super::{dangerous::Dangerous, fetcher::Fetcher};

/// Settings of a [`Fetcher`], each with a default.
#[derive(Clone, Debug)]
#[must_use = "nothing is fetched before `build`"]
pub struct FetcherBuilder {
    client: Option<Client>,
    roots: Vec<Certificate>,
    system_roots: bool,
    timeout: Duration,
    http_on_loopback: bool,
}

/// Why a fetcher could not be built.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum FetcherError {
    /// A root certificate cannot be read.
    #[error("root certificate: {0}")]
    Certificate(String),
    /// Root certificates were given beside a client that has its own.
    #[error("root certificates and a client of one's own exclude each other")]
    ClientAndRoots,
    /// The timeout is zero, or longer than [`FetcherBuilder::MAX_TIMEOUT`].
    #[error("timeout of {0:?}")]
    Timeout(Duration),
    /// The HTTP client could not be made, most likely because the system has no root certificates.
    #[error("HTTP client: {0}")]
    Client(#[source] reqwest::Error),
}

impl Default for FetcherBuilder {
    fn default() -> Self {
        Self {
            client: None,
            roots: Vec::new(),
            system_roots: true,
            timeout: Duration::from_secs(10),
            http_on_loopback: false,
        }
    }
}

impl FetcherBuilder {
    /// The longest timeout that can be set.
    pub const MAX_TIMEOUT: Duration = Duration::from_secs(60);

    /// Uses this HTTP client, with its proxies, roots and client certificate, instead of making one.
    ///
    /// It should follow no redirects. Those it follows on the same host count as the answer; an answer from another host is
    /// refused, but the request has then been made.
    pub fn http_client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Trusts these roots (one or more PEM certificates) beside those of the system.
    ///
    /// # Errors
    ///
    /// [`FetcherError::Certificate`] if the text holds no certificate or a broken one.
    pub fn root_certificates_pem(mut self, pem: &[u8]) -> Result<Self, FetcherError> {
        let roots = Certificate::from_pem_bundle(pem)
            .map_err(|error| FetcherError::Certificate(error.to_string()))?;
        if roots.is_empty() {
            return Err(FetcherError::Certificate("none found".to_owned()));
        }
        self.roots.extend(roots);
        Ok(self)
    }

    /// Trusts this root (one DER certificate) beside those of the system.
    ///
    /// # Errors
    ///
    /// [`FetcherError::Certificate`] if it cannot be read.
    pub fn root_certificate_der(mut self, der: &[u8]) -> Result<Self, FetcherError> {
        let root = Certificate::from_der(der)
            .map_err(|error| FetcherError::Certificate(error.to_string()))?;
        self.roots.push(root);
        Ok(self)
    }

    /// Trusts only the roots that were given, not those of the system.
    pub fn without_system_roots(mut self) -> Self {
        self.system_roots = false;
        self
    }

    /// Sets how long one document may take, from connecting to its last octet. 10 s unless set.
    ///
    /// # Errors
    ///
    /// [`FetcherError::Timeout`] if it is zero or more than [`MAX_TIMEOUT`](Self::MAX_TIMEOUT).
    pub fn timeout(mut self, timeout: Duration) -> Result<Self, FetcherError> {
        if timeout.is_zero() || timeout > Self::MAX_TIMEOUT {
            return Err(FetcherError::Timeout(timeout));
        }
        self.timeout = timeout;
        Ok(self)
    }

    /// Settings that weaken the fetcher.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    /// Makes the fetcher.
    ///
    /// # Errors
    ///
    /// [`FetcherError`] if the settings contradict each other or the TLS library rejects a root.
    pub fn build(self) -> Result<Fetcher, FetcherError> {
        let own_roots = !self.roots.is_empty() || !self.system_roots;
        let http = match self.client {
            Some(_) if own_roots => return Err(FetcherError::ClientAndRoots),
            Some(client) => client,
            None => {
                // `localhost` is this machine, whatever a name server says (RFC 6761 §6.3). The port is the URL's.
                let loopback: [SocketAddr; 2] = [
                    ([127, 0, 0, 1], 0).into(),
                    (std::net::Ipv6Addr::LOCALHOST, 0).into(),
                ];
                let mut builder = Client::builder()
                    .user_agent(concat!("tower-fapi/", env!("CARGO_PKG_VERSION")))
                    .redirect(redirect::Policy::none())
                    .referer(false)
                    .https_only(!self.http_on_loopback)
                    .connect_timeout(self.timeout)
                    .resolve_to_addrs("localhost", &loopback);
                if self.http_on_loopback {
                    // A proxy would carry the plain request off this machine.
                    builder = builder.no_proxy();
                }
                builder = if self.system_roots {
                    builder.tls_certs_merge(self.roots)
                } else {
                    builder.tls_certs_only(self.roots)
                };
                builder.build().map_err(FetcherError::Client)?
            }
        };
        Ok(Fetcher {
            http,
            timeout: self.timeout,
            http_on_loopback: self.http_on_loopback,
        })
    }
}

impl Dangerous<FetcherBuilder> {
    /// Allows plain `http` to this machine (`localhost`, 127.0.0.0/8, `::1`), for tests and development. No proxy is used.
    pub fn http_on_loopback(self) -> FetcherBuilder {
        FetcherBuilder {
            http_on_loopback: true,
            ..self.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_short_and_not_zero() {
        for (timeout, accepted) in [
            (Duration::ZERO, false),
            (Duration::from_millis(1), true),
            (FetcherBuilder::MAX_TIMEOUT, true),
            (
                FetcherBuilder::MAX_TIMEOUT + Duration::from_millis(1),
                false,
            ),
        ] {
            assert_eq!(
                Fetcher::builder().timeout(timeout).is_ok(),
                accepted,
                "{timeout:?}"
            );
        }
    }

    #[test]
    fn roots_are_certificates() {
        let root = rcgen::generate_simple_self_signed(["as.example".to_owned()])
            .unwrap()
            .cert;
        let pem = Fetcher::builder().root_certificates_pem(root.pem().as_bytes());
        let der = Fetcher::builder().root_certificate_der(root.der());
        for builder in [pem, der] {
            assert!(builder.unwrap().without_system_roots().build().is_ok());
        }
        for pem in [
            "",
            "nonsense",
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        ] {
            let builder = Fetcher::builder().root_certificates_pem(pem.as_bytes());
            assert!(builder.is_err(), "{pem}");
        }
        let broken = Fetcher::builder().root_certificate_der(b"broken").unwrap();
        assert!(matches!(broken.build(), Err(FetcherError::Client(_))));
    }

    #[test]
    fn a_client_of_ones_own_brings_its_own_roots() {
        let builder = Fetcher::builder()
            .http_client(Client::new())
            .without_system_roots();
        assert!(matches!(builder.build(), Err(FetcherError::ClientAndRoots)));
    }
}
