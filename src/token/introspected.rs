//! Access tokens as an introspection endpoint describes them (RFC 7662 §2.2).

use std::time::Duration;

use serde_json::{Map, Value};

use super::{
    AccessToken, AuthorizationDetail, Compatibility, Confirmation, TokenError,
    access_token::Inner,
    check_time,
    jwt::{audience, date, optional_text, required_date, shortened},
};
use crate::{jose::base64url, time::Timestamp};

/// What is demanded of an issuer's introspection answers.
#[derive(Clone, Debug)]
pub(crate) struct IntrospectionRules {
    /// Whom the answer comes from.
    pub(crate) issuer: String,
    /// The names of this resource server, one of which has to be in `aud`.
    pub(crate) audiences: Vec<String>,
    /// How far ahead of this clock `iat` and `nbf` may lie.
    pub(crate) clock_skew: Duration,
    /// How this issuer's claims may differ from those of RFC 9068.
    pub(crate) compatibility: Compatibility,
    /// Whether `aud` may be missing. If it is there it has to name us all the same.
    pub(crate) accept_missing_audience: bool,
    /// Whether `sub` may be missing, the client being the subject then.
    pub(crate) accept_missing_subject: bool,
}

/// What an answer says of a token. Nobody has yet shown that the token is theirs.
#[derive(Clone, Debug)]
pub(crate) enum Introspected {
    /// It is active and meant for us.
    Active(AccessToken),
    /// It is not, or not for us.
    Refused(TokenError),
}

impl Introspected {
    /// Reads an answer about a token that says nothing itself. `hash` is the token's SHA-256.
    ///
    /// # Errors
    ///
    /// [`TokenError::MalformedClaim`] if a member has not its type: then nothing in the answer can be believed, and the
    /// issuer is to blame, not the token.
    pub(crate) fn of_opaque(
        members: Map<String, Value>,
        rules: &IntrospectionRules,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Self, TokenError> {
        if !is_active(&members)? {
            return Ok(Self::Refused(TokenError::Inactive));
        }
        sort_out(describe(members, rules, hash, now).and_then(|token| {
            check_time(&token, rules.clock_skew, now)?;
            Ok(token)
        }))
    }

    /// Reads an answer about a token that has been verified: it stays what it is, or ends.
    ///
    /// What the answer repeats of the token has to be what the token says: otherwise it is about another.
    ///
    /// # Errors
    ///
    /// As [`of_opaque`](Self::of_opaque).
    pub(crate) fn of_verified(
        mut members: Map<String, Value>,
        token: &AccessToken,
        now: Timestamp,
    ) -> Result<Self, TokenError> {
        if !is_active(&members)? {
            return Ok(Self::Refused(TokenError::Inactive));
        }
        for (name, own) in [
            ("iss", token.issuer()),
            ("client_id", token.client_id()),
            ("jti", token.id()),
        ] {
            if optional_text(&mut members, name)?.is_some_and(|said| said != own) {
                return Err(TokenError::MalformedClaim(name));
            }
        }
        let cnf = members.get("cnf");
        if cnf.is_some() && Confirmation::read(cnf).as_ref() != Ok(token.confirmation()) {
            return Err(TokenError::MalformedClaim("cnf"));
        }
        Ok(match date(&members, "exp")? {
            Some(end) if end <= now => Self::Refused(TokenError::Expired(end)),
            // Nor is the answer good for longer than it says (RFC 7662 §4).
            Some(end) => Self::Active(token.ending_by(end)),
            None => Self::Active(token.clone()),
        })
    }
}

/// `active`: REQUIRED, and a boolean (RFC 7662 §2.2).
fn is_active(members: &Map<String, Value>) -> Result<bool, TokenError> {
    members
        .get("active")
        .and_then(Value::as_bool)
        .ok_or(TokenError::MalformedClaim("active"))
}

/// A member of the wrong type discredits the answer; anything else is wrong with the token alone.
fn sort_out(token: Result<AccessToken, TokenError>) -> Result<Introspected, TokenError> {
    match token {
        Ok(token) => Ok(Introspected::Active(token)),
        Err(error @ (TokenError::MalformedClaim(_) | TokenError::Contradiction(..))) => Err(error),
        Err(error) => Ok(Introspected::Refused(error)),
    }
}

/// RFC 7662 makes all of this optional; a resource server of this kind cannot do without most of it.
fn describe(
    mut members: Map<String, Value>,
    rules: &IntrospectionRules,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<AccessToken, TokenError> {
    members.remove("active");
    if let Some(issuer) = optional_text(&mut members, "iss")?
        && issuer != rules.issuer
    {
        return Err(TokenError::Issuer(shortened(&issuer)));
    }
    // Some servers know refresh tokens here, too, which are for the token endpoint alone (RFC 7662 §2.1, RFC 6749 §1.5).
    let kind = optional_text(&mut members, "token_type")?;
    let is = |name: &str| {
        kind.as_ref()
            .is_some_and(|kind| kind.eq_ignore_ascii_case(name))
    };
    if kind.is_some() && !is("dpop") && !is("bearer") {
        return Err(TokenError::Type(kind.as_deref().map(shortened)));
    }
    let client_id = rules.compatibility.client_id(&mut members)?;
    let subject = match optional_text(&mut members, "sub")? {
        Some(subject) => subject,
        // A client on its own behalf is its own subject (RFC 9068 §2.2).
        None if rules.accept_missing_subject => client_id.clone(),
        None => return Err(TokenError::MissingClaim("sub")),
    };
    let audience = match audience(&mut members) {
        Err(TokenError::MissingClaim(_)) if rules.accept_missing_audience => Vec::new(),
        Ok(names) if names.iter().any(|name| rules.audiences.contains(name)) => names,
        Ok(names) => return Err(TokenError::Audience(shortened(&names.join(" ")))),
        Err(error) => return Err(error),
    };
    let not_before = date(&members, "nbf")?;
    let confirmation = Confirmation::read(members.get("cnf"))?;
    // It is bound to a key, and the answer leaves out which (RFC 9449 §6.2).
    if is("dpop") && confirmation.jkt.is_none() {
        return Err(TokenError::UnknownConfirmation);
    }
    let token = Inner {
        issuer: rules.issuer.clone(),
        subject,
        client_id,
        audience,
        scope: rules.compatibility.scope(&mut members)?,
        id: match optional_text(&mut members, "jti")? {
            Some(id) => id,
            None => base64url::encode(hash),
        },
        issued_at: date(&members, "iat")?.or(not_before).unwrap_or(now),
        expires_at: required_date(&members, "exp")?,
        not_before,
        auth_time: date(&members, "auth_time")?,
        acr: optional_text(&mut members, "acr")?,
        confirmation,
        authorization_details: AuthorizationDetail::read(members.get("authorization_details"))?,
        claims: members,
    };
    Ok(AccessToken::new(token))
}
