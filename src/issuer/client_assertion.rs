//! How we authenticate to an authorization server: with a signed assertion, `private_key_jwt` (RFC 7523 §2.2, OpenID Connect Core §9).

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::{
    jose::{SigningHeader, SigningKey, SigningKeyError, sign},
    time::Timestamp,
};

/// `client_assertion_type` (RFC 7523 §2.2).
pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion is good for. It is used at once, so this only has to cover clocks that differ.
const LIFETIME: Duration = Duration::from_mins(1);

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    // One string, never an array: FAPI 2.0 Security Profile §5.3.3.1.
    aud: &'a str,
    iat: Timestamp,
    exp: Timestamp,
    jti: String,
}

/// Makes an assertion that authenticates the client to this issuer, once.
pub(crate) fn client_assertion(
    key: &SigningKey,
    client_id: &str,
    issuer: &str,
    now: Timestamp,
) -> Result<String, SigningKeyError> {
    let claims = Claims {
        iss: client_id,
        sub: client_id,
        aud: issuer,
        iat: now,
        exp: now.plus(LIFETIME),
        jti: Uuid::new_v4().to_string(),
    };
    let payload = serde_json::to_vec(&claims).map_err(|_| SigningKeyError::Library)?;
    sign(key, SigningHeader::default(), &payload)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::{CompactJws, JwkSet, JwsAlgorithm, VerifyingKeySet, json};

    // RFC 7523 §3, FAPI 2.0 Security Profile §5.3.3.1.
    #[test]
    fn an_assertion_is_for_one_issuer_short_lived_and_unique() {
        let now = Timestamp::from_unix(1_800_000_000);
        for algorithm in JwsAlgorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let keys = VerifyingKeySet::new(&JwkSet::new([key.public().clone()]));
            let [mut first, second] = [(); 2].map(|()| {
                let text = client_assertion(&key, "me", "https://as.example", now).unwrap();
                let jws = CompactJws::parse(&text).unwrap();
                let header = jws.header().unwrap();
                assert_eq!(header.kid(), key.kid());
                jws.verify_with(&header, &keys).unwrap();
                json::object(&jws.payload().unwrap()).unwrap()
            });
            assert_ne!(first["jti"], second["jti"]);
            first.remove("jti");
            assert_eq!(
                serde_json::Value::Object(first),
                json!({
                    "iss": "me", "sub": "me", "aud": "https://as.example",
                    "iat": 1_800_000_000, "exp": 1_800_000_060,
                })
            );
        }
    }
}
