//! From the text of a configuration file to a server that is ready to listen.

mod answer;
mod file;
mod introspection;
mod issuers;
mod listening;
mod mistake;
mod once;
mod proxies;
mod routes;
mod summary;
mod verdict;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use axum::Router;
use toml::Spanned;
use tower_fapi::{
    jose::{JwsAlgorithm, UnsupportedAlgorithm},
    layer::Fapi,
    tls::Server,
};

pub(crate) use self::mistake::Mistake;
use self::{
    file::{File, Texts},
    mistake::Mistakes,
};

/// A resource server that only has to be given a listener.
pub(crate) struct Setup {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Serves the connections.
    pub(crate) server: Server,
    /// Answers the requests.
    pub(crate) app: Fapi<Router>,
    /// What is enforced, for people to read.
    pub(crate) summary: String,
}

/// Makes a server of the text of a configuration file. Paths in it are relative to `directory`.
///
/// Has to run on a Tokio runtime, where keys are fetched in the background from now on.
///
/// # Errors
///
/// Everything that is wrong with the file, in its order.
pub(crate) fn set_up(text: &str, directory: &Path) -> Result<Setup, Vec<Mistake>> {
    let file: File = toml::from_str(text).map_err(|error| vec![Mistake::from(error)])?;
    let mut mistakes = Mistakes::default();
    let server = mistakes.sort_out(listening::server(&file, directory));
    let issuers = issuers::trusted(&file.issuer, directory, &mut mistakes);
    let verdict = verdict::resource_server(&file, issuers, directory, &mut mistakes);
    let app = routes::router(&file.route, &mut mistakes);
    let mistakes = mistakes.into_vec();
    match (server, verdict) {
        (Some(server), Some(verdict)) if mistakes.is_empty() => Ok(Setup {
            listen: *file.listen.get_ref().address.get_ref(),
            server,
            app: routes::protected(app, verdict),
            summary: summary::of(&file),
        }),
        _ => Err(mistakes),
    }
}

/// Where the certificate and the key are to be, if the file can be read so far and says so.
pub(crate) fn certificate_files(text: &str, directory: &Path) -> Option<(PathBuf, PathBuf)> {
    let file: File = toml::from_str(text).ok()?;
    let listen = file.listen.get_ref();
    let (chain, key) = (listen.certificate.as_ref()?, listen.key.as_ref()?);
    (!listen.is_plain()).then(|| {
        (
            directory.join(chain.get_ref()),
            directory.join(key.get_ref()),
        )
    })
}

fn read_algorithms(names: &Texts) -> Result<Vec<JwsAlgorithm>, Mistake> {
    if names.get_ref().is_empty() {
        return Err(Mistake::at(names, "there has to be an algorithm"));
    }
    let algorithms = names.get_ref().iter().map(|name| {
        let parsed = name.get_ref().parse();
        parsed.map_err(|error: UnsupportedAlgorithm| Mistake::at(name, error))
    });
    algorithms.collect()
}

/// A file that the configuration names.
fn read(path: &Spanned<PathBuf>, directory: &Path) -> Result<Vec<u8>, Mistake> {
    let full = directory.join(path.get_ref());
    std::fs::read(&full)
        .map_err(|error| Mistake::at(path, format!("cannot read {}: {error}", full.display())))
}
