//! `jsonwebtoken` on the other side of the table: what each signs the other accepts, and what neither may accept.
//!
//! Its provider is used by value. The one it would look up for the process panics as soon as another crate of the build
//! asks for another backend.

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header,
    crypto::aws_lc::DEFAULT_PROVIDER,
    dangerous::insecure_decode,
    jwk::{
        AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters,
        EllipticCurveKeyType, Jwk as TheirJwk, KeyAlgorithm, OctetKeyPairParameters,
        OctetKeyPairType, OctetKeyParameters, OctetKeyType, PublicKeyUse, RSAKeyParameters,
        RSAKeyType,
    },
};
use serde_json::{Value, json};
use tower_fapi::jose::{
    InvalidJwk, Jwk, JwsAlgorithm, SigningHeader, UnfitKey, VerifyingKey, base64url, sign,
};

use crate::support::{key, open, set};

pub(crate) const fn theirs(algorithm: JwsAlgorithm) -> Algorithm {
    match algorithm {
        JwsAlgorithm::Ps256 => Algorithm::PS256,
        JwsAlgorithm::Es256 => Algorithm::ES256,
        JwsAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

/// One of our keys as they hold it.
pub(crate) fn exported(algorithm: JwsAlgorithm) -> TheirJwk {
    serde_json::from_value(serde_json::to_value(key(algorithm).public()).unwrap()).unwrap()
}

/// What `jsonwebtoken::decode` does, but for the lookup of a provider and the validation of claims.
pub(crate) fn they_open(token: &[u8], algorithm: JwsAlgorithm, key: &DecodingKey) -> Option<Value> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    if header.alg != theirs(algorithm) {
        return None;
    }
    let dot = token.iter().rposition(|byte| *byte == b'.')?;
    let signature = URL_SAFE_NO_PAD.decode(&token[dot + 1..]).ok()?;
    let verifier = (DEFAULT_PROVIDER.verifier_factory)(&header.alg, key).ok()?;
    verifier.verify(&token[..dot], &signature).ok()?;
    Some(insecure_decode(token).ok()?.claims)
}

/// A key of theirs, as DER and as the JWK they make of it.
pub(crate) struct TheirKey {
    pub(crate) algorithm: JwsAlgorithm,
    signing: EncodingKey,
    pub(crate) public: TheirJwk,
}

pub(crate) fn their_keys() -> &'static [TheirKey; 3] {
    static KEYS: LazyLock<[TheirKey; 3]> = LazyLock::new(|| {
        let random = SystemRandom::new();
        let utils = &DEFAULT_PROVIDER.key_utils;
        JwsAlgorithm::ALL.map(|algorithm| {
            let (signing, parameters) = match algorithm {
                JwsAlgorithm::Ps256 => {
                    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
                    // They want the key itself (RFC 8017 A.1.2), which in PKCS#8 comes behind 26 octets.
                    let der = pair.as_der().unwrap();
                    let signing = EncodingKey::from_rsa_der(&der.as_ref()[26..]);
                    let (n, e) =
                        (utils.rsa_pub_components_from_private_key)(signing.as_bytes()).unwrap();
                    let parameters = AlgorithmParameters::RSA(RSAKeyParameters {
                        key_type: RSAKeyType::RSA,
                        n: base64url::encode(n),
                        e: base64url::encode(e),
                    });
                    (signing, parameters)
                }
                JwsAlgorithm::Es256 => {
                    let der =
                        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                            .unwrap();
                    let signing = EncodingKey::from_ec_der(der.as_ref());
                    let (curve, x, y) = (utils.ec_pub_components_from_private_key)(
                        signing.as_bytes(),
                        Algorithm::ES256,
                    )
                    .unwrap();
                    let parameters =
                        AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                            key_type: EllipticCurveKeyType::EC,
                            curve,
                            x: base64url::encode(x),
                            y: base64url::encode(y),
                        });
                    (signing, parameters)
                }
                JwsAlgorithm::EdDsa => {
                    let der = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                    let signing = EncodingKey::from_ed_der(der.as_ref());
                    let x = (utils.ed_pub_components_from_private_key)(
                        signing.as_bytes(),
                        &EllipticCurve::Ed25519,
                    )
                    .unwrap();
                    let parameters = AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
                        key_type: OctetKeyPairType::OctetKeyPair,
                        curve: EllipticCurve::Ed25519,
                        x: base64url::encode(x),
                    });
                    (signing, parameters)
                }
            };
            let common = CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(KeyAlgorithm::from(theirs(algorithm))),
                key_id: Some("theirs".to_owned()),
                ..CommonParameters::default()
            };
            let public = TheirJwk {
                common,
                algorithm: parameters,
            };
            TheirKey {
                algorithm,
                signing,
                public,
            }
        })
    });
    &KEYS
}

/// What `jsonwebtoken::encode` does, but for the lookup of a provider.
pub(crate) fn they_sign(key: &TheirKey, header: &Header, claims: &Value) -> String {
    let part = |value: Value| base64url::encode(value.to_string());
    let header_part = part(serde_json::to_value(header).unwrap());
    let message = format!("{header_part}.{}", part(claims.clone()));
    let signer = (DEFAULT_PROVIDER.signer_factory)(&header.alg, &key.signing).unwrap();
    let signature = signer.try_sign(message.as_bytes()).unwrap();
    format!("{message}.{}", base64url::encode(signature))
}

