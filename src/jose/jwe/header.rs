//! What a JWE says of itself (RFC 7516 §4).

use serde_json::{Map, Value};

use super::{
    ContentEncryption, JweAlgorithm, JweError, agreement::AgreementCurve, algorithm::Family,
    key_wrap::GcmParameters,
};
use crate::jose::{base64url, jwk::Jwk, jws::is_media_type, material::Material};

/// A header that has been read strictly, with algorithms we know and no unknown demands.
///
/// `jku`, `jwk`, `x5u` and `x5c` never choose a key (RFC 8725 §3.10), and claims that are repeated here (RFC 7519 §5.3)
/// are not read: anybody can write them.
#[derive(Clone, Debug)]
pub struct JweHeader {
    algorithm: JweAlgorithm,
    encryption: ContentEncryption,
    kid: Option<String>,
    typ: Option<String>,
    cty: Option<String>,
    pub(super) parameters: Parameters,
}

/// What single algorithms put into the header.
#[derive(Clone, Debug)]
pub(super) enum Parameters {
    None,
    /// RFC 7518 §4.6.1.
    Agreement {
        ephemeral: Box<Material>,
        party_u: Vec<u8>,
        party_v: Vec<u8>,
    },
    /// RFC 7518 §4.7.1.
    Gcm(GcmParameters),
}

impl JweHeader {
    pub(super) fn read(mut members: Map<String, Value>) -> Result<Self, JweError> {
        if members.contains_key("crit") {
            return Err(JweError::Critical);
        }
        if members.contains_key("zip") {
            return Err(JweError::Compressed);
        }
        let alg = text(&mut members, "alg")?.ok_or(JweError::Header("alg"))?;
        let enc = text(&mut members, "enc")?.ok_or(JweError::Header("enc"))?;
        let algorithm = alg.parse()?;
        Ok(Self {
            algorithm,
            encryption: enc.parse()?,
            kid: text(&mut members, "kid")?,
            typ: text(&mut members, "typ")?,
            cty: text(&mut members, "cty")?,
            parameters: Parameters::read(algorithm, &mut members)?,
        })
    }

    /// `alg`.
    #[must_use]
    pub const fn algorithm(&self) -> JweAlgorithm {
        self.algorithm
    }

    /// `enc`.
    #[must_use]
    pub const fn encryption(&self) -> ContentEncryption {
        self.encryption
    }

    /// `kid`.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// `typ`, as it stands.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// `cty`, as it stands.
    #[must_use]
    pub fn cty(&self) -> Option<&str> {
        self.cty.as_deref()
    }

    /// Whether `cty` is this media type: with or without `application/`, in any letter case (RFC 7516 §4.1.12).
    #[must_use]
    pub fn is_cty(&self, expected: &str) -> bool {
        self.cty()
            .is_some_and(|written| is_media_type(written, expected))
    }
}

impl Parameters {
    fn read(algorithm: JweAlgorithm, members: &mut Map<String, Value>) -> Result<Self, JweError> {
        match (algorithm.family(), algorithm) {
            (Family::Agreement, _) => Ok(Self::Agreement {
                ephemeral: Box::new(ephemeral(members)?),
                party_u: party(members, "apu")?,
                party_v: party(members, "apv")?,
            }),
            (Family::Symmetric, JweAlgorithm::A256GcmKw) => Ok(Self::Gcm(GcmParameters {
                iv: array(members, "iv")?,
                tag: array(members, "tag")?,
            })),
            (Family::Rsa | Family::Symmetric, _) => Ok(Self::None),
        }
    }
}

/// The sender's key, a sound point of a curve that can agree (RFC 7518 §4.6.1.1). Points beside the curve would give away
/// the recipient's key bit by bit (RFC 8725 §2.5).
fn ephemeral(members: &mut Map<String, Value>) -> Result<Material, JweError> {
    const NAME: &str = "epk";
    let Some(Value::Object(jwk)) = members.remove(NAME) else {
        return Err(JweError::Header(NAME));
    };
    let key = Jwk::from_members(&jwk).map_err(|_| JweError::Header(NAME))?;
    match AgreementCurve::of(&key.material) {
        Some(_) => Ok(key.material),
        None => Err(JweError::Header(NAME)),
    }
}

/// `apu` or `apv`; absent is the same as empty (RFC 7518 §4.6.2).
fn party(members: &mut Map<String, Value>, name: &'static str) -> Result<Vec<u8>, JweError> {
    let encoded = text(members, name)?.unwrap_or_default();
    base64url::decode(encoded).map_err(|_| JweError::Header(name))
}

fn array<const N: usize>(
    members: &mut Map<String, Value>,
    name: &'static str,
) -> Result<[u8; N], JweError> {
    let encoded = text(members, name)?.ok_or(JweError::Header(name))?;
    base64url::decode_array(encoded).map_err(|_| JweError::Header(name))
}

fn text(members: &mut Map<String, Value>, name: &'static str) -> Result<Option<String>, JweError> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JweError::Header(name)),
    }
}
