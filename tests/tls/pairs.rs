//! Certificates made on the spot.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{
    client::ResolvesClientCert,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tower_fapi::{
    mtls::CertificateThumbprint,
    tls::{ClientAuthorities, ClientCertificates, ServerIdentity},
};

/// A certificate and its key.
pub struct Pair {
    pub chain: Vec<CertificateDer<'static>>,
    pub pem: String,
    pub key_pem: String,
}

impl Pair {
    pub fn self_signed(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Self {
            chain: vec![made.cert.der().clone()],
            pem: made.cert.pem(),
            key_pem: made.signing_key.serialize_pem(),
        }
    }

    pub fn identity(&self) -> ServerIdentity {
        ServerIdentity::from_pem(self.pem.as_bytes(), self.key_pem.as_bytes()).unwrap()
    }

    pub fn thumbprint(&self) -> String {
        CertificateThumbprint::of_der(&self.chain[0]).to_string()
    }

    /// Shows this certificate and signs with the key of `signer`, which ought to be the same.
    pub fn shown_by(&self, signer: &Self) -> Arc<dyn ResolvesClientCert> {
        let key = PrivateKeyDer::from_pem_slice(signer.key_pem.as_bytes()).unwrap();
        let provider = aws_lc_rs::default_provider();
        let key = provider.key_provider.load_private_key(key).unwrap();
        Arc::new(SingleCertAndKey::from(CertifiedKey::new(
            self.chain.clone(),
            key,
        )))
    }
}

/// A certificate authority of clients.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    pub fn issue(&self, usage: ExtendedKeyUsagePurpose) -> Pair {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["client.example".to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair {
            chain: vec![certificate.der().clone()],
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }

    /// The policy that lets in this authority's clients only.
    pub fn only(&self) -> ClientCertificates {
        let authorities = ClientAuthorities::from_pem(self.pem.as_bytes()).unwrap();
        ClientCertificates::IssuedBy(authorities)
    }
}
