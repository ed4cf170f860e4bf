//! Clients, and what their tokens are bound to.

use std::fs;

use serde_json::{Value, json};
use tower_fapi::{
    dpop::ProofSigner,
    jose::{CertificateThumbprint, JwkThumbprint, SigningKey},
};

use crate::{
    Outcome,
    arguments::{Arguments, Binding},
    certificates::ClientCertificate,
    folder::{Folder, bare_key, read_key},
    material::parallel,
};

/// Somebody who holds a key, a certificate, or nothing.
pub struct Client {
    pub signer: Option<ProofSigner>,
    pub certificate: Option<ClientCertificate>,
    /// The claim `cnf`.
    pub confirmation: Value,
}

impl Client {
    /// So many, the first of which has the key of the folder.
    pub fn make(
        arguments: &Arguments,
        folder: &Folder,
        binding: Binding,
        count: usize,
    ) -> Outcome<Vec<Self>> {
        let algorithm = arguments.algorithm("algorithm")?;
        match binding {
            Binding::Dpop => {
                let first = folder.first_client(algorithm)?;
                let others = parallel(count - 1, |_| Ok(SigningKey::new(&bare_key(algorithm)?)?))?;
                let keys = std::iter::once(first).chain(others);
                Ok(keys.map(Self::with_key).collect())
            }
            Binding::Mtls => parallel(count, |_| {
                Ok(Self::with_certificate(ClientCertificate::new()?))
            }),
            Binding::Bearer | Binding::None => Ok((0..count).map(|_| Self::without()).collect()),
        }
    }

    /// The one that a token of somebody else's is bound to.
    pub fn given(arguments: &Arguments, binding: Binding) -> Outcome<Self> {
        let named = |option| {
            let missing = format!("--{option} is missing: what the token is bound to");
            arguments.text(option).ok_or(missing)
        };
        Ok(match binding {
            Binding::Dpop => {
                let path = named("key")?;
                let text = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
                let key = read_key(&text)
                    .map_err(|error| format!("{path}: not a private JWK to sign with: {error}"))?;
                Self::with_key(key)
            }
            Binding::Mtls => Self::with_certificate(ClientCertificate::read(
                named("certificate")?,
                named("certificate-key")?,
            )?),
            Binding::Bearer | Binding::None => Self::without(),
        })
    }

    fn with_key(key: SigningKey) -> Self {
        let thumbprint: JwkThumbprint = key.thumbprint();
        Self {
            signer: Some(ProofSigner::new(key)),
            certificate: None,
            confirmation: json!({ "jkt": thumbprint }),
        }
    }

    fn with_certificate(certificate: ClientCertificate) -> Self {
        let thumbprint = CertificateThumbprint::of_der(certificate.der());
        Self {
            signer: None,
            certificate: Some(certificate),
            confirmation: json!({ "x5t#S256": thumbprint }),
        }
    }

    const fn without() -> Self {
        Self {
            signer: None,
            certificate: None,
            confirmation: Value::Null,
        }
    }
}
