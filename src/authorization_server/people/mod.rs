//! The people who sign in, and how it is decided that they are who they say.
//!
//! [`Authenticator`] is the seam: an existing user directory is put behind it. Bundled is [`ConfiguredUsers`].

mod claims;
mod configured;
mod directory;
mod gate;
mod hash;
mod password;
mod second_factor;
mod throttle;
mod totp;
mod user;

use std::{fmt, future::Future, pin::Pin, time::Duration};

use thiserror::Error;

use crate::time::Timestamp;

pub use self::{
    claims::{Address, ClaimsFuture, StandardClaims},
    configured::{ConfiguredUsers, ConfiguredUsersError},
    hash::{HashFault, InvalidHash, hash_password},
    password::Password,
    second_factor::{SecondFactorAnswer, SecondFactorAttempt, SecondFactorFuture, UsedCode},
    throttle::Throttling,
    totp::{InvalidTotpSecret, NoRandomSecret, TotpSecret},
    user::{InvalidUser, UserConfig, UserProblem},
};

/// Decides whether somebody is who they say.
///
/// An implementation must take the same time for an unknown username as for a wrong password, and must slow guessing
/// down by itself.
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// Looks at one attempt to sign in, made at `now`.
    fn authenticate(&self, attempt: LoginAttempt, now: Timestamp) -> AuthenticationFuture<'_>;

    /// Whether some people have a second factor. `false` unless said otherwise: then no request that demands one is taken.
    fn offers_second_factor(&self) -> bool {
        false
    }

    /// Whether somebody has this [subject](Authenticated::subject), as far as that can be said at once. `false` unless said
    /// otherwise.
    ///
    /// A server with a client of that name that gets tokens on its own behalf is not built: nobody could tell them apart
    /// (RFC 9068 §5). Somebody with such a subject who is not noticed here cannot sign in.
    fn has_subject(&self, subject: &str) -> bool {
        let _ = subject;
        false
    }

    /// The names of the claims that [`claims`](Self::claims) may give of people: none unless said otherwise. Clients are told
    /// (OpenID Connect Discovery §3), and others are not asked for.
    fn claims_supported(&self) -> Vec<String> {
        Vec::new()
    }

    /// What is known of the person with this subject (OpenID Connect Core §5.1): claims by name, the standard ones and
    /// others. Nothing unless said otherwise, and nothing of somebody who is not known.
    ///
    /// Who is told which of them is decided elsewhere: give all there are.
    fn claims(&self, subject: &str) -> ClaimsFuture<'_> {
        let _ = subject;
        Box::pin(std::future::ready(Ok(serde_json::Map::new())))
    }

    /// Looks at the code of a second factor, typed at `now` by somebody whose password was right and who
    /// [has one](Authenticated::has_second_factor). Refuses unless said otherwise.
    fn second_factor(
        &self,
        attempt: SecondFactorAttempt,
        now: Timestamp,
    ) -> SecondFactorFuture<'_> {
        let _ = (attempt, now);
        Box::pin(std::future::ready(Ok(SecondFactorAnswer::Refused)))
    }

    /// The code that this subject typed was [accepted](SecondFactorAnswer::Accepted), and this was its first use at any
    /// instance of the server: failures that were counted before may be forgotten, and not earlier. Does nothing unless said
    /// otherwise.
    fn second_factor_proved(&self, subject: &str) {
        let _ = subject;
    }
}

/// What [`Authenticator::authenticate`] returns.
pub type AuthenticationFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Answer, AuthenticatorFault>> + Send + 'a>>;

/// What somebody typed into the login form.
#[non_exhaustive]
#[derive(Debug)]
pub struct LoginAttempt {
    /// The name as typed.
    pub username: String,
    /// The password as typed.
    pub password: Password,
}

impl LoginAttempt {
    /// An attempt with what was typed into the two fields.
    #[must_use]
    pub fn new(username: impl Into<String>, password: Password) -> Self {
        Self {
            username: username.into(),
            password,
        }
    }
}

/// What an [`Authenticator`] decided.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// It is this person.
    Authenticated(Authenticated),
    /// Unknown username or wrong password; nobody is told which.
    Refused,
    /// There were too many attempts for this username. This one was not looked at.
    Throttled {
        /// How long until the next one will be.
        retry_after: Duration,
    },
}

/// A person whose identity has been established, and how.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authenticated {
    /// The `sub` of tokens: never changes, never given to somebody else (OpenID Connect Core §2).
    pub subject: String,
    /// What the person is called on pages.
    pub display_name: String,
    /// When they proved it: the `auth_time` of tokens.
    pub auth_time: Timestamp,
    /// Authentication context class (`acr`), if it is another than that of a password. It has to be among the
    /// [further ones](crate::authorization_server::AuthenticationRules::further_acrs) to be asked for.
    pub acr: Option<String>,
    /// Whether there is a second factor that they can be asked for.
    pub has_second_factor: bool,
    /// Authentication methods (`amr`, RFC 8176 §2).
    pub amr: Vec<String>,
}

impl Authenticated {
    /// A person who signed in at `auth_time` with a password and nothing else.
    #[must_use]
    pub fn with_password(
        subject: impl Into<String>,
        display_name: impl Into<String>,
        auth_time: Timestamp,
    ) -> Self {
        Self {
            subject: subject.into(),
            display_name: display_name.into(),
            auth_time,
            acr: None,
            has_second_factor: false,
            amr: vec!["pwd".to_owned()],
        }
    }

    /// The same, of a person who can be asked for a second factor, or cannot.
    #[must_use]
    pub fn with_second_factor(mut self, has_one: bool) -> Self {
        self.has_second_factor = has_one;
        self
    }
}

/// The attempt could not be looked at. Never the fault of who made it: answers 503.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum AuthenticatorFault {
    /// More people sign in at this moment than the server has memory set aside for.
    #[error("too many sign-ins at the same time")]
    Busy,
    /// Whatever the people are looked up in does not work. The text is for the log.
    #[error("people cannot be looked up: {0}")]
    Unavailable(String),
}
