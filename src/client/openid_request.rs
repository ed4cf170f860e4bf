//! What a request for authorization says of the sign-in and the person (OpenID Connect Core §3.1.2.1, §5.5).

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    id_token::IdToken,
    request::{AuthorizationRequest, InvalidRequest},
    sign_in::SignInRequest,
    step_up::{StepUpChallenge, is_acr},
};
use crate::time::Timestamp;

/// What the person is to see, even if the authorization server would not show it (OpenID Connect Core §3.1.2.1).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prompt {
    /// Nothing at all: who is not signed in, or has not consented, is answered `login_required` or `interaction_required`.
    None,
    /// The sign-in, once more.
    Login,
    /// The consent, once more.
    Consent,
    /// A choice among accounts.
    SelectAccount,
}

impl Prompt {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

impl AuthorizationRequest {
    /// Asks for a sign-in of one of these authentication contexts, best first (OpenID Connect Core §3.1.2.1). Replaces those
    /// that were asked for before.
    ///
    /// This is a wish: [`IdToken::acr`] says what became of it.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::AcrValues`] if there is none, or one of them is no name.
    pub fn acr_values<S: AsRef<str>>(mut self, values: &[S]) -> Result<Self, InvalidRequest> {
        let values = acr_names(values)?;
        self.set("acr_values", values.join(" "));
        Ok(self)
    }

    /// Demands a sign-in of one of these authentication contexts, best first: without it there are no tokens, for the
    /// authorization server has to refuse (OpenID Connect Core §5.5.1.1) and the client compares. Needs the scope `openid`.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::AcrValues`] if there is none, or one of them is no name.
    pub fn demand_acr<S: AsRef<str>>(mut self, values: &[S]) -> Result<Self, InvalidRequest> {
        let values = acr_names(values)?;
        let members = self.claims.entry("id_token").or_insert(Value::Null);
        if members.is_null() {
            *members = json!({});
        }
        if let Value::Object(members) = members {
            let demand = json!({"essential": true, "values": values});
            members.insert("acr".to_owned(), demand);
        }
        Ok(self)
    }

    /// Asks for a sign-in that is no older than this, in whole seconds: the person signs in again otherwise
    /// (OpenID Connect Core §3.1.2.1). Replaces what was asked for before.
    ///
    /// Together with the scope `openid` the ID token has to say when they signed in, and is compared.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.set("max_age", age.as_secs().to_string());
        self
    }

    /// Asks for what a resource server has demanded (RFC 9470 §4). Its `acr_values` replace those asked for before; of two
    /// values for `max_age` the smaller counts.
    #[must_use]
    pub fn step_up(mut self, demanded: &StepUpChallenge) -> Self {
        if !demanded.acr_values.is_empty() {
            self.set("acr_values", demanded.acr_values.join(" "));
        }
        match demanded.max_age {
            Some(age) => {
                let own = self.asked_age().map(Duration::from_secs);
                self.max_age(own.map_or(age, |own| age.min(own)))
            }
            None => self,
        }
    }

    /// Sets what the person is to see. Replaces what was set before.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::Prompt`] if there is nothing, or something beside [`Prompt::None`].
    pub fn prompt(mut self, prompts: &[Prompt]) -> Result<Self, InvalidRequest> {
        if prompts.is_empty() || (prompts.len() > 1 && prompts.contains(&Prompt::None)) {
            return Err(InvalidRequest::Prompt);
        }
        let names: Vec<_> = prompts.iter().map(|prompt| prompt.as_str()).collect();
        self.set("prompt", names.join(" "));
        Ok(self)
    }

    /// Says who is expected to sign in, such as the address they have typed in here. A hint: anybody may sign in.
    #[must_use]
    pub fn login_hint(mut self, hint: impl Into<String>) -> Self {
        self.set("login_hint", hint.into());
        self
    }

    /// Expects the person of this ID token: somebody else is answered `login_required` (OpenID Connect Core §3.1.2.1), and
    /// an ID token of somebody else is refused here. It is shown to no authorization server but the one that made it.
    #[must_use]
    pub fn id_token_hint(mut self, token: &IdToken) -> Self {
        self.set("id_token_hint", token.text().secret().to_owned());
        self.subject = Some(token.subject().to_owned());
        self.hint_issuer = Some(token.issuer().to_owned());
        self
    }

