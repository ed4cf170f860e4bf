//! Private keys as they are stored (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use std::{fmt, str::FromStr};

use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    base64url, json,
    jwk::{InvalidJwk, Jwk},
    material::Material,
};

/// A private key that can sign or decrypt: numbers checked for their form, wiped when dropped, never shown.
///
/// It has no `Clone`, no `Serialize` and no `Display`; [`secret_json`](Self::secret_json) is the only way to its content.
/// That public and private members belong together is checked when it becomes a [`SigningKey`](super::SigningKey) or a
/// [`DecryptionKey`](super::jwe::DecryptionKey).
pub struct PrivateJwk {
    public: Jwk,
    pub(super) secret: Secret,
}

pub(super) enum Secret {
    /// The scalar `d`.
    P256(Zeroizing<[u8; 32]>),
    /// The scalar `d`.
    P384(Zeroizing<[u8; 48]>),
    /// The seed `d`.
    Ed25519(Zeroizing<[u8; 32]>),
    /// The scalar `d`, not yet clamped.
    X25519(Zeroizing<[u8; 32]>),
    Rsa(Box<RsaSecret>),
}

pub(super) struct RsaSecret {
    pub(super) d: Zeroizing<Vec<u8>>,
    pub(super) p: Zeroizing<Vec<u8>>,
    pub(super) q: Zeroizing<Vec<u8>>,
    pub(super) dp: Zeroizing<Vec<u8>>,
    pub(super) dq: Zeroizing<Vec<u8>>,
    pub(super) qi: Zeroizing<Vec<u8>>,
}

impl PrivateJwk {
    pub(super) const fn new(public: Jwk, secret: Secret) -> Self {
        Self { public, secret }
    }

    /// Reads a private key from the members of a JSON object.
    ///
    /// # Errors
    ///
    /// [`InvalidJwk`] if the public half is not usable or a private member is missing or malformed. An RSA key needs its
    /// factors (`p`, `q`, `dp`, `dq`, `qi`); multi-prime keys (`oth`) are not supported.
    pub fn from_members(members: &Map<String, Value>) -> Result<Self, InvalidJwk> {
        if members.contains_key("oth") || members.contains_key("k") {
            return Err(InvalidJwk::Unsupported);
        }
        let public = Jwk::from_public_members(members)?;
        let secret = match public.material {
            Material::P256 { .. } => Secret::P256(scalar(members)?),
            Material::P384 { .. } => Secret::P384(scalar(members)?),
            Material::Ed25519 { .. } => Secret::Ed25519(scalar(members)?),
            Material::X25519 { .. } => Secret::X25519(scalar(members)?),
            Material::Rsa { .. } => Secret::Rsa(Box::new(RsaSecret {
                d: bytes(members, "d")?,
                p: bytes(members, "p")?,
                q: bytes(members, "q")?,
                dp: bytes(members, "dp")?,
                dq: bytes(members, "dq")?,
                qi: bytes(members, "qi")?,
            })),
        };
        Ok(Self { public, secret })
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &Jwk {
        &self.public
    }

    /// The same key under another identifier.
    #[must_use]
    pub fn with_kid(self, kid: impl Into<String>) -> Self {
        Self {
            public: self.public.with_kid(kid),
            secret: self.secret,
        }
    }

    /// The whole key as JSON, to be stored where only its owner can read it.
    #[must_use]
    pub fn secret_json(&self) -> Zeroizing<String> {
        let public = Value::Object(self.public.to_members()).to_string();
        let public = public.strip_suffix('}').unwrap_or(&public);
        let secrets = self.secret_texts();
        // The room is measured first: a text that grows is moved, and nobody wipes the places it leaves.
        let room = secrets.iter().fold(public.len() + 1, |room, (name, text)| {
            room + name.len() + text.len() + r#","":"""#.len()
        });
        let mut json = Zeroizing::new(String::with_capacity(room));
        json.push_str(public);
        for (name, text) in &secrets {
            for part in [",\"", name, "\":\"", text, "\""] {
                json.push_str(part);
            }
        }
        json.push('}');
        json
    }

    /// The private members, encoded.
    fn secret_texts(&self) -> Vec<(&'static str, Zeroizing<String>)> {
        let text = |name, bytes| (name, base64url::encode_secret(bytes));
        match &self.secret {
            Secret::P256(d) | Secret::Ed25519(d) | Secret::X25519(d) => vec![text("d", &d[..])],
            Secret::P384(d) => vec![text("d", &d[..])],
            Secret::Rsa(rsa) => vec![
                text("d", &rsa.d),
                text("p", &rsa.p),
                text("q", &rsa.q),
                text("dp", &rsa.dp),
                text("dq", &rsa.dq),
                text("qi", &rsa.qi),
            ],
        }
    }
}

impl FromStr for PrivateJwk {
    type Err = InvalidJwk;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        let mut members = json::object(json.as_bytes())?;
        let key = Self::from_members(&members);
        members.values_mut().for_each(wipe);
        key
    }
}

impl<'de> serde::Deserialize<'de> for PrivateJwk {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = json::deserialize(deserializer)?;
        let key = Self::from_members(&members);
        members.values_mut().for_each(wipe);
        key.map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for PrivateJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateJwk")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// Overwrites every text in what a key was read from.
pub(crate) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn member<'a>(members: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, InvalidJwk> {
    members
        .get(name)
        .and_then(Value::as_str)
        .ok_or(InvalidJwk::Member(name))
}

fn scalar<const N: usize>(members: &Map<String, Value>) -> Result<Zeroizing<[u8; N]>, InvalidJwk> {
    base64url::decode_array(member(members, "d")?)
        .map(Zeroizing::new)
        .map_err(|_| InvalidJwk::Member("d"))
}

fn bytes(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Zeroizing<Vec<u8>>, InvalidJwk> {
    base64url::decode(member(members, name)?)
        .map(Zeroizing::new)
        .map_err(|_| InvalidJwk::Member(name))
}
