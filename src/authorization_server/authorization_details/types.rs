//! The types a server knows, and what is asked for in their terms.

use serde_json::{Map, Value};
use thiserror::Error;

use super::{
    entry::DetailEntry,
    kind::{AuthorizationDetailsType, DetailsTypeProblem, InvalidDetailsType},
};
use crate::{
    authorization_server::{
        pages::{Detail, Line},
        resources::Resources,
    },
    jose::json,
};

/// The types of the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct DetailsTypes(Vec<AuthorizationDetailsType>);

/// The longest parameter, in bytes. All of it ends up in the access token, which travels in a header.
const MAX_BYTES: usize = 4096;

/// More than this nobody reads before approving.
const MAX_ENTRIES: usize = 10;

/// What is wrong with `authorization_details` (RFC 9396 §5), in words for the developer of the client. What the client
/// sent is not repeated.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum DetailsProblem {
    #[error("authorization_details are longer than {MAX_BYTES} bytes")]
    TooLong,
    #[error("authorization_details are not a JSON array of objects, or hold a member twice")]
    NotObjects,
    #[error("authorization_details must hold 1 to {MAX_ENTRIES} entries")]
    Number,
    #[error("an entry of authorization_details has no type")]
    NoType,
    #[error("authorization_details hold a type that is unknown or not registered for this client")]
    UnknownType,
    #[error("authorization_details of type {0} hold a member that the type does not have")]
    UnknownMember(String),
    #[error("{1} is missing in authorization_details of type {0}")]
    Missing(String, String),
    #[error("{1} is not what it must be in authorization_details of type {0}")]
    Value(String, String),
}

impl DetailsTypes {
    pub(crate) fn new(types: Vec<AuthorizationDetailsType>) -> Result<Self, InvalidDetailsType> {
        for (index, kind) in types.iter().enumerate() {
            let invalid = |problem| InvalidDetailsType {
                position: index + 1,
                name: kind.name.clone(),
                problem,
            };
            kind.check().map_err(invalid)?;
            if types
                .iter()
                .take(index)
                .any(|other| other.name == kind.name)
            {
                return Err(invalid(DetailsTypeProblem::Duplicate));
            }
        }
        Ok(Self(types))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|kind| kind.name.as_str())
    }

    /// Whether nobody has to approve entries of this type.
    pub(crate) fn is_without_person(&self, name: &str) -> bool {
        self.get(name).is_some_and(|kind| kind.without_person)
    }

    fn get(&self, name: &str) -> Option<&AuthorizationDetailsType> {
        self.0.iter().find(|kind| kind.name == name)
    }

    /// Reads the parameter of a client that may ask for the types in `allowed` (RFC 9396 §5, §10).
    pub(crate) fn read(
        &self,
        text: &str,
        allowed: &[String],
        resources: &Resources,
    ) -> Result<Vec<DetailEntry>, DetailsProblem> {
        if text.len() > MAX_BYTES {
            return Err(DetailsProblem::TooLong);
        }
        let entries = json::array(text.as_bytes()).map_err(|_| DetailsProblem::NotObjects)?;
        if !(1..=MAX_ENTRIES).contains(&entries.len()) {
            return Err(DetailsProblem::Number);
        }
        let read = entries.into_iter().map(|entry| {
            let Value::Object(members) = entry else {
                return Err(DetailsProblem::NotObjects);
            };
            let name = members.get("type").and_then(Value::as_str);
            let name = name.ok_or(DetailsProblem::NoType)?;
            let kind = self
                .get(name)
                .filter(|_| allowed.iter().any(|allowed| allowed == name))
                .ok_or(DetailsProblem::UnknownType)?;
            check(kind, &members, resources)?;
            Ok(DetailEntry(members))
        });
        read.collect()
    }

    /// The entries as the consent page shows them; `None` if one of them cannot be shown whole, and so not be approved:
    /// the configuration may have changed since it was pushed.
    pub(crate) fn in_words(
        &self,
        entries: &[DetailEntry],
        resources: &Resources,
    ) -> Option<Vec<Detail<'_>>> {
        let shown = entries.iter().map(|entry| {
            let kind = self.get(entry.kind())?;
            check(kind, &entry.0, resources).ok()?;
            let lines = kind.members.iter().filter_map(|member| {
                let value = entry.0.get(&member.name)?;
                Some(Line {
                    label: &member.label,
                    value: member
                        .value
                        .in_words(value, |text| resources.contains(text))?,
                    prominent: member.prominent,
                })
            });
            Some(Detail {
                title: &kind.title,
                lines: lines.collect(),
            })
        });
        shown.collect()
    }

    /// Whether a list with fewer elements is less, in this member of this type.
    pub(super) fn can_narrow(&self, kind: &str, member: &str) -> bool {
        let members = self.get(kind).map(|kind| &kind.members);
        members
            .into_iter()
            .flatten()
            .any(|known| known.name == member && known.value.can_be_narrowed())
    }
}

