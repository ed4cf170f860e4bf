//! How strongly and how recently somebody has to have signed in (OpenID Connect Core §3.1.2.1, RFC 9470).

use serde::{Deserialize, Serialize};

use super::{
    clients::Client,
    parameters::Parameters,
    refusal::{ErrorCode, Refusal},
    store::Session,
};
use crate::time::Timestamp;

/// What the ways of signing in are called in `acr`, and who is asked for a second factor.
///
/// A client asks for one of the names in `acr_values`, in order of preference. Signing in with a second factor is also good
/// for a client that asks for a password. The `acr` of a token is the first of the values that was met, so that a resource
/// server which demanded it recognises it.
///
/// OpenID Connect leaves it to the server to do more or less than `acr_values` say. Here they are a condition, as RFC 9470 §5
/// recommends: what cannot be met ends in `unmet_authentication_requirements`, and a client that was sent here by a resource
/// server does not come back with another token that will not do.
///
/// In a configuration the fields have these names, and the uses of the second factor are `always` and `when_asked`.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct AuthenticationRules {
    /// A password over TLS; `urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport` unless set, which means just
    /// that (SAML 2.0 Authentication Context §3.4.6).
    pub password_acr: String,
    /// Two factors of different kinds; `https://refeds.org/profile/mfa` unless set, the REFEDS Multi-Factor Authentication
    /// Profile.
    pub multi_factor_acr: String,
    /// Further names that an [`Authenticator`](super::people::Authenticator) of your own gives to people who sign in. Each is
    /// good for itself only, and stays the `acr` when the second factor is proved as well.
    pub further_acrs: Vec<String>,
    /// Who is asked for a second factor.
    pub second_factor: SecondFactorUse,
}

/// When somebody who has a second factor is asked for it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactorUse {
    /// Whenever they sign in.
    #[default]
    Always,
    /// When a client's `acr_values` cannot be met without it. A client that asks for none gets what a password alone can
    /// approve, with the `acr` to say so: it is for the resource server to demand more where it matters
    /// ([`RequireAuthentication`](crate::layer::RequireAuthentication)).
    WhenAsked,
}

impl Default for AuthenticationRules {
    fn default() -> Self {
        Self {
            password_acr: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
                .to_owned(),
            multi_factor_acr: "https://refeds.org/profile/mfa".to_owned(),
            further_acrs: Vec::new(),
            second_factor: SecondFactorUse::default(),
        }
    }
}

impl AuthenticationRules {
    /// Whether each name is one (`acr_values` are separated by spaces), and none means two things.
    pub(crate) fn check(&self) -> Result<(), String> {
        let names: Vec<&String> = [&self.password_acr, &self.multi_factor_acr]
            .into_iter()
            .chain(&self.further_acrs)
            .collect();
        for (index, name) in names.iter().enumerate() {
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
            if !is_name || names.iter().take(index).any(|other| other == name) {
                return Err((*name).clone());
            }
        }
        Ok(())
    }

    /// What can be asked for (OpenID Connect Discovery §3).
    pub(crate) fn supported(&self, second_factor: bool) -> Vec<&str> {
        let multi_factor = second_factor.then_some(&self.multi_factor_acr);
        std::iter::once(&self.password_acr)
            .chain(multi_factor)
            .chain(&self.further_acrs)
            .map(String::as_str)
            .collect()
    }

    fn meets(&self, session: &Session, asked: &str) -> bool {
        let two_factors = session.second_factor_proved || session.acr == self.multi_factor_acr;
        session.acr == asked || (two_factors && self.two_factors_meet(asked))
    }

    fn two_factors_meet(&self, asked: &str) -> bool {
        asked == self.multi_factor_acr || asked == self.password_acr
    }
}

/// What a client demands of the sign-in.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Demands {
    /// Those of the `acr_values` that can be met at all, best first; empty if any will do.
    pub(crate) acr_values: Vec<String>,
    /// Seconds since somebody signed in.
    pub(crate) max_age: Option<u64>,
    /// Somebody has to sign in for this very request.
    pub(crate) again: bool,
    /// Nobody must be shown a page.
    pub(crate) silent: bool,
    /// One of these has to have signed in; anybody may, if there are none.
    #[serde(default)]
    pub(crate) subjects: Vec<String>,
}

