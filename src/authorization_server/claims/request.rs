//! The parameter `claims` (OpenID Connect Core §5.5).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{is_open_to, scope_of};
use crate::{
    authorization_server::{refusal::Refusal, scope::ScopeSet},
    jose::json,
};

/// What is asked for one by one.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct ClaimsRequest {
    pub(crate) userinfo: Vec<Asked>,
    pub(crate) id_token: Vec<Asked>,
}

/// A claim that is asked for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Asked {
    pub(crate) name: String,
    /// The client can do nothing without it. It is told no more for that: who does not have an address has none.
    pub(crate) essential: bool,
    /// The values of which one is wanted; any, if there are none.
    pub(crate) values: Vec<Value>,
}

/// More claims than there are.
const MOST: usize = 100;

impl ClaimsRequest {
    /// Reads the parameter. Claims and members that nobody knows are ignored later, or here.
    pub(crate) fn read(text: Option<&str>) -> Result<Self, Refusal> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        let mut members = json::object(text.as_bytes()).map_err(|_| malformed())?;
        let mut part = |name: &str| match members.remove(name) {
            None => Ok(Vec::new()),
            Some(Value::Object(claims)) if claims.len() <= MOST => {
                claims.into_iter().map(Asked::read).collect()
            }
            Some(_) => Err(malformed()),
        };
        Ok(Self {
            userinfo: part("userinfo")?,
            id_token: part("id_token")?,
        })
    }

    /// The `acr` values of which one is indispensable (OpenID Connect Core §5.5.1.1); empty if any will do.
    pub(crate) fn indispensable_acrs(&self) -> Result<Vec<String>, Refusal> {
        match self.id_token.iter().find(|one| one.name == "acr") {
            Some(acr) if acr.essential => acr.texts(),
            Some(_) | None => Ok(Vec::new()),
        }
    }

    /// The subjects of whom one has to have signed in (OpenID Connect Core §5.5.1 and §3.1.2.2); `None` if any will do.
    pub(crate) fn subjects(&self) -> Result<Option<Vec<String>>, Refusal> {
        let asked = self.id_token.iter().chain(&self.userinfo);
        let mut subjects: Option<Vec<String>> = None;
        for one in asked.filter(|one| one.name == "sub" && !one.values.is_empty()) {
            let mut wanted = one.texts()?;
            if let Some(others) = &subjects {
                wanted.retain(|subject| others.contains(subject));
            }
            subjects = Some(wanted);
        }
        Ok(subjects)
    }

    /// The names of what this scope does not stand for.
    pub(crate) fn beyond(&self, scope: &str) -> impl Iterator<Item = &str> {
        self.names().filter(move |name| {
            let covering = scope_of(name);
            covering.is_none_or(|covering| scope.split(' ').all(|one| one != covering))
        })
    }

    /// Whether somebody who is registered for these scopes may be told all of it.
    pub(crate) fn is_within(&self, registered: &ScopeSet) -> bool {
        self.names().all(|name| is_open_to(registered, name))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let all = self.userinfo.iter().chain(&self.id_token);
        all.map(|one| one.name.as_str())
    }
}

impl Asked {
    fn read((name, asked): (String, Value)) -> Result<Self, Refusal> {
        let mut members = match asked {
            Value::Null => Map::new(),
            Value::Object(members) => members,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(malformed());
            }
        };
        let essential = match members.remove("essential") {
            None => false,
            Some(Value::Bool(essential)) => essential,
            Some(_) => return Err(malformed()),
        };
        let values = match (members.remove("value"), members.remove("values")) {
            (None, None) => Vec::new(),
            (Some(value), None) => vec![value],
            (None, Some(Value::Array(values))) if !values.is_empty() => values,
            (_, Some(_)) => return Err(malformed()),
        };
        Ok(Self {
            name,
            essential,
            values,
        })
    }

    /// Whether this value is one that is wanted.
    pub(super) fn fits(&self, value: &Value) -> bool {
        self.values.is_empty() || self.values.contains(value)
    }

    fn texts(&self) -> Result<Vec<String>, Refusal> {
        let texts = self
            .values
            .iter()
            .map(|value| value.as_str().map(str::to_owned));
        texts.collect::<Option<_>>().ok_or_else(malformed)
    }
}

