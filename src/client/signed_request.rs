//! Authorization requests that the client signs (RFC 9101, FAPI 2.0 Message Signing §5.3.2).

use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    jose::{SigningHeader, SigningKey, SigningKeyError, sign},
    time::Timestamp,
};

/// From `nbf` to `exp`: a request is pushed at once, and 60 minutes are the most that is allowed.
const LIFETIME: Duration = Duration::from_mins(5);

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
