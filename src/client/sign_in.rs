//! What was asked of a sign-in, and whether an ID token answers it (OpenID Connect Core §3.1.3.7, §12.2).

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::{
    id_token::{IdToken, date, string},
    id_token_error::IdTokenError,
    server_text::ServerText,
};
use crate::{
    jose::{JwsAlgorithm, JwsHeader, token_hash},
    time::Timestamp,
};

/// By how much the clocks may differ (FAPI 2.0 Security Profile §5.3.2.1, note 3).
pub(super) const TOLERANCE: Duration = Duration::from_secs(30);
/// How old an ID token may be when it comes: it is made because we ask.
const OLDEST: Duration = Duration::from_mins(5);

/// What an authorization request says of the sign-in; kept until the answer is there.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInRequest {
    pub(super) nonce: String,
    /// When the authorization server was asked.
    pub(super) asked_at: Timestamp,
    /// How many seconds before that the person may have signed in.
    pub(super) max_age: Option<u64>,
    /// `auth_time` is an essential claim.
    pub(super) auth_time: bool,
    /// One of these has to be `acr`, if there are any.
    pub(super) acr: Vec<String>,
    /// Who has to sign in.
    pub(super) subject: Option<String>,
}

/// What an ID token has to be, whatever it came with.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    /// What may stand in `aud` beside the client.
    pub(super) trusted_audiences: &'a [String],
    pub(super) algorithm: Option<JwsAlgorithm>,
    pub(super) access_token: &'a str,
    pub(super) occasion: Occasion<'a>,
    pub(super) now: Timestamp,
}

/// What it came with.
pub(super) enum Occasion<'a> {
    Code {
        asked: &'a SignInRequest,
        code: &'a str,
        state: &'a str,
    },
    /// The ID token that the client had before.
    Refresh(&'a IdToken),
}

impl Expected<'_> {
    /// Judges header and claims; the signature is another's business.
    pub(super) fn check(&self, header: &JwsHeader, token: &IdToken) -> Result<(), IdTokenError> {
        let found = header.algorithm();
        if self.algorithm.is_some_and(|expected| expected != found) {
            return Err(IdTokenError::Algorithm {
                expected: self.algorithm,
            });
        }
        // An access token of the same server must not pass for this (RFC 8725 §3.11).
        if let Some(typ) = header.typ()
            && !header.is_typ("JWT")
        {
            return Err(IdTokenError::Type(ServerText::new(typ)));
        }
        if token.issuer != self.issuer {
            return Err(IdTokenError::WrongIssuer {
                expected: self.issuer.to_owned(),
                found: ServerText::new(&token.issuer),
            });
        }
        self.check_audience(token)?;
        if self.now >= token.expires_at {
            return Err(IdTokenError::Expired(token.expires_at));
        }
        if let Some(from) = date(&token.claims, "nbf")?
            && from > self.now.plus(TOLERANCE)
        {
            return Err(IdTokenError::NotYet(from));
        }
        let made = self.now.minus(OLDEST)..=self.now.plus(TOLERANCE);
        if !made.contains(&token.issued_at) {
            return Err(IdTokenError::IssuedAt(token.issued_at));
        }
        if let Some(at) = token.auth_time
            && at > self.now.plus(TOLERANCE)
        {
            return Err(IdTokenError::AuthenticationAge(at));
        }
        check_hash(token, found, "at_hash", self.access_token)?;
        match self.occasion {
            Occasion::Code { asked, code, state } => {
                check_hash(token, found, "c_hash", code)?;
                check_hash(token, found, "s_hash", state)?;
                asked.check(token)
            }
            Occasion::Refresh(former) => check_continuity(former, token),
        }
    }

    fn check_audience(&self, token: &IdToken) -> Result<(), IdTokenError> {
        let ours = |name: &String| name == self.client_id;
        let trusted = |name: &&String| ours(name) || self.trusted_audiences.contains(name);
        if let Some(stranger) = token.audience.iter().find(|name| !trusted(name)) {
            return Err(IdTokenError::Audience(ServerText::new(stranger)));
        }
        if !token.audience.iter().any(ours) {
            let names = token.audience.join(" ");
            return Err(IdTokenError::Audience(ServerText::new(&names)));
        }
        match string(&token.claims, "azp")? {
            Some(party) if party == self.client_id => Ok(()),
            None if token.audience.iter().all(ours) => Ok(()),
            Some(_) | None => Err(IdTokenError::AuthorizedParty),
        }
    }
}

impl SignInRequest {
    fn check(&self, token: &IdToken) -> Result<(), IdTokenError> {
        let nonce = token.nonce.as_deref().unwrap_or_default();
        if !bool::from(nonce.as_bytes().ct_eq(self.nonce.as_bytes())) {
            return Err(IdTokenError::Nonce);
        }
        match token.auth_time {
            None if self.auth_time || self.max_age.is_some() => {
                return Err(IdTokenError::Claim("auth_time"));
            }
            Some(at) if self.earliest().is_some_and(|earliest| at < earliest) => {
                return Err(IdTokenError::AuthenticationAge(at));
            }
            Some(_) | None => {}
        }
        let granted = |acr: &str| self.acr.iter().any(|asked| asked == acr);
        if !self.acr.is_empty() && !token.acr.as_deref().is_some_and(granted) {
            return Err(IdTokenError::AuthenticationContext);
        }
        match &self.subject {
            Some(subject) if *subject != token.subject => Err(IdTokenError::WrongSubject),
            Some(_) | None => Ok(()),
        }
    }

    /// Counted back from when we asked: whoever thinks for a while before they consent has not signed in too early.
    fn earliest(&self) -> Option<Timestamp> {
        let age = Duration::from_secs(self.max_age?);
        Some(self.asked_at.minus(age).minus(TOLERANCE))
    }
}

impl fmt::Debug for SignInRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInRequest")
            .field("max_age", &self.max_age)
            .field("acr", &self.acr)
            .finish_non_exhaustive()
    }
}

/// A refreshed ID token is about the same sign-in of the same person (OpenID Connect Core §12.2).
fn check_continuity(former: &IdToken, token: &IdToken) -> Result<(), IdTokenError> {
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        names
    };
    let changed = |name| Err(IdTokenError::Changed(name));
    if token.subject != former.subject {
        return changed("sub");
    }
    if sorted(&token.audience) != sorted(&former.audience) {
        return changed("aud");
    }
    if token.claims.get("azp") != former.claims.get("azp") {
        return changed("azp");
    }
    if token.auth_time.is_some()
        && former.auth_time.is_some()
        && token.auth_time != former.auth_time
    {
        return changed("auth_time");
    }
    if token.nonce.is_some() && token.nonce != former.nonce {
        return changed("nonce");
    }
    Ok(())
}

fn check_hash(
    token: &IdToken,
    algorithm: JwsAlgorithm,
    name: &'static str,
    text: &str,
) -> Result<(), IdTokenError> {
    match token.claims.get(name) {
        None => Ok(()),
        Some(Value::String(hash)) if *hash == token_hash(algorithm, text) => Ok(()),
        Some(Value::String(_)) => Err(IdTokenError::Hash(name)),
        Some(_) => Err(IdTokenError::Claim(name)),
    }
}
