//! Authorization requests that the client signs, and may encrypt (RFC 9101, FAPI 2.0 Message Signing §5.3.2).

use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{client::Client, error::ClientError};
use crate::{
    issuer::AuthorizationServerMetadata,
    jose::{
        JwkSet, SigningHeader, SigningKey, SigningKeyError,
        jwe::{
            ContentEncryption, EncryptionHeader, EncryptionKey, JweAlgorithm, JweKeyError, encrypt,
        },
        sign,
    },
    time::Timestamp,
};

/// From `nbf` to `exp`: a request is pushed at once, and 60 minutes are the most that is allowed.
const LIFETIME: Duration = Duration::from_mins(5);

/// What an authorization request is.
#[derive(Debug)]
pub(super) enum Requests {
    Plain,
    /// A JWT, signed with this key.
    Signed(Box<SigningKey>),
    /// The same, encrypted to the authorization server, in the way that is registered, if one is.
    Encrypted(Box<SigningKey>, Option<(JweAlgorithm, ContentEncryption)>),
}

impl Client {
    /// The request object, for a client whose requests are signed.
    pub(super) async fn request_object(
        &self,
        metadata: &AuthorizationServerMetadata,
        parameters: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<Option<String>, ClientError> {
        let (id, issuer) = (&self.parts.client_id, self.issuer());
        match &self.parts.requests {
            Requests::Plain => Ok(None),
            Requests::Signed(key) => Ok(Some(request_object(key, id, issuer, parameters, now)?)),
            Requests::Encrypted(key, registered) => {
                let signed = request_object(key, id, issuer, parameters, now)?;
                let jwks_uri = metadata
                    .jwks_uri
                    .as_ref()
                    .ok_or(ClientError::MissingEndpoint("jwks_uri"))?;
                let keys = self.parts.server_keys.published(jwks_uri, now).await?;
                let (key, encryption) = match *registered {
                    Some((algorithm, encryption)) => {
                        let key = EncryptionKey::from_set(&keys, Some(algorithm)).ok();
                        key.map(|key| (key, encryption))
                    }
                    None => negotiated(metadata, &keys),
                }
                .ok_or(ClientError::NoEncryptionKey)?;
                Ok(Some(encrypted(&key, encryption, &signed)?))
            }
        }
    }
}

/// Signed, then encrypted: a nested JWT (RFC 9101 §6.1, RFC 7519 §5.2).
fn encrypted(
    key: &EncryptionKey,
    encryption: ContentEncryption,
    signed: &str,
) -> Result<String, JweKeyError> {
    let header = EncryptionHeader {
        cty: Some("JWT"),
        ..EncryptionHeader::default()
    };
    encrypt(key, encryption, header, signed.as_bytes())
}

/// What both sides can do.
fn negotiated(
    metadata: &AuthorizationServerMetadata,
    keys: &JwkSet,
) -> Option<(EncryptionKey, ContentEncryption)> {
    let names = &metadata.request_object_encryption_enc_values_supported;
    let supported = |encryption: &ContentEncryption| match names {
        Some(names) => names.iter().any(|name| name == encryption.as_str()),
        None => true,
    };
    let encryption = PREFERRED.into_iter().find(supported)?;
    Some((encryption_key(metadata, keys)?, encryption))
}

/// Best first.
const PREFERRED: [ContentEncryption; 4] = [
    ContentEncryption::A256Gcm,
    ContentEncryption::A128Gcm,
    ContentEncryption::A256CbcHs512,
    ContentEncryption::A128CbcHs256,
];

/// A published key for an algorithm that the metadata lists, in the order of that list.
fn encryption_key(metadata: &AuthorizationServerMetadata, keys: &JwkSet) -> Option<EncryptionKey> {
    let fit = |algorithm| EncryptionKey::from_set(keys, algorithm).ok();
    match &metadata.request_object_encryption_alg_values_supported {
        None => fit(None),
        Some(names) => names
            .iter()
            .filter_map(|name| name.parse::<JweAlgorithm>().ok())
            // SHA-1 is for peers that can do no better, and such a peer is none of FAPI's.
            .filter(|algorithm| *algorithm != JweAlgorithm::RsaOaep)
            .find_map(|algorithm| fit(Some(algorithm))),
    }
}

/// The request as a signed JWT that holds every parameter.
pub(super) fn request_object(
    key: &SigningKey,
    client_id: &str,
    issuer: &str,
    parameters: &[(&str, &str)],
    now: Timestamp,
) -> Result<String, SigningKeyError> {
    let mut claims = Map::new();
    for &(name, value) in parameters {
        match (claims.get_mut(name), claim(name, value)) {
            (None, value) => {
                claims.insert(name.to_owned(), value);
            }
            // Only `resource` may stand there several times (RFC 8707 §2).
            (Some(Value::Array(several)), value) => several.push(value),
            (Some(one), value) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    for (name, value) in [
        ("iss", client_id.into()),
        ("client_id", client_id.into()),
        ("aud", issuer.into()),
        ("iat", now.as_unix().into()),
        ("nbf", now.as_unix().into()),
        ("exp", now.plus(LIFETIME).as_unix().into()),
        ("jti", Uuid::new_v4().to_string().into()),
    ] {
        claims.insert(name.to_owned(), value);
    }
    let header = SigningHeader {
        typ: Some("oauth-authz-req+jwt"),
        jwk: None,
    };
    sign(key, header, Value::Object(claims).to_string().as_bytes())
}

/// Numbers are JSON numbers and JSON is JSON (RFC 9101 §4, OpenID Connect Core §6.1, RFC 9396 §2).
fn claim(name: &str, value: &str) -> Value {
    let typed = match name {
        "max_age" => value.parse::<u64>().ok().map(Value::from),
        "authorization_details" | "claims" => serde_json::from_str(value).ok(),
        _ => None,
    };
    typed.unwrap_or_else(|| value.into())
}
