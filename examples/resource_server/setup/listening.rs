//! How the server listens: its certificate, and those of clients.

use std::path::Path;

use toml::Spanned;
use tower_fapi::tls::{
    ClientAuthorities, ClientCertificates, Server, ServerIdentity, ServerTls, TlsError,
};

use super::{
    file::{BindingName, File, Listen},
    mistake::Mistake,
};

impl Listen {
    /// Whether somebody else ends TLS, or nobody.
    pub(super) fn is_plain(&self) -> bool {
        self.plain_http.as_ref().is_some_and(|http| *http.get_ref())
    }

    /// Whether clients are asked for a certificate, as they are unless the file says otherwise.
    pub(super) fn asks_clients(&self) -> bool {
        let asks = self.client_certificates.as_ref();
        !self.is_plain() && asks.is_none_or(|asks| *asks.get_ref())
    }
}

impl File {
    fn proxies_pass_certificates(&self) -> bool {
        let proxies = self.proxies.as_ref().map(Spanned::get_ref);
        proxies.is_some_and(|proxies| proxies.certificate.is_some())
    }

    fn proxies_tell_the_url(&self) -> bool {
        let proxies = self.proxies.as_ref().map(Spanned::get_ref);
        proxies.is_some_and(|proxies| proxies.url.is_some())
    }
}

/// Reads the certificates, if the server ends TLS itself.
pub(super) fn server(file: &File, directory: &Path) -> Result<Server, Mistake> {
    let listen = file.listen.get_ref();
    if let Some(binding) = &file.binding
        && matches!(binding.get_ref(), BindingName::Certificate)
        && !listen.asks_clients()
        && !file.proxies_pass_certificates()
    {
        let reason = "no token could ever be accepted: no client certificates are seen here";
        return Err(Mistake::at(binding, reason));
    }
    if listen.is_plain() {
        return plain_http(file);
    }
    let identity = identity(&file.listen, directory)?;
    let clients = clients(listen, directory)?;
    let tls = ServerTls::new(&identity, &clients);
    let tls = tls.map_err(|error| Mistake::because(&file.listen, &error))?;
    Ok(Server::https(tls))
}

fn plain_http(file: &File) -> Result<Server, Mistake> {
    let listen = file.listen.get_ref();
    let address = &listen.address;
    if !address.get_ref().ip().is_loopback() {
        let reason = "has to be a loopback address, since plain_http is true";
        return Err(Mistake::at(address, reason));
    }
    let files = [&listen.certificate, &listen.key, &listen.client_authorities];
    if let Some(file) = files.into_iter().flatten().next() {
        return Err(Mistake::at(file, "has no effect, since plain_http is true"));
    }
    if file.public_url.is_none() && !file.proxies_tell_the_url() {
        let reason =
            "public_url has to say where clients find this server, since plain_http is true";
        return Err(Mistake::at(address, reason));
    }
    Ok(Server::plain_http())
}

fn identity(listen: &Spanned<Listen>, directory: &Path) -> Result<ServerIdentity, Mistake> {
    let section = listen.get_ref();
    let (Some(chain), Some(key)) = (&section.certificate, &section.key) else {
        let reason = "there have to be certificate and key, or plain_http = true";
        return Err(Mistake::at(listen, reason));
    };
    let chain_path = directory.join(chain.get_ref());
    let identity = ServerIdentity::from_pem_files(&chain_path, directory.join(key.get_ref()));
    identity.map_err(|error| match &error {
        TlsError::Read { path, .. } if *path == chain_path => Mistake::because(chain, &error),
        TlsError::NoCertificate => Mistake::because(chain, &error),
        TlsError::Read { .. } | TlsError::NoPrivateKey | TlsError::KeyMismatch => {
            Mistake::because(key, &error)
        }
        // Either of the two.
        _ => Mistake::because(listen, &error),
    })
}

fn clients(listen: &Listen, directory: &Path) -> Result<ClientCertificates, Mistake> {
    match &listen.client_authorities {
        None if listen.asks_clients() => Ok(ClientCertificates::AnyRequested),
        None => Ok(ClientCertificates::NotRequested),
        Some(file) if listen.asks_clients() => {
            ClientAuthorities::from_pem_file(directory.join(file.get_ref()))
                .map(ClientCertificates::IssuedBy)
                .map_err(|error| Mistake::because(file, &error))
        }
        Some(file) => {
            let reason = "has no effect, since client_certificates is false";
            Err(Mistake::at(file, reason))
        }
    }
}
