//! JWT access tokens (RFC 9068 §4), read once and strictly.

use std::{fmt, time::Duration};

use serde_json::{Map, Value};

use super::{
    AccessToken, AuthorizationDetail, Compatibility, Confirmation, TokenError, access_token::Inner,
};
use crate::{
    jose::{CompactJws, JwsAlgorithm, JwsError, JwsHeader, VerifyingKeySet, json},
    time::Timestamp,
};

/// What is demanded of an issuer's tokens.
#[derive(Clone, Copy, Debug)]
pub struct TokenRules<'a> {
    /// The signature algorithms accepted.
    pub algorithms: &'a [JwsAlgorithm],
    /// The names of this resource server, one of which has to be in `aud`.
    pub audiences: &'a [String],
    /// How this issuer's tokens may differ from RFC 9068.
    pub compatibility: Compatibility,
    /// How far ahead of this clock `iat` and `nbf` may lie: 10 s to 60 s (FAPI 2.0 Security Profile §5.3.2.1).
    pub clock_skew: Duration,
}

/// A token taken apart and found well-formed. Nothing it says has been believed yet, and `Debug` repeats little of it.
pub struct UnverifiedToken<'a> {
    jws: CompactJws<'a>,
    header: JwsHeader,
    claims: Claims,
    issuer: String,
}

/// Reading a multitude of claims costs more than verifying a signature, so they are not read for just anybody.
enum Claims {
    Read(Map<String, Value>),
    /// The payload, of which only the issuer has been read.
    Unread(Vec<u8>),
}

impl<'a> UnverifiedToken<'a> {
    /// Parses header and claims.
    ///
    /// # Errors
    ///
    /// [`TokenError::Malformed`], [`TokenError::Algorithm`], or a missing or malformed `iss`.
    pub fn parse(token: &'a str) -> Result<Self, TokenError> {
        let jws = CompactJws::parse(token)?;
        let header = jws.header().map_err(|error| match error {
            JwsError::Algorithm => TokenError::Algorithm,
            other => TokenError::Malformed(other),
        })?;
        let payload = jws.payload()?;
        let (claims, issuer) = if json::has_few_values(&payload) {
            let (claims, issuer) = claims_and_issuer(&payload)?;
            (Claims::Read(claims), issuer)
        } else {
            let issuer = json::text_member(&payload, "iss").map_err(JwsError::from)?;
            let issuer = issuer.ok_or(TokenError::MissingClaim("iss"))?.into_owned();
            (Claims::Unread(payload), issuer)
        };
        Ok(Self {
            jws,
            header,
            claims,
            issuer,
        })
    }

    /// Who claims to have issued it: decides whose rules and keys are used, and nothing else.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Checks everything that can be checked without a key, then the signature. Not whether the sender may use the token:
    /// what it is bound to is for [`ResourceServer`](crate::resource_server::ResourceServer) to check.
    ///
    /// Of a token with a multitude of claims the signature is checked first: reading them is the dearer part.
    ///
    /// # Errors
    ///
    /// The first check that failed.
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "the verdict looks at the proof in between")
    )]
    pub fn verify(
        self,
        rules: &TokenRules<'_>,
        keys: &VerifyingKeySet,
        now: Timestamp,
    ) -> Result<AccessToken, TokenError> {
        self.check(rules, now)?.verify(keys)
    }

    /// Checks everything that can be checked without a key, and is cheaper than the signature.
    ///
    /// # Errors
    ///
    /// The first check that failed.
    pub(crate) fn check<'r>(
        self,
        rules: &'r TokenRules<'r>,
        now: Timestamp,
    ) -> Result<UnsignedToken<'a, 'r>, TokenError> {
        if !rules.algorithms.contains(&self.header.algorithm()) {
            return Err(TokenError::Algorithm);
        }
        let Self {
            jws,
            header,
            claims,
            issuer,
        } = self;
        let content = match claims {
            Claims::Read(claims) => Content::Checked(rules.check(&header, issuer, claims, now)?),
            Claims::Unread(payload) => Content::Unread {
                payload,
                issuer,
                rules,
                now,
            },
        };
        Ok(UnsignedToken {
            jws,
            header,
            content,
        })
    }
}

fn claims_and_issuer(payload: &[u8]) -> Result<(Map<String, Value>, String), TokenError> {
    let mut claims = json::object(payload).map_err(JwsError::from)?;
    let issuer = text(&mut claims, "iss")?;
    Ok((claims, issuer))
}

/// A token that is right as far as could be said so far, but for its signature. Anybody may have written it.
pub(crate) struct UnsignedToken<'a, 'r> {
    jws: CompactJws<'a>,
    header: JwsHeader,
    content: Content<'r>,
}

enum Content<'r> {
    Checked(AccessToken),
    Unread {
        payload: Vec<u8>,
        issuer: String,
        rules: &'r TokenRules<'r>,
        now: Timestamp,
    },
}

