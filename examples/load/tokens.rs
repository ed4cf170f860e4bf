//! Access tokens as RFC 9068 describes them.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tower_fapi::{
    jose::{SigningHeader, SigningKey, sign},
    time::{Clock, SystemClock, Timestamp},
};
use uuid::Uuid;

use crate::{Outcome, arguments::Arguments, clients::Client, folder::Folder};

/// How long tokens live.
const LIFETIME: Duration = Duration::from_secs(3600);

/// An issuer of tokens.
pub struct Tokens {
    issuer: String,
    audience: String,
    key: SigningKey,
    /// Of `--claims`.
    further: Map<String, Value>,
    wanted_bytes: usize,
    now: Timestamp,
}

impl Tokens {
    pub fn new(arguments: &Arguments, folder: &Folder) -> Outcome<Self> {
        let further = arguments.text("claims").unwrap_or("{}");
        Ok(Self {
            issuer: folder.issuer.clone(),
            audience: folder.audience.clone(),
            key: folder.issuer_key()?,
            further: serde_json::from_str(further)
                .map_err(|error| format!("--claims {further}: not a JSON object: {error}"))?,
            wanted_bytes: arguments.number("token-bytes", 900)?,
            now: SystemClock.now(),
        })
    }

    /// A token like those of a bank, with claims of its own up to the wanted length.
    pub fn of(&self, client: &Client, number: usize) -> Outcome<String> {
        let mut claims = json!({
            "iss": self.issuer,
            "sub": format!("user-{number:07}"),
            "aud": self.audience,
            "client_id": format!("client-{number:07}"),
            "iat": self.now,
            "nbf": self.now,
            "exp": self.now.plus(LIFETIME),
            "jti": Uuid::new_v4().to_string(),
            "scope": "accounts payments",
            "acr": "https://refeds.org/profile/mfa",
            "auth_time": self.now,
        });
        let members = claims.as_object_mut().ok_or("claims are an object")?;
        if !client.confirmation.is_null() {
            members.insert("cnf".to_owned(), client.confirmation.clone());
        }
        members.extend(self.further.clone());
        let header = || SigningHeader {
            typ: Some("at+jwt"),
            jwk: None,
        };
        // Four characters stand for three bytes.
        let around = sign(&self.key, header(), b"")?.len();
        let wanted = self.wanted_bytes.saturating_sub(around) * 3 / 4;
        let said = Value::Object(members.clone()).to_string().len();
        let frame = r#","branch":"""#.len();
        if let Some(padding) = wanted.checked_sub(said + frame) {
            members.insert("branch".to_owned(), "b".repeat(padding).into());
        }
        Ok(sign(&self.key, header(), claims.to_string().as_bytes())?)
    }
}
