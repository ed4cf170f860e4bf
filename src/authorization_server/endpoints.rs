//! Where everything is: all URLs derive from the issuer, and from the base URL for mutual TLS.

use thiserror::Error;
use url::Url;

use crate::dpop::TargetUri;

/// Something the server answers at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Endpoint {
    Authorization,
    Login,
    SecondFactor,
    Consent,
    EndSession,
    Logout,
    PushedRequests,
    Token,
    Revocation,
    Introspection,
    UserInfo,
    Jwks,
}

/// The URLs of one server.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    issuer: String,
    /// Scheme and authority, without a slash at the end.
    origin: String,
    /// The issuer's path, without a slash at the end: often empty.
    path: String,
    mtls_origin: Option<String>,
    pushed_requests: Vec<TargetUri>,
    token: Vec<TargetUri>,
    userinfo: Vec<TargetUri>,
}

/// The issuer, or the base URL for mutual TLS, cannot be used.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InvalidIssuer {
    /// RFC 8414 §2.
    #[error("it must be an absolute https URL with a host")]
    Https,
    /// RFC 8414 §2.
    #[error("it must not have a query, a fragment, a user name or a password")]
    Parts,
    /// Anything else has more than one spelling, and issuers are compared as texts (RFC 8414 §4).
    #[error(
        "its path may only hold letters, digits, and the characters - . _ ~ /, and no empty or dot segments"
    )]
    Path,
    /// Scheme and host are compared as texts too.
    #[error("it is not in its normal form: lower case, without a default port")]
    NotNormal,
    /// The endpoints have the same paths on both.
    #[error("its path must be that of the issuer, or empty")]
    OtherPath,
}

impl Endpoint {
    const fn segment(self) -> &'static str {
        match self {
            Self::Authorization => "/authorize",
            Self::Login => "/login",
            Self::SecondFactor => "/second-factor",
            Self::Consent => "/consent",
            Self::EndSession => "/end-session",
            Self::Logout => "/logout",
            Self::PushedRequests => "/par",
            Self::Token => "/token",
            Self::Revocation => "/revoke",
            Self::Introspection => "/introspect",
            Self::UserInfo => "/userinfo",
            Self::Jwks => "/jwks",
        }
    }
}

impl Endpoints {
    pub(crate) fn new(issuer: &str) -> Result<Self, InvalidIssuer> {
        let (origin, path) = split(issuer)?;
        let mut endpoints = Self {
            issuer: issuer.to_owned(),
            origin,
            path,
            mtls_origin: None,
            pushed_requests: Vec::new(),
            token: Vec::new(),
            userinfo: Vec::new(),
        };
        endpoints.set_targets()?;
        Ok(endpoints)
    }

    /// The same, with aliases for connections that carry a client certificate (RFC 8705 §5).
    pub(crate) fn with_mtls(mut self, base: &str) -> Result<Self, InvalidIssuer> {
        let (origin, path) = split(base)?;
        if !path.is_empty() && path != self.path {
            return Err(InvalidIssuer::OtherPath);
        }
        self.mtls_origin = Some(origin);
        self.set_targets()?;
        Ok(self)
    }

