//! The authorities that issue client certificates (RFC 8705 §2.1).

use std::{fmt, time::Duration};

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime, pem::PemObject as _};
use thiserror::Error;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::ClientAuthenticationError;
use crate::{mtls::PeerCertificate, time::Timestamp};

/// The certificate authorities whose client certificates are believed.
///
/// The TLS layer takes any certificate (a self-signed one may be registered), so the chain is judged here: up to one of
/// these authorities, valid now, and fit for client authentication. None unless set. Revocation lists are not asked: take
/// a client out of the configuration instead.
#[derive(Clone, Default)]
pub struct CertificateAuthorities(Vec<TrustAnchor<'static>>);

/// A certificate cannot serve as an authority.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("certificate authority {position}: {reason}")]
pub struct InvalidCertificateAuthority {
    /// Which certificate, counted from 1.
    pub position: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl CertificateAuthorities {
    /// The authorities with these certificates, each as DER.
    ///
    /// # Errors
    ///
    /// [`InvalidCertificateAuthority`] for the first that is no certificate.
    pub fn from_der<C: AsRef<[u8]>>(
        certificates: impl IntoIterator<Item = C>,
    ) -> Result<Self, InvalidCertificateAuthority> {
        let anchor = |(index, der): (usize, C)| {
            anchor_from_trusted_cert(&CertificateDer::from(der.as_ref()))
                .map(|anchor| anchor.to_owned())
                .map_err(|error| InvalidCertificateAuthority {
                    position: index + 1,
                    reason: error.to_string(),
                })
        };
        certificates
            .into_iter()
            .enumerate()
            .map(anchor)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The authorities whose certificates are in this PEM text.
    ///
    /// # Errors
    ///
    /// [`InvalidCertificateAuthority`] for the first that is no certificate, or if there is none.
    pub fn from_pem(text: &[u8]) -> Result<Self, InvalidCertificateAuthority> {
        let mut certificates: Vec<CertificateDer<'static>> = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(text) {
            certificates.push(certificate.map_err(|error| InvalidCertificateAuthority {
                position: certificates.len() + 1,
                reason: error.to_string(),
            })?);
        }
        if certificates.is_empty() {
            return Err(InvalidCertificateAuthority {
                position: 1,
                reason: "there is no certificate".to_owned(),
            });
        }
        Self::from_der(certificates)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a chain leads from the certificate to one of the authorities.
    pub(super) fn verify(
        &self,
        peer: &PeerCertificate,
        now: Timestamp,
    ) -> Result<(), ClientAuthenticationError> {
        let refused = |error: webpki::Error| ClientAuthenticationError::Chain(error.to_string());
        let leaf = CertificateDer::from(peer.leaf());
        let intermediates: Vec<_> = peer.intermediates().map(CertificateDer::from).collect();
        // Before 1970 no certificate is valid.
        let seconds = u64::try_from(now.as_unix()).unwrap_or_default();
        EndEntityCert::try_from(&leaf)
            .map_err(refused)?
            .verify_for_usage(
                ALL_VERIFICATION_ALGS,
                &self.0,
                &intermediates,
                UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
                KeyUsage::client_auth(),
                None,
                None,
            )
            .map(|_| ())
            .map_err(refused)
    }
}

impl fmt::Debug for CertificateAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthorities")
            .field("count", &self.0.len())
            .finish()
    }
}