/// What has to happen next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// Somebody has to sign in.
    SignIn,
    /// Whoever has signed in is asked for their second factor.
    SecondFactor,
    /// They can be asked to approve. Their sign-in counts as this.
    Consent { acr: String },
    /// Whoever has signed in cannot do what is demanded.
    Unmet,
    /// Whoever has signed in is not who has to.
    SomebodyElse,
}

impl Demands {
    /// Reads `acr_values`, `max_age` and `prompt`, or the client's defaults for them.
    pub(crate) fn read(
        parameters: &Parameters,
        client: &Client,
        supported: &[&str],
    ) -> Result<Self, Refusal> {
        let asked: Vec<&str> = match parameters.get("acr_values") {
            Some(values) => values
                .split(' ')
                .filter(|value| !value.is_empty())
                .collect(),
            None => client
                .default_acr_values
                .iter()
                .map(String::as_str)
                .collect(),
        };
        let acr_values = that_can_be_met(&asked, supported)?;
        let max_age = match parameters.get("max_age") {
            Some(seconds) => Some(whole_seconds(seconds)?),
            None => client.default_max_age,
        };
        let mut demands = Self {
            acr_values,
            max_age,
            ..Self::default()
        };
        demands.read_prompt(parameters.get("prompt").unwrap_or_default())?;
        Ok(demands)
    }

    /// Demands one of these in place of the `acr_values`: they were asked for as an essential claim, with which it is to be as
    /// here it is with `acr_values` (OpenID Connect Core §5.5.1.1).
    pub(crate) fn demand_acr(
        &mut self,
        acrs: &[String],
        supported: &[&str],
    ) -> Result<(), Refusal> {
        let asked: Vec<&str> = acrs.iter().map(String::as_str).collect();
        if !asked.is_empty() {
            self.acr_values = that_can_be_met(&asked, supported)?;
        }
        Ok(())
    }

    /// Demands that one of these has signed in, whoever else is demanded (OpenID Connect Core §3.1.2.2).
    pub(crate) fn demand_subject(&mut self, mut subjects: Vec<String>) -> Result<(), Refusal> {
        if !self.subjects.is_empty() {
            subjects.retain(|subject| self.subjects.contains(subject));
        }
        if subjects.is_empty() {
            return Err(Refusal::invalid_request(
                "id_token_hint and the values of the claim sub are about different people",
            ));
        }
        self.subjects = subjects;
        Ok(())
    }

    fn read_prompt(&mut self, prompt: &str) -> Result<(), Refusal> {
        let values: Vec<&str> = prompt
            .split(' ')
            .filter(|value| !value.is_empty())
            .collect();
        for value in &values {
            match *value {
                "none" if values.len() == 1 => self.silent = true,
                // Whoever is to choose an account signs in with it.
                "login" | "select_account" => self.again = true,
                // Everybody is asked every time.
                "consent" => {}
                _ => {
                    return Err(Refusal::invalid_request(
                        "prompt must be none alone, or some of login, consent and select_account",
                    ));
                }
            }
        }
        Ok(())
    }

    /// What has to happen before this session can approve the request `request`.
    pub(crate) fn next(
        &self,
        rules: &AuthenticationRules,
        session: Option<&Session>,
        request: &[u8; 32],
        now: Timestamp,
    ) -> Step {
        let Some(session) = session else {
            return Step::SignIn;
        };
        // Who has signed in for this request is not sent to do so again: with a `max_age` of zero nobody would arrive.
        let just_now = session.signed_in_for == Some(*request);
        let somebody_else = !self.subjects.is_empty() && !self.subjects.contains(&session.subject);
        if somebody_else {
            return if just_now {
                Step::SomebodyElse
            } else {
                Step::SignIn
            };
        }
        let too_old = |most| now.since(session.auth_time).as_secs() > most;
        if !just_now && (self.again || self.max_age.is_some_and(too_old)) {
            return Step::SignIn;
        }
        let could_do_more = session.has_second_factor && !session.second_factor_proved;
        if could_do_more && rules.second_factor == SecondFactorUse::Always {
            return Step::SecondFactor;
        }
        if self.acr_values.is_empty() {
            let acr = session.acr.clone();
            return Step::Consent { acr };
        }
        for asked in &self.acr_values {
            if rules.meets(session, asked) {
                let acr = asked.clone();
                return Step::Consent { acr };
            }
            if could_do_more && rules.two_factors_meet(asked) {
                return Step::SecondFactor;
            }
        }
        // Somebody else may be able to.
        if just_now { Step::Unmet } else { Step::SignIn }
    }
}