/// Every member known, every required one there, every value of its kind.
fn check(
    kind: &AuthorizationDetailsType,
    members: &Map<String, Value>,
    resources: &Resources,
) -> Result<(), DetailsProblem> {
    let known = |name: &str| kind.members.iter().any(|member| member.name == name);
    if members.keys().any(|name| name != "type" && !known(name)) {
        return Err(DetailsProblem::UnknownMember(kind.name.clone()));
    }
    for member in &kind.members {
        let about = || (kind.name.clone(), member.name.clone());
        match members.get(&member.name) {
            Some(value) => {
                let words = member
                    .value
                    .in_words(value, |text| resources.contains(text));
                if words.is_none() {
                    let (kind, member) = about();
                    return Err(DetailsProblem::Value(kind, member));
                }
            }
            None if member.required => {
                let (kind, member) = about();
                return Err(DetailsProblem::Missing(kind, member));
            }
            None => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::authorization_server::{Choice, DetailMember, DetailValue};

    fn types() -> DetailsTypes {
        let actions = vec![
            Choice::new("list", "See accounts"),
            Choice::new("balances", "See balances"),
        ];
        DetailsTypes::new(vec![
            AuthorizationDetailsType::new("payment", "Payment")
                .member(DetailMember::required("amount", "Amount", DetailValue::Amount).prominent())
                .member(DetailMember::optional(
                    "reference",
                    "Reference",
                    DetailValue::Text,
                )),
            AuthorizationDetailsType::new("accounts", "Accounts")
                .member(DetailMember::required(
                    "actions",
                    "Actions",
                    DetailValue::Choices(actions),
                ))
                .member(DetailMember::optional(
                    "locations",
                    "At",
                    DetailValue::Locations,
                )),
        ])
        .unwrap()
    }

    fn resources() -> Resources {
        Resources::of("https://api.example", &["https://other.example"])
    }

    fn read(text: &str) -> Result<Vec<DetailEntry>, DetailsProblem> {
        let allowed = ["payment", "accounts"].map(str::to_owned);
        types().read(text, &allowed, &resources())
    }

    fn entries(value: &Value) -> Vec<DetailEntry> {
        read(&value.to_string()).unwrap()
    }

    fn payment() -> Value {
        json!({"type": "payment", "amount": {"amount": "1.00", "currency": "EUR"}, "reference": "R"})
    }

    fn accounts(actions: &[&str]) -> Value {
        json!({"type": "accounts", "actions": actions})
    }

    #[test]
    fn an_entry_is_kept_as_it_was_sent_and_shown_in_the_order_of_its_type() {
        let sent = json!([payment(), accounts(&["list", "balances"])]);
        let read = entries(&sent);
        assert_eq!(json!(read), sent);
        let types = types();
        let shown = types.in_words(&read, &resources()).unwrap();
        let lines: Vec<_> = shown
            .iter()
            .flat_map(|detail| {
                detail
                    .lines
                    .iter()
                    .map(|line| (detail.title, line.label, &*line.value))
            })
            .collect();
        assert_eq!(
            lines,
            [
                ("Payment", "Amount", "1.00 EUR"),
                ("Payment", "Reference", "R"),
                ("Accounts", "Actions", "See accounts\nSee balances"),
            ]
        );
        assert!(shown[0].lines[0].prominent && !shown[0].lines[1].prominent);
    }

    // RFC 9396 §2 and §5.
    #[test]
    fn what_does_not_fit_its_type_is_refused() {
        use DetailsProblem as P;
        let amount = json!({"amount": "1.00", "currency": "EUR"});
        let about = |member: &str| ("payment".to_owned(), member.to_owned());
        let missing = |(kind, member)| P::Missing(kind, member);
        let value = |(kind, member)| P::Value(kind, member);
        let many = Value::Array(vec![accounts(&["list"]); MAX_ENTRIES + 1]);
        for (text, expected) in [
            (String::new(), P::NotObjects),
            ("payment".to_owned(), P::NotObjects),
            (payment().to_string(), P::NotObjects),
            ("null".to_owned(), P::NotObjects),
            (format!("[{}]x", payment()), P::NotObjects),
            (format!("[{},]", payment()), P::NotObjects),
            (r#"["payment"]"#.to_owned(), P::NotObjects),
            (
                r#"[{"type":"payment","amount":{"amount":"1.00","amount":"9.00","currency":"EUR"}}]"#.to_owned(),
                P::NotObjects,
            ),
            (r#"[{"type":"accounts","type":"payment","actions":["list"]}]"#.to_owned(), P::NotObjects),
            ("[]".to_owned(), P::Number),
            (many.to_string(), P::Number),
            (format!("[{}]", " ".repeat(MAX_BYTES)), P::TooLong),
            ("[".repeat(MAX_BYTES), P::NotObjects),
            (json!([{"amount": amount}]).to_string(), P::NoType),
            (json!([{"type": 1, "amount": amount}]).to_string(), P::NoType),
            (json!([{"type": ["payment"], "amount": amount}]).to_string(), P::NoType),
            (json!([{"type": "Payment", "amount": amount}]).to_string(), P::UnknownType),
            (json!([payment(), {"type": "other"}]).to_string(), P::UnknownType),
            (
                json!([{"type": "payment", "amount": amount, "Reference": "R"}]).to_string(),
                P::UnknownMember("payment".to_owned()),
            ),
            (
                json!([{"type": "payment", "amount": amount, "locations": []}]).to_string(),
                P::UnknownMember("payment".to_owned()),
            ),
            (json!([{"type": "payment", "reference": "R"}]).to_string(), missing(about("amount"))),
            (json!([{"type": "payment", "amount": null}]).to_string(), value(about("amount"))),
            (json!([{"type": "payment", "amount": 1}]).to_string(), value(about("amount"))),
            (
                json!([{"type": "payment", "amount": amount, "reference": 7}]).to_string(),
                value(about("reference")),
            ),
            (
                json!([{"type": "payment", "amount": amount, "reference": null}]).to_string(),
                value(about("reference")),
            ),
        ] {
            assert_eq!(read(&text), Err(expected), "{text}");
        }
        let unregistered = types().read(
            &json!([payment()]).to_string(),
            &["accounts".to_owned()],
            &resources(),
        );
        assert_eq!(unregistered, Err(P::UnknownType), "RFC 9396 §10");
    }

    #[test]
    fn what_the_configuration_no_longer_knows_cannot_be_shown() {
        let read = entries(&json!([payment()]));
        assert!(
            DetailsTypes::default()
                .in_words(&read, &resources())
                .is_none()
        );
        let fewer = DetailsTypes::new(vec![
            AuthorizationDetailsType::new("payment", "Payment").member(DetailMember::required(
                "amount",
                "Amount",
                DetailValue::Amount,
            )),
        ]);
        assert!(
            fewer.unwrap().in_words(&read, &resources()).is_none(),
            "the reference"
        );
    }

    #[test]
    fn two_types_cannot_share_a_name() {
        let kind = || AuthorizationDetailsType::new("payment", "Payment");
        let error = DetailsTypes::new(vec![kind(), kind()]).unwrap_err();
        assert_eq!(
            (error.position, error.problem),
            (2, DetailsTypeProblem::Duplicate)
        );
    }

    // RFC 9396 §6 and §6.1.
    #[test]
    fn less_can_be_asked_for_and_nothing_else() {
        use super::super::entry::narrowed;
        let located = |locations: &[&str]| json!({"type": "accounts", "actions": ["list"], "locations": locations});
        let (here, there) = ("https://api.example", "https://other.example");
        let dearer = json!({"type": "payment", "amount": {"amount": "1.01", "currency": "EUR"}, "reference": "R"});
        let silent = json!({"type": "payment", "amount": {"amount": "1.00", "currency": "EUR"}});
        let both = accounts(&["list", "balances"]);
        let one = accounts(&["list"]);
        for (case, approved, asked, allowed) in [
            (
                "the same",
                json!([payment(), both]),
                json!([payment(), both]),
                true,
            ),
            (
                "in another order",
                json!([payment(), both]),
                json!([both, payment()]),
                true,
            ),
            (
                "one of two",
                json!([payment(), both]),
                json!([payment()]),
                true,
            ),
            ("one action of two", json!([both]), json!([one]), true),
            (
                "a list in another order",
                json!([both]),
                json!([accounts(&["balances", "list"])]),
                true,
            ),
            (
                "one place of two",
                json!([located(&[here, there])]),
                json!([located(&[there])]),
                true,
            ),
            ("each its own", json!([both, one]), json!([one, one]), true),
            (
                "the narrower one first",
                json!([both, one]),
                json!([accounts(&["balances"]), one]),
                true,
            ),
            (
                "a higher amount",
                json!([payment()]),
                json!([dearer]),
                false,
            ),
            (
                "another text left out",
                json!([payment()]),
                json!([silent]),
                false,
            ),
            ("a text added", json!([silent]), json!([payment()]), false),
            (
                "twice what was approved once",
                json!([payment()]),
                json!([payment(), payment()]),
                false,
            ),
            ("one action more", json!([one]), json!([both]), false),
            (
                "a place left out",
                json!([located(&[here])]),
                json!([one]),
                false,
            ),
            (
                "another place",
                json!([located(&[here])]),
                json!([located(&[there])]),
                false,
            ),
            ("another type", json!([one]), json!([payment()]), false),
            (
                "split in two",
                json!([both]),
                json!([one, accounts(&["balances"])]),
                false,
            ),
        ] {
            let (approved, asked) = (entries(&approved), entries(&asked));
            let outcome = narrowed(&types(), asked.clone(), &approved);
            assert_eq!(outcome, allowed.then_some(asked), "{case}");
        }
    }
}
