//! Which headers tell the URL, and which of their entries counts.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
};

use http::{HeaderMap, HeaderName, HeaderValue, header::FORWARDED};

use super::{
    Origin, PathPrefix, XForwarded, asked,
    forwarded::{Element, elements},
    origin::{is_loopback, split_port},
    x_forwarded::{self, with_port},
};
use crate::{
    dpop::TargetUri,
    rejection::{ForwardedError, Refusal},
    resource_server::RequestFacts,
};

/// How trusted proxies tell which URL the client meant: by `Forwarded` (RFC 7239) or by `X-Forwarded-*`, never by both.
///
/// Each proxy adds its entry at the right end, behind what the client may have made up. How many of the entries count is a
/// number that you set, [`hops`](Self::hops), and the last of that many, seen from the right, is the one that is believed. The
/// alternative, going left for as long as the addresses in `for` belong to trusted proxies, would need every proxy to write
/// plain addresses, which RFC 7239 §6.3 advises against, and would let a client inside one of the trusted networks have its own
/// words believed. Where addresses are written they are checked nonetheless: from each proxy but the first, the one that it
/// was asked by has to be a trusted one.
///
/// An entry that is missing, malformed or says that the client used plain `http` is a reason to refuse the request.
///
/// ```
/// use tower_fapi::resource_server::{ForwardedUrl, XForwarded};
///
/// let url = ForwardedUrl::x_forwarded(XForwarded::new().with_prefix());
/// assert_ne!(url, ForwardedUrl::forwarded());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ForwardedUrl {
    family: Family,
    hops: NonZeroUsize,
    public_prefix: Option<PathPrefix>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Family {
    Forwarded,
    XForwarded(XForwarded),
}

/// Longest sum of the fields of one name that is read, in bytes.
const MAX_BYTES: usize = 8 * 1024;

impl ForwardedUrl {
    /// By `Forwarded` (RFC 7239). An element without `host` leaves the request's own, one without `proto` means `https`.
    #[must_use]
    pub const fn forwarded() -> Self {
        Self::of(Family::Forwarded)
    }

    /// By these of the `X-Forwarded-*` headers.
    #[must_use]
    pub const fn x_forwarded(headers: XForwarded) -> Self {
        Self::of(Family::XForwarded(headers))
    }

    /// Sets how many proxies in a row add an entry of their own; one unless set.
    ///
    /// Proxies that overwrite what stands there, or leave it alone, do not count.
    #[must_use]
    pub const fn hops(mut self, hops: NonZeroUsize) -> Self {
        self.hops = hops;
        self
    }

    /// Sets what proxies have taken off the beginning of the path and do not tell.
    #[must_use]
    pub fn public_prefix(mut self, prefix: PathPrefix) -> Self {
        self.public_prefix = Some(prefix);
        self
    }

    const fn of(family: Family) -> Self {
        Self {
            family,
            hops: NonZeroUsize::MIN,
            public_prefix: None,
        }
    }

    /// Whether trusted proxies write the header of this name.
    pub(in crate::resource_server) fn writes(&self, name: &HeaderName) -> bool {
        match self.family {
            Family::Forwarded => *name == FORWARDED,
            Family::XForwarded(headers) => headers.writes(name),
        }
    }

