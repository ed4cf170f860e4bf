//! Where the server is, and how to get there.

use std::{fmt, io, path::PathBuf, sync::Arc};

use redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo};
use rustls::pki_types::ServerName;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use url::Url;

use super::{RedisConfigError, failure::Failure};

/// A server, and what it wants to hear first: user, password, database.
pub(crate) struct Address {
    place: Place,
    settings: RedisConnectionInfo,
}

#[derive(Clone)]
enum Place {
    Tcp(String, u16),
    Tls(String, u16, ServerName<'static>, Arc<rustls::ClientConfig>),
    Unix(PathBuf),
}

/// What a URL says.
#[derive(Debug)]
pub(crate) struct ParsedUrl {
    info: redis::ConnectionInfo,
    tls: bool,
}

impl ParsedUrl {
    pub(crate) fn parse(url: &str) -> Result<Self, RedisConfigError> {
        let wrong = |reason: String| RedisConfigError::Url(reason);
        let mut url = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        if url.fragment().is_some() {
            // In `redis` URLs `#insecure` leaves out the check of the certificate.
            return Err(wrong("it has a fragment".to_owned()));
        }
        let tls = matches!(url.scheme(), "rediss" | "valkeys");
        if tls && url.set_scheme("redis").is_err() {
            return Err(wrong("it has no host".to_owned()));
        }
        let info = url
            .into_connection_info()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { info, tls })
    }

    pub(crate) const fn wants_tls(&self) -> bool {
        self.tls
    }

    pub(crate) fn plain(&self) -> Result<Address, RedisConfigError> {
        let place = match self.info.addr() {
            ConnectionAddr::Tcp(host, port) => Place::Tcp(host.clone(), *port),
            ConnectionAddr::Unix(path) => Place::Unix(path.clone()),
            _ => return Err(RedisConfigError::Url("it is of an unknown kind".to_owned())),
        };
        Ok(self.with(place))
    }

    pub(crate) fn with_tls(
        &self,
        config: Arc<rustls::ClientConfig>,
    ) -> Result<Address, RedisConfigError> {
        let Place::Tcp(host, port) = self.plain()?.place else {
            return Err(RedisConfigError::TlsWithoutUse);
        };
        let name = ServerName::try_from(host.clone())
            .map_err(|error| RedisConfigError::Url(error.to_string()))?;
        Ok(self.with(Place::Tls(host, port, name, config)))
    }

    fn with(&self, place: Place) -> Address {
        Address {
            place,
            settings: self.info.redis_settings().clone(),
        }
    }
}

/// Bytes both ways.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Address {
    pub(crate) const fn settings(&self) -> &RedisConnectionInfo {
        &self.settings
    }

    pub(crate) async fn connect(&self) -> Result<Box<dyn Stream>, Failure> {
        Ok(match &self.place {
            Place::Tcp(host, port) => Box::new(tcp(host, *port).await?),
            Place::Tls(host, port, name, config) => {
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = tcp(host, *port).await?;
                Box::new(connector.connect(name.clone(), stream).await?)
            }
            #[cfg(unix)]
            Place::Unix(path) => Box::new(UnixStream::connect(path).await?),
            #[cfg(not(unix))]
            Place::Unix(_) => return Err(io::Error::from(io::ErrorKind::Unsupported).into()),
        })
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    // A command is small, and somebody waits for its answer.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Without user and password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp(host, port) => write!(f, "redis://{host}:{port}"),
            Place::Tls(host, port, ..) => write!(f, "rediss://{host}:{port}"),
            Place::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}
