//! What generator and servers share: the issuer's keys, the first client's key, and certificates for localhost.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use tower_fapi::jose::{JwsAlgorithm, PrivateJwk, SigningKey};

use crate::{Outcome, arguments::Arguments, certificates::ServerCertificate};

/// A folder in which everything below stands.
pub struct Folder {
    path: PathBuf,
    /// It goes when the run ends.
    temporary: bool,
    pub issuer: String,
    pub audience: String,
}

/// Makes the folder that is asked for.
pub fn prepare(arguments: &Arguments) -> Outcome {
    let path = arguments
        .text("folder")
        .ok_or("--folder is missing: where to?")?;
    let folder = Folder::make(Path::new(path), arguments)?;
    println!(
        "{path} holds
  jwks.json                       the issuer's public keys; issuer.jwk is the private one
  client-ES256.jwk                the first client's key, which its tokens are bound to; likewise PS256 and EdDSA
  ca.pem                          the root of the server's certificate
  server.pem, server-key.pem      for a server at localhost or 127.0.0.1
Tokens are of {} for {}",
        folder.issuer, folder.audience
    );
    Ok(())
}

impl Folder {
    /// The one that is named, or one for the time of the run.
    pub fn of_run(arguments: &Arguments) -> Outcome<Self> {
        if arguments.given("folder") {
            return Self::of(arguments);
        }
        let name = format!("tower-fapi-load-{}", std::process::id());
        let mut folder = Self::make(&env::temp_dir().join(name), arguments)?;
        folder.temporary = true;
        Ok(folder)
    }

    /// The one that is named.
    pub fn of(arguments: &Arguments) -> Outcome<Self> {
        let path = arguments
            .text("folder")
            .ok_or("--folder is missing: make one with `load prepare --folder DIR`")?;
        let mut folder = Self {
            path: path.into(),
            temporary: false,
            issuer: String::new(),
            audience: String::new(),
        };
        let names: Value = serde_json::from_slice(&folder.read("names.json")?)?;
        let name = |of: &str| names[of].as_str().unwrap_or_default().to_owned();
        folder.issuer = name("issuer");
        folder.audience = name("audience");
        Ok(folder)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn issuer_key(&self) -> Outcome<SigningKey> {
        self.key("issuer.jwk")
    }

    pub fn jwks(&self) -> Outcome<Value> {
        Ok(serde_json::from_slice(&self.read("jwks.json")?)?)
    }

    pub fn first_client(&self, algorithm: JwsAlgorithm) -> Outcome<SigningKey> {
        self.key(&client_file(algorithm))
    }

    fn make(path: &Path, arguments: &Arguments) -> Outcome<Self> {
        let name = |option, usual: &str| arguments.text(option).unwrap_or(usual).to_owned();
        let folder = Self {
            path: path.to_owned(),
            temporary: false,
            issuer: name("issuer", "https://as.example.com"),
            audience: name("audience", "https://api.example.com"),
        };
        fs::create_dir_all(path)?;
        let names = json!({ "issuer": folder.issuer, "audience": folder.audience });
        folder.write("names.json", &names.to_string())?;
        let issuer = PrivateJwk::generate(arguments.algorithm("issuer-algorithm")?)?;
        folder.write("issuer.jwk", &issuer.secret_json())?;
        let published = json!({ "keys": [issuer.public().to_members()] });
        folder.write("jwks.json", &published.to_string())?;
        for algorithm in JwsAlgorithm::ALL {
            let key = bare_key(algorithm)?;
            folder.write(&client_file(algorithm), &key.secret_json())?;
        }
        let server = ServerCertificate::new()?;
        folder.write("ca.pem", &server.root)?;
        folder.write("server.pem", &server.certificate)?;
        folder.write("server-key.pem", &server.key)?;
        Ok(folder)
    }

    fn write(&self, name: &str, text: &str) -> Outcome {
        let path = self.file(name);
        Ok(fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?)
    }

    fn read(&self, name: &str) -> Outcome<Vec<u8>> {
        let path = self.file(name);
        Ok(fs::read(&path).map_err(|error| {
            let path = path.display();
            format!("{path}: {error}. `load prepare --folder DIR` makes what is needed")
        })?)
    }

    fn key(&self, name: &str) -> Outcome<SigningKey> {
        read_key(&self.read(name)?)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Reads a private JWK.
pub fn read_key(text: &[u8]) -> Outcome<SigningKey> {
    let members: Map<String, Value> = serde_json::from_slice(text)?;
    Ok(SigningKey::new(&PrivateJwk::from_members(&members)?)?)
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

fn client_file(algorithm: JwsAlgorithm) -> String {
    format!("client-{}.jwk", algorithm.as_str())
}
