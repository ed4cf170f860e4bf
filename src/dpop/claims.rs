//! The claims of a proof, read strictly and borrowed from the payload.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::ProofError;
use crate::{
    jose::json::{Text, UnknownNames, once},
    time::Timestamp,
};

/// What a proof claims (RFC 9449 §4.2). Members beside these are ignored.
pub(super) struct ProofClaims<'a> {
    pub(super) jti: Cow<'a, str>,
    pub(super) htm: Cow<'a, str>,
    pub(super) htu: Cow<'a, str>,
    pub(super) iat: Timestamp,
    pub(super) ath: Option<Cow<'a, str>>,
    pub(super) nonce: Option<Cow<'a, str>>,
}

/// Longest `jti` that is kept, in bytes.
const MAX_JTI: usize = 256;

impl<'a> ProofClaims<'a> {
    pub(super) fn read(payload: &'a [u8]) -> Result<Self, ProofError> {
        // Once for all strings, and not for each.
        let text = str::from_utf8(payload)
            .map_err(|error| ProofError::MalformedClaims(error.to_string()))?;
        let raw: Raw<'a> = serde_json::from_str(text)
            .map_err(|error| ProofError::MalformedClaims(shortened(&error.to_string())))?;
        let text = |member: Option<Text<'a>>, name| {
            member
                .map(|text| text.0)
                .ok_or(ProofError::MissingClaim(name))
        };
        let jti = text(raw.jti, "jti")?;
        if jti.is_empty() || jti.len() > MAX_JTI {
            return Err(ProofError::JtiLength(jti.len()));
        }
        Ok(Self {
            jti,
            htm: text(raw.htm, "htm")?,
            htu: text(raw.htu, "htu")?,
            iat: raw.iat.ok_or(ProofError::MissingClaim("iat"))?,
            ath: raw.ath.map(|text| text.0),
            nonce: raw.nonce.map(|text| text.0),
        })
    }
}

/// The parser repeats a value of the wrong type; a log gets the beginning of it.
fn shortened(error: &str) -> String {
    error.chars().take(128).collect()
}

#[derive(Default)]
struct Raw<'a> {
    jti: Option<Text<'a>>,
    htm: Option<Text<'a>>,
    htu: Option<Text<'a>>,
    iat: Option<Timestamp>,
    ath: Option<Text<'a>>,
    nonce: Option<Text<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Claims;
        impl<'de> Visitor<'de> for Claims {
            type Value = Raw<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the claims of a DPoP proof")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw<'de>, A::Error> {
                let mut raw = Raw::default();
                let mut unknown = UnknownNames::default();
                while let Some(name) = map.next_key::<Text<'de>>()? {
                    match &*name.0 {
                        "jti" => once(&mut raw.jti, &mut map)?,
                        "htm" => once(&mut raw.htm, &mut map)?,
                        "htu" => once(&mut raw.htu, &mut map)?,
                        "iat" => once(&mut raw.iat, &mut map)?,
                        "ath" => once(&mut raw.ath, &mut map)?,
                        "nonce" => once(&mut raw.nonce, &mut map)?,
                        _ => unknown.skip(name, &mut map)?,
                    }
                }
                Ok(raw)
            }
        }
        deserializer.deserialize_map(Claims)
    }
}