    /// Asks for single claims (OpenID Connect Core §5.5): members `userinfo` and `id_token`, each with the names of claims.
    /// Replaces what was asked for before, by [`demand_acr`](Self::demand_acr) as well.
    ///
    /// What is essential of `acr` and `auth_time` in the ID token, and a value of `sub`, are compared.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::Claims`] if a member is no object of objects and `null`s.
    pub fn claims(mut self, claims: Value) -> Result<Self, InvalidRequest> {
        let Value::Object(members) = claims else {
            return Err(InvalidRequest::Claims);
        };
        let single = |claim: &Value| claim.is_null() || claim.is_object();
        for member in ["userinfo", "id_token"] {
            match members.get(member) {
                None | Some(Value::Null) => {}
                Some(Value::Object(names)) if names.values().all(single) => {}
                Some(_) => return Err(InvalidRequest::Claims),
            }
        }
        self.claims = members;
        Ok(self)
    }

    /// Whether it asks who the person is.
    pub(super) fn is_openid(&self) -> bool {
        let scope = self.scope.as_deref().unwrap_or_default();
        scope.split(' ').any(|name| name == "openid")
    }

    /// Whether it asks something that only an ID token can answer.
    pub(super) fn needs_openid(&self) -> bool {
        !self.claims.is_empty() || self.subject.is_some()
    }

    /// What the ID token will have to answer.
    pub(super) fn sign_in(&self, nonce: String, asked_at: Timestamp) -> SignInRequest {
        let claim = |name| self.id_token_claim(name);
        let essential = |name| {
            let claim = claim(name).filter(|claim| is_essential(claim));
            claim.is_some()
        };
        let acr = claim("acr").filter(|claim| is_essential(claim));
        let subject = claim("sub").and_then(|claim| claim.get("value")?.as_str());
        SignInRequest {
            nonce,
            asked_at,
            max_age: self.asked_age(),
            auth_time: essential("auth_time"),
            acr: acr.map(named_values).unwrap_or_default(),
            subject: subject.map(str::to_owned).or_else(|| self.subject.clone()),
        }
    }

    fn id_token_claim(&self, name: &str) -> Option<&Map<String, Value>> {
        self.claims.get("id_token")?.get(name)?.as_object()
    }

    fn asked_age(&self) -> Option<u64> {
        let age = self.further.iter().find(|(name, _)| name == "max_age");
        age.and_then(|(_, value)| value.parse().ok())
    }

    fn set(&mut self, name: &str, value: String) {
        self.further.retain(|(other, _)| other != name);
        self.further.push((name.to_owned(), value));
    }
}

fn acr_names<S: AsRef<str>>(values: &[S]) -> Result<Vec<&str>, InvalidRequest> {
    if values.is_empty() || !values.iter().all(|value| is_acr(value.as_ref())) {
        return Err(InvalidRequest::AcrValues);
    }
    Ok(values.iter().map(AsRef::as_ref).collect())
}

fn is_essential(claim: &Map<String, Value>) -> bool {
    claim.get("essential") == Some(&Value::Bool(true))
}

