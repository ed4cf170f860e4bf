//! What a type of authorization details looks like, as the configuration describes it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A type of `authorization_details` that clients may be registered for: its members, and what the consent page calls
/// them (RFC 9396 §2).
///
/// A request with a member that is not described here, without one that is required, or with a value of another kind is
/// refused (RFC 9396 §5).
///
/// ```
/// use tower_fapi::authorization_server::{AuthorizationDetailsType, DetailMember, DetailValue};
///
/// let payment = AuthorizationDetailsType::new("payment_initiation", "Payment")
///     .member(DetailMember::required("instructedAmount", "Amount", DetailValue::Amount).prominent())
///     .member(DetailMember::required("creditorName", "To", DetailValue::Text).prominent())
///     .member(DetailMember::required("creditorAccount", "Account", DetailValue::Account))
///     .member(DetailMember::optional("remittanceInformationUnstructured", "Reference", DetailValue::Text));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationDetailsType {
    /// The value of `type`.
    #[serde(rename = "type")]
    pub name: String,
    /// What the consent page calls an entry, as in "Payment".
    pub title: String,
    /// What an entry holds beside `type`, in the order in which it is shown.
    #[serde(default)]
    pub members: Vec<DetailMember>,
    /// Whether clients may have such an entry on their own behalf, with no person to approve it (RFC 6749 §4.4); `false`
    /// unless set, as it has to be for a payment.
    #[serde(default)]
    pub without_person: bool,
}

/// A member of an entry.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DetailMember {
    /// Its name on the wire.
    pub name: String,
    /// What the consent page calls it, as in "Amount".
    pub label: String,
    /// What its value is.
    pub value: DetailValue,
    /// Whether it has to be there; `false` unless set.
    #[serde(default)]
    pub required: bool,
    /// Whether it is shown large, as amount and recipient of a payment should be; `false` unless set.
    #[serde(default)]
    pub prominent: bool,
}

/// What the value of a member can be, and so how it is shown.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DetailValue {
    /// A string of 1 to 140 characters, all of which can be seen.
    Text,
    /// An object with `currency` (ISO 4217) and `amount`, a positive decimal number in a string, with no more digits
    /// after the point than the currency has.
    Amount,
    /// An object with `iban` (ISO 13616), written without spaces.
    Account,
    /// A string with an IBAN.
    Iban,
    /// A string with a day, as in `2027-02-28`.
    Date,
    /// A whole number from 0 to 2^53 - 1, which every reader of JSON reads alike.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// An array of at least one of these strings, none of them twice. Fewer of them are less: a client may narrow them
    /// when it asks for a token (RFC 9396 §6).
    Choices(Vec<Choice>),
    /// An array of resource servers that the server issues tokens for (RFC 9396 §2.2). An entry comes only into tokens
    /// for one of them. The member's name has to be `locations`.
    Locations,
}

/// One of the strings that [`DetailValue::Choices`] may hold.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The string on the wire, as in `read_balances`.
    pub value: String,
    /// What the consent page calls it, as in "See your balances".
    pub title: String,
}

impl AuthorizationDetailsType {
    /// A type called `name`, whose entries the consent page calls `title`.
    #[must_use]
    pub fn new(name: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            members: Vec::new(),
            without_person: false,
        }
    }

    /// Adds a member, which is shown after those before it.
    #[must_use]
    pub fn member(mut self, member: DetailMember) -> Self {
        self.members.push(member);
        self
    }

    /// Lets clients that are registered for `client_credentials` have such entries on their own behalf.
    #[must_use]
    pub const fn without_person(mut self) -> Self {
        self.without_person = true;
        self
    }

    /// Checks everything that can be checked of one type alone.
    pub(super) fn check(&self) -> Result<(), DetailsTypeProblem> {
        if !is_name(&self.name) {
            return Err(DetailsTypeProblem::Name);
        }
        if self.title.trim().is_empty() {
            return Err(DetailsTypeProblem::Title);
        }
        let mut seen = HashSet::new();
        for member in &self.members {
            let problem = |problem: fn(String) -> DetailsTypeProblem| problem(member.name.clone());
            if !is_name(&member.name) || member.name == "type" {
                return Err(problem(DetailsTypeProblem::MemberName));
            }
            if !seen.insert(&member.name) {
                return Err(problem(DetailsTypeProblem::RepeatedMember));
            }
            if member.label.trim().is_empty() {
                return Err(problem(DetailsTypeProblem::Label));
            }
            if (member.name == "locations") != (member.value == DetailValue::Locations) {
                return Err(problem(DetailsTypeProblem::Locations));
            }
            if let DetailValue::Choices(choices) = &member.value {
                check_choices(choices).map_err(|()| problem(DetailsTypeProblem::Choices))?;
            }
        }
        Ok(())
    }
}

impl DetailMember {
    /// A member that has to be there.
    #[must_use]
    pub fn required(name: impl Into<String>, label: impl Into<String>, value: DetailValue) -> Self {
        Self {
            required: true,
            ..Self::optional(name, label, value)
        }
    }

    /// A member that may be there.
    #[must_use]
    pub fn optional(name: impl Into<String>, label: impl Into<String>, value: DetailValue) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            value,
            required: false,
            prominent: false,
        }
    }

    /// Shows it large.
    #[must_use]
    pub fn prominent(mut self) -> Self {
        self.prominent = true;
        self
    }
}

