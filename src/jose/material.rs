//! The numbers of public keys, and what they have to be.

use aws_lc_rs::agreement::{ECDH_P384, ParsedPublicKey, UnparsedPublicKey};
use p256::{PublicKey, Sec1Point, elliptic_curve::sec1::FromSec1Point as _};
use serde_json::{Map, Value};

use super::{
    base64url, ed25519,
    jwk::{InvalidJwk, text},
};

/// The numbers of a public key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Material {
    /// A point on P-256, affine coordinates.
    P256 { x: [u8; 32], y: [u8; 32] },
    /// A point on P-384, affine coordinates. For encryption alone.
    P384 { x: [u8; 48], y: [u8; 48] },
    /// Modulus and exponent, big-endian without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// A compressed Edwards point.
    Ed25519 { x: [u8; 32] },
    /// The coordinate of a Montgomery point. For encryption alone.
    X25519 { x: [u8; 32] },
}

impl Material {
    pub(super) fn read(members: &Map<String, Value>) -> Result<Self, InvalidJwk> {
        let kind = text(members, "kty")?.ok_or(InvalidJwk::Member("kty"))?;
        let curve = text(members, "crv")?;
        match (kind, curve) {
            ("EC", Some("P-256")) => {
                let (x, y) = (coordinate(members, "x")?, coordinate(members, "y")?);
                let point = Sec1Point::from_affine_coordinates(&x.into(), &y.into(), false);
                // Off the curve, or the point at infinity: no key (RFC 7518 §6.2.1, RFC 8725 §3.4).
                if PublicKey::from_sec1_point(&point).is_none().into() {
                    return Err(InvalidJwk::NotOnCurve);
                }
                Ok(Self::P256 { x, y })
            }
            ("EC", Some("P-384")) => {
                let (x, y) = (coordinate(members, "x")?, coordinate(members, "y")?);
                let key = Self::P384 { x, y };
                let point = UnparsedPublicKey::new(&ECDH_P384, key.point());
                if ParsedPublicKey::try_from(point).is_err() {
                    return Err(InvalidJwk::NotOnCurve);
                }
                Ok(key)
            }
            ("OKP", Some("Ed25519")) => {
                let x = coordinate(members, "x")?;
                if !ed25519::may_be_a_key(&x) {
                    return Err(InvalidJwk::NotOnCurve);
                }
                Ok(Self::Ed25519 { x })
            }
            // Any 32 bytes are a key (RFC 7748 §5); one of small order makes the agreement fail (RFC 7748 §6.1).
            ("OKP", Some("X25519")) => Ok(Self::X25519 {
                x: coordinate(members, "x")?,
            }),
            ("RSA", _) => {
                let (n, e) = (integer(members, "n")?, integer(members, "e")?);
                let bits = bit_length(&n);
                if !(2048..=8192).contains(&bits) {
                    return Err(InvalidJwk::ModulusLength(bits));
                }
                if is_even(&n) {
                    return Err(InvalidJwk::Member("n"));
                }
                if bit_length(&e) < 2 || bit_length(&e) > 33 || is_even(&e) {
                    return Err(InvalidJwk::Member("e"));
                }
                Ok(Self::Rsa { n, e })
            }
            _ => Err(InvalidJwk::Unsupported),
        }
    }

    /// The members that describe the numbers.
    pub(super) fn members(&self) -> [(&'static str, Option<String>); 4] {
        let number = |bytes: &[u8]| Some(base64url::encode(bytes));
        let name = |name: &str| Some(name.to_owned());
        let curve = |kind, curve, x, y: Option<&[u8]>| {
            [
                ("kty", name(kind)),
                ("crv", name(curve)),
                ("x", number(x)),
                ("y", y.and_then(number)),
            ]
        };
        match self {
            Self::P256 { x, y } => curve("EC", "P-256", x, Some(y)),
            Self::P384 { x, y } => curve("EC", "P-384", x, Some(y)),
            Self::Ed25519 { x } => curve("OKP", "Ed25519", x, None),
            Self::X25519 { x } => curve("OKP", "X25519", x, None),
            Self::Rsa { n, e } => [
                ("kty", name("RSA")),
                ("n", number(n)),
                ("e", number(e)),
                ("crv", None),
            ],
        }
    }

    /// What the thumbprint is taken of: only the required members, in lexicographic order, without white space
    /// (RFC 7638 §3). Base64url needs no JSON escapes.
    pub(super) fn canonical(&self) -> String {
        let number = |bytes: &[u8]| base64url::encode(bytes);
        let pair = |curve, x, y| {
            let (x, y) = (number(x), number(y));
            format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
        };
        let single = |curve, x| {
            let x = number(x);
            format!(r#"{{"crv":"{curve}","kty":"OKP","x":"{x}"}}"#)
        };
        match self {
            Self::P256 { x, y } => pair("P-256", x, y),
            Self::P384 { x, y } => pair("P-384", x, y),
            Self::Ed25519 { x } => single("Ed25519", x),
            Self::X25519 { x } => single("X25519", x),
            Self::Rsa { n, e } => {
                let (n, e) = (number(n), number(e));
                format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
            }
        }
    }

    /// The bytes in which libraries take a point: uncompressed (SEC 1 §2.3.3) or the coordinate itself. Empty for RSA.
    pub(super) fn point(&self) -> Vec<u8> {
        match self {
            Self::P256 { x, y } => [&[4], &x[..], &y[..]].concat(),
            Self::P384 { x, y } => [&[4], &x[..], &y[..]].concat(),
            Self::Ed25519 { x } | Self::X25519 { x } => x.to_vec(),
            Self::Rsa { .. } => Vec::new(),
        }
    }
}

fn coordinate<const N: usize>(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<[u8; N], InvalidJwk> {
    let text = text(members, name)?.ok_or(InvalidJwk::Member(name))?;
    base64url::decode_array(text).map_err(|_| InvalidJwk::Member(name))
}

/// A positive big-endian integer in the fewest octets (RFC 7518 §2, `Base64urlUInt`).
fn integer(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, InvalidJwk> {
    let text = text(members, name)?.ok_or(InvalidJwk::Member(name))?;
    let bytes = base64url::decode(text).map_err(|_| InvalidJwk::Member(name))?;
    match bytes.first() {
        None | Some(0) => Err(InvalidJwk::Member(name)),
        Some(_) => Ok(bytes),
    }
}

fn bit_length(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn is_even(number: &[u8]) -> bool {
    number.last().is_none_or(|low| low % 2 == 0)
}
