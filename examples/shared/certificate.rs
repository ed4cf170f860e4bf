//! A certificate for servers that are tried on this machine.
#![allow(clippy::print_stdout, reason = "whoever asked for files is told which")]

#[path = "private_file.rs"]
mod private_file;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, date_time_ymd};

const VALIDITY: Duration = Duration::from_hours(365 * 24);

/// Where a server looks for its certificate, with the chain, and for the key to it: PEM files.
pub struct CertificateFiles {
    pub chain: PathBuf,
    pub key: PathBuf,
}

impl CertificateFiles {
    fn are_there(&self) -> bool {
        self.chain.exists() && self.key.exists()
    }

    /// What to do if one is not there.
    pub fn advice(&self) -> Option<String> {
        let Self { chain, key } = self;
        (!self.are_there()).then(|| {
            format!(
                "To try it on this machine, add --make-certificate, or make a certificate for localhost with OpenSSL:\n\n  \
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \\\n      \
                -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \\\n      \
                -addext basicConstraints=critical,CA:FALSE \\\n      \
                -keyout {} -out {}\n",
                key.display(),
                chain.display()
            )
        })
    }

    /// Makes a self-signed certificate for localhost, unless both files are there. Overwrites neither.
    pub fn make(&self) -> Result<(), String> {
        if self.are_there() {
            return Ok(());
        }
        let Self { chain, key } = self;
        for (one, other) in [(chain, key), (key, chain)] {
            if one.exists() {
                let (one, other) = (one.display(), other.display());
                return Err(format!(
                    "{one} is there and {other} is not: nothing is made, lest something is lost. Remove the one, or bring the other."
                ));
            }
        }
        let failed = |path: &Path, error| {
            format!("cannot make the certificate: {}: {error}", path.display())
        };
        let (chain, key) = localhost().map_err(|error| failed(&self.chain, error))?;
        private_file::create(&self.key, &key).map_err(|error| failed(&self.key, error.into()))?;
        fs::write(&self.chain, chain).map_err(|error| failed(&self.chain, error.into()))?;
        println!(
            "Made a certificate for localhost, for {} days: {}",
            VALIDITY.as_secs() / 86400,
            self.chain.display()
        );
        Ok(())
    }
}

/// A command that asks for this URL and trusts the certificate.
pub fn curl(chain: &Path, url: &str) -> String {
    format!("curl -i --cacert {} {url}", chain.display())
}

/// Certificate and key, as the command above makes them.
fn localhost() -> Result<(String, String), Box<dyn Error>> {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, "localhost");
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    params.distinguished_name = subject;
    params.is_ca = IsCa::ExplicitNoCa;
    params.not_before = date_time_ymd(1970, 1, 1) + SystemTime::now().duration_since(UNIX_EPOCH)?;
    params.not_after = params.not_before + VALIDITY;
    let key = KeyPair::generate()?;
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}
