//! Tokens and proofs, made before the clock starts.

use std::{thread, time::Duration};

use bytes::Bytes;
use http::HeaderValue;
use serde_json::{Map, Value, json};
use tower_fapi::{
    dpop::{NewProof, ProofSigner},
    jose::{CertificateThumbprint, JwkThumbprint, SigningHeader, SigningKey, sign},
    time::{Clock, SystemClock, Timestamp},
};
use uuid::Uuid;

use crate::{
    Outcome,
    arguments::{Arguments, Binding},
    folder::{AUDIENCE, ClientCertificate, Folder, ISSUER, bare_key},
};

/// How long tokens live.
const LIFETIME: Duration = Duration::from_secs(3600);

/// What the requests of one run carry.
pub struct Material {
    binding: Binding,
    clients: Vec<Client>,
    /// `Authorization` of every request, or of every client.
    authorizations: Vec<HeaderValue>,
    /// `DPoP` of every request.
    proofs: Vec<HeaderValue>,
}

/// What a request carries.
pub struct Carried<'a> {
    pub authorization: Option<&'a HeaderValue>,
    pub proof: Option<&'a HeaderValue>,
}

struct Client {
    signer: Option<ProofSigner>,
    certificate: Option<ClientCertificate>,
    confirmation: Value,
}

impl Material {
    pub fn prepare(arguments: &Arguments, folder: &Folder, htu: &str) -> Outcome<Self> {
        let binding = arguments.binding()?;
        let count = arguments.number("proofs", 250_000)?;
        let token_bytes = arguments.number("token-bytes", 900)?;
        let clients = clients(arguments, folder)?;
        let issuer = folder.issuer()?;
        let now = SystemClock.now();
        let tokens = match binding {
            Binding::None => Vec::new(),
            Binding::Dpop | Binding::Mtls | Binding::Bearer => {
                let several = if arguments.token_each()? {
                    count
                } else {
                    clients.len()
                };
                parallel(several, |number| {
                    let client = &clients[number % clients.len()];
                    token(&issuer, client, number, token_bytes, now)
                })?
            }
        };
        let proofs = match binding {
            Binding::Mtls | Binding::Bearer | Binding::None => Vec::new(),
            Binding::Dpop => parallel(count, |number| {
                let client = &clients[number % clients.len()];
                let signer = client.signer.as_ref().ok_or("a client without key")?;
                let proof = signer.sign(&NewProof {
                    method: "GET",
                    url: htu,
                    access_token: Some(&tokens[number % tokens.len()]),
                    nonce: None,
                    now: SystemClock.now(),
                })?;
                value(proof)
            })?,
        };
        let scheme = match binding {
            Binding::Dpop => "DPoP",
            Binding::Mtls | Binding::Bearer | Binding::None => "Bearer",
        };
        let authorizations = tokens
            .iter()
            .map(|token| value(format!("{scheme} {token}")));
        Ok(Self {
            binding,
            authorizations: authorizations.collect::<Outcome<_>>()?,
            clients,
            proofs,
        })
    }

    /// What this request carries; nothing once the proofs are used up. With certificates, a request goes over a connection
    /// of its client.
    pub fn carried(&self, number: usize, connection: usize) -> Option<Carried<'_>> {
        let of = |number: usize| self.authorizations.get(number % self.authorizations.len());
        match self.binding {
            Binding::None => Some(Carried {
                authorization: None,
                proof: None,
            }),
            Binding::Bearer => Some(Carried {
                authorization: of(number),
                proof: None,
            }),
            Binding::Mtls => {
                let clients = self.clients.len();
                let tokens_of_client = (self.authorizations.len() / clients).max(1);
                Some(Carried {
                    authorization: of(connection % clients + number % tokens_of_client * clients),
                    proof: None,
                })
            }
            Binding::Dpop => Some(Carried {
                authorization: of(number),
                proof: Some(self.proofs.get(number)?),
            }),
        }
    }

    pub fn certificate(&self, connection: usize) -> Option<&ClientCertificate> {
        let client = self.clients.get(connection % self.clients.len())?;
        client.certificate.as_ref()
    }

    /// In words, for the report.
    pub fn describe(&self) -> String {
        let bytes = |values: &[HeaderValue]| values.first().map_or(0, HeaderValue::len);
        format!(
            "{} client(s), {} token(s) of {} bytes, {} proof(s) of {} bytes",
            self.clients.len(),
            self.authorizations.len(),
            bytes(&self.authorizations).saturating_sub(5),
            self.proofs.len(),
            bytes(&self.proofs)
        )
    }
}

