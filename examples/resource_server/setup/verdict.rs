//! What the file says about tokens and proofs, as settings of the verdict.

use std::{path::Path, time::Duration};

use toml::Spanned;
use tower_fapi::{
    dpop::{InvalidWindow, ProofPolicy, ProofWindow},
    resource_server::{
        ConfigError, PublicUrl, ResourceServer, ResourceServerBuilder, TrustedIssuer,
    },
};

use super::{
    file::{Dpop, File, Texts},
    mistake::{Mistake, Mistakes},
    once::{nonces, replay_store},
    proxies::Front,
    read_algorithms,
};

/// What is taken where the file says nothing, in seconds: the defaults of the crate.
pub(super) const PROOF_AGE: u64 = 60;
pub(super) const PROOF_AHEAD: u64 = 10;

/// Puts the verdict together; `None` if there are mistakes, which have been noted then.
pub(super) fn resource_server(
    file: &File,
    issuers: Vec<TrustedIssuer>,
    directory: &Path,
    mistakes: &mut Mistakes,
) -> Option<ResourceServer> {
    let audiences = mistakes.sort_out(audiences(&file.audiences));
    let proofs = mistakes.sort_out(proofs(&file.dpop));
    let nonces = mistakes.sort_out(nonces(&file.dpop, directory));
    let replay = mistakes.sort_out(replay_store(file, directory));
    let public_url = mistakes.sort_out(public_url(file.public_url.as_ref()));
    let front = Front::read(file, mistakes);

    let mut builder = start(audiences?, issuers)?
        .proofs(proofs?)
        .replay_store(replay?);
    if let Some(url) = public_url? {
        builder = builder.public_url(url);
    }
    builder = front?.apply(builder);
    if let Some(nonces) = nonces? {
        builder = builder.nonces(nonces);
    }
    if let Some(binding) = &file.binding {
        builder = builder.binding((*binding.get_ref()).into());
    }
    if let Some(seconds) = &file.clock_skew_seconds {
        builder = builder.clock_skew(Duration::from_secs(*seconds.get_ref()));
    }
    let server = builder
        .build()
        .map_err(|error| match (&error, &file.clock_skew_seconds) {
            (ConfigError::ClockSkew(_), Some(skew)) => Mistake::because(skew, &error),
            (ConfigError::SeveralOpaque(..) | ConfigError::Introspection { .. }, _) => {
                Mistake::because(&file.issuer, &error)
            }
            _ => Mistake::because(&file.audiences, &error),
        });
    mistakes.sort_out(server)
}

fn start(audiences: Vec<&str>, issuers: Vec<TrustedIssuer>) -> Option<ResourceServerBuilder> {
    let (mut audiences, mut issuers) = (audiences.into_iter(), issuers.into_iter());
    let mut builder = ResourceServer::builder(audiences.next()?, issuers.next()?);
    for audience in audiences {
        builder = builder.audience(audience);
    }
    for issuer in issuers {
        builder = builder.issuer(issuer);
    }
    Some(builder)
}

fn audiences(audiences: &Texts) -> Result<Vec<&str>, Mistake> {
    if audiences.get_ref().is_empty() {
        let reason = "there has to be one: the name that tokens for this server are issued for";
        return Err(Mistake::at(audiences, reason));
    }
    let texts = audiences.get_ref().iter().map(|audience| {
        let text = audience.get_ref().as_str();
        if text.is_empty() {
            Err(Mistake::at(audience, "an audience cannot be empty"))
        } else {
            Ok(text)
        }
    });
    texts.collect()
}

fn public_url(url: Option<&Spanned<String>>) -> Result<Option<PublicUrl>, Mistake> {
    let Some(url) = url else {
        return Ok(None);
    };
    let parsed = url.get_ref().parse();
    parsed.map(Some).map_err(|error| Mistake::at(url, error))
}

fn proofs(dpop: &Dpop) -> Result<ProofPolicy, Mistake> {
    let mut policy = ProofPolicy::default();
    if let Some(algorithms) = &dpop.algorithms {
        policy.algorithms = read_algorithms(algorithms)?;
    }
    let (mut age, ahead) = (PROOF_AGE, PROOF_AHEAD);
    if let Some(value) = &dpop.proof_age_seconds {
        age = *value.get_ref();
        policy.window = window(age, ahead).map_err(|error| Mistake::at(value, error))?;
    }
    if let Some(value) = &dpop.proof_ahead_seconds {
        let ahead = *value.get_ref();
        policy.window = window(age, ahead).map_err(|error| Mistake::at(value, error))?;
    }
    Ok(policy)
}

fn window(age: u64, ahead: u64) -> Result<ProofWindow, InvalidWindow> {
    ProofWindow::new(Duration::from_secs(age), Duration::from_secs(ahead))
}
