//! A certification authority for all the servers, and for the clients that have certificates.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
};
use serde_json::{Value, json};
use tower_fapi::{
    issuer::{Fetcher, TrustedRoots},
    jose::base64url,
    tls::ServerIdentity,
};

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

pub struct Certificate {
    pub pem: String,
    pub key_pem: String,
    der: Vec<u8>,
    point: Vec<u8>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = called("authority");
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn der(&self) -> &[u8] {
        self.0.der()
    }

    /// A certificate for a server on this machine.
    pub fn server(&self) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        Certificate::of(&params.signed_by(&key, &self.0).unwrap(), &key)
    }

    /// A certificate for a client, with the subject `CN=name`.
    pub fn client(&self, name: &str) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name = called(name);
        Certificate::of(&params.signed_by(&key, &self.0).unwrap(), &key)
    }

    /// Fetches metadata and keys from servers of this authority and no others.
    pub fn fetcher(&self) -> Fetcher {
        Fetcher::builder()
            .root_certificates_pem(self.pem().as_bytes())
            .unwrap()
            .without_system_roots()
            .build()
            .unwrap()
    }

    pub fn roots(&self) -> TrustedRoots {
        TrustedRoots::from_pem(self.pem().as_bytes()).unwrap()
    }
}

impl Certificate {
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name = called(name);
        Self::of(&params.self_signed(&key).unwrap(), &key)
    }

    fn of(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().to_vec(),
            point: key.public_key_raw().to_vec(),
        }
    }

    pub fn identity(&self) -> ServerIdentity {
        ServerIdentity::from_pem(self.pem.as_bytes(), self.key_pem.as_bytes()).unwrap()
    }

    /// As a client registers it (RFC 8705 §2.2.2).
    pub fn jwk(&self) -> Value {
        json!({
            "kty": "EC", "crv": "P-256",
            "x": base64url::encode(&self.point[1..33]), "y": base64url::encode(&self.point[33..]),
            "x5c": [STANDARD.encode(&self.der)],
        })
    }

    /// As a script takes it.
    pub fn both(&self) -> Value {
        json!({ "cert": self.pem, "key": self.key_pem })
    }
}

fn called(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}
