//! Scopes: what they are called on the wire and for a person, and sets of them (RFC 6749 §3.3).

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The scope that makes a request one of OpenID Connect (OpenID Connect Core §3.1.2.1).
pub(crate) const OPENID: &str = "openid";

/// A scope that clients may ask for, and what the consent page says about it.
///
/// With one that is called `openid` the server is an OpenID provider: see [`openid`](Self::openid).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeDescription {
    /// The name on the wire, as in `accounts`.
    pub name: String,
    /// What the client will be able to do, as in "See your accounts".
    pub title: String,
    /// What exactly that allows, as in "Names, numbers and balances of your accounts"; may be empty.
    #[serde(default)]
    pub allows: String,
    /// Whether clients may have it on their own behalf, with no person to approve it (RFC 6749 §4.4); `false` unless set.
    #[serde(default)]
    pub without_person: bool,
}

impl ScopeDescription {
    /// A scope called `name`, which the consent page calls `title`.
    #[must_use]
    pub fn new(name: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            allows: String::new(),
            without_person: false,
        }
    }

    /// The scope `openid`, in words that can be changed. Where it is among the scopes of a server, clients that ask for it
    /// get ID tokens (OpenID Connect Core §2); without it there is nothing of OpenID Connect.
    #[must_use]
    pub fn openid() -> Self {
        Self::new(OPENID, "Recognise you")
            .allows("A name that only means you, and when and how you signed in")
    }

    /// The scope `profile`: name, picture, birthday and their like (OpenID Connect Core §5.4), told at the userinfo endpoint.
    #[must_use]
    pub fn profile() -> Self {
        Self::new("profile", "See your profile")
            .allows("Your name and what else you tell about yourself")
    }

    /// The scope `email` (OpenID Connect Core §5.4).
    #[must_use]
    pub fn email() -> Self {
        Self::new("email", "See your email address")
    }

    /// The scope `address` (OpenID Connect Core §5.4).
    #[must_use]
    pub fn address() -> Self {
        Self::new("address", "See your postal address")
    }

    /// The scope `phone` (OpenID Connect Core §5.4).
    #[must_use]
    pub fn phone() -> Self {
        Self::new("phone", "See your telephone number")
    }

    /// Says what exactly the scope allows.
    #[must_use]
    pub fn allows(mut self, text: impl Into<String>) -> Self {
        self.allows = text.into();
        self
    }

    /// Lets clients that are registered for `client_credentials` have it on their own behalf.
    ///
    /// The same name then also stands in tokens that nobody approved: what it allows must not be a person's.
    #[must_use]
    pub const fn without_person(mut self) -> Self {
        self.without_person = true;
        self
    }
}

/// A set of scope names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ScopeSet(BTreeSet<String>);

/// The text is no list of scope names separated by single spaces.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not scope names of printable ASCII, separated by single spaces")]
pub struct InvalidScope;

impl ScopeSet {
    pub(crate) fn is_subset(&self, of: &Self) -> bool {
        self.0.is_subset(&of.0)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for ScopeSet {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        text.split(' ')
            .map(|name| {
                is_scope_token(name)
                    .then(|| name.to_owned())
                    .ok_or(InvalidScope)
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl<'a> FromIterator<&'a str> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// Whether the text is a `scope-token` (RFC 6749 Appendix A.4).
pub(crate) fn is_scope_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 6749 §3.3 and Appendix A.4.
    #[test]
    fn only_names_and_single_spaces_make_a_scope() {
        let set: ScopeSet = "payments accounts accounts".parse().unwrap();
        assert_eq!(set.to_string(), "accounts payments");
        assert!(set.contains("accounts") && !set.contains("Accounts"));
        assert!("accounts".parse::<ScopeSet>().unwrap().is_subset(&set));
        assert!(!"other".parse::<ScopeSet>().unwrap().is_subset(&set));
        for text in [
            "", " ", "a  b", " a", "a ", "a\tb", "a\"b", "a\\b", "é", "a\nb", "a\0",
        ] {
            assert_eq!(text.parse::<ScopeSet>(), Err(InvalidScope), "{text:?}");
        }
    }
}
