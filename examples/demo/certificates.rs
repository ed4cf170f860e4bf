//! A certificate authority for an afternoon, and what it issues.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tower_fapi::{client::ClientCertificate, mtls::CertificateThumbprint, tls::ServerIdentity};

use crate::Outcome;

/// Issues certificates for servers and clients.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub struct Certificate {
    pub pem: String,
    pub key_pem: String,
    pub thumbprint: CertificateThumbprint,
}

const DAY: Duration = Duration::from_hours(24);

/// The organisation in the subject of client certificates.
const ORGANISATION: &str = "tower-fapi demo";

impl Authority {
    pub fn new(name: &str) -> Outcome<Self> {
        let mut params = parameters(name, now().saturating_sub(DAY), now() + 30 * DAY)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self(CertifiedIssuer::self_signed(
            params,
            KeyPair::generate()?,
        )?))
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn der(&self) -> &[u8] {
        self.0.der()
    }

    /// For a server on this machine.
    pub fn server(&self) -> Outcome<Certificate> {
        let mut params = parameters("loopback", now().saturating_sub(DAY), now() + 30 * DAY)?;
        params.subject_alt_names =
            CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()])?
                .subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(&params)
    }

    /// For a client of this name.
    pub fn client(&self, name: &str) -> Outcome<Certificate> {
        self.client_until(name, now() + 30 * DAY)
    }

    /// For a client of this name, and already out of date.
    pub fn expired_client(&self, name: &str) -> Outcome<Certificate> {
        self.client_until(name, now().saturating_sub(Duration::from_hours(1)))
    }

    fn client_until(&self, name: &str, until: Duration) -> Outcome<Certificate> {
        let mut params = parameters(name, now().saturating_sub(DAY), until)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&params)
    }

    fn issue(&self, params: &CertificateParams) -> Outcome<Certificate> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        Ok(Certificate {
            thumbprint: CertificateThumbprint::of_der(certificate.der()),
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

impl Certificate {
    /// The subject of a client's certificate as it is registered (RFC 4514, RFC 8705 §2.1.2).
    pub fn subject_of(name: &str) -> String {
        format!("CN={name},O={ORGANISATION}")
    }

    pub fn server_identity(&self) -> Outcome<ServerIdentity> {
        Ok(ServerIdentity::from_pem(
            self.pem.as_bytes(),
            self.key_pem.as_bytes(),
        )?)
    }

    pub fn client_certificate(&self) -> Outcome<ClientCertificate> {
        Ok(ClientCertificate::from_pem(self.both().as_bytes())?)
    }

    /// Certificate and key in one text.
    pub fn both(&self) -> String {
        format!("{}{}", self.pem, self.key_pem)
    }
}

fn parameters(name: &str, from: Duration, until: Duration) -> Outcome<CertificateParams> {
    let epoch = date_time_ymd(1970, 1, 1);
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, ORGANISATION);
    subject.push(DnType::CommonName, name);
    let mut params = CertificateParams::new([])?;
    params.distinguished_name = subject;
    params.not_before = epoch + from;
    params.not_after = epoch + until;
    Ok(params)
}

/// Since 1970.
fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
