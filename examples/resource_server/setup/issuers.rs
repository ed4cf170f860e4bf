//! The authorization servers whose tokens are accepted.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    str::FromStr,
};

use toml::Spanned;
use tower_fapi::{
    issuer::{Discovery, Fetcher, IssuerKeys, IssuerUrl},
    jose::{JwkSet, json},
    resource_server::TrustedIssuer,
};
use url::{Host, Url};

use super::{
    file::Issuer,
    introspection::introspection,
    mistake::{Mistake, Mistakes},
    read, read_algorithms,
};

/// Makes something of every issuer of the file. Fetching keys begins here.
pub(super) fn trusted(
    issuers: &Spanned<Vec<Issuer>>,
    directory: &Path,
    mistakes: &mut Mistakes,
) -> Vec<TrustedIssuer> {
    let mut names = Vec::new();
    let mut trusted = Vec::new();
    for issuer in issuers.get_ref() {
        let name = issuer.issuer.get_ref();
        if names.contains(&name) {
            mistakes.note(Mistake::at(&issuer.issuer, "this issuer is given twice"));
            continue;
        }
        names.push(name);
        trusted.extend(mistakes.sort_out(trust(issuer, directory)));
    }
    if issuers.get_ref().is_empty() {
        mistakes.note(Mistake::at(issuers, "there has to be an issuer"));
    }
    trusted
}

fn trust(entry: &Issuer, directory: &Path) -> Result<TrustedIssuer, Mistake> {
    let keys = keys(entry, directory)?;
    let issuer = TrustedIssuer::new(entry.issuer.get_ref(), keys);
    let mut issuer = issuer.compatibility(entry.compatibility());
    if let Some(algorithms) = &entry.algorithms {
        issuer = issuer.algorithms(read_algorithms(algorithms)?);
    }
    match &entry.introspection {
        Some(asking) => Ok(issuer.introspect(introspection(entry, asking, directory)?)),
        None => Ok(issuer),
    }
}

fn keys(entry: &Issuer, directory: &Path) -> Result<IssuerKeys, Mistake> {
    let http = entry.dangerous_http_on_loopback;
    let name: IssuerUrl = parse(&entry.issuer)?;
    check_transport(&entry.issuer, name.url(), http)?;
    match (&entry.jwks_file, &entry.jwks_uri, &entry.root_certificates) {
        (Some(_), Some(uri), _) => {
            let reason = "the keys are in jwks_file already";
            return Err(Mistake::at(uri, reason));
        }
        (Some(_), None, Some(roots)) if entry.introspection.is_none() => {
            let reason = "nothing is fetched when the keys are in jwks_file";
            return Err(Mistake::at(roots, reason));
        }
        (Some(file), None, _) => return fixed_keys(file, directory),
        (None, _, _) => {}
    }
    let mut fetcher = Fetcher::builder();
    if let Some(file) = &entry.root_certificates {
        fetcher = fetcher
            .root_certificates_pem(&read(file, directory)?)
            .map_err(|error| Mistake::because(file, &error))?;
    }
    if http {
        fetcher = fetcher.dangerous().http_on_loopback();
    }
    let fetcher = fetcher
        .build()
        .map_err(|error| match &entry.root_certificates {
            Some(file) => Mistake::because(file, &error),
            None => Mistake::because(&entry.issuer, &error),
        })?;
    let mut discovery = Discovery::new(name).fetcher(fetcher);
    if let Some(uri) = &entry.jwks_uri {
        let url: Url = parse(uri)?;
        check_transport(uri, &url, http)?;
        discovery = discovery.jwks_uri(url);
    }
    discovery
        .start()
        .map_err(|error| Mistake::because(&entry.issuer, &error))
}

fn fixed_keys(file: &Spanned<PathBuf>, directory: &Path) -> Result<IssuerKeys, Mistake> {
    let bytes = read(file, directory)?;
    let set: JwkSet = json::from_slice(&bytes)
        .map_err(|error| Mistake::at(file, format!("no JWK set: {error}")))?;
    IssuerKeys::fixed(&set).map_err(|error| Mistake::at(file, error))
}

pub(super) fn parse<T: FromStr<Err: Display>>(text: &Spanned<String>) -> Result<T, Mistake> {
    let parsed = text.get_ref().parse();
    parsed.map_err(|error| Mistake::at(text, error))
}

/// `https`, or `http` to this machine where the file says so (FAPI 2.0 Security Profile §5.2.1).
pub(super) fn check_transport(
    text: &Spanned<String>,
    url: &Url,
    http: bool,
) -> Result<(), Mistake> {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if http && loopback => Ok(()),
        "http" if loopback => {
            let reason = "has to be an https URL, or dangerous_http_on_loopback has to be true";
            Err(Mistake::at(text, reason))
        }
        _ => Err(Mistake::at(text, "has to be an https URL")),
    }
}
