//! Values of members: whether they are what they have to be, and how they are shown.

use serde_json::Value;

use super::{
    iban::{in_groups, is_iban},
    kind::{Choice, DetailValue},
    money,
};
use crate::authorization_server::pages::is_visible;

/// The longest text, in characters: what a credit transfer carries as its reference (ISO 20022 `Max140Text`).
const MAX_TEXT: usize = 140;

/// The largest integer that every reader of JSON reads alike (RFC 8259 §6).
const MAX_INTEGER: u64 = (1 << 53) - 1;

impl DetailValue {
    /// The value as a person reads it; `None` if it is not of this kind. There is no other way to learn that it is: what
    /// cannot be shown is not accepted.
    pub(super) fn in_words(
        &self,
        value: &Value,
        is_resource: impl Fn(&str) -> bool,
    ) -> Option<String> {
        match self {
            Self::Text => value
                .as_str()
                .filter(|text| is_text(text))
                .map(str::to_owned),
            Self::Amount => money::in_words(value),
            Self::Account => {
                let members = value.as_object().filter(|members| members.len() == 1)?;
                iban(members.get("iban")?)
            }
            Self::Iban => iban(value),
            Self::Date => date(value.as_str()?),
            Self::Integer => {
                let number = value.as_u64().filter(|number| *number <= MAX_INTEGER)?;
                Some(number.to_string())
            }
            Self::Boolean => Some(if value.as_bool()? { "Yes" } else { "No" }.to_owned()),
            Self::Choices(choices) => list(value, |text| title(choices, text)),
            Self::Locations => list(value, |text| is_resource(text).then_some(text)),
        }
    }

    /// Whether fewer elements are less: the only way in which a client may ask for less than was approved.
    pub(super) const fn can_be_narrowed(&self) -> bool {
        match self {
            Self::Choices(_) | Self::Locations => true,
            Self::Text
            | Self::Amount
            | Self::Account
            | Self::Iban
            | Self::Date
            | Self::Integer
            | Self::Boolean => false,
        }
    }
}

/// Nothing that works unseen, and nothing that a page swallows: the text in the token is the text that was read.
fn is_text(text: &str) -> bool {
    let length = text.chars().count();
    (1..=MAX_TEXT).contains(&length)
        && text.trim() == text
        && text.chars().all(|c| is_visible(c) && !c.is_control())
}

fn iban(value: &Value) -> Option<String> {
    value.as_str().filter(|text| is_iban(text)).map(in_groups)
}

/// One line for each element, which are strings and all different.
fn list<'a>(value: &'a Value, words: impl Fn(&'a str) -> Option<&'a str>) -> Option<String> {
    let elements = value.as_array().filter(|elements| !elements.is_empty())?;
    let mut lines: Vec<&str> = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        if elements.iter().take(index).any(|other| other == element) {
            return None;
        }
        lines.push(words(element.as_str()?)?);
    }
    Some(lines.join("\n"))
}

fn title<'a>(choices: &'a [Choice], value: &str) -> Option<&'a str> {
    let choice = choices.iter().find(|choice| choice.value == value)?;
    Some(&choice.title)
}

