//! What generator and servers share: the issuer's keys, the first client's key, and certificates for localhost.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use serde_json::{Map, Value, json};
use tower_fapi::jose::{JwsAlgorithm, PrivateJwk, SigningKey};

use crate::{Outcome, arguments::Arguments};

pub const ISSUER: &str = "https://as.example.com";
pub const AUDIENCE: &str = "https://api.example.com";

/// A folder in which everything below stands.
pub struct Folder(PathBuf);

/// A folder that goes when the run ends.
pub struct OwnFolder(Folder);

/// A client certificate and its key: PEM.
pub struct ClientCertificate {
    pub der: Vec<u8>,
    pub key: Vec<u8>,
}

impl Folder {
    pub fn prepare(path: &Path) -> Outcome<Self> {
        fs::create_dir_all(path)?;
        let folder = Self(path.to_owned());
        // Other people's servers expect an issuer that signs with ES256.
        let issuer = PrivateJwk::generate(JwsAlgorithm::Es256)?;
        fs::write(folder.file("issuer.jwk"), issuer.secret_json().as_str())?;
        let published = json!({ "keys": [issuer.public().to_members()] });
        fs::write(folder.file("jwks.json"), published.to_string())?;
        folder.make_certificates()?;
        println!("{} holds keys and certificates", path.display());
        Ok(folder)
    }

    /// One of a run's own, for the time it takes.
    pub fn temporary() -> Outcome<OwnFolder> {
        let name = format!("tower-fapi-load-{}", std::process::id());
        Ok(OwnFolder(Self::prepare(&std::env::temp_dir().join(name))?))
    }

    pub fn of(arguments: &Arguments) -> Outcome<Self> {
        Ok(Self(arguments.folder()?))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn issuer(&self) -> Outcome<SigningKey> {
        self.key("issuer.jwk")
    }

    pub fn jwks(&self) -> Outcome<Value> {
        Ok(serde_json::from_slice(&fs::read(self.file("jwks.json"))?)?)
    }

    /// The key of the first client, made when it is asked for.
    pub fn first_client(&self, algorithm: JwsAlgorithm) -> Outcome<SigningKey> {
        let name = format!("client-{}.jwk", algorithm.as_str());
        if !self.file(&name).exists() {
            let key = bare_key(algorithm)?;
            fs::write(self.file(&name), key.secret_json().as_str())?;
        }
        self.key(&name)
    }

    fn key(&self, name: &str) -> Outcome<SigningKey> {
        let path = self.file(name);
        let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let members: Map<String, Value> = serde_json::from_slice(&text)?;
        Ok(SigningKey::new(&PrivateJwk::from_members(&members)?)?)
    }

    fn make_certificates(&self) -> Outcome {
        let key = KeyPair::generate()?;
        let mut authority = CertificateParams::new([])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority
            .distinguished_name
            .push(DnType::CommonName, "load generator");
        fs::write(self.file("ca.pem"), authority.self_signed(&key)?.pem())?;
        let authority = Issuer::new(authority, key);

        let key = KeyPair::generate()?;
        let server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        let server = server.signed_by(&key, &authority)?;
        fs::write(self.file("server.pem"), server.pem())?;
        fs::write(self.file("server-key.pem"), key.serialize_pem())?;
        Ok(())
    }
}

impl OwnFolder {
    pub fn folder(&self) -> &Folder {
        &self.0
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.path());
    }
}

impl ClientCertificate {
    /// A new one that vouches for itself.
    pub fn new() -> Outcome<Self> {
        let key = KeyPair::generate()?;
        let mut client = CertificateParams::new([])?;
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(Self {
            der: client.self_signed(&key)?.der().to_vec(),
            key: key.serialize_der(),
        })
    }
}

/// A key whose public half says no more than proofs need.
pub fn bare_key(algorithm: JwsAlgorithm) -> Outcome<PrivateJwk> {
    let key = PrivateJwk::generate(algorithm)?;
    let mut members: Map<String, Value> = serde_json::from_str(&key.secret_json())?;
    for name in ["kid", "alg", "use"] {
        members.remove(name);
    }
    Ok(PrivateJwk::from_members(&members)?)
}