    fn set_targets(&mut self) -> Result<(), InvalidIssuer> {
        let targets = |endpoint| {
            let alias = self.mtls_url(endpoint);
            std::iter::once(self.url(endpoint))
                .chain(alias)
                .map(|url| url.parse().map_err(|_| InvalidIssuer::Path))
                .collect::<Result<Vec<TargetUri>, _>>()
        };
        (self.pushed_requests, self.token, self.userinfo) = (
            targets(Endpoint::PushedRequests)?,
            targets(Endpoint::Token)?,
            targets(Endpoint::UserInfo)?,
        );
        Ok(())
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The host that people see in the address bar.
    pub(crate) fn host(&self) -> &str {
        self.origin.strip_prefix("https://").unwrap_or(&self.origin)
    }

    /// The path a request for this endpoint has, on whatever host.
    pub(crate) fn path(&self, endpoint: Endpoint) -> String {
        format!("{}{}", self.path, endpoint.segment())
    }

    pub(crate) fn url(&self, endpoint: Endpoint) -> String {
        format!("{}{}", self.origin, self.path(endpoint))
    }

    /// The alias of an endpoint for connections with a client certificate.
    pub(crate) fn mtls_url(&self, endpoint: Endpoint) -> Option<String> {
        let origin = self.mtls_origin.as_ref()?;
        Some(format!("{origin}{}", self.path(endpoint)))
    }

    /// What the `htu` of a proof sent to the endpoint may be: its URL or its alias (RFC 9449 §4.3). None where nothing is
    /// bound to the key of a proof.
    pub(crate) fn targets(&self, endpoint: Endpoint) -> &[TargetUri] {
        match endpoint {
            Endpoint::PushedRequests => &self.pushed_requests,
            Endpoint::Token => &self.token,
            Endpoint::UserInfo => &self.userinfo,
            Endpoint::Authorization
            | Endpoint::Login
            | Endpoint::SecondFactor
            | Endpoint::Consent
            | Endpoint::EndSession
            | Endpoint::Logout
            | Endpoint::Revocation
            | Endpoint::Introspection
            | Endpoint::Jwks => &[],
        }
    }

    /// The paths of the metadata document (RFC 8414 §3.1).
    pub(crate) fn metadata_path(&self) -> String {
        format!("/.well-known/oauth-authorization-server{}", self.path)
    }

    /// The paths of the document for OpenID clients: where OpenID Connect Discovery §4 puts it, and where RFC 8414 §5
    /// does. They are the same if the issuer has no path.
    pub(crate) fn openid_paths(&self) -> Vec<String> {
        const NAME: &str = "/.well-known/openid-configuration";
        let mut paths = vec![format!("{}{NAME}", self.path)];
        if !self.path.is_empty() {
            paths.push(format!("{NAME}{}", self.path));
        }
        paths
    }
}

/// Origin and path, neither with a slash at the end.
fn split(url: &str) -> Result<(String, String), InvalidIssuer> {
    let parsed = Url::parse(url).map_err(|_| InvalidIssuer::Https)?;
    if parsed.scheme() != "https" || !parsed.has_host() {
        return Err(InvalidIssuer::Https);
    }
    if parsed.query().is_some()
        || parsed.fragment().is_some()
        || !parsed.username().is_empty()
        || parsed.password().is_some()
    {
        return Err(InvalidIssuer::Parts);
    }
    let origin = parsed.origin().ascii_serialization();
    let path = url.strip_prefix(&origin).ok_or(InvalidIssuer::NotNormal)?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let sound = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    match path.strip_prefix('/') {
        None if path.is_empty() => {}
        // What follows the origin is a port that was left out of it.
        None => return Err(InvalidIssuer::NotNormal),
        Some(segments) if segments.split('/').all(sound) => {}
        Some(_) => return Err(InvalidIssuer::Path),
    }
    Ok((origin, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8414 §3 and §3.1; OpenID Connect Discovery §4.
    #[test]
    fn every_url_derives_from_the_issuer() {
        let plain = Endpoints::new("https://as.example").unwrap();
        assert_eq!(plain.url(Endpoint::Token), "https://as.example/token");
        assert_eq!(
            plain.metadata_path(),
            "/.well-known/oauth-authorization-server"
        );
        assert_eq!(plain.openid_paths(), ["/.well-known/openid-configuration"]);
        assert_eq!(plain.mtls_url(Endpoint::Token), None);

        let slash = Endpoints::new("https://as.example/").unwrap();
        assert_eq!(slash.issuer(), "https://as.example/");
        assert_eq!(slash.url(Endpoint::Token), "https://as.example/token");

        let deep = Endpoints::new("https://as.example:8443/banks/one")
            .unwrap()
            .with_mtls("https://mtls.as.example")
            .unwrap();
        assert_eq!(
            deep.url(Endpoint::PushedRequests),
            "https://as.example:8443/banks/one/par"
        );
        assert_eq!(deep.path(Endpoint::Login), "/banks/one/login");
        assert_eq!(
            deep.metadata_path(),
            "/.well-known/oauth-authorization-server/banks/one"
        );
        assert_eq!(
            deep.openid_paths(),
            [
                "/banks/one/.well-known/openid-configuration",
                "/.well-known/openid-configuration/banks/one"
            ]
        );
        let targets: Vec<_> = deep
            .targets(Endpoint::Token)
            .iter()
            .map(TargetUri::as_str)
            .collect();
        assert_eq!(
            targets,
            [
                "https://as.example:8443/banks/one/token",
                "https://mtls.as.example/banks/one/token"
            ]
        );
    }

    // RFC 8414 §2 and §4.
    #[test]
    fn an_issuer_is_https_and_has_one_spelling() {
        use InvalidIssuer::{Https, NotNormal, Parts, Path};
        for (issuer, expected) in [
            ("http://as.example", Https),
            ("http://localhost:8080", Https),
            ("as.example", Https),
            ("https://", Https),
            ("https://as.example?x", Parts),
            ("https://as.example/#x", Parts),
            ("https://user@as.example", Parts),
            ("https://AS.example", NotNormal),
            ("HTTPS://as.example", NotNormal),
            ("https://as.example:443", NotNormal),
            ("https://as.example//a", Path),
            ("https://as.example/a/../b", Path),
            ("https://as.example/{a}", Path),
            ("https://as.example/a%20b", Path),
            ("https://as.example/a//", Path),
        ] {
            assert_eq!(Endpoints::new(issuer).unwrap_err(), expected, "{issuer}");
        }
        let issuer = Endpoints::new("https://as.example/a").unwrap();
        for base in ["https://mtls.example/b", "https://mtls.example/a/b"] {
            let refused = issuer.clone().with_mtls(base).unwrap_err();
            assert_eq!(refused, InvalidIssuer::OtherPath, "{base}");
        }
    }
}
