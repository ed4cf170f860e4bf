//! What can be wrong with the certificates and keys a server is given.

use std::{io, path::PathBuf};

use rustls::{InconsistentKeys, pki_types::pem};
use thiserror::Error;

/// Why a server's TLS settings cannot be used. Never a client's fault.
#[non_exhaustive]
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The text is not PEM.
    #[error("malformed PEM")]
    Pem(#[source] pem::Error),
    /// There is no `CERTIFICATE` section.
    #[error("no certificate in the PEM text")]
    NoCertificate,
    /// There is no private key; an encrypted one cannot be used.
    #[error("no unencrypted private key in the PEM text")]
    NoPrivateKey,
    /// The private key does not belong to the first certificate of the chain.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// A certificate or key is of a kind that cannot be used, or is malformed.
    #[error("unusable certificate or key")]
    Unusable(#[source] rustls::Error),
    /// No certificate verifier can be made of the given client authorities.
    #[error("unusable client authorities")]
    ClientAuthorities(#[source] rustls::server::VerifierBuilderError),
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        if error == rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
            Self::KeyMismatch
        } else {
            Self::Unusable(error)
        }
    }
}