impl UnsignedToken<'_, '_> {
    /// Checks the signature, and whatever has not been read before.
    ///
    /// # Errors
    ///
    /// [`TokenError::UnknownKey`] or [`TokenError::Signature`], or the first check after that which failed.
    pub(crate) fn verify(self, keys: &VerifyingKeySet) -> Result<AccessToken, TokenError> {
        self.jws
            .verify_with(&self.header, keys)
            .map_err(|error| match error {
                JwsError::NoKey => TokenError::UnknownKey,
                JwsError::Signature(_) => TokenError::Signature,
                other => TokenError::Malformed(other),
            })?;
        match self.content {
            Content::Checked(token) => Ok(token),
            Content::Unread {
                payload,
                issuer,
                rules,
                now,
            } => {
                let (claims, read) = claims_and_issuer(&payload)?;
                // The keys were those of the issuer that was found at first sight.
                if read != issuer {
                    return Err(TokenError::Issuer(shortened(&read)));
                }
                rules.check(&self.header, issuer, claims, now)
            }
        }
    }
}

impl TokenRules<'_> {
    /// Checks what stands in a token.
    fn check(
        &self,
        header: &JwsHeader,
        issuer: String,
        claims: Map<String, Value>,
        now: Timestamp,
    ) -> Result<AccessToken, TokenError> {
        self.compatibility.check_type(header, &claims)?;
        let token = described(issuer, claims, self.compatibility)?;
        if !token
            .audience()
            .iter()
            .any(|audience| self.audiences.contains(audience))
        {
            return Err(TokenError::Audience(shortened(&token.audience().join(" "))));
        }
        check_time(&token, self.clock_skew, now)?;
        Ok(token)
    }
}

/// What the claims say. Whether they are to be believed is for whoever asks.
fn described(
    issuer: String,
    mut claims: Map<String, Value>,
    compatibility: Compatibility,
) -> Result<AccessToken, TokenError> {
    Ok(AccessToken::new(Inner {
        issuer,
        subject: text(&mut claims, "sub")?,
        client_id: compatibility.client_id(&mut claims)?,
        audience: audience(&mut claims)?,
        scope: compatibility.scope(&mut claims)?,
        id: text(&mut claims, "jti")?,
        issued_at: required_date(&claims, "iat")?,
        expires_at: required_date(&claims, "exp")?,
        not_before: date(&claims, "nbf")?,
        auth_time: date(&claims, "auth_time")?,
        acr: optional_text(&mut claims, "acr")?,
        confirmation: Confirmation::read(claims.get("cnf"))?,
        authorization_details: AuthorizationDetail::read(claims.get("authorization_details"))?,
        claims,
    }))
}

/// A token as the very issuer remembers it, whose word is all there is to believe.
///
/// # Errors
///
/// [`TokenError`] if a claim is missing or malformed.
#[cfg(feature = "authorization-server")]
pub(crate) fn of_issuer(mut claims: Map<String, Value>) -> Result<AccessToken, TokenError> {
    let issuer = text(&mut claims, "iss")?;
    described(issuer, claims, Compatibility::default())
}

impl fmt::Debug for UnverifiedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedToken")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// Checks the times of a token: once when it is verified, and again whenever it is used after that.
///
/// # Errors
///
/// [`TokenError::Expired`], [`TokenError::NotYetValid`] or [`TokenError::IssuedInFuture`].
pub(crate) fn check_time(
    token: &AccessToken,
    clock_skew: Duration,
    now: Timestamp,
) -> Result<(), TokenError> {
    let latest = now.plus(clock_skew);
    if token.expires_at() <= now {
        Err(TokenError::Expired(token.expires_at()))
    } else if let Some(not_before) = token.not_before().filter(|not_before| *not_before > latest) {
        Err(TokenError::NotYetValid(not_before))
    } else if token.issued_at() > latest {
        Err(TokenError::IssuedInFuture(token.issued_at()))
    } else {
        Ok(())
    }
}

/// As much of what a stranger wrote as a log can bear.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(128).collect()
}

pub(super) fn optional_text(
    claims: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, TokenError> {
    match claims.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(TokenError::MalformedClaim(name)),
    }
}

pub(super) fn text(
    claims: &mut Map<String, Value>,
    name: &'static str,
) -> Result<String, TokenError> {
    optional_text(claims, name)?.ok_or(TokenError::MissingClaim(name))
}

pub(super) fn date(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Timestamp>, TokenError> {
    let date = claims.get(name).map(serde::Deserialize::deserialize);
    date.transpose()
        .map_err(|_: serde_json::Error| TokenError::MalformedClaim(name))
}

pub(super) fn required_date(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Timestamp, TokenError> {
    date(claims, name)?.ok_or(TokenError::MissingClaim(name))
}

/// A string, or an array of strings (RFC 7519 §4.1.3).
pub(super) fn audience(claims: &mut Map<String, Value>) -> Result<Vec<String>, TokenError> {
    match claims.remove("aud") {
        None => Err(TokenError::MissingClaim("aud")),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(several)) => several
            .into_iter()
            .map(|audience| match audience {
                Value::String(audience) => Ok(audience),
                _ => Err(TokenError::MalformedClaim("aud")),
            })
            .collect(),
        Some(_) => Err(TokenError::MalformedClaim("aud")),
    }
}
