//! What a client is told about a person: by scope (OpenID Connect Core §5.4), or one by one (§5.5).

mod request;

use serde_json::{Map, Value};

pub(crate) use self::request::{Asked, ClaimsRequest};
use super::{clients::Client, refusal::Fault, scope::ScopeSet, server::Server};

/// What the scopes stand for (OpenID Connect Core §5.4).
const SCOPES: [(&str, &[&str]); 4] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// What the server says of the sign-in and of the document itself. Nothing that is known of a person can stand in its place.
const OWN: [&str; 18] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "cnf",
    "events",
];

/// The claims that an ID token has of its own, for the metadata.
const ALWAYS: [&str; 7] = ["iss", "sub", "aud", "exp", "iat", "auth_time", "acr"];

impl Server {
    /// The names of all claims that a client may be told (OpenID Connect Discovery §3).
    pub(crate) fn claims_supported(&self) -> Vec<String> {
        let personal = self.authenticator.claims_supported();
        let personal = personal.into_iter().filter(|name| is_personal(name));
        ALWAYS
            .into_iter()
            .map(str::to_owned)
            .chain(personal)
            .collect()
    }

    /// Of what is asked for one by one, what this client can be told: what somebody may be known by here, and what the
    /// scopes that it is registered for stand for.
    pub(crate) fn tellable(&self, client: &Client, asked: Vec<Asked>) -> Vec<Asked> {
        let known = self.authenticator.claims_supported();
        let may = |name: &str| {
            is_personal(name)
                && known.iter().any(|known| known == name)
                && is_open_to(&client.scopes, name)
        };
        asked.into_iter().filter(|one| may(&one.name)).collect()
    }

    /// What is known of a person, as far as the scope or one of these asks for it.
    pub(crate) async fn claims_about(
        &self,
        subject: &str,
        scope: &str,
        asked: &[Asked],
    ) -> Result<Map<String, Value>, Fault> {
        let by_scope = |name: &str| {
            let covering = scope_of(name);
            covering.is_some_and(|covering| scope.split(' ').any(|one| one == covering))
        };
        if asked.is_empty()
            && !SCOPES
                .iter()
                .any(|(_, names)| names.iter().any(|name| by_scope(name)))
        {
            return Ok(Map::new());
        }
        let known = self.authenticator.claims(subject).await?;
        let told = known.into_iter().filter(|(name, value)| {
            let one = asked.iter().find(|one| one.name == *name);
            is_personal(name)
                && says_something(value)
                && (by_scope(name) || one.is_some_and(|one| one.fits(value)))
        });
        Ok(told.collect())
    }
}

fn is_personal(name: &str) -> bool {
    !OWN.contains(&untagged(name))
}

/// What is not known has no claim, rather than an empty one (OpenID Connect Core §5.3.2).
fn says_something(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}

/// Whether somebody who is registered for these scopes may be told a claim.
fn is_open_to(registered: &ScopeSet, name: &str) -> bool {
    scope_of(name).is_none_or(|scope| registered.contains(scope))
}

/// The scope that stands for a claim, in whatever language it is.
fn scope_of(name: &str) -> Option<&'static str> {
    let name = untagged(name);
    let mut scopes = SCOPES.iter();
    scopes.find_map(|(scope, names)| names.contains(&name).then_some(*scope))
}

/// `name` of `name#ja-Hani-JP` (OpenID Connect Core §5.2).
fn untagged(name: &str) -> &str {
    name.split_once('#').map_or(name, |(name, _)| name)
}

/// What a person reads where they are asked whether a client may be told these.
pub(crate) fn in_words<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<&str> = Vec::new();
    for name in names {
        let word = match untagged(name) {
            "name" | "family_name" | "given_name" | "middle_name" => "your name",
            "nickname" | "preferred_username" => "what you like to be called",
            "profile" | "website" => "your web pages",
            "picture" => "your picture",
            "gender" => "your gender",
            "birthdate" => "your date of birth",
            "zoneinfo" | "locale" => "your language and time zone",
            "updated_at" => "when your details last changed",
            "email" | "email_verified" => "your email address",
            "address" => "your postal address",
            "phone_number" | "phone_number_verified" => "your telephone number",
            _ => name,
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(", ")
}