    /// What the first of the trusted proxies saw. `trusted` says whether a proxy may be at an address.
    pub(super) fn origin<'a>(
        &self,
        facts: &RequestFacts<'a>,
        trusted: impl Fn(IpAddr) -> bool,
    ) -> Result<Origin<'a>, Refusal> {
        let own = || {
            asked(facts)
                .map(|origin| origin.authority)
                .ok_or(Refusal::Target)
        };
        let mut prefix = Cow::Borrowed("");
        let (header, proto, authority) = match self.family {
            Family::Forwarded => {
                let element = self.element(facts.headers, trusted)?;
                let authority = element.host.map_or_else(own, |host| Ok(host.into()))?;
                let proto = element.proto.map_or("https".into(), Cow::Owned);
                (FORWARDED, proto, authority)
            }
            Family::XForwarded(headers) => {
                self.check_path_of_x_forwarded(facts.headers, trusted)?;
                let told = headers.told(facts.headers, self.hops)?;
                let authority = match (told.authority, told.port) {
                    (Some(authority), _) => authority,
                    (None, None) => own()?,
                    (None, Some(port)) => with_port(&own()?, port)?.into_owned().into(),
                };
                if let Some(told) = told.prefix {
                    let name = HeaderName::from_static("x-forwarded-prefix");
                    let sound = told.parse::<PathPrefix>();
                    let told = sound.map_err(|_| ForwardedError::Malformed(name))?;
                    prefix = told.as_str().to_owned().into();
                }
                (x_forwarded::PROTO, proto(told.proto), authority)
            }
        };
        if let Some(more) = &self.public_prefix {
            prefix = format!("{}{prefix}", more.as_str()).into();
        }
        if TargetUri::from_parts("https", &authority, "").is_err() {
            return Err(ForwardedError::Malformed(header).into());
        }
        let https = is_https(&proto, &authority, &header)?;
        Ok(Origin {
            https,
            authority,
            prefix,
        })
    }

    fn element(
        &self,
        headers: &HeaderMap,
        trusted: impl Fn(IpAddr) -> bool,
    ) -> Result<Element, ForwardedError> {
        let mut elements = elements(entries(headers, &FORWARDED)?)
            .map_err(|_| ForwardedError::Malformed(FORWARDED))?;
        let found = elements.len();
        for _ in 1..self.hops.get() {
            let sender = elements.pop().and_then(|element| element.forwarded_for);
            check_sender(sender.and_then(|node| node.address()), &trusted)?;
        }
        elements.pop().ok_or(match found {
            0 => ForwardedError::Missing(FORWARDED),
            found => ForwardedError::TooFew(FORWARDED, found),
        })
    }

    /// Where `X-Forwarded-For` is written it has an entry for each proxy, like the others.
    fn check_path_of_x_forwarded(
        &self,
        headers: &HeaderMap,
        trusted: impl Fn(IpAddr) -> bool,
    ) -> Result<(), ForwardedError> {
        let nodes: Vec<_> = entries(headers, &x_forwarded::FOR)?
            .flat_map(|field| field.split(','))
            .collect();
        for node in nodes.iter().rev().take(self.hops.get() - 1) {
            check_sender(address(node.trim()), &trusted)?;
        }
        Ok(())
    }
}

/// The fields of this name, from the first to the last.
pub(super) fn entries<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<impl Iterator<Item = &'a str> + use<'a>, ForwardedError> {
    let fields = headers.get_all(name);
    let bytes = fields.iter().map(HeaderValue::len).sum();
    if bytes > MAX_BYTES {
        return Err(ForwardedError::TooLarge(name.clone(), bytes));
    }
    let texts: Result<Vec<_>, _> = fields.iter().map(HeaderValue::to_str).collect();
    let texts = texts.map_err(|_| ForwardedError::Malformed(name.clone()))?;
    Ok(texts.into_iter())
}

fn check_sender(
    sender: Option<IpAddr>,
    trusted: impl Fn(IpAddr) -> bool,
) -> Result<(), ForwardedError> {
    match sender {
        Some(address) if !trusted(address) => Err(ForwardedError::Bypassed(address)),
        // Who is not named cannot be checked.
        Some(_) | None => Ok(()),
    }
}

/// An address in `X-Forwarded-For`, with or without brackets and a port.
fn address(node: &str) -> Option<IpAddr> {
    let bare = node.trim_start_matches('[').trim_end_matches(']');
    let socket = || node.parse().ok().map(|node: SocketAddr| node.ip());
    bare.parse().ok().or_else(socket)
}

fn proto(proto: &str) -> Cow<'_, str> {
    // Traefik names the scheme of WebSocket handshakes, which are HTTP requests (RFC 6455 §1.3).
    match proto {
        "wss" => "https".into(),
        "ws" => "http".into(),
        other => other.into(),
    }
}

fn is_https(proto: &str, authority: &str, header: &HeaderName) -> Result<bool, ForwardedError> {
    if proto.eq_ignore_ascii_case("https") {
        Ok(true)
    } else if !proto.eq_ignore_ascii_case("http") {
        Err(ForwardedError::Scheme(header.clone()))
    } else if is_loopback(split_port(authority).0) {
        Ok(false)
    } else {
        Err(ForwardedError::PlainHttp(header.clone()))
    }
}
