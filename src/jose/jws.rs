//! Signed documents in the compact serialization (RFC 7515 §7.1).

use std::fmt;

use memchr::memchr_iter;
use serde_json::{Map, Value};

use super::{
    algorithm::{JwsAlgorithm, UnsupportedAlgorithm},
    base64url::{self, InvalidBase64Url, Room},
    json::{self, InvalidJson},
    jwk::Jwk,
    jwk_set::VerifyingKeySet,
    signing_key::{SigningKey, SigningKeyError},
    verifying_key::{InvalidSignature, VerifyingKey},
};

/// A compact JWS taken apart, nothing decoded yet. `Debug` shows the header alone: the whole may be somebody's token.
#[derive(Clone, Copy)]
pub struct CompactJws<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    signing_input: &'a str,
}

/// Why a text is no JWS that may be believed.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JwsError {
    /// Not three segments, or one of them that must not be empty is.
    #[error("not a compact JWS")]
    Segments,
    /// A segment is not canonical base64url.
    #[error(transparent)]
    Base64Url(#[from] InvalidBase64Url),
    /// The header or the payload is not strict JSON.
    #[error("not strict JSON: {0}")]
    Json(#[from] InvalidJson),
    /// A header parameter has the wrong type.
    #[error("header parameter `{0}` is missing or malformed")]
    Header(&'static str),
    /// `alg` is not an algorithm of the profile; `none` is one of those that are not.
    #[error("algorithm not supported")]
    Algorithm,
    /// The header demands an extension we do not know (RFC 7515 §4.1.11, RFC 7797).
    #[error("critical header parameter not understood")]
    Critical,
    /// No key fits the header.
    #[error("no key for this header")]
    NoKey,
    /// A key fits and the signature is not its.
    #[error(transparent)]
    Signature(#[from] InvalidSignature),
}

impl From<UnsupportedAlgorithm> for JwsError {
    fn from(_: UnsupportedAlgorithm) -> Self {
        Self::Algorithm
    }
}

impl<'a> CompactJws<'a> {
    /// Splits the text at its two dots.
    ///
    /// # Errors
    ///
    /// [`JwsError::Segments`] if there are not three segments or the header or signature is empty.
    pub fn parse(compact: &'a str) -> Result<Self, JwsError> {
        let mut dots = memchr_iter(b'.', compact.as_bytes());
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(JwsError::Segments);
        };
        let segments = (
            compact.get(..first),
            compact.get(first + 1..second),
            compact.get(second + 1..),
            compact.get(..second),
        );
        let (Some(header), Some(payload), Some(signature), Some(signing_input)) = segments else {
            return Err(JwsError::Segments);
        };
        if header.is_empty() || signature.is_empty() {
            return Err(JwsError::Segments);
        }
        Ok(Self {
            header,
            payload,
            signature,
            signing_input,
        })
    }

    /// The first segment as it stands: the same text for every document with the same header.
    #[must_use]
    pub const fn header_segment(&self) -> &'a str {
        self.header
    }

    /// Decodes and checks the header.
    ///
    /// # Errors
    ///
    /// [`JwsError`] if it is malformed, names an algorithm we do not use, or an extension we do not know.
    pub fn header(&self) -> Result<JwsHeader, JwsError> {
        JwsHeader::read(json::small_object(&base64url::decode(self.header)?)?)
    }

    /// Decodes the payload. Nothing says yet that it can be believed.
    ///
    /// # Errors
    ///
    /// [`JwsError::Base64Url`] if it is not canonical base64url.
    pub fn payload(&self) -> Result<Vec<u8>, JwsError> {
        Ok(base64url::decode(self.payload)?)
    }

    /// The same, into this room.
    pub(crate) fn payload_in<'r>(&self, room: &'r mut Room) -> Result<&'r [u8], JwsError> {
        Ok(room.decode(self.payload)?)
    }

    /// Verifies the signature with one key.
    ///
    /// # Errors
    ///
    /// [`JwsError::Signature`] if it is not the key's, [`JwsError::Base64Url`] if it is not canonical.
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), JwsError> {
        let message = self.signing_input.as_bytes();
        match key.algorithm() {
            JwsAlgorithm::Es256 | JwsAlgorithm::EdDsa => {
                let signature: [u8; 64] = base64url::decode_array(self.signature)?;
                Ok(key.verify(message, &signature)?)
            }
            JwsAlgorithm::Ps256 => Ok(key.verify(message, &base64url::decode(self.signature)?)?),
        }
    }

    /// Verifies the signature with whichever key of the set fits the header.
    ///
    /// # Errors
    ///
    /// [`JwsError::NoKey`] if none fits, [`JwsError::Signature`] if none of those that fit made it.
    pub fn verify_with(&self, header: &JwsHeader, keys: &VerifyingKeySet) -> Result<(), JwsError> {
        let mut outcome = Err(JwsError::NoKey);
        for key in keys.candidates(header.algorithm, header.kid()) {
            outcome = self.verify(key);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

impl fmt::Debug for CompactJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompactJws")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// A header that has been read strictly, with an algorithm we use and no unknown demands.
///
/// `jku`, `x5u`, `x5c` and `jwk` never choose a key (RFC 8725 §3.10); [`jwk`](Self::jwk) is there for DPoP proofs, whose
/// key is what the proof is about.
#[derive(Clone, Debug)]
pub struct JwsHeader {
    algorithm: JwsAlgorithm,
    kid: Option<String>,
    typ: Option<String>,
    jwk: Option<Map<String, Value>>,
}

impl JwsHeader {
    fn read(mut members: Map<String, Value>) -> Result<Self, JwsError> {
        if members.contains_key("crit")
            || members
                .get("b64")
                .is_some_and(|b64| *b64 != Value::Bool(true))
        {
            return Err(JwsError::Critical);
        }
        let algorithm = text(&mut members, "alg")?
            .ok_or(JwsError::Header("alg"))?
            .parse()?;
        Ok(Self {
            algorithm,
            kid: text(&mut members, "kid")?,
            typ: text(&mut members, "typ")?,
            jwk: match members.remove("jwk") {
                None => None,
                Some(Value::Object(jwk)) => Some(jwk),
                Some(_) => return Err(JwsError::Header("jwk")),
            },
        })
    }

    /// `alg`.
    #[must_use]
    pub const fn algorithm(&self) -> JwsAlgorithm {
        self.algorithm
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

    /// `jwk`, not yet judged.
    #[must_use]
    pub const fn jwk(&self) -> Option<&Map<String, Value>> {
        self.jwk.as_ref()
    }

    /// Whether `typ` is this media type: with or without `application/`, in any letter case (RFC 7515 §4.1.9).
    #[must_use]
    pub fn is_typ(&self, expected: &str) -> bool {
        self.typ().is_some_and(|typ| is_media_type(typ, expected))
    }
}

/// Whether a `typ` or `cty` is this media type: with or without `application/`, in any letter case (RFC 7515 §4.1.9).
pub(super) fn is_media_type(written: &str, expected: &str) -> bool {
    const PREFIX: &str = "application/";
    let bare = match written.split_at_checked(PREFIX.len()) {
        Some((prefix, bare)) if prefix.eq_ignore_ascii_case(PREFIX) => bare,
        _ => written,
    };
    bare.eq_ignore_ascii_case(expected)
}

/// What a document that we sign says in its header beside `alg`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SigningHeader<'a> {
    /// The media type of the whole, without `application/`.
    pub typ: Option<&'a str>,
    /// The public key itself, for DPoP proofs. `kid` is left out then.
    pub jwk: Option<&'a Jwk>,
}

/// Signs a payload. The header names the key by its `kid`, or carries it.
///
/// # Errors
///
/// [`SigningKeyError::Library`] if the library fails.
pub fn sign(
    key: &SigningKey,
    header: SigningHeader<'_>,
    payload: &[u8],
) -> Result<String, SigningKeyError> {
    let mut members = Map::new();
    members.insert("alg".to_owned(), key.algorithm().as_str().into());
    if let Some(typ) = header.typ {
        members.insert("typ".to_owned(), typ.into());
    }
    match (header.jwk, key.kid()) {
        (Some(jwk), _) => {
            members.insert("jwk".to_owned(), Value::Object(jwk.to_members()));
        }
        (None, Some(kid)) => {
            members.insert("kid".to_owned(), kid.into());
        }
        (None, None) => {}
    }
    let mut compact = base64url::encode(Value::Object(members).to_string());
    compact.push('.');
    compact.push_str(&base64url::encode(payload));
    let signature = key.sign(compact.as_bytes())?;
    compact.push('.');
    compact.push_str(&base64url::encode(signature));
    Ok(compact)
}

fn text(members: &mut Map<String, Value>, name: &'static str) -> Result<Option<String>, JwsError> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwsError::Header(name)),
    }
}
