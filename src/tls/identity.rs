//! The server's own certificate and key.

use std::{fmt, fs, path::Path, sync::Arc};

use rustls::{
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use super::{TlsError, crypto_provider};

/// The certificate chain a server shows and the private key to it.
///
/// A value exists only if the key belongs to the chain's first certificate. Cheap to clone; `Debug` shows no key.
#[derive(Clone)]
pub struct ServerIdentity(Arc<CertifiedKey>);

impl ServerIdentity {
    /// Reads PEM text: the certificates, the server's own first, and a private key (PKCS #8, PKCS #1 or SEC 1).
    ///
    /// Both may be the same text: each is searched for what it should hold.
    ///
    /// # Errors
    ///
    /// A [`TlsError`] if either is missing, malformed or of an unusable kind, or if they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pem::Error::NoItemsFound => TlsError::NoPrivateKey,
            error => TlsError::Pem(error),
        })?;
        Ok(Self(Arc::new(CertifiedKey::from_der(
            chain,
            key,
            &crypto_provider(),
        )?)))
    }

    /// Reads two PEM files as [`from_pem`](Self::from_pem) does; they may be one and the same. Blocks while reading.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem), and [`TlsError::Read`] with the path of a file that cannot be read.
    pub fn from_pem_files(
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        // What the key is parsed from is wiped, too.
        let key = read(key.as_ref()).map(Zeroizing::new)?;
        Self::from_pem(&read(chain.as_ref())?, &key)
    }

    pub(super) fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity")
            .field("certificates", &self.0.cert.len())
            .field("key", &self.0.key.algorithm())
            .finish_non_exhaustive()
    }
}

/// All certificates of a PEM text, at least one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(TlsError::Pem)?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    Ok(certificates)
}

/// A whole file; the path goes into the error.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey as Made, KeyPair, generate_simple_self_signed};

    use super::*;

    fn localhost() -> Made<KeyPair> {
        generate_simple_self_signed(["localhost".to_owned()]).unwrap()
    }

    #[test]
    fn a_matching_pair_is_accepted_from_one_text_or_two() {
        let made = localhost();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let both = format!("{chain}{key}");
        for (case, chain, key) in [("two", &chain, &key), ("one", &both, &both)] {
            let identity = ServerIdentity::from_pem(chain.as_bytes(), key.as_bytes()).expect(case);
            assert_eq!(
                format!("{identity:?}"),
                "ServerIdentity { certificates: 1, key: ECDSA, .. }",
                "{case}"
            );
        }
    }

    #[test]
    fn unusable_material_is_named() {
        let made = localhost();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let other_key = localhost().signing_key.serialize_pem();
        let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        let no_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let cut = chain.replace("-----END CERTIFICATE-----", "");
        let not_base64 = chain.replacen("MII", "M*I", 1);
        for (case, chain, key, expected) in [
            ("nothing", "", "", "no certificate"),
            ("key in place of the chain", &*key, &*key, "no certificate"),
            (
                "chain in place of the key",
                &*chain,
                &*chain,
                "no unencrypted private key",
            ),
            (
                "encrypted key",
                &*chain,
                &*encrypted,
                "no unencrypted private key",
            ),
            (
                "another certificate's key",
                &*chain,
                &*other_key,
                "does not belong",
            ),
            ("not a certificate", no_der, &*key, "unusable"),
            ("not a key", &*chain, no_key, "unusable"),
            ("section without an end", &*cut, &*key, "malformed PEM"),
            ("not base64", &*not_base64, &*key, "malformed PEM"),
        ] {
            let error = ServerIdentity::from_pem(chain.as_bytes(), key.as_bytes()).expect_err(case);
            assert!(error.to_string().contains(expected), "{case}: {error}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let error = ServerIdentity::from_pem_files("no/such.pem", "no/such.key").unwrap_err();
        assert_eq!(error.to_string(), "cannot read no/such.key");
    }
}
