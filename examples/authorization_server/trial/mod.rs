//! A client of the server's own, so that a flow can be tried with a browser and nothing else.

mod keys;

use std::net::SocketAddr;

use serde::Deserialize;
use tower_fapi::authorization_server::ClientMetadata;

pub use self::keys::TrialKeys;

/// Which of the clients it is, and where it waits for a browser.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// A client of the same file, without keys: they are made on first start.
    pub client_id: String,
    /// On loopback. It has to be that of the client's redirect URI.
    pub address: SocketAddr,
    /// Whether it is spoken to over TLS, with the server's certificate: FAPI 1.0 has no other redirect URIs.
    #[serde(default)]
    pub https: bool,
    /// What it asks for.
    pub scope: String,
    /// What whoever tries it has to know.
    pub advice: Option<String>,
}

impl Trial {
    /// Why it cannot be tried with this client.
    pub fn problem(&self, client: Option<&ClientMetadata>) -> Option<String> {
        let redirect_uri = self.redirect_uri();
        match client {
            None => Some(format!(
                "there is no client {:?} in this file",
                self.client_id
            )),
            Some(_) if !self.address.ip().is_loopback() => Some(format!(
                "{} is not an address of this machine alone",
                self.address
            )),
            Some(client) if client.jwks.is_some() || client.jwks_uri.is_some() => Some(format!(
                "the client {:?} has keys of its own; those of a client to be tried are made here",
                self.client_id
            )),
            Some(client) if !client.redirect_uris.contains(&redirect_uri) => Some(format!(
                "{redirect_uri} is not among the redirect_uris of the client {:?}",
                self.client_id
            )),
            Some(_) => None,
        }
    }

    pub fn redirect_uri(&self) -> String {
        format!("{}callback", self.home())
    }

    /// Where a browser begins, and comes back to after logging out.
    pub fn home(&self) -> String {
        if self.https {
            format!("https://localhost:{}/", self.address.port())
        } else {
            format!("http://{}/", self.address)
        }
    }
}
