//! Public keys as they travel (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use std::str::FromStr;

use serde_json::{Map, Value};

use super::{
    hash::{JwkThumbprint, sha256},
    json::{self, InvalidJson},
    material::Material,
};

/// A public key, checked: a point on its curve, an RSA modulus of 2048 to 8192 bits, nothing private inside.
///
/// P-256, Ed25519 and RSA keys may verify signatures; P-256, P-384, X25519 and RSA keys may be encrypted to. What a key
/// says of itself (`use`, `key_ops`, `alg`) decides when it becomes a [`VerifyingKey`](super::VerifyingKey) or an
/// [`EncryptionKey`](super::jwe::EncryptionKey).
///
/// Private keys are another type, [`PrivateJwk`](super::PrivateJwk), and neither parses as the other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Jwk {
    pub(super) material: Material,
    pub(super) kid: Option<String>,
    pub(super) usage: Option<String>,
    pub(super) operations: Option<Vec<String>>,
    pub(super) algorithm: Option<String>,
}

/// Why a JSON object is no public key that can be used.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidJwk {
    /// It is not strict JSON.
    #[error(transparent)]
    Json(#[from] InvalidJson),
    /// A member that the key type needs is missing, or is not what it must be.
    #[error("member `{0}` is missing or malformed")]
    Member(&'static str),
    /// It holds a private or symmetric member where only public ones may stand.
    #[error("private or symmetric member `{0}`")]
    NotPublic(&'static str),
    /// `kty` or `crv` is none that FAPI 2.0 can use.
    #[error("key type or curve not supported")]
    Unsupported,
    /// The coordinates are no point of the curve, or one under which anybody can sign.
    #[error("not a point on the curve that can be a key")]
    NotOnCurve,
    /// The RSA modulus is shorter than 2048 or longer than 8192 bits.
    #[error("RSA modulus of {0} bits")]
    ModulusLength(usize),
    /// The members of a private key contradict each other.
    #[error("private and public members do not belong together")]
    Inconsistent,
}

/// Members that no public key has (RFC 7518 §6.2.2, §6.3.2, §6.4, RFC 8037 §2).
const NOT_PUBLIC: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl Jwk {
    /// Reads a public key from the members of a JSON object.
    ///
    /// # Errors
    ///
    /// [`InvalidJwk`] says what is wrong, and is never worth telling a client in more words than "malformed key".
    pub fn from_members(members: &Map<String, Value>) -> Result<Self, InvalidJwk> {
        for name in NOT_PUBLIC {
            if members.contains_key(name) {
                return Err(InvalidJwk::NotPublic(name));
            }
        }
        Self::from_public_members(members)
    }

    /// Reads the public members and leaves the private ones to the caller.
    pub(super) fn from_public_members(members: &Map<String, Value>) -> Result<Self, InvalidJwk> {
        Ok(Self {
            material: Material::read(members)?,
            kid: text(members, "kid")?.map(str::to_owned),
            usage: text(members, "use")?.map(str::to_owned),
            operations: operations(members)?,
            algorithm: text(members, "alg")?.map(str::to_owned),
        })
    }

    /// The key's identifier, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The same key under another identifier.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The same key without any description: only what its thumbprint covers.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self {
            material: self.material.clone(),
            kid: None,
            usage: None,
            operations: None,
            algorithm: None,
        }
    }

    /// The SHA-256 thumbprint (RFC 7638 §3): the same for every spelling of the same key.
    #[must_use]
    pub fn thumbprint(&self) -> JwkThumbprint {
        let canonical = self.material.canonical();
        JwkThumbprint::from_bytes(sha256(canonical.as_bytes()))
    }

    /// The key as a JSON object.
    #[must_use]
    pub fn to_members(&self) -> Map<String, Value> {
        let description = [
            ("kid", self.kid.clone()),
            ("use", self.usage.clone()),
            ("alg", self.algorithm.clone()),
        ];
        let texts = self.material.members().into_iter().chain(description);
        let mut members: Map<_, _> = texts
            .filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?))))
            .collect();
        if let Some(operations) = &self.operations {
            members.insert("key_ops".to_owned(), operations.clone().into());
        }
        members
    }
}

impl FromStr for Jwk {
    type Err = InvalidJwk;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        Self::from_members(&json::object(json.as_bytes())?)
    }
}

impl serde::Serialize for Jwk {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_members().serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Jwk {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_members(&json::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Takes over a key that other code holds as `jsonwebtoken`'s type.
impl TryFrom<&jsonwebtoken::jwk::Jwk> for Jwk {
    type Error = InvalidJwk;

    fn try_from(key: &jsonwebtoken::jwk::Jwk) -> Result<Self, Self::Error> {
        match serde_json::to_value(key).map_err(InvalidJson::from)? {
            Value::Object(members) => Self::from_members(&members),
            _ => Err(InvalidJwk::Unsupported),
        }
    }
}

pub(super) fn text<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, InvalidJwk> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(InvalidJwk::Member(name)),
    }
}

pub(super) fn operations(members: &Map<String, Value>) -> Result<Option<Vec<String>>, InvalidJwk> {
    let Some(value) = members.get("key_ops") else {
        return Ok(None);
    };
    let items = value.as_array().ok_or(InvalidJwk::Member("key_ops"))?;
    let names = items.iter().map(|item| item.as_str().map(str::to_owned));
    names
        .collect::<Option<_>>()
        .map(Some)
        .ok_or(InvalidJwk::Member("key_ops"))
}