impl Choice {
    /// The string `value`, which the consent page calls `title`.
    #[must_use]
    pub fn new(value: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            title: title.into(),
        }
    }
}

/// A type of the configuration is refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("authorization details type {position} ({name:?}): {problem}")]
pub struct InvalidDetailsType {
    /// Which of the types, counted from 1.
    pub position: usize,
    /// Its name as configured.
    pub name: String,
    /// What is wrong.
    pub problem: DetailsTypeProblem,
}

/// What is wrong with a type.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum DetailsTypeProblem {
    /// The name cannot be a `type`.
    #[error("type must have 1 to 128 printable ASCII characters without spaces")]
    Name,
    /// Two types cannot share a name.
    #[error("another type has the same name")]
    Duplicate,
    /// There is nothing to call it on the consent page.
    #[error("title is empty")]
    Title,
    /// The name of a member cannot be one, or is `type`.
    #[error("member {0:?} needs a name of 1 to 128 printable ASCII characters, and not `type`")]
    MemberName(String),
    /// Two members with one name.
    #[error("member {0:?} is there twice")]
    RepeatedMember(String),
    /// There is nothing to call it on the consent page: what nobody sees, nobody approves.
    #[error("the label of member {0:?} is empty")]
    Label(String),
    /// There is nothing to choose, or a choice is there twice, or has no title.
    #[error("member {0:?} needs choices that differ and have a value and a title each")]
    Choices(String),
    /// RFC 9396 §2.2 says what `locations` are.
    #[error("member {0:?}: `locations` is the name of a member with locations, and of no other")]
    Locations(String),
}

fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn check_choices(choices: &[Choice]) -> Result<(), ()> {
    let mut seen = HashSet::new();
    let sound = choices.iter().all(|choice| {
        !choice.value.is_empty() && !choice.title.trim().is_empty() && seen.insert(&choice.value)
    });
    if sound && !choices.is_empty() {
        Ok(())
    } else {
        Err(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(members: Vec<DetailMember>) -> AuthorizationDetailsType {
        AuthorizationDetailsType {
            members,
            ..AuthorizationDetailsType::new("payment", "Payment")
        }
    }

    #[test]
    fn a_type_is_read_from_a_configuration() {
        let text = r#"
            type = "payment"
            title = "Payment"
            members = [
                { name = "amount", label = "Amount", value = "amount", required = true, prominent = true },
                { name = "actions", label = "Actions", value = { choices = [{ value = "pay", title = "Pay" }] } },
            ]"#;
        let read: AuthorizationDetailsType = toml::from_str(text).unwrap();
        let choices = DetailValue::Choices(vec![Choice::new("pay", "Pay")]);
        let expected = AuthorizationDetailsType::new("payment", "Payment")
            .member(DetailMember::required("amount", "Amount", DetailValue::Amount).prominent())
            .member(DetailMember::optional("actions", "Actions", choices));
        assert_eq!(read, expected);
        assert_eq!(read.check(), Ok(()));
        for (right, wrong) in [
            ("value = \"amount\"", "value = \"money\""),
            ("required = true", "mandatory = true"),
            ("title = \"Payment\"", "name = \"Payment\""),
            ("label = \"Amount\", ", ""),
        ] {
            let text = text.replacen(right, wrong, 1);
            assert!(
                toml::from_str::<AuthorizationDetailsType>(&text).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_type_that_cannot_be_shown_or_told_apart_is_refused() {
        use DetailsTypeProblem as P;
        let text = |name: &str, label: &str| DetailMember::optional(name, label, DetailValue::Text);
        let name = |name: &str| name.to_owned();
        let choices = |choices: Vec<Choice>| {
            kind(vec![DetailMember::optional(
                "a",
                "A",
                DetailValue::Choices(choices),
            )])
        };
        for (kind, expected) in [
            (AuthorizationDetailsType::new("", "Payment"), P::Name),
            (AuthorizationDetailsType::new("a b", "Payment"), P::Name),
            (AuthorizationDetailsType::new("payment", " "), P::Title),
            (
                kind(vec![text("type", "Type")]),
                P::MemberName(name("type")),
            ),
            (kind(vec![text("é", "E")]), P::MemberName(name("é"))),
            (
                kind(vec![text("a", "A"), text("a", "B")]),
                P::RepeatedMember(name("a")),
            ),
            (kind(vec![text("a", "")]), P::Label(name("a"))),
            (
                kind(vec![text("locations", "At")]),
                P::Locations(name("locations")),
            ),
            (
                kind(vec![DetailMember::optional(
                    "at",
                    "At",
                    DetailValue::Locations,
                )]),
                P::Locations(name("at")),
            ),
            (choices(vec![]), P::Choices(name("a"))),
            (choices(vec![Choice::new("x", "")]), P::Choices(name("a"))),
            (choices(vec![Choice::new("", "X")]), P::Choices(name("a"))),
            (
                choices(vec![Choice::new("x", "X"), Choice::new("x", "Y")]),
                P::Choices(name("a")),
            ),
        ] {
            assert_eq!(kind.check(), Err(expected), "{kind:?}");
        }
    }
}
