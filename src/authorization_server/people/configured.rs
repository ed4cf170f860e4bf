//! Users from the configuration, as an [`Authenticator`].

use std::{num::NonZeroUsize, thread};

use thiserror::Error;
use tokio::task;

use super::{
    Answer, Authenticated, AuthenticationFuture, Authenticator, AuthenticatorFault, ClaimsFuture,
    HashFault, InvalidUser, LoginAttempt, SecondFactorAnswer, SecondFactorAttempt,
    SecondFactorFuture, Throttling, UsedCode, UserConfig,
    directory::Directory,
    gate::Gate,
    hash::{Floor, WEAKEST},
    second_factor::UsedSteps,
    throttle::Throttle,
    totp,
    user::{MAX_USERNAME, lookup_name},
};
use crate::time::Timestamp;

/// The users of the configuration.
///
/// Who has a secret in the configuration is asked for the code of their authenticator app too (RFC 6238). A code is right
/// once, and guessing codes is slowed down like guessing passwords, by itself: who knows the password can clear one record
/// of failures, not the other.
///
/// Passwords are checked on tokio's blocking threads, a few at a time, so that a flood of sign-ins costs a bounded
/// amount of memory; what cannot wait is [`AuthenticatorFault::Busy`]. Guessing is slowed down by [`Throttling`].
/// An unknown username costs the same work, and waits in the same way, as a wrong password.
///
/// ```
/// use tower_fapi::authorization_server::people::{ConfiguredUsers, Password, StandardClaims, UserConfig, hash_password};
///
/// let ada = UserConfig {
///     username: "ada".to_owned(),
///     subject: "248289761001".to_owned(),
///     display_name: "Ada Lovelace".to_owned(),
///     password_hash: hash_password(&Password::from("correct horse battery staple".to_owned()))?,
///     totp_secret: None,
///     claims: StandardClaims::default(),
/// };
/// let users = ConfiguredUsers::new([ada])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ConfiguredUsers {
    directory: Directory,
    throttle: Throttle,
    code_throttle: Throttle,
    used: UsedSteps,
    gate: Gate,
    /// How many passwords were compared with a hash.
    #[cfg(test)]
    compared: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

/// However many processors there are, 76 MiB are enough for people who sign in.
const MOST_CHECKS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// Longer than any passphrase, short enough to cost nothing.
const MAX_PASSWORD: usize = 1024;

impl ConfiguredUsers {
    /// Takes over the users.
    ///
    /// # Errors
    ///
    /// [`ConfiguredUsersError::User`] with the first user that cannot be right: a name or subject given twice, a hash
    /// that is not Argon2id or too weak, and so on. [`ConfiguredUsersError::Hash`] if the machine is short of
    /// randomness or memory.
    pub fn new(users: impl IntoIterator<Item = UserConfig>) -> Result<Self, ConfiguredUsersError> {
        Self::with_floor(users, WEAKEST)
    }

