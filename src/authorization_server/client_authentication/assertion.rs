//! `private_key_jwt` (OpenID Connect Core §9, RFC 7523 §3, FAPI 2.0 Security Profile §5.3.2.1).

use std::time::Duration;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::{ClientAuthenticationError as Error, UsedAssertion};
use crate::{
    authorization_server::{
        clients::FapiProfile,
        endpoints::{Endpoint, Endpoints},
        parameters::Parameters,
    },
    jose::{CompactJws, JwsAlgorithm, JwsHeader, VerifyingKeySet, json},
    time::Timestamp,
};

/// What `client_assertion_type` has to be (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Longer than any honest assertion.
const MAX_BYTES: usize = 16 * 1024;

/// The longest `jti` that is taken.
const MAX_JTI: usize = 256;

/// The furthest `exp` may lie ahead: its `jti` has to be remembered until then (RFC 7523 §3 rule 4).
const MAX_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How far ahead `iat` and `nbf` may lie: at least 10 s have to pass, more than 60 s must not
/// (FAPI 2.0 Security Profile §5.3.2.1, Note 3).
const MAX_AHEAD: Duration = Duration::from_secs(30);

/// What names this server in `aud`.
#[derive(Debug)]
pub(crate) struct Audiences {
    issuer: String,
    /// The URLs of the token endpoint (OpenID Connect Core §9) and of the pushed authorization request endpoint (RFC 9126 §2),
    /// and where there are any, their aliases for mutual TLS, which are URLs of the same endpoints (RFC 8705 §5). No text has
    /// a client put the URL of another endpoint there.
    endpoints: Vec<String>,
}

impl Audiences {
    pub(crate) fn of(endpoints: &Endpoints) -> Self {
        let urls = [Endpoint::Token, Endpoint::PushedRequests]
            .into_iter()
            .flat_map(|it| std::iter::once(endpoints.url(it)).chain(endpoints.mtls_url(it)));
        Self {
            issuer: endpoints.issuer().to_owned(),
            endpoints: urls.collect(),
        }
    }

    fn include(&self, audience: Option<&Value>, profile: FapiProfile) -> bool {
        let ours = |one: &Value| {
            let one = one.as_str();
            let is_endpoint = || self.endpoints.iter().any(|url| Some(url.as_str()) == one);
            one == Some(&self.issuer) || is_endpoint()
        };
        match audience {
            // One string and no array, so that an assertion works at one server only.
            Some(one) if profile.audience_is_issuer_alone() => one.as_str() == Some(&self.issuer),
            // For the same reason a name of somebody else may not stand among ours.
            Some(Value::Array(several)) => !several.is_empty() && several.iter().all(ours),
            Some(one) => ours(one),
            None => false,
        }
    }
}

/// An assertion that has been read and not verified. Nothing in it can be believed.
#[derive(Debug)]
pub(super) struct Assertion<'a> {
    jws: CompactJws<'a>,
    header: JwsHeader,
    claims: Map<String, Value>,
    subject: String,
}

impl<'a> Assertion<'a> {
    /// The assertion of a request, if there is one. The algorithm is judged here, before any key is looked for.
    pub(super) fn presented(parameters: &'a Parameters) -> Result<Option<Self>, Error> {
        let Some(assertion) = parameters.get("client_assertion") else {
            return if parameters.has("client_assertion_type") {
                Err(Error::NoAssertion)
            } else {
                Ok(None)
            };
        };
        if parameters.get("client_assertion_type") != Some(JWT_BEARER) {
            return Err(Error::AssertionType);
        }
        if assertion.len() > MAX_BYTES {
            return Err(Error::TooLarge);
        }
        let jws = CompactJws::parse(assertion).map_err(Error::Malformed)?;
        let header = jws.header().map_err(Error::Malformed)?;
        // An access token or a proof that somebody got hold of must not become an assertion (RFC 8725 §3.11).
        let fits = header.typ().is_none()
            || header.is_typ("JWT")
            || header.is_typ("client-authentication+jwt");
        if !fits {
            return Err(Error::Type);
        }
        let claims = jws.payload().map_err(Error::Malformed)?;
        let claims = json::object(&claims).map_err(Error::Claims)?;
        // A request object lies in a browser's history, and may say all that an assertion does (RFC 9101 §10.8).
        if claims.contains_key("response_type") {
            return Err(Error::RequestObject);
        }
        let subject = text(&claims, "sub")?.to_owned();
        Ok(Some(Self {
            jws,
            header,
            claims,
            subject,
        }))
    }

    /// The client that the assertion says it is from.
    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// Checks signature and claims.
    pub(super) fn verify(
        &self,
        keys: &VerifyingKeySet,
        registered: Option<JwsAlgorithm>,
        profile: FapiProfile,
        audiences: &Audiences,
        now: Timestamp,
    ) -> Result<UsedAssertion, Error> {
        let algorithm = self.header.algorithm();
        let other = registered.is_some_and(|registered| registered != algorithm);
        if other || !profile.allows_algorithm(algorithm) {
            return Err(Error::Algorithm);
        }
        self.jws
            .verify_with(&self.header, keys)
            .map_err(Error::Signature)?;

        if text(&self.claims, "iss")? != self.subject {
            return Err(Error::Issuer);
        }
        if !audiences.include(self.claims.get("aud"), profile) {
            return Err(Error::Audience(profile));
        }
        let expires = date(&self.claims, "exp")?.ok_or(Error::Claim("exp"))?;
        if expires <= now {
            return Err(Error::Expired);
        }
        if expires > now.plus(MAX_LIFETIME) {
            return Err(Error::ExpiresTooLate);
        }
        for name in ["iat", "nbf"] {
            if date(&self.claims, name)?.is_some_and(|date| date > now.plus(MAX_AHEAD)) {
                return Err(Error::InFuture(name));
            }
        }
        let jti = text(&self.claims, "jti")?;
        if jti.is_empty() || jti.len() > MAX_JTI {
            return Err(Error::Claim("jti"));
        }
        Ok(UsedAssertion {
            jti: jti.to_owned(),
            expires,
        })
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Error> {
    claims
        .get(name)
        .and_then(Value::as_str)
        .ok_or(Error::Claim(name))
}

/// A date that may be absent, but not malformed.
fn date(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, Error> {
    claims
        .get(name)
        .map(|value| Timestamp::deserialize(value).map_err(|_| Error::Claim(name)))
        .transpose()
}
