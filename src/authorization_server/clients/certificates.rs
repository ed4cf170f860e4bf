//! What is registered of a client's certificate.

use std::{net::IpAddr, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use thiserror::Error;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

use super::{
    distinguished_name::DistinguishedName, error::ClientProblem, metadata::ClientMetadata,
};
use crate::mtls::CertificateThumbprint;

/// The subject that a certificate must have (RFC 8705 §2.1.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum CertificateSubject {
    Dn(DistinguishedName),
    Dns(String),
    Uri(String),
    Ip(IpAddr),
    Email(String),
}

impl CertificateSubject {
    /// The one subject that is registered.
    pub(super) fn register(metadata: &ClientMetadata) -> Result<Self, ClientProblem> {
        match (
            &metadata.tls_client_auth_subject_dn,
            &metadata.tls_client_auth_san_dns,
            &metadata.tls_client_auth_san_uri,
            &metadata.tls_client_auth_san_ip,
            &metadata.tls_client_auth_san_email,
        ) {
            (Some(dn), None, None, None, None) => Ok(Self::Dn(dn.parse()?)),
            (None, Some(dns), None, None, None) => Ok(Self::Dns(dns.clone())),
            (None, None, Some(uri), None, None) => Ok(Self::Uri(uri.clone())),
            (None, None, None, Some(ip), None) => IpAddr::from_str(ip)
                .map(Self::Ip)
                .map_err(|_| ClientProblem::SanIp),
            (None, None, None, None, Some(email)) => Ok(Self::Email(email.clone())),
            _ => Err(ClientProblem::OneSubject),
        }
    }

    /// Whether this DER certificate has the subject. That an authority vouches for it has to be judged apart.
    pub(crate) fn is_of(&self, certificate: &[u8]) -> bool {
        // Bytes after the certificate would be bytes that nobody signed.
        let Ok(([], certificate)) = X509Certificate::from_der(certificate) else {
            return false;
        };
        if let Self::Dn(expected) = self {
            return *expected == DistinguishedName::of_certificate(certificate.subject());
        }
        let Ok(Some(names)) = certificate.subject_alternative_name() else {
            return false;
        };
        names
            .value
            .general_names
            .iter()
            .any(|name| self.is_alternative_name(name))
    }

    fn is_alternative_name(&self, name: &GeneralName<'_>) -> bool {
        match (self, name) {
            // Host names have no case (RFC 4343); a wildcard is compared like any other character.
            (Self::Dns(expected), GeneralName::DNSName(name)) => {
                expected.eq_ignore_ascii_case(name)
            }
            (Self::Uri(expected), GeneralName::URI(name))
            | (Self::Email(expected), GeneralName::RFC822Name(name)) => expected == name,
            (Self::Ip(IpAddr::V4(expected)), GeneralName::IPAddress(bytes)) => {
                expected.octets() == **bytes
            }
            (Self::Ip(IpAddr::V6(expected)), GeneralName::IPAddress(bytes)) => {
                expected.octets() == **bytes
            }
            _ => false,
        }
    }
}

/// A certificate in a key set cannot be used.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InvalidRegisteredCertificate {
    /// The first value of `x5c` is not the base64 of a DER certificate (RFC 7517 §4.7).
    #[error("x5c does not begin with the base64 of a DER certificate")]
    X5c,
    /// `x5t#S256` is not the base64url of a SHA-256 value (RFC 7517 §4.9).
    #[error("x5t#S256 is not the base64url of a SHA-256 value")]
    X5tS256,
    /// Both are there, and of different certificates.
    #[error("x5c and x5t#S256 of a key belong to different certificates")]
    Different,
}

/// The certificates that a key set holds as `x5c`, or names by `x5t#S256` (RFC 8705 §2.2.2).
pub(super) fn registered_certificates(
    jwks: &Value,
) -> Result<Vec<CertificateThumbprint>, InvalidRegisteredCertificate> {
    let keys = jwks.get("keys").and_then(Value::as_array);
    keys.into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .filter_map(|key| of_key(key).transpose())
        .collect()
}

fn of_key(
    key: &Map<String, Value>,
) -> Result<Option<CertificateThumbprint>, InvalidRegisteredCertificate> {
    let hashed = key.get("x5c").map(of_x5c).transpose()?;
    let named = key.get("x5t#S256").map(of_thumbprint).transpose()?;
    match (hashed, named) {
        (Some(hashed), Some(named)) if hashed != named => {
            Err(InvalidRegisteredCertificate::Different)
        }
        (hashed, named) => Ok(hashed.or(named)),
    }
}

fn of_x5c(x5c: &Value) -> Result<CertificateThumbprint, InvalidRegisteredCertificate> {
    x5c.get(0)
        .and_then(Value::as_str)
        .and_then(|base64| STANDARD.decode(base64).ok())
        .filter(|der| matches!(X509Certificate::from_der(der), Ok(([], _))))
        .map(|der| CertificateThumbprint::of_der(&der))
        .ok_or(InvalidRegisteredCertificate::X5c)
}

fn of_thumbprint(text: &Value) -> Result<CertificateThumbprint, InvalidRegisteredCertificate> {
    text.as_str()
        .and_then(|text| text.parse().ok())
        .ok_or(InvalidRegisteredCertificate::X5tS256)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        // The certificate is whatever the other side of a connection sent.
        #[test]
        fn any_bytes_are_a_certificate_or_not(bytes: Vec<u8>) {
            prop_assert!(!CertificateSubject::Dns("client.example".to_owned()).is_of(&bytes));
            prop_assert!(!CertificateSubject::Dn("CN=client".parse().unwrap()).is_of(&bytes));
        }
    }
}