#[test]
fn what_we_sign_they_accept() {
    for algorithm in JwsAlgorithm::ALL {
        let public = DecodingKey::from_jwk(&exported(algorithm)).unwrap();
        for claims in [json!({}), json!({"iss": "ü", "exp": 1, "aud": ["a", "b"]})] {
            for typ in [None, Some("at+jwt")] {
                let header = SigningHeader { typ, jwk: None };
                let payload = claims.to_string();
                let token = sign(key(algorithm), header, payload.as_bytes()).unwrap();
                let opened = they_open(token.as_bytes(), algorithm, &public);
                assert_eq!(opened.as_ref(), Some(&claims), "{algorithm}");
                let read = jsonwebtoken::decode_header(&token).unwrap();
                assert_eq!(read.typ.as_deref(), typ);
                assert_eq!(read.kid.as_deref(), key(algorithm).kid());
            }
        }
        // With the key in the header, as in a DPoP proof.
        let header = SigningHeader {
            typ: Some("dpop+jwt"),
            jwk: Some(key(algorithm).public()),
        };
        let proof = sign(key(algorithm), header, b"{}").unwrap();
        let carried = jsonwebtoken::decode_header(&proof).unwrap().jwk.unwrap();
        let carried = DecodingKey::from_jwk(&carried).unwrap();
        assert!(they_open(proof.as_bytes(), algorithm, &carried).is_some());
    }
}

#[test]
fn what_they_sign_we_accept() {
    for key in their_keys() {
        let ours = Jwk::try_from(&key.public).unwrap();
        let keys = set([ours.clone()]);
        let mut header = Header::new(theirs(key.algorithm));
        for (kid, typ) in [
            (None, None),
            (Some("theirs"), Some("at+jwt")),
            (None, Some("JWT")),
        ] {
            header.kid = kid.map(str::to_owned);
            header.typ = typ.map(str::to_owned);
            let claims = json!({"iss": "ü", "exp": 1, "nested": {"a": [null, 1.5]}});
            let token = they_sign(key, &header, &claims);
            let opened = open(&token, &keys).unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&opened).unwrap(), claims);
        }
        header.kid = Some("somebody else's".to_owned());
        assert!(open(&they_sign(key, &header, &json!({})), &keys).is_err());
        header.crit = Some(vec!["b64".to_owned()]);
        header.kid = None;
        assert!(open(&they_sign(key, &header, &json!({})), &keys).is_err());
    }
}

// RFC 7517 §4, RFC 7638 §3: the same key on both sides, with the same description and the same thumbprint.
#[test]
fn keys_go_to_them_and_come_back_the_same() {
    for algorithm in JwsAlgorithm::ALL {
        let ours = key(algorithm).public();
        let exported = exported(algorithm);
        assert_eq!(&Jwk::try_from(&exported).unwrap(), ours, "{algorithm}");
        assert_eq!(
            exported.common.public_key_use,
            Some(PublicKeyUse::Signature)
        );
    }
    for key in their_keys() {
        let ours = Jwk::try_from(&key.public).unwrap();
        assert_eq!(ours.kid(), Some("theirs"));
        assert_eq!(VerifyingKey::new(&ours).unwrap().algorithm(), key.algorithm);
        let back: TheirJwk = serde_json::from_value(serde_json::to_value(&ours).unwrap()).unwrap();
        assert_eq!(back, key.public);
    }
}

#[test]
fn keys_of_theirs_that_we_do_not_use_are_refused() {
    let secret = AlgorithmParameters::OctetKey(OctetKeyParameters {
        key_type: OctetKeyType::Octet,
        value: "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i".to_owned(),
    });
    let [rsa, ec, _] = their_keys();
    let p384 = match ec.public.algorithm.clone() {
        AlgorithmParameters::EllipticCurve(parameters) => {
            AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                curve: EllipticCurve::P384,
                ..parameters
            })
        }
        other => panic!("{other:?}"),
    };
    let beside = match ec.public.algorithm.clone() {
        AlgorithmParameters::EllipticCurve(parameters) => {
            AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                y: parameters.x.clone(),
                ..parameters
            })
        }
        other => panic!("{other:?}"),
    };
    for (case, algorithm, expected) in [
        ("symmetric", secret, InvalidJwk::NotPublic("k")),
        (
            "P-384 with coordinates of P-256",
            p384,
            InvalidJwk::Member("x"),
        ),
        ("beside the curve", beside, InvalidJwk::NotOnCurve),
    ] {
        let key = TheirJwk {
            common: CommonParameters::default(),
            algorithm,
        };
        assert_eq!(Jwk::try_from(&key), Err(expected), "{case}");
    }
    for named in [
        KeyAlgorithm::RS256,
        KeyAlgorithm::PS384,
        KeyAlgorithm::UNKNOWN_ALGORITHM,
    ] {
        let mut key = rsa.public.clone();
        key.common.key_algorithm = Some(named);
        let key = Jwk::try_from(&key).unwrap();
        assert_eq!(
            VerifyingKey::new(&key).unwrap_err(),
            UnfitKey::Algorithm,
            "{named}"
        );
    }
}
