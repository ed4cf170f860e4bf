//! Scopes of a token (RFC 6749 §3.3).

use std::{collections::BTreeSet, fmt};

/// The scope of a token: a list of case-sensitive values.
///
/// ```
/// use tower_fapi::token::Scope;
///
/// let scope: Scope = "accounts payments:write".parse()?;
/// assert!(scope.contains("accounts"));
/// assert!(!scope.contains("payments"));
/// # Ok::<_, tower_fapi::token::InvalidScope>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scope(String);

/// The text holds characters or gaps that no scope has (RFC 6749 §3.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a list of scope values separated by single spaces")]
pub struct InvalidScope;

impl Scope {
    /// Whether `value` is among them.
    #[must_use]
    pub fn contains(&self, value: &str) -> bool {
        self.iter().any(|held| held == value)
    }

    /// The values, in the token's order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|value| !value.is_empty())
    }

    /// Whether both hold the same values, in whatever order.
    pub(super) fn same_values(&self, other: &Self) -> bool {
        // Sets: comparing each with each is for nobody's unsigned token to ask for.
        self.iter().collect::<BTreeSet<_>>() == other.iter().collect::<BTreeSet<_>>()
    }

    /// The values as they stand in the token, separated by spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // scope-token = 1*( %x21 / %x23-5B / %x5D-7E ); values are separated by one space.
        let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let sound = |value: &str| !value.is_empty() && value.bytes().all(allowed);
        if text.is_empty() || text.split(' ').all(sound) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidScope)
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Order and repetition mean nothing; and a stranger's unsigned token must not cost a square of its length.
    #[test]
    fn scopes_are_compared_as_sets() {
        let scope = |text: &str| text.parse::<Scope>().unwrap();
        for (one, other, same) in [
            ("a b", "b a", true),
            ("a a b", "a b", true),
            ("a", "a b", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(scope(one).same_values(&scope(other)), same, "{one} {other}");
        }
        let long = |letter: &str| vec![letter; 200_000].join(" ");
        assert!(!scope(&long("a")).same_values(&scope(&format!("{} a", long("b")))));
    }

    // RFC 6749 §3.3.
    #[test]
    fn only_the_grammar_of_the_rfc_is_a_scope() {
        for (text, sound) in [
            ("", true),
            ("accounts", true),
            ("a b c", true),
            ("https://api.example.com/read !#[]~", true),
            (" a", false),
            ("a ", false),
            ("a  b", false),
            ("a\tb", false),
            ("a\"b", false),
            ("a\\b", false),
            ("é", false),
            ("a\u{7f}", false),
        ] {
            assert_eq!(text.parse::<Scope>().is_ok(), sound, "{text:?}");
        }
    }

    #[test]
    fn values_match_whole_and_case_sensitively() {
        let scope: Scope = "accounts payments".parse().unwrap();
        for (value, held) in [
            ("accounts", true),
            ("payments", true),
            ("account", false),
            ("Accounts", false),
            ("", false),
            ("accounts payments", false),
        ] {
            assert_eq!(scope.contains(value), held, "{value}");
        }
    }
}