fn clients(arguments: &Arguments, folder: &Folder) -> Outcome<Vec<Client>> {
    let count = arguments.number("clients", 1)?.max(1);
    let algorithm = arguments.algorithm()?;
    match arguments.binding()? {
        Binding::Dpop => {
            let first = folder.first_client(algorithm)?;
            let others = parallel(count - 1, |_| Ok(SigningKey::new(&bare_key(algorithm)?)?))?;
            let keys = std::iter::once(first).chain(others);
            Ok(keys.map(Client::with_key).collect())
        }
        Binding::Mtls => parallel(count, |_| Client::with_certificate()),
        Binding::Bearer | Binding::None => Ok((0..count).map(|_| Client::without()).collect()),
    }
}

impl Client {
    fn with_key(key: SigningKey) -> Self {
        let thumbprint: JwkThumbprint = key.thumbprint();
        Self {
            signer: Some(ProofSigner::new(key)),
            certificate: None,
            confirmation: json!({ "jkt": thumbprint }),
        }
    }

    fn with_certificate() -> Outcome<Self> {
        let certificate = ClientCertificate::new()?;
        let thumbprint = CertificateThumbprint::of_der(&certificate.der);
        Ok(Self {
            signer: None,
            certificate: Some(certificate),
            confirmation: json!({ "x5t#S256": thumbprint }),
        })
    }

    fn without() -> Self {
        Self {
            signer: None,
            certificate: None,
            confirmation: Value::Null,
        }
    }
}

/// A token like those of a bank, with claims of its own up to the wanted length.
fn token(
    issuer: &SigningKey,
    client: &Client,
    number: usize,
    bytes: usize,
    now: Timestamp,
) -> Outcome<String> {
    let mut claims = json!({
        "iss": ISSUER,
        "sub": format!("user-{number:07}"),
        "aud": AUDIENCE,
        "client_id": format!("client-{number:07}"),
        "iat": now,
        "exp": now.plus(LIFETIME),
        "jti": Uuid::new_v4().to_string(),
        "scope": "accounts payments",
        "acr": "https://refeds.org/profile/mfa",
        "auth_time": now,
    });
    let members: &mut Map<String, Value> = claims.as_object_mut().ok_or("claims are an object")?;
    if !client.confirmation.is_null() {
        members.insert("cnf".to_owned(), client.confirmation.clone());
    }
    // Header and signature of ES256 take 180 characters, and four characters stand for three bytes.
    let said = Value::Object(members.clone()).to_string().len();
    let wanted = bytes.saturating_sub(180) * 3 / 4;
    let padding = wanted.saturating_sub(said + 12);
    members.insert("branch".to_owned(), "b".repeat(padding).into());
    let header = SigningHeader {
        typ: Some("at+jwt"),
        jwk: None,
    };
    Ok(sign(issuer, header, claims.to_string().as_bytes())?)
}

fn value(text: String) -> Outcome<HeaderValue> {
    Ok(HeaderValue::from_maybe_shared(Bytes::from(text))?)
}

/// So many of something, made on all cores.
fn parallel<T: Send>(count: usize, make: impl Fn(usize) -> Outcome<T> + Sync) -> Outcome<Vec<T>> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = count.div_ceil(threads).max(1);
    let make = &make;
    thread::scope(|scope| {
        let spawned: Vec<_> = (0..count)
            .step_by(share)
            .map(|first| {
                let last = (first + share).min(count);
                scope.spawn(move || (first..last).map(make).collect::<Outcome<Vec<T>>>())
            })
            .collect();
        let mut all = Vec::with_capacity(count);
        for thread in spawned {
            all.append(&mut thread.join().map_err(|_| "making proofs failed")??);
        }
        Ok(all)
    })
}
