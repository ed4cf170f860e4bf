//! The URL the client meant, which `htu` of a proof is compared with (RFC 9449 §4.3 check 9).
//!
//! It is where the operator says, where trusted proxies say, or else where the request says. These are never mixed.

mod family;
mod forwarded;
mod host;
mod origin;
mod prefix;
mod x_forwarded;

use http::{HeaderMap, header::HOST};

pub(super) use self::origin::{Origin, is_loopback};
pub use self::{
    family::ForwardedUrl,
    host::{InvalidHost, ServedHost},
    prefix::{InvalidPathPrefix, PathPrefix},
    x_forwarded::XForwarded,
};
use super::{PublicUrl, RequestFacts, TrustedProxies};
use crate::{dpop::TargetUri, rejection::Refusal};

/// Where the URL of a request is taken from.
#[derive(Debug, Default)]
pub(super) struct UrlRules {
    pub(super) public_url: Option<PublicUrl>,
    pub(super) internal_prefix: Option<PathPrefix>,
    pub(super) hosts: Vec<ServedHost>,
}

impl UrlRules {
    /// The URL the client meant, as it would stand in `htu`.
    ///
    /// Without a public URL or a trusted proxy that tells, it is taken from the request itself: `https`, for nothing else is
    /// offered (FAPI 2.0 Security Profile §5.2.1), the authority of the request target or else the one `Host`, and the path.
    pub(super) fn target(
        &self,
        facts: &RequestFacts<'_>,
        proxies: &TrustedProxies,
    ) -> Result<TargetUri, Refusal> {
        let path = facts.uri.path();
        let path = match &self.internal_prefix {
            Some(prefix) => prefix.stripped_from(path).ok_or(Refusal::Target)?,
            None => path,
        };
        if let Some(url) = &self.public_url {
            return url.origin().target(path).map_err(|_| Refusal::Target);
        }
        let origin = match proxies.url_told_by(facts.peer) {
            Some(url) => url.origin(facts, |address| proxies.trust_address(address))?,
            None => asked(facts).ok_or(Refusal::Target)?,
        };
        if !self.hosts.is_empty() && !self.hosts.iter().any(|host| host.is(&origin.authority)) {
            return Err(Refusal::Host(origin.authority.chars().take(256).collect()));
        }
        origin.target(path).map_err(|_| Refusal::Target)
    }

    /// Whether a request without a proof must mean the right URL, too.
    pub(super) fn always_count(&self, facts: &RequestFacts<'_>, proxies: &TrustedProxies) -> bool {
        !self.hosts.is_empty()
            || self.internal_prefix.is_some()
            || proxies.url_told_by(facts.peer).is_some()
    }
}

/// What the request says of itself.
fn asked<'a>(facts: &RequestFacts<'a>) -> Option<Origin<'a>> {
    let authority = match facts.uri.authority() {
        Some(authority) => authority.as_str(),
        None => host(facts.headers)?,
    };
    Some(Origin {
        https: true,
        authority: authority.into(),
        prefix: "".into(),
    })
}

fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?;
    if hosts.next().is_some() {
        None
    } else {
        host.to_str().ok()
    }
}

#[cfg(test)]
mod tests;