fn malformed() -> Refusal {
    Refusal::invalid_request(
        "claims must be a JSON object with the members userinfo and id_token, as in OpenID Connect Core 5.5",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ClaimsRequest, Refusal> {
        ClaimsRequest::read(Some(text))
    }

    // OpenID Connect Core §5.5: the example, and what is not understood.
    #[test]
    fn claims_are_asked_for_by_name_and_value() {
        let asked = read(
            r#"{
                "userinfo": {
                    "given_name": {"essential": true},
                    "nickname": null,
                    "http://example.info/claims/groups": null
                },
                "id_token": {
                    "auth_time": {"essential": true, "purpose": "ours"},
                    "acr": {"values": ["urn:mace:incommon:iap:silver"]}
                },
                "verified": {"x": 5}
            }"#,
        )
        .unwrap();
        assert_eq!(asked.userinfo.len(), 3);
        assert_eq!(
            asked.indispensable_acrs().unwrap(),
            Vec::<String>::new(),
            "voluntary"
        );
        assert_eq!(asked.subjects().unwrap(), None);
        assert_eq!(ClaimsRequest::read(None).unwrap(), ClaimsRequest::default());
        let acr = read(r#"{"id_token":{"acr":{"essential":true,"values":["a","b"]}}}"#).unwrap();
        assert_eq!(acr.indispensable_acrs().unwrap(), ["a", "b"]);
        let elsewhere = read(r#"{"userinfo":{"acr":{"essential":true,"value":"a"}}}"#).unwrap();
        assert!(elsewhere.indispensable_acrs().unwrap().is_empty());
        for (text, subjects) in [
            (r#"{"id_token":{"sub":{"value":"a"}}}"#, &["a"][..]),
            (r#"{"userinfo":{"sub":{"values":["a","b"]}}}"#, &["a", "b"]),
            (
                r#"{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"values":["b","a"]}}}"#,
                &["a"],
            ),
            (
                r#"{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}"#,
                &[],
            ),
        ] {
            let found = read(text).unwrap().subjects().unwrap().unwrap();
            assert_eq!(found, subjects, "{text}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for text in [
            "",
            "x",
            "null",
            "[]",
            "5",
            r#"{"userinfo":null}"#,
            r#"{"userinfo":["email"]}"#,
            r#"{"id_token":"email"}"#,
            r#"{"userinfo":{"email":true}}"#,
            r#"{"userinfo":{"email":"x"}}"#,
            r#"{"userinfo":{"email":{"essential":"true"}}}"#,
            r#"{"userinfo":{"email":{"values":"x"}}}"#,
            r#"{"userinfo":{"email":{"values":[]}}}"#,
            r#"{"userinfo":{"email":{"value":"x","values":["x"]}}}"#,
            r#"{"userinfo":{},"userinfo":{}}"#,
            r#"{"userinfo":{"a":null,"a":null}}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        for (text, of_acr) in [
            (r#"{"id_token":{"acr":{"essential":true,"value":5}}}"#, true),
            (r#"{"id_token":{"sub":{"value":5}}}"#, false),
        ] {
            let asked = read(text).unwrap();
            let refused = if of_acr {
                asked.indispensable_acrs().is_err()
            } else {
                asked.subjects().is_err()
            };
            assert!(refused, "{text}");
        }
        let many: Vec<String> = (0..=MOST)
            .map(|number| format!("\"c{number}\":null"))
            .collect();
        assert!(read(&format!("{{\"userinfo\":{{{}}}}}", many.join(","))).is_err());
    }
}