    fn with_floor(
        users: impl IntoIterator<Item = UserConfig>,
        floor: Floor,
    ) -> Result<Self, ConfiguredUsersError> {
        let processors = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            directory: Directory::new(users, floor)?,
            throttle: Throttle::default(),
            code_throttle: Throttle::default(),
            used: UsedSteps::default(),
            gate: Gate::new(processors.min(MOST_CHECKS)),
            #[cfg(test)]
            compared: std::sync::Arc::default(),
        })
    }

    /// Sets how guessing is slowed down.
    #[must_use]
    pub fn throttling(mut self, settings: Throttling) -> Self {
        self.throttle = Throttle::new(settings);
        self.code_throttle = Throttle::new(settings);
        self
    }

    /// Sets how many passwords are checked at the same time: one for each processor, and at most 4, unless set.
    ///
    /// Each takes as much memory as its hash says, 19 MiB by default.
    #[must_use]
    pub fn simultaneous(mut self, checks: NonZeroUsize) -> Self {
        self.gate = Gate::new(checks);
        self
    }

    async fn decide(
        &self,
        attempt: LoginAttempt,
        now: Timestamp,
    ) -> Result<Answer, AuthenticatorFault> {
        // Nobody is called this, and no password is that long: there is nothing to keep secret about saying so at once.
        if attempt.username.len() > MAX_USERNAME || attempt.password.secret().len() > MAX_PASSWORD {
            return Ok(Answer::Refused);
        }
        let place = self.gate.enter()?;
        let name = lookup_name(&attempt.username);
        let (user, hash) = self.directory.find(&name);
        if let Err(retry_after) = self.throttle.admit(&name, user.is_some(), now) {
            return Ok(Answer::Throttled { retry_after });
        }
        let turn = place.turn().await?;
        let password = attempt.password;
        #[cfg(test)]
        let compared = self.compared.clone();
        let matches = task::spawn_blocking(move || {
            #[cfg(test)]
            compared.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            // Held by the work and not by who waits for it: a caller that goes away frees no memory.
            let _held = turn;
            hash.matches(&password)
        })
        .await
        .map_err(|error| AuthenticatorFault::Unavailable(error.to_string()))?
        .map_err(|error| AuthenticatorFault::Unavailable(error.to_string()))?;
        match user {
            Some(user) if matches => {
                self.throttle.succeeded(&name);
                let person = Authenticated::with_password(&user.subject, &user.display_name, now);
                Ok(Answer::Authenticated(
                    person.with_second_factor(user.has_second_factor),
                ))
            }
            Some(_) | None => Ok(Answer::Refused),
        }
    }

    fn decide_code(&self, attempt: &SecondFactorAttempt, now: Timestamp) -> SecondFactorAnswer {
        let subject = &attempt.subject;
        // Nobody has a session without being a user; who has no second factor is not asked for one.
        let Some(secret) = self.directory.second_factor(subject) else {
            return SecondFactorAnswer::Refused;
        };
        if let Err(retry_after) = self.code_throttle.admit(subject, true, now) {
            return SecondFactorAnswer::Throttled { retry_after };
        }
        let step = secret.matching_step(attempt.code.secret(), now);
        // Nothing is cleared before it is known that no other instance has seen this code: whoever has seen it used could
        // otherwise go on guessing as long as it counts.
        match step.filter(|step| self.used.take(subject, *step)) {
            Some(step) => SecondFactorAnswer::Accepted(UsedCode {
                id: step.to_string(),
                until: totp::ends(step),
            }),
            None => SecondFactorAnswer::Refused,
        }
    }
}

impl Authenticator for ConfiguredUsers {
    fn authenticate(&self, attempt: LoginAttempt, now: Timestamp) -> AuthenticationFuture<'_> {
        Box::pin(self.decide(attempt, now))
    }

    fn claims_supported(&self) -> Vec<String> {
        self.directory.claim_names().into_iter().collect()
    }

    fn claims(&self, subject: &str) -> ClaimsFuture<'_> {
        let known = self.directory.claims(subject).cloned();
        Box::pin(std::future::ready(Ok(known.unwrap_or_default())))
    }

    fn offers_second_factor(&self) -> bool {
        self.directory.has_second_factors()
    }

    fn has_subject(&self, subject: &str) -> bool {
        self.directory.has_subject(subject)
    }

    fn second_factor(
        &self,
        attempt: SecondFactorAttempt,
        now: Timestamp,
    ) -> SecondFactorFuture<'_> {
        Box::pin(std::future::ready(Ok(self.decide_code(&attempt, now))))
    }

    fn second_factor_proved(&self, subject: &str) {
        self.code_throttle.succeeded(subject);
    }
}

