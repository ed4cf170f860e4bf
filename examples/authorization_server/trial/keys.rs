//! The keys of the client that is tried: made on first start, kept beside the configuration.

#[allow(
    clippy::duplicate_mod,
    reason = "the configuration is read by a test, too"
)]
#[path = "../../shared/private_file.rs"]
mod private_file;

use std::{error::Error, fs, path::Path};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, PublicKeyData as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::ClientMetadata,
    client::ClientCertificate,
    jose::{JwsAlgorithm, PrivateJwk, SigningKey},
};

/// What only the client knows.
#[derive(Clone, Debug)]
pub struct TrialKeys(Stored);

#[derive(Clone, Deserialize, Serialize)]
struct Stored {
    /// What it signs assertions and request objects with: a private JWK.
    signing_key: Value,
    /// Its certificate, which vouches for itself: PEM.
    certificate: String,
    certificate_key: String,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored").finish_non_exhaustive()
    }
}

impl TrialKeys {
    /// Those in the file, or new ones, which are put there for their owner alone.
    pub fn load_or_create(path: &Path) -> Result<Self, Box<dyn Error>> {
        if path.exists() {
            return Ok(Self(serde_json::from_slice(&fs::read(path)?)?));
        }
        let made = Self(Stored::make()?);
        private_file::create(path, &serde_json::to_string_pretty(&made.0)?)?;
        Ok(made)
    }

    /// Registers the public halves.
    pub fn register(&self, client: &mut ClientMetadata) -> Result<(), Box<dyn Error>> {
        let signing = self.private_jwk()?.public().to_members();
        client.jwks = Some(json!({ "keys": [signing, self.certificate_jwk()?] }));
        Ok(())
    }

    pub fn signing_key(&self) -> Result<SigningKey, Box<dyn Error>> {
        Ok(SigningKey::new(&self.private_jwk()?)?)
    }

    pub fn certificate(&self) -> Result<ClientCertificate, Box<dyn Error>> {
        let both = format!("{}{}", self.0.certificate, self.0.certificate_key);
        Ok(ClientCertificate::from_pem(both.as_bytes())?)
    }

    fn private_jwk(&self) -> Result<PrivateJwk, Box<dyn Error>> {
        Ok(self.0.signing_key.to_string().parse()?)
    }

    /// The certificate as it is registered: whole, in `x5c` of its key (RFC 8705 §2.2).
    fn certificate_jwk(&self) -> Result<Value, Box<dyn Error>> {
        let key = KeyPair::from_pem(&self.0.certificate_key)?;
        let point = key.der_bytes();
        let (x, y) = point
            .get(1..)
            .and_then(|point| point.split_at_checked(32))
            .ok_or("the key of the certificate is not on P-256")?;
        let der: String = self
            .0
            .certificate
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        Ok(json!({
            "kty": "EC",
            "crv": "P-256",
            "x": URL_SAFE_NO_PAD.encode(x),
            "y": URL_SAFE_NO_PAD.encode(y),
            "x5c": [STANDARD.encode(STANDARD.decode(der)?)],
        }))
    }
}

impl Stored {
    fn make() -> Result<Self, Box<dyn Error>> {
        let signing_key = PrivateJwk::generate(JwsAlgorithm::Es256)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([])?;
        params
            .distinguished_name
            .push(DnType::CommonName, "a client that is tried");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(Self {
            signing_key: serde_json::from_str(&signing_key.secret_json())?,
            certificate: params.self_signed(&key)?.pem(),
            certificate_key: key.serialize_pem(),
        })
    }
}