/// A day in words. `2027-02-03` would be read as the second of March by some.
fn date(text: &str) -> Option<String> {
    const MONTHS: [(&str, u8); 12] = [
        ("January", 31),
        ("February", 28),
        ("March", 31),
        ("April", 30),
        ("May", 31),
        ("June", 30),
        ("July", 31),
        ("August", 31),
        ("September", 30),
        ("October", 31),
        ("November", 30),
        ("December", 31),
    ];
    let mut parts = text.split('-');
    let mut part = |length: usize| {
        let digits = parts.next().filter(|part| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit())
        })?;
        digits.parse::<u16>().ok()
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some() {
        return None;
    }
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (name, days) = MONTHS.get(usize::from(month.checked_sub(1)?))?;
    let days = if month == 2 && leap { 29 } else { *days };
    (1..=u16::from(days))
        .contains(&day)
        .then(|| format!("{day} {name} {year}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(kind: &DetailValue, value: &Value) -> Option<String> {
        kind.in_words(value, |text| text == "https://api.example")
    }

    fn choices() -> DetailValue {
        DetailValue::Choices(vec![
            Choice::new("list", "See accounts"),
            Choice::new("pay", "Pay"),
        ])
    }

    #[test]
    fn a_value_is_shown_in_words() {
        for (kind, value, expected) in [
            (DetailValue::Text, json!("Müller & Söhne"), "Müller & Söhne"),
            (DetailValue::Text, json!("x".repeat(140)), &*"x".repeat(140)),
            (
                DetailValue::Amount,
                json!({"amount": "123.50", "currency": "EUR"}),
                "123.50 EUR",
            ),
            (
                DetailValue::Account,
                json!({"iban": "DE02100100109307118603"}),
                "DE02 1001 0010 9307 1186 03",
            ),
            (
                DetailValue::Iban,
                json!("NO9386011117947"),
                "NO93 8601 1117 947",
            ),
            (DetailValue::Date, json!("2027-02-03"), "3 February 2027"),
            (DetailValue::Date, json!("2028-02-29"), "29 February 2028"),
            (DetailValue::Integer, json!(4), "4"),
            (DetailValue::Boolean, json!(false), "No"),
            (choices(), json!(["pay", "list"]), "Pay\nSee accounts"),
            (
                DetailValue::Locations,
                json!(["https://api.example"]),
                "https://api.example",
            ),
        ] {
            assert_eq!(words(&kind, &value).as_deref(), Some(expected), "{kind:?}");
        }
    }

    // RFC 9396 §5: wrong types and invalid values.
    #[test]
    fn a_value_of_another_kind_is_refused() {
        let long = json!("x".repeat(141));
        for (kind, values) in [
            (
                DetailValue::Text,
                vec![
                    json!(""),
                    json!(" x"),
                    json!("x "),
                    json!("a\nb"),
                    json!("a\tb"),
                    json!("a\u{202e}b"),
                    json!("a\u{200b}b"),
                    json!("a\u{2028}b"),
                    long,
                    json!(1),
                    json!(null),
                    json!(["x"]),
                    json!({"x": "y"}),
                ],
            ),
            (
                DetailValue::Account,
                vec![
                    json!("DE02100100109307118603"),
                    json!({}),
                    json!({"iban": "DE02100100109307118604"}),
                    json!({"iban": "DE02100100109307118603", "bic": "X"}),
                    json!({"bban": "1"}),
                ],
            ),
            (
                DetailValue::Iban,
                vec![json!("DE02"), json!({"iban": "NO9386011117947"})],
            ),
            (
                DetailValue::Date,
                vec![
                    json!("2027-02-29"),
                    json!("2100-02-29"),
                    json!("2027-13-01"),
                    json!("2027-00-01"),
                    json!("2027-01-00"),
                    json!("2027-1-01"),
                    json!("2027-01-01T00:00:00Z"),
                    json!("2027-01-01-"),
                    json!("+027-01-01"),
                    json!("20270101"),
                    json!(20_270_101),
                ],
            ),
            (
                DetailValue::Integer,
                vec![
                    json!(-1),
                    json!(1.5),
                    json!(1.0),
                    json!("1"),
                    json!(1_u64 << 53),
                ],
            ),
            (
                DetailValue::Boolean,
                vec![json!("true"), json!(1), json!(null)],
            ),
            (
                choices(),
                vec![
                    json!([]),
                    json!("pay"),
                    json!(["steal"]),
                    json!(["pay", "pay"]),
                    json!(["pay", 1]),
                    json!(["Pay"]),
                ],
            ),
            (
                DetailValue::Locations,
                vec![
                    json!("https://api.example"),
                    json!(["https://api.example/"]),
                    json!([]),
                ],
            ),
        ] {
            for value in values {
                assert_eq!(words(&kind, &value), None, "{kind:?} {value}");
            }
        }
    }
}