/// `value` and `values` (OpenID Connect Core §5.5.1).
fn named_values(claim: &Map<String, Value>) -> Vec<String> {
    let several = claim.get("values").and_then(Value::as_array);
    let values = several.into_iter().flatten().chain(claim.get("value"));
    let texts = values.filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> AuthorizationRequest {
        AuthorizationRequest::new("https://app.example/cb").unwrap()
    }

    fn pairs(request: &AuthorizationRequest) -> Vec<String> {
        let pairs = request.further.iter();
        pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    // OpenID Connect Core §3.1.2.1, RFC 8707 §2, RFC 9470 §4.
    #[test]
    fn a_sign_in_and_a_resource_can_be_asked_for() {
        let asked = request()
            .acr_values(&["urn:a", "b"])
            .unwrap()
            .max_age(Duration::from_millis(5900))
            .resource("https://api.example")
            .unwrap()
            .resource("urn:api")
            .unwrap();
        let expected = [
            "acr_values=urn:a b",
            "max_age=5",
            "resource=https://api.example",
            "resource=urn:api",
        ];
        assert_eq!(pairs(&asked), expected);
        let mut answer = http::Response::new(());
        *answer.status_mut() = http::StatusCode::UNAUTHORIZED;
        let challenge =
            r#"DPoP error="insufficient_user_authentication", acr_values="c", max_age=0"#;
        answer
            .headers_mut()
            .insert("www-authenticate", challenge.parse().unwrap());
        let demanded = StepUpChallenge::from_response(&answer).unwrap();
        assert_eq!(
            pairs(&asked.step_up(&demanded))[2..],
            ["acr_values=c", "max_age=0"]
        );

        assert!(request().acr_values::<&str>(&[]).is_err());
        for value in ["", "a b", "é", "a\n", &"x".repeat(257)] {
            for refused in [
                request().acr_values(&[value]),
                request().demand_acr(&[value]),
            ] {
                assert_eq!(refused.err(), Some(InvalidRequest::AcrValues), "{value:?}");
            }
        }
    }

    // OpenID Connect Core §3.1.2.1: `none` with any other value is an error.
    #[test]
    fn what_the_person_sees_is_asked_for_in_one_parameter() {
        let asked = request()
            .prompt(&[Prompt::Login, Prompt::Consent, Prompt::SelectAccount])
            .unwrap()
            .login_hint("alice")
            .login_hint("bob");
        assert_eq!(
            pairs(&asked),
            ["prompt=login consent select_account", "login_hint=bob"]
        );
        let silent = asked.prompt(&[Prompt::None]).unwrap();
        assert_eq!(pairs(&silent), ["login_hint=bob", "prompt=none"]);
        for prompts in [&[][..], &[Prompt::None, Prompt::Login]] {
            let refused = request().prompt(prompts).err();
            assert_eq!(refused, Some(InvalidRequest::Prompt), "{prompts:?}");
        }
    }

    // OpenID Connect Core §5.5 and §5.5.1.
    #[test]
    fn claims_are_objects_of_objects() {
        for claims in [
            json!([]),
            json!("id_token"),
            json!({"id_token": []}),
            json!({"id_token": {"acr": true}}),
            json!({"userinfo": {"email": "x"}}),
        ] {
            let refused = request().claims(claims.clone()).err();
            assert_eq!(refused, Some(InvalidRequest::Claims), "{claims}");
        }
        let sound = json!({"id_token": null, "userinfo": {"email": null, "name": {}}, "more": 1});
        assert_eq!(
            Value::Object(request().claims(sound.clone()).unwrap().claims),
            sound
        );
    }

    // OpenID Connect Core §3.1.3.7, rules 12 and 13; §5.5.1.1.
    #[test]
    fn what_is_essential_is_what_will_be_compared() {
        let asked = |request: &AuthorizationRequest| {
            let asked = request.sign_in("n".to_owned(), Timestamp::from_unix(7));
            (asked.max_age, asked.auth_time, asked.acr, asked.subject)
        };
        assert_eq!(asked(&request()), (None, false, vec![], None));
        let wish = request().acr_values(&["a"]).unwrap();
        assert_eq!(asked(&wish), (None, false, vec![], None));
        let aged = request().max_age(Duration::from_secs(5));
        assert_eq!(asked(&aged).0, Some(5));

        let demanded = request().demand_acr(&["a", "b"]).unwrap();
        assert_eq!(asked(&demanded).2, ["a", "b"]);
        let claims = json!({"id_token": {"acr": {"essential": true, "values": ["a", "b"]}}});
        assert_eq!(Value::Object(demanded.claims), claims);
        // What was asked for before stays, and nothing in particular is no reason to demand nothing.
        for before in [
            json!({"id_token": null}),
            json!({"id_token": {"name": null}}),
        ] {
            let demanded = request().claims(before).unwrap().demand_acr(&["a"]);
            assert_eq!(asked(&demanded.unwrap()).2, ["a"]);
        }

        for (claim, acr, auth_time) in [
            (
                json!({"acr": {"essential": true, "value": "a"}}),
                vec!["a"],
                false,
            ),
            (
                json!({"acr": {"essential": false, "value": "a"}}),
                vec![],
                false,
            ),
            (
                json!({"acr": {"essential": "true", "value": "a"}}),
                vec![],
                false,
            ),
            (
                json!({"acr": {"values": ["a"]}, "auth_time": null}),
                vec![],
                false,
            ),
            (json!({"auth_time": {"essential": true}}), vec![], true),
        ] {
            let request = request().claims(json!({"id_token": claim})).unwrap();
            assert_eq!(asked(&request).1, auth_time, "{claim}");
            assert_eq!(asked(&request).2, acr, "{claim}");
        }
        let named = request().claims(json!({"id_token": {"sub": {"value": "alice"}}}));
        assert_eq!(asked(&named.unwrap()).3.as_deref(), Some("alice"));
    }

    #[test]
    fn openid_is_a_scope_by_itself() {
        for (scope, expected) in [
            ("openid", true),
            ("accounts openid", true),
            ("openid:x accounts", false),
            ("OpenID", false),
        ] {
            let request = request().scope(scope).unwrap();
            assert_eq!(request.is_openid(), expected, "{scope}");
        }
        assert!(!request().is_openid());
    }
}
