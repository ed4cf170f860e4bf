//! JWTs taken apart for the eye. Nothing here is believed: the servers judge, this only shows.

use serde_json::{Map, Value};
use tower_fapi::{
    jose::{Jwk, base64url, json},
    time::Timestamp,
};

use crate::{Outcome, print, seal};

/// Header and claims of a JWT, neither verified.
pub struct Decoded {
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

impl Decoded {
    pub fn of(token: &str) -> Outcome<Self> {
        let mut segments = token.split('.');
        let mut next = || -> Outcome<Map<String, Value>> {
            let segment = segments.next().ok_or("not a JWT")?;
            Ok(json::object(&base64url::decode(segment)?)?)
        };
        Ok(Self {
            header: next()?,
            claims: next()?,
        })
    }

    /// A member of a claim, as text: `["cnf", "jkt"]`.
    pub fn text(&self, path: [&str; 2]) -> Option<&str> {
        let [claim, member] = path;
        self.claims.get(claim)?.get(member)?.as_str()
    }
}

/// The order in which a person wants to read claims; what is not here comes last.
const ORDER: [&str; 15] = [
    "iss",
    "sub",
    "aud",
    "client_id",
    "scope",
    "cnf",
    "htm",
    "htu",
    "ath",
    "iat",
    "exp",
    "auth_time",
    "acr",
    "authorization_details",
    "jti",
];

/// Shows a JWT as a row and its claims below; of an encrypted one as much as anybody can see.
pub fn show(name: &str, token: &str, now: Timestamp) {
    if seal::is_sealed(token) {
        return show_sealed(name, token);
    }
    let Ok(decoded) = Decoded::of(token) else {
        print::row(0, name, print::short(token));
        return;
    };
    let size = format!("JWT of {} bytes", token.len());
    print::row(
        0,
        name,
        format_args!("{}  {}", print::short(token), print::dim(&size)),
    );
    print::row(1, "header", header(&decoded.header));
    let rank = |name: &str| ORDER.iter().position(|known| *known == name);
    let mut claims: Vec<_> = decoded.claims.iter().collect();
    claims.sort_by_key(|(name, _)| rank(name).unwrap_or(ORDER.len()));
    for (name, value) in claims {
        claim(name, value, now);
    }
}

fn show_sealed(name: &str, token: &str) {
    let size = format!("JWE of {} bytes", token.len());
    let text = format_args!("{}  {}", print::short(token), print::dim(&size));
    print::row(0, name, text);
    let head = token.split('.').next().unwrap_or_default();
    let decoded = base64url::decode(head).ok();
    if let Some(members) = decoded.and_then(|bytes| json::object(&bytes).ok()) {
        print::row(1, "header", header(&members));
    }
}

fn claim(name: &str, value: &Value, now: Timestamp) {
    match (name, value) {
        ("iat" | "exp" | "nbf" | "auth_time", Value::Number(seconds)) => {
            let when = seconds.as_i64().map_or_else(String::new, |seconds| {
                relative(Timestamp::from_unix(seconds), now)
            });
            print::row(1, name, format_args!("{seconds}  {}", print::dim(&when)));
        }
        ("cnf", Value::Object(members)) => {
            for (member, value) in members {
                print::row(1, &format!("cnf.{member}"), print::short_value(value));
            }
        }
        // What was approved is shown to the last cent.
        ("authorization_details", Value::Array(entries)) => {
            for entry in entries {
                print::row(1, name, entry);
            }
        }
        _ => print::row(1, name, print::short_value(value)),
    }
}

/// The header in one line. Of a key its thumbprint is shown, which is what tokens are bound to.
fn header(members: &Map<String, Value>) -> String {
    let mut parts = Vec::new();
    for name in ["alg", "enc", "typ", "kid"] {
        if let Some(Value::String(text)) = members.get(name) {
            parts.push(format!("{name} {}", print::short(text)));
        }
    }
    if let Some(Value::Object(jwk)) = members.get("jwk")
        && let Ok(jwk) = Jwk::from_members(jwk)
    {
        parts.push(format!("jwk with thumbprint {}", jwk.thumbprint()));
    }
    parts.join("  ")
}

fn relative(time: Timestamp, now: Timestamp) -> String {
    let (ahead, ago) = (time.since(now).as_secs(), now.since(time).as_secs());
    match (ahead, ago) {
        (0, 0) => "now".to_owned(),
        (0, seconds) => format!("{seconds} s ago"),
        (seconds, _) => format!("in {seconds} s"),
    }
}