/// The users of the configuration cannot be used.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ConfiguredUsersError {
    /// One of them is not right.
    #[error(transparent)]
    User(#[from] InvalidUser),
    /// Nothing is wrong with them, but the machine cannot hash.
    #[error(transparent)]
    Hash(#[from] HashFault),
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
        time::Duration,
    };

    use argon2::Params;

    use super::*;
    use crate::authorization_server::people::{
        Password, StandardClaims, TotpSecret, gate::WAITING, hash::hash_with,
    };

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
    const ANY: Floor = Floor { memory: 0, work: 0 };

    fn cheap() -> Params {
        Params::new(32, 1, 1, None).unwrap()
    }

    fn user(username: &str, password: &str) -> UserConfig {
        UserConfig {
            username: username.to_owned(),
            subject: format!("sub-{username}"),
            display_name: format!("{username} Example"),
            password_hash: hash_with(&cheap(), &password.to_owned().into()).unwrap(),
            totp_secret: None,
            claims: StandardClaims::default(),
        }
    }

    fn people() -> ConfiguredUsers {
        ConfiguredUsers::with_floor([user("Ada", "engine"), user("bob", "b\u{f6}b ")], ANY).unwrap()
    }

    fn attempt(username: &str, password: &str) -> LoginAttempt {
        LoginAttempt::new(username, Password::from(password.to_owned()))
    }

    #[tokio::test]
    async fn the_right_password_tells_who_it_is() {
        // Through the trait object, as the server does it.
        let people: Box<dyn Authenticator> = Box::new(people());
        let answer = people
            .authenticate(attempt("Ada", "engine"), NOW)
            .await
            .unwrap();
        let Answer::Authenticated(ada) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(ada.subject, "sub-Ada");
        assert_eq!(ada.display_name, "Ada Example");
        assert_eq!(ada.auth_time, NOW);
        assert_eq!((ada.acr, ada.amr), (None, vec!["pwd".to_owned()]));
    }

    // OpenID Connect Core §5.1: the whole name is there without being said twice.
    #[tokio::test]
    async fn of_somebody_is_told_what_is_configured_and_of_nobody_nothing() {
        let mut ada = user("Ada", "engine");
        ada.claims.email = Some("ada@example.com".to_owned());
        let mut bob = user("bob", "b");
        bob.claims.name = Some("Robert".to_owned());
        let people = ConfiguredUsers::with_floor([ada, bob], ANY).unwrap();
        assert_eq!(people.claims_supported(), ["email", "name"]);
        for (subject, expected) in [
            (
                "sub-Ada",
                serde_json::json!({"name": "Ada Example", "email": "ada@example.com"}),
            ),
            ("sub-bob", serde_json::json!({"name": "Robert"})),
            ("sub-nobody", serde_json::json!({})),
            ("Ada", serde_json::json!({})),
        ] {
            let told = people.claims(subject).await.unwrap();
            assert_eq!(serde_json::Value::Object(told), expected, "{subject}");
        }
    }

    #[tokio::test]
    async fn names_are_forgiving_and_passwords_are_not() {
        let people = people().throttling(Throttling {
            free_failures: 100,
            ..Throttling::default()
        });
        for (username, password, right) in [
            ("ada", "engine", true),
            (" ADA ", "engine", true),
            ("bob", "b\u{f6}b ", true),
            ("bob", "b\u{f6}b", false),
            ("Ada", "Engine", false),
            ("Ada", " engine", false),
            ("Ada", "engine\0", false),
            ("Ada", "", false),
            ("Ada", "b\u{f6}b ", false),
            ("", "engine", false),
            ("nobody", "engine", false),
            ("sub-Ada", "engine", false),
            ("Ada\0", "engine", false),
        ] {
            let answer = people
                .authenticate(attempt(username, password), NOW)
                .await
                .unwrap();
            assert_eq!(
                matches!(answer, Answer::Authenticated(_)),
                right,
                "{username:?} {password:?}"
            );
            assert_eq!(
                answer == Answer::Refused,
                !right,
                "{username:?} {password:?}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_too_long_is_refused_without_work() {
        let (long, fits) = ("x".repeat(MAX_PASSWORD + 1), &*"x".repeat(MAX_PASSWORD));
        let people =
            ConfiguredUsers::with_floor([user("ada", &long), user("bob", fits)], ANY).unwrap();
        let long = people.authenticate(attempt("ada", &long), NOW).await;
        assert_eq!(long, Ok(Answer::Refused));
        let fits = people.authenticate(attempt("bob", fits), NOW).await;
        assert!(matches!(fits, Ok(Answer::Authenticated(_))), "{fits:?}");
        let name = people
            .authenticate(attempt(&" ".repeat(MAX_USERNAME + 1), "x"), NOW)
            .await;
        assert_eq!(name, Ok(Answer::Refused));
    }

    #[tokio::test]
    async fn guessing_is_slowed_down_alike_for_users_and_strangers() {
        for name in ["ada", "nobody"] {
            let people = people().throttling(Throttling {
                free_failures: 1,
                ..Throttling::default()
            });
            for _ in 0..2 {
                let answer = people.authenticate(attempt(name, "guess"), NOW).await;
                assert_eq!(answer, Ok(Answer::Refused), "{name}");
            }
            let wait = Duration::from_secs(2);
            for (spelling, password) in [
                (name, "guess"),
                (name, "engine"),
                (" ADA", "engine"),
                ("Nobody", "x"),
            ] {
                if lookup_name(spelling) == name {
                    let answer = people.authenticate(attempt(spelling, password), NOW).await;
                    assert_eq!(
                        answer,
                        Ok(Answer::Throttled { retry_after: wait }),
                        "{spelling}"
                    );
                }
            }
        }
    }

    #[tokio::test]
    async fn after_the_wait_the_right_password_works_and_clears_the_record() {
        let people = people().throttling(Throttling {
            free_failures: 1,
            ..Throttling::default()
        });
        for _ in 0..2 {
            people
                .authenticate(attempt("ada", "guess"), NOW)
                .await
                .unwrap();
        }
        let later = NOW.plus(Duration::from_secs(2));
        let answer = people.authenticate(attempt("ada", "engine"), later).await;
        assert!(matches!(answer, Ok(Answer::Authenticated(_))), "{answer:?}");
        for _ in 0..2 {
            assert_eq!(
                people.authenticate(attempt("ada", "guess"), later).await,
                Ok(Answer::Refused)
            );
        }
    }

    #[tokio::test]
    async fn a_flood_waits_and_beyond_that_is_told_to_come_back() {
        let people = people().simultaneous(NonZeroUsize::MIN);
        let turn = people.gate.enter().unwrap().turn().await.unwrap();
        let mut waiting: Vec<_> = (0..WAITING)
            .map(|n| people.authenticate(attempt(&format!("name{n}"), "guess"), NOW))
            .collect();
        let mut context = Context::from_waker(Waker::noop());
        for future in &mut waiting {
            assert!(
                future.as_mut().poll(&mut context).is_pending(),
                "unknown users wait their turn like others"
            );
        }
        let mut ada = pin!(people.authenticate(attempt("ada", "engine"), NOW));
        assert_eq!(
            ada.as_mut().poll(&mut context),
            Poll::Ready(Err(AuthenticatorFault::Busy))
        );

        // Those who give up make room, and a refusal for want of room counts as no attempt.
        waiting.clear();
        drop(turn);
        let answer = people.authenticate(attempt("ada", "engine"), NOW).await;
        assert!(matches!(answer, Ok(Answer::Authenticated(_))), "{answer:?}");
    }

    #[test]
    fn work_that_nobody_waits_for_any_more_still_holds_its_turn() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (release, held_up) = std::sync::mpsc::channel::<()>();
            drop(task::spawn_blocking(move || held_up.recv()));

            let people = people().simultaneous(NonZeroUsize::MIN);
            let mut gone = people.authenticate(attempt("ada", "engine"), NOW);
            assert!(
                gone.as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
            drop(gone);
            assert_eq!(people.gate.free_turns(), 0);

            release.send(()).unwrap();
            people.gate.enter().unwrap().turn().await.unwrap();
        });
    }

    // What a comparison costs is the same mixture for both, see `directory`. Clocks show it only on a quiet machine.
    #[tokio::test]
    async fn an_unknown_user_costs_the_same_work_as_a_wrong_password() {
        let people = people();
        for (name, password, expected) in [
            ("ada", "guess", 1),
            ("nobody", "guess", 2),
            ("ada", "engine", 3),
            ("nobody", "engine", 4),
            ("", "", 5),
            ("bob", "", 6),
        ] {
            let answer = people.authenticate(attempt(name, password), NOW).await;
            assert_eq!(answer == Ok(Answer::Refused), expected != 3, "{name}");
            let compared = people.compared.load(std::sync::atomic::Ordering::Relaxed);
            assert_eq!(compared, expected, "{name} {password}");
        }
    }

    // RFC 6238 §5.2; RFC 4226 §7.3: attempts are throttled.
    #[tokio::test]
    async fn a_code_that_was_used_is_a_failure_like_any_other() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let mut ada = user("ada", "engine");
        ada.totp_secret = Some(secret.to_owned().into());
        let people = ConfiguredUsers::with_floor([ada, user("bob", "bob")], ANY)
            .unwrap()
            .throttling(Throttling {
                free_failures: 1,
                ..Throttling::default()
            });
        assert!(people.offers_second_factor());
        let code = secret.parse::<TotpSecret>().unwrap().code(NOW);
        let attempt =
            |subject: &str| SecondFactorAttempt::new(subject, Password::from(code.clone()));
        let decide = |subject: &str, now| people.decide_code(&attempt(subject), now);

        assert_eq!(
            decide("sub-bob", NOW),
            SecondFactorAnswer::Refused,
            "has none"
        );
        let first = decide("sub-ada", NOW);
        assert!(
            matches!(first, SecondFactorAnswer::Accepted(_)),
            "{first:?}"
        );
        people.second_factor_proved("sub-ada");
        for _ in 0..2 {
            assert_eq!(decide("sub-ada", NOW), SecondFactorAnswer::Refused);
        }
        let retry_after = Duration::from_secs(2);
        assert_eq!(
            decide("sub-ada", NOW),
            SecondFactorAnswer::Throttled { retry_after }
        );
        // The password clears its own record only.
        let signed_in = people
            .authenticate(self::attempt("ada", "engine"), NOW)
            .await;
        assert!(matches!(signed_in, Ok(Answer::Authenticated(person)) if person.has_second_factor));
        assert_eq!(
            decide("sub-ada", NOW),
            SecondFactorAnswer::Throttled { retry_after }
        );
    }

    // RFC 6238 §5.2: another instance may have seen the code already, which the server finds out only later.
    #[tokio::test]
    async fn a_right_code_clears_nothing_before_it_is_known_to_be_new() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let mut ada = user("ada", "engine");
        ada.totp_secret = Some(secret.to_owned().into());
        let settings = Throttling {
            free_failures: 1,
            ..Throttling::default()
        };
        for (proved, expected) in [(false, 2), (true, 0)] {
            let people = ConfiguredUsers::with_floor([ada.clone()], ANY).unwrap();
            let people = people.throttling(settings);
            let right = secret.parse::<TotpSecret>().unwrap().code(NOW);
            let decide = |code: &str| {
                let code = Password::from(code.to_owned());
                people.decide_code(&SecondFactorAttempt::new("sub-ada", code), NOW)
            };
            assert_eq!(decide("guess"), SecondFactorAnswer::Refused);
            assert!(matches!(decide(&right), SecondFactorAnswer::Accepted(_)));
            if proved {
                people.second_factor_proved("sub-ada");
            }
            let next = decide("guess");
            let retry_after = Duration::from_secs(expected);
            let throttled = SecondFactorAnswer::Throttled { retry_after };
            assert_eq!(next == throttled, !proved, "{next:?}");
        }
    }

    #[tokio::test]
    async fn a_configuration_without_users_lets_nobody_in() {
        let people = ConfiguredUsers::new([]).unwrap();
        assert_eq!(
            people.authenticate(attempt("", ""), NOW).await,
            Ok(Answer::Refused)
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let ada = user("ada", "engine");
        let hash = ada.password_hash.rsplit('$').next().unwrap().to_owned();
        let shown = format!(
            "{ada:?} {:?} {:?}",
            ConfiguredUsers::with_floor([ada.clone()], ANY).unwrap(),
            attempt("ada", "engine"),
        );
        assert!(
            !shown.contains(&hash) && !shown.contains("engine"),
            "{shown}"
        );
        assert!(shown.contains("Password(..)"), "{shown}");
    }
}
