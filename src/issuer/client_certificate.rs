//! Our own certificate towards authorization servers, and whose certificates are believed.

use std::fmt;

/// A certificate and its private key, for mutual TLS (RFC 8705). The key is never shown.
#[derive(Clone)]
pub struct ClientCertificate(pub(crate) reqwest::Identity);

/// Certification authorities to trust instead of those of the system.
#[derive(Clone)]
pub struct TrustedRoots(pub(crate) Vec<reqwest::Certificate>);

/// The text is not what its name says.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidPem {
    /// Not a private key (PKCS #8, PKCS #1 or SEC 1) and at least one certificate.
    #[error("not the PEM of a private key and its certificate")]
    ClientCertificate,
    /// Not one certificate or several.
    #[error("not the PEM of one certificate or more")]
    Roots,
}

impl ClientCertificate {
    /// Reads a private key and its certificate chain, the client's own first, in one PEM text in any order.
    ///
    /// ```
    /// use tower_fapi::issuer::ClientCertificate;
    ///
    /// let made = rcgen::generate_simple_self_signed(["client.example".to_owned()])?;
    /// let pem = made.cert.pem() + &made.signing_key.serialize_pem();
    /// let certificate = ClientCertificate::from_pem(pem.as_bytes())?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidPem::ClientCertificate`] if one of the two is missing or malformed. Whether they belong together shows when
    /// something is built with them.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidPem> {
        reqwest::Identity::from_pem(pem)
            .map(Self)
            .map_err(|_| InvalidPem::ClientCertificate)
    }
}

impl TrustedRoots {
    /// Reads certificates.
    ///
    /// # Errors
    ///
    /// [`InvalidPem::Roots`] if there is none, or one of them is malformed.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidPem> {
        match reqwest::Certificate::from_pem_bundle(pem) {
            Ok(roots) if !roots.is_empty() => Ok(Self(roots)),
            Ok(_) | Err(_) => Err(InvalidPem::Roots),
        }
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate(…)")
    }
}

impl fmt::Debug for TrustedRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedRoots({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_its_certificate_is_refused_and_the_other_way_round() {
        let made = rcgen::generate_simple_self_signed(["c".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        for (pem, accepted) in [
            (format!("{certificate}{key}"), true),
            (format!("{key}{certificate}"), true),
            (certificate.clone(), false),
            (key, false),
            (String::new(), false),
        ] {
            let read = ClientCertificate::from_pem(pem.as_bytes());
            assert_eq!(read.is_ok(), accepted, "{pem}");
        }
        assert!(TrustedRoots::from_pem(certificate.as_bytes()).is_ok());
        assert_eq!(TrustedRoots::from_pem(b"").err(), Some(InvalidPem::Roots));
    }
}