/// Those that can be met at all, each once.
fn that_can_be_met(asked: &[&str], supported: &[&str]) -> Result<Vec<String>, Refusal> {
    let mut acr_values: Vec<String> = Vec::new();
    for value in asked {
        if supported.contains(value) && !acr_values.iter().any(|known| known == value) {
            acr_values.push((*value).to_owned());
        }
    }
    if acr_values.is_empty() && !asked.is_empty() {
        return Err(Refusal::new(
            ErrorCode::UnmetAuthenticationRequirements,
            "None of the acr_values can be met",
        ));
    }
    Ok(acr_values)
}

/// A number of seconds, in digits and nothing else.
fn whole_seconds(text: &str) -> Result<u64, Refusal> {
    let digits = text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.then(|| text.parse().ok()).flatten();
    seconds.ok_or_else(|| Refusal::invalid_request("max_age must be a number of whole seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: [u8; 32] = [1; 32];
    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    fn rules(second_factor: SecondFactorUse) -> AuthenticationRules {
        AuthenticationRules {
            password_acr: "pwd".to_owned(),
            multi_factor_acr: "mfa".to_owned(),
            further_acrs: vec!["card".to_owned()],
            second_factor,
        }
    }

    /// A session of 100 s ago.
    fn session(acr: &str, has_second_factor: bool) -> Session {
        Session {
            subject: "subject".to_owned(),
            display_name: "Somebody".to_owned(),
            auth_time: Timestamp::from_unix(NOW.as_unix() - 100),
            second_factor_proved: acr == "mfa",
            acr: acr.to_owned(),
            amr: Vec::new(),
            has_second_factor,
            signed_in_for: None,
            browser: None,
            until: NOW,
        }
    }

    fn values(values: &[&str]) -> Demands {
        Demands {
            acr_values: values.iter().map(|value| (*value).to_owned()).collect(),
            ..Demands::default()
        }
    }

    fn consent(acr: &str) -> Step {
        Step::Consent {
            acr: acr.to_owned(),
        }
    }

    // RFC 9470 §5, OpenID Connect Core §3.1.2.1.
    #[test]
    fn the_first_value_that_can_be_met_is_met() {
        use SecondFactorUse::{Always, WhenAsked};
        for (asked, policy, acr, has_second, expected) in [
            (&[][..], WhenAsked, "pwd", true, consent("pwd")),
            (&[], WhenAsked, "mfa", true, consent("mfa")),
            (&[], Always, "pwd", false, consent("pwd")),
            (&[], Always, "pwd", true, Step::SecondFactor),
            (&["pwd"], Always, "pwd", true, Step::SecondFactor),
            (&["pwd"], WhenAsked, "pwd", true, consent("pwd")),
            (&["pwd"], WhenAsked, "mfa", true, consent("pwd")),
            (&["mfa"], WhenAsked, "pwd", true, Step::SecondFactor),
            (&["mfa"], WhenAsked, "mfa", true, consent("mfa")),
            (&["mfa", "pwd"], WhenAsked, "pwd", true, Step::SecondFactor),
            (&["mfa", "pwd"], WhenAsked, "pwd", false, consent("pwd")),
            (&["pwd", "mfa"], WhenAsked, "pwd", true, consent("pwd")),
            (&["card", "mfa"], WhenAsked, "pwd", true, Step::SecondFactor),
            (&["card"], WhenAsked, "card", false, consent("card")),
            (&["card", "pwd"], WhenAsked, "pwd", false, consent("pwd")),
            (&["pwd"], WhenAsked, "card", false, Step::SignIn),
            (&["mfa"], WhenAsked, "card", false, Step::SignIn),
            (&["mfa"], WhenAsked, "pwd", false, Step::SignIn),
            (&["card"], WhenAsked, "mfa", true, Step::SignIn),
        ] {
            let session = session(acr, has_second);
            let next = values(asked).next(&rules(policy), Some(&session), &REQUEST, NOW);
            assert_eq!(next, expected, "{asked:?} {policy:?} {acr} {has_second}");
        }
        let nobody = Demands::default().next(&rules(Always), None, &REQUEST, NOW);
        assert_eq!(nobody, Step::SignIn);
    }

    // A name of the authenticator's own is kept beside the second factor, and what two factors are good for is met as well.
    #[test]
    fn a_second_factor_adds_to_what_the_authenticator_said() {
        let session = Session {
            second_factor_proved: true,
            ..session("card", true)
        };
        for (asked, expected) in [
            (&[][..], "card"),
            (&["card"], "card"),
            (&["mfa"], "mfa"),
            (&["pwd"], "pwd"),
            (&["mfa", "card"], "mfa"),
        ] {
            let rules = rules(SecondFactorUse::Always);
            let next = values(asked).next(&rules, Some(&session), &REQUEST, NOW);
            assert_eq!(next, consent(expected), "{asked:?}");
        }
    }

    #[test]
    fn who_has_just_signed_in_and_cannot_do_it_is_not_asked_for_ever() {
        for (signed_in_for, expected) in [
            (Some(REQUEST), Step::Unmet),
            (Some([2; 32]), Step::SignIn),
            (None, Step::SignIn),
        ] {
            let session = Session {
                signed_in_for,
                ..session("pwd", false)
            };
            let rules = rules(SecondFactorUse::Always);
            assert_eq!(
                values(&["mfa"]).next(&rules, Some(&session), &REQUEST, NOW),
                expected
            );
        }
    }

    // OpenID Connect Core §3.1.2.1: `max_age` and `prompt=login`.
    #[test]
    fn a_sign_in_that_is_too_old_does_not_count() {
        for (max_age, again, signed_in_for, expected) in [
            (None, false, None, consent("pwd")),
            (Some(100), false, None, consent("pwd")),
            (Some(99), false, None, Step::SignIn),
            (Some(0), false, None, Step::SignIn),
            (Some(0), false, Some([2; 32]), Step::SignIn),
            (Some(0), false, Some(REQUEST), consent("pwd")),
            (None, true, None, Step::SignIn),
            (Some(1000), true, None, Step::SignIn),
            (None, true, Some([2; 32]), Step::SignIn),
            (None, true, Some(REQUEST), consent("pwd")),
        ] {
            let demands = Demands {
                max_age,
                again,
                ..Demands::default()
            };
            let session = Session {
                signed_in_for,
                ..session("pwd", false)
            };
            let next = demands.next(
                &rules(SecondFactorUse::Always),
                Some(&session),
                &REQUEST,
                NOW,
            );
            assert_eq!(next, expected, "{max_age:?} {again} {signed_in_for:?}");
        }
    }

    // OpenID Connect Core §3.1.2.2: no answer about another person, even if they have signed in.
    #[test]
    fn who_is_not_meant_does_not_get_through() {
        let rules = rules(SecondFactorUse::Always);
        for (subjects, signed_in_for, expected) in [
            (&[][..], None, consent("pwd")),
            (&["subject"], None, consent("pwd")),
            (&["other", "subject"], Some(REQUEST), consent("pwd")),
            (&["other"], None, Step::SignIn),
            (&["other"], Some([2; 32]), Step::SignIn),
            (&["other"], Some(REQUEST), Step::SomebodyElse),
            (&["Subject"], Some(REQUEST), Step::SomebodyElse),
        ] {
            let demands = Demands {
                subjects: subjects.iter().map(|&one| one.to_owned()).collect(),
                ..Demands::default()
            };
            let session = Session {
                signed_in_for,
                ..session("pwd", false)
            };
            let next = demands.next(&rules, Some(&session), &REQUEST, NOW);
            assert_eq!(next, expected, "{subjects:?} {signed_in_for:?}");
        }
    }

    #[test]
    fn a_name_means_one_thing() {
        assert_eq!(AuthenticationRules::default().check(), Ok(()));
        for further in ["pwd", "mfa", "", "a b", "é"] {
            let mut rules = rules(SecondFactorUse::Always);
            rules.further_acrs.push(further.to_owned());
            assert_eq!(rules.check(), Err(further.to_owned()));
        }
        let mut rules = rules(SecondFactorUse::Always);
        assert_eq!(rules.supported(true), ["pwd", "mfa", "card"]);
        assert_eq!(rules.supported(false), ["pwd", "card"]);
        rules.multi_factor_acr = "pwd".to_owned();
        assert_eq!(rules.check(), Err("pwd".to_owned()));
    }
}
