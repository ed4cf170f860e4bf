//! A user as the configuration describes them.

use std::fmt;

use serde::{Deserialize, Deserializer};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{InvalidHash, InvalidTotpSecret, StandardClaims};

/// One user in the configuration.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserConfig {
    /// What they sign in with. Upper and lower case are the same, spaces around it do not count.
    pub username: String,
    /// The `sub` of their tokens: up to 255 printable ASCII characters that never change (OpenID Connect Core §2).
    pub subject: String,
    /// What they are called on pages.
    pub display_name: String,
    /// Argon2id hash of their password, as made by [`hash_password`](super::hash_password).
    pub password_hash: String,
    /// The secret of their authenticator app in base32, if they have one: see [`TotpSecret`](super::TotpSecret). Wiped from
    /// memory on drop.
    #[serde(default, deserialize_with = "wiped")]
    pub totp_secret: Option<Zeroizing<String>>,
    /// What clients may be told of them (OpenID Connect Core §5.1), as far as they ask and the person agrees.
    #[serde(default)]
    pub claims: StandardClaims,
}

fn wiped<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Zeroizing<String>>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Zeroizing::new))
}

impl fmt::Debug for UserConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserConfig")
            .field("username", &self.username)
            .field("subject", &self.subject)
            .field("display_name", &self.display_name)
            .finish_non_exhaustive()
    }
}

/// A user of the configuration is refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("user {position} ({username:?}): {problem}")]
pub struct InvalidUser {
    /// Which of the users, counted from 1.
    pub position: usize,
    /// The username as configured.
    pub username: String,
    /// What is wrong.
    pub problem: UserProblem,
}

/// What is wrong with a user of the configuration.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum UserProblem {
    /// The username is empty, or longer than a login form takes.
    #[error("username must have 1 to {MAX_USERNAME} bytes")]
    UsernameLength,
    /// The username holds a control character, or begins or ends with a space, and so could not be typed.
    #[error("username must not hold control characters, nor begin or end with a space")]
    UsernameCharacters,
    /// Another user signs in with the same name.
    #[error("another user has the same username (upper and lower case are the same)")]
    DuplicateUsername,
    /// Not a `sub` (OpenID Connect Core §2).
    #[error("subject must have 1 to 255 printable ASCII characters")]
    Subject,
    /// Another user has the same subject: their tokens could not be told apart.
    #[error("another user has the same subject")]
    DuplicateSubject,
    /// There is nothing to call them.
    #[error("display_name must have 1 to {MAX_DISPLAY_NAME} bytes and no control characters")]
    DisplayName,
    /// The password hash cannot be used.
    #[error("password_hash: {0}")]
    PasswordHash(#[from] InvalidHash),
    /// A claim that is there says nothing (OpenID Connect Core §5.3.2).
    #[error("claims: {0} is empty: leave it out")]
    EmptyClaim(String),
    /// The secret of the second factor cannot be used.
    #[error("totp_secret: {0}")]
    TotpSecret(#[from] InvalidTotpSecret),
}

/// The longest username anybody has, in bytes.
pub(super) const MAX_USERNAME: usize = 256;
const MAX_DISPLAY_NAME: usize = 256;

impl UserConfig {
    /// Checks everything that can be checked of one user alone, except the hash.
    pub(super) fn check(&self) -> Result<(), UserProblem> {
        if self.username.is_empty() || self.username.len() > MAX_USERNAME {
            return Err(UserProblem::UsernameLength);
        }
        if self.username.trim() != self.username || self.username.contains(char::is_control) {
            return Err(UserProblem::UsernameCharacters);
        }
        let printable = self
            .subject
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if self.subject.is_empty() || self.subject.len() > 255 || !printable {
            return Err(UserProblem::Subject);
        }
        let name = &self.display_name;
        if name.trim().is_empty()
            || name.len() > MAX_DISPLAY_NAME
            || name.contains(char::is_control)
        {
            return Err(UserProblem::DisplayName);
        }
        if let Some(name) = self.claims.empty() {
            return Err(UserProblem::EmptyClaim(name));
        }
        Ok(())
    }
}

/// The one spelling of a username under which it is looked up and its failures are counted.
pub(super) fn lookup_name(username: &str) -> String {
    username.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = r#"
        username = "ada"
        subject = "248289761001"
        display_name = "Ada Lovelace"
        password_hash = "$argon2id$v=19$..."
    "#;

    #[test]
    fn a_user_is_read_from_the_configuration() {
        let ada: UserConfig = toml::from_str(ADA).unwrap();
        assert_eq!(
            (ada.username.as_str(), ada.subject.as_str()),
            ("ada", "248289761001")
        );
        assert_eq!(
            (ada.display_name.as_str(), ada.password_hash.as_str()),
            ("Ada Lovelace", "$argon2id$v=19$...")
        );
        assert_eq!(ada.check(), Ok(()));
        assert_eq!(ada.totp_secret, None);
        let with_app: UserConfig =
            toml::from_str(&format!("{ADA}\ntotp_secret = \"JBSW\"")).unwrap();
        let secret = with_app.totp_secret.as_ref().map(|secret| secret.as_str());
        assert_eq!(secret, Some("JBSW"));
        assert!(!format!("{with_app:?}").contains("JBSW"));
    }

    #[test]
    fn a_user_that_is_not_written_right_is_refused_with_the_reason() {
        for (case, text, reason) in [
            (
                "a password in clear",
                format!("{ADA}\npassword = \"engine\""),
                "unknown field `password`",
            ),
            (
                "no subject",
                ADA.replace("subject", "#"),
                "missing field `subject`",
            ),
            (
                "a number",
                ADA.replace("\"248289761001\"", "248289761001"),
                "invalid type: integer",
            ),
            (
                "twice",
                format!("{ADA}\nusername = \"bob\""),
                "duplicate key",
            ),
        ] {
            let error = toml::from_str::<UserConfig>(&text).unwrap_err().to_string();
            assert!(error.contains(reason), "{case}: {error}");
        }
    }
}
