//! How an issuer is asked about its tokens.

use std::{path::Path, time::Duration};

use toml::Spanned;
use tower_fapi::{
    issuer::{ClientCertificate, Introspection, TrustedRoots},
    jose::{PrivateJwk, SigningKey, json},
};
use url::Url;

use super::{
    file::{self, Issuer},
    issuers::{check_transport, parse},
    mistake::Mistake,
    read,
};

pub(super) fn introspection(
    issuer: &Issuer,
    entry: &Spanned<file::Introspection>,
    directory: &Path,
) -> Result<Introspection, Mistake> {
    let settings = entry.get_ref();
    let mut introspection = authenticated(entry, directory)?;
    if let Some(text) = &settings.endpoint {
        let url: Url = parse(text)?;
        check_transport(text, &url, issuer.dangerous_http_on_loopback)?;
        introspection = introspection.endpoint(url);
    }
    if let Some(file) = &issuer.root_certificates {
        let roots = TrustedRoots::from_pem(&read(file, directory)?);
        introspection = introspection.roots(roots.map_err(|error| Mistake::at(file, error))?);
    }
    if let Some(tokens) = &settings.tokens {
        introspection = introspection.tokens((*tokens.get_ref()).into());
    }
    if settings.signed_answers {
        introspection = introspection.signed_answers();
    }
    if settings.accept_missing_audience {
        introspection = introspection.accept_missing_audience();
    }
    if settings.accept_missing_subject {
        introspection = introspection.accept_missing_subject();
    }
    if let Some(time) = seconds(settings.remember_active_seconds.as_ref(), 3600)? {
        introspection = introspection.remember_active_for(time);
    }
    if let Some(time) = seconds(settings.remember_refused_seconds.as_ref(), 60)? {
        introspection = introspection.remember_refused_for(time);
    }
    Ok(if issuer.dangerous_http_on_loopback {
        introspection.dangerous().http_on_loopback()
    } else {
        introspection
    })
}

fn authenticated(
    entry: &Spanned<file::Introspection>,
    directory: &Path,
) -> Result<Introspection, Mistake> {
    let settings = entry.get_ref();
    let client_id = settings.client_id.get_ref();
    if client_id.is_empty() {
        return Err(Mistake::at(&settings.client_id, "cannot be empty"));
    }
    match (&settings.key, &settings.certificate) {
        (Some(file), None) => {
            let key: PrivateJwk = json::from_slice(&read(file, directory)?)
                .map_err(|error| Mistake::at(file, format!("no private JWK: {error}")))?;
            let key = SigningKey::new(&key).map_err(|error| Mistake::at(file, error))?;
            Ok(Introspection::private_key_jwt(client_id, key))
        }
        (None, Some(file)) => {
            let certificate = ClientCertificate::from_pem(&read(file, directory)?);
            let certificate = certificate.map_err(|error| Mistake::at(file, error))?;
            Ok(Introspection::mutual_tls(client_id, certificate))
        }
        (None, None) | (Some(_), Some(_)) => {
            let reason = "needs a key or a certificate to authenticate with, and not both";
            Err(Mistake::at(entry, reason))
        }
    }
}

fn seconds(value: Option<&Spanned<u64>>, most: u64) -> Result<Option<Duration>, Mistake> {
    match value {
        Some(value) if *value.get_ref() > most => {
            Err(Mistake::at(value, format!("has to be 0 to {most} seconds")))
        }
        Some(value) => Ok(Some(Duration::from_secs(*value.get_ref()))),
        None => Ok(None),
    }
}
