//! What is said of a token, and in which form.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::{
    authorization_server::{
        issued_token::IssuedToken,
        refusal::{self, Failure, Fault, Refusal},
        resources::Inquirer,
        sealing::Sealing,
        server::Server,
    },
    jose::{SigningHeader, sign},
    time::Timestamp,
};

/// The media type of a signed answer (RFC 9701 §4).
const MEDIA_TYPE: &str = "application/token-introspection+jwt";

/// The `typ` of a signed answer, which keeps it from being taken for an access token (RFC 9701 §5 and §8.1).
const TYPE: &str = "token-introspection+jwt";

/// How the resource server wants its answer.
pub(super) enum Format {
    /// RFC 7662 §2.2.
    Json,
    /// RFC 9701 §5.
    Signed,
    /// Signed, then encrypted to this key.
    Encrypted(Sealing),
}

impl Format {
    /// What the request asks for. Waits only for keys of the resource server that were never fetched.
    pub(super) async fn of(
        headers: &HeaderMap,
        inquirer: &Inquirer,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let signed = accepts_signed(headers);
        let Some(recipient) = &inquirer.recipient else {
            return Ok(if signed { Self::Signed } else { Self::Json });
        };
        if !signed {
            // Whose answers are to be encrypted gets none in the clear (RFC 9701 §6).
            return Err(Refusal::invalid_request(
                "Answers to this resource server are encrypted: accept application/token-introspection+jwt",
            )
            .into());
        }
        let resource = || inquirer.resource.clone();
        match recipient.key(now).await {
            Ok(Some(sealing)) => Ok(Self::Encrypted(sealing)),
            Ok(None) => Err(Fault::NoResourceKey(resource()).into()),
            Err(error) => Err(Fault::ResourceKeys(resource(), error).into()),
        }
    }
}

/// Whether a signed answer is named among what is accepted. `*/*` asks for nothing beyond RFC 7662.
fn accepts_signed(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter();
    let mut ranges = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(MEDIA_TYPE));
        // A weight of zero refuses it (RFC 9110 §12.4.2).
        let refused = parts.any(|parameter| {
            let weight = parameter.split_once('=');
            weight.is_some_and(|(name, weight)| {
                name.eq_ignore_ascii_case("q") && weight.parse() == Ok(0.0)
            })
        });
        named && !refused
    })
}

/// The members of RFC 7662 §2.2.
pub(super) struct Answer(Map<String, Value>);

impl Answer {
    /// What is said of a token that holds, or of anything else: nothing but that (RFC 7662 §2.2).
    pub(super) fn about(token: Option<&IssuedToken>) -> Self {
        let mut members = Map::new();
        members.insert("active".to_owned(), token.is_some().into());
        if let Some(token) = token {
            let bound_to_key = token
                .claims
                .get("cnf")
                .is_some_and(|cnf| cnf.get("jkt").is_some());
            // RFC 9449 §6.2.
            let token_type = if bound_to_key { "DPoP" } else { "Bearer" };
            members.insert("token_type".to_owned(), token_type.into());
            members.extend(token.claims.clone());
        }
        Self(members)
    }

    pub(super) fn respond(
        self,
        server: &Server,
        inquirer: &Inquirer,
        format: &Format,
        now: Timestamp,
    ) -> Result<Response<String>, Failure> {
        let body = match format {
            Format::Json => return Ok(refusal::json(StatusCode::OK, &Value::Object(self.0))),
            Format::Signed => self.sign(server, inquirer, now)?,
            Format::Encrypted(sealing) => {
                let signed = self.sign(server, inquirer, now)?;
                sealing.seal(&signed, Some(TYPE))?
            }
        };
        let mut response = refusal::json(StatusCode::OK, &Value::Null).map(|_| body);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        Ok(response)
    }

    /// A JWT without `sub` and `exp` of its own, so that it is no access token (RFC 9701 §5).
    fn sign(self, server: &Server, inquirer: &Inquirer, now: Timestamp) -> Result<String, Failure> {
        let claims = json!({
            "iss": server.endpoints.issuer(),
            "aud": inquirer.client_id,
            "iat": now,
            "token_introspection": self.0,
        });
        let header = SigningHeader {
            typ: Some(TYPE),
            jwk: None,
        };
        let key = server.keys.signing_with(inquirer.algorithm, now)?;
        Ok(sign(&key, header, claims.to_string().as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9701 §4, RFC 9110 §12.5.1.
    #[test]
    fn a_signed_answer_is_asked_for_by_name() {
        for (accept, expected) in [
            (&[MEDIA_TYPE][..], true),
            (&["Application/Token-Introspection+JWT"], true),
            (
                &["application/json, application/token-introspection+jwt;q=0.5"],
                true,
            ),
            (&["application/json", MEDIA_TYPE], true),
            (&[], false),
            (&["application/json"], false),
            (&["*/*"], false),
            (&["application/*"], false),
            (&["application/jwt"], false),
            (&["token-introspection+jwt"], false),
            (&["application/token-introspection+jwtx"], false),
            (&["application/token-introspection+jwt;q=0"], false),
            (
                &["application/json, application/token-introspection+jwt; Q=0.000"],
                false,
            ),
        ] {
            let mut headers = HeaderMap::new();
            for value in accept {
                headers.append(header::ACCEPT, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(accepts_signed(&headers), expected, "{accept:?}");
        }
    }
}
