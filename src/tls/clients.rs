//! Which certificates clients may show.

use std::{fmt, path::Path, sync::Arc};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, UnixTime},
    server::{
        ParsedCertificate, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use rustls::client::danger::HandshakeSignatureValid;

use super::{
    TlsError,
    identity::{certificates, read},
};

/// What the handshake asks of clients. None of these demands a certificate: a client without one gets its connection,
/// and requests without a [`PeerCertificate`](crate::mtls::PeerCertificate).
///
/// A certificate that is shown counts only with a valid signature over this handshake by its key (RFC 8446 §4.4.3,
/// RFC 5246 §7.4.8); without one the handshake fails. X.509 version 3 only.
#[derive(Clone, Debug, Default)]
pub enum ClientCertificates {
    /// No certificate is asked for.
    #[default]
    NotRequested,
    /// A certificate is asked for, and whichever the client shows is taken: self-signed, of any authority, expired.
    ///
    /// Enough for certificate-bound tokens, where the token says which certificate it must be (RFC 8705 §3), and for
    /// clients that registered their certificate (RFC 8705 §2.2).
    AnyRequested,
    /// A certificate is asked for, and must lead to one of these authorities, be in date and allow client authentication.
    ///
    /// Any other fails the handshake: a client of such a closed ecosystem that shows a stranger's certificate is
    /// misconfigured, and an answer "no certificate" would hide that from it. Revocation is not checked. A session resumed,
    /// at most an hour after its handshake, is not judged again, unless [`reload`](super::ServerTls::reload) came between.
    IssuedBy(ClientAuthorities),
}

impl ClientCertificates {
    pub(super) fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        match self {
            Self::NotRequested => Ok(WebPkiClientVerifier::no_client_auth()),
            Self::AnyRequested => Ok(Arc::new(AnyCertificate {
                algorithms: provider.signature_verification_algorithms,
            })),
            Self::IssuedBy(authorities) => WebPkiClientVerifier::builder_with_provider(
                Arc::clone(&authorities.0),
                Arc::clone(provider),
            )
            .allow_unauthenticated()
            .build()
            .map_err(TlsError::ClientAuthorities),
        }
    }
}

/// The certificate authorities whose clients are let in; at least one. Cheap to clone.
#[derive(Clone)]
pub struct ClientAuthorities(Arc<RootCertStore>);

impl ClientAuthorities {
    /// Reads the authorities' own certificates from PEM text.
    ///
    /// # Errors
    ///
    /// A [`TlsError`] if there is none, or one of them is malformed.
    pub fn from_pem(roots: &[u8]) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        for root in certificates(roots)? {
            store.add(root)?;
        }
        Ok(Self(Arc::new(store)))
    }

    /// Reads a PEM file as [`from_pem`](Self::from_pem) does. Blocks while reading.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem), and [`TlsError::Read`] with the path if the file cannot be read.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        Self::from_pem(&read(path.as_ref())?)
    }
}

impl fmt::Debug for ClientAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientAuthorities")
            .field(&self.0.len())
            .finish()
    }
}

/// Takes any certificate, but only from the holder of its key.
#[derive(Debug)]
struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AnyCertificate {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Named authorities would keep clients from showing a self-signed certificate (RFC 8705 §2.2).
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // Nobody's word is taken for it; it only has to be a certificate.
        ParsedCertificate::try_from(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::crypto_provider;

    // The answer to a missing certificate is HTTP's, not the handshake's.
    #[test]
    fn a_certificate_is_asked_for_and_never_demanded() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let authorities = ClientAuthorities::from_pem(made.cert.pem().as_bytes()).unwrap();
        for (case, clients, offered, hints) in [
            ("not requested", ClientCertificates::NotRequested, false, 0),
            ("any", ClientCertificates::AnyRequested, true, 0),
            (
                "issued by",
                ClientCertificates::IssuedBy(authorities),
                true,
                1,
            ),
        ] {
            let verifier = clients.verifier(&Arc::new(crypto_provider())).expect(case);
            assert_eq!(verifier.offer_client_auth(), offered, "{case}");
            assert!(!verifier.client_auth_mandatory(), "{case}");
            if offered {
                assert_eq!(verifier.root_hint_subjects().len(), hints, "{case}");
            }
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let verifier = ClientCertificates::AnyRequested
            .verifier(&Arc::new(crypto_provider()))
            .unwrap();
        for der in [&[][..], b"no certificate", &[0x30, 0x00]] {
            let verdict = verifier.verify_client_cert(&der.into(), &[], UnixTime::now());
            assert!(verdict.is_err(), "{der:?}");
        }
    }

    #[test]
    fn no_authorities_are_no_setting() {
        assert!(matches!(
            ClientAuthorities::from_pem(b""),
            Err(TlsError::NoCertificate)
        ));
    }
}
