//! Certificates of servers and clients.

use std::fs;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer,
    pem::{self, PemObject},
};

use crate::Outcome;

/// A client's certificate, those it comes with, and its key.
pub struct ClientCertificate {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

/// PEM texts of a server, and of the root it is vouched for by.
pub struct ServerCertificate {
    pub root: String,
    pub certificate: String,
    pub key: String,
}

impl ClientCertificate {
    /// A new one that vouches for itself.
    pub fn new() -> Outcome<Self> {
        let key = KeyPair::generate()?;
        let mut client = CertificateParams::new([])?;
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(Self {
            chain: vec![client.self_signed(&key)?.der().clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        })
    }

    pub fn read(chain: &str, key: &str) -> Outcome<Self> {
        let chain = read_chain(chain)?;
        let key = PrivateKeyDer::from_pem_slice(&read(key)?)
            .map_err(|error| format!("{key}: no private key: {error}"))?;
        Ok(Self { chain, key })
    }

    /// The certificate itself, which tokens are bound to.
    pub fn der(&self) -> &[u8] {
        self.chain.first().map_or(&[], |first| first.as_ref())
    }
}

impl ServerCertificate {
    /// One for this machine.
    pub fn new() -> Outcome<Self> {
        let key = KeyPair::generate()?;
        let mut root = CertificateParams::new([])?;
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.distinguished_name
            .push(DnType::CommonName, "load generator");
        let root_pem = root.self_signed(&key)?.pem();
        let root = Issuer::new(root, key);

        let key = KeyPair::generate()?;
        let server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        Ok(Self {
            root: root_pem,
            certificate: server.signed_by(&key, &root)?.pem(),
            key: key.serialize_pem(),
        })
    }
}

/// All certificates of a PEM file, at least one.
pub fn read_chain(path: &str) -> Outcome<Vec<CertificateDer<'static>>> {
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(format!("{path}: no certificate in it").into()),
        Err(error) => Err(format!("{path}: {error}").into()),
    }
}

fn read(path: &str) -> Outcome<Vec<u8>> {
    Ok(fs::read(path).map_err(|error| format!("{path}: {error}"))?)
}
