//! What makes a proof good for one request only: the record of those that were accepted, and nonces.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use toml::Spanned;
use tower_fapi::{
    dpop::{NonceSecret, Nonces},
    jose::base64url,
    replay::{MemoryReplayStore, RedisConfigError, RedisReplayStore, ReplayStore},
};

use super::{
    file::{Dpop, File, Replay},
    mistake::Mistake,
    read,
    verdict::PROOF_AGE,
};

/// Long enough to be seldom noticed, in seconds.
pub(super) const NONCE_LIFETIME: u64 = 300;

/// In Redis if the file says so, else in this process.
pub(super) fn replay_store(file: &File, directory: &Path) -> Result<Arc<dyn ReplayStore>, Mistake> {
    let capacity = file.dpop.replay_capacity.as_ref();
    Ok(match (&file.replay, capacity) {
        (Some(_), Some(capacity)) => {
            let reason = "has no meaning for Redis, whose memory is limited by its maxmemory";
            return Err(Mistake::at(capacity, reason));
        }
        (Some(replay), None) => Arc::new(redis(replay, &file.dpop, directory)?),
        (None, Some(capacity)) if *capacity.get_ref() == 0 => {
            return Err(Mistake::at(capacity, "no proof could ever be accepted"));
        }
        (None, Some(capacity)) => Arc::new(MemoryReplayStore::new(*capacity.get_ref())),
        (None, None) => Arc::new(MemoryReplayStore::default()),
    })
}

fn redis(replay: &Replay, dpop: &Dpop, directory: &Path) -> Result<RedisReplayStore, Mistake> {
    let url = &replay.redis;
    let at_url = |error: RedisConfigError| Mistake::because(url, &error);
    let age = dpop.proof_age_seconds.as_ref();
    let age = age.map_or(PROOF_AGE, |age| *age.get_ref());
    let mut builder = RedisReplayStore::builder(url.get_ref())
        .and_then(|builder| builder.proof_lifetime(Duration::from_secs(age.min(300))))
        .map_err(at_url)?;
    if let Some(prefix) = &replay.key_prefix {
        builder = builder
            .key_prefix(prefix.get_ref())
            .map_err(|error| Mistake::because(prefix, &error))?;
    }
    if let Some(limit) = &replay.response_milliseconds {
        builder = builder
            .response_time_limit(Duration::from_millis(*limit.get_ref()))
            .map_err(|error| Mistake::because(limit, &error))?;
    }
    if let Some(path) = &replay.root_certificates {
        builder = builder
            .root_certificates_pem(&read(path, directory)?)
            .map_err(|error| Mistake::because(path, &error))?;
    }
    builder.build().map_err(at_url)
}

/// Unless a file has the secrets, which several instances share, one is made on the spot: clients of a server that was
/// restarted are given new nonces.
pub(super) fn nonces(dpop: &Dpop, directory: &Path) -> Result<Option<Arc<Nonces>>, Mistake> {
    let lifetime = dpop.nonce_seconds.as_ref();
    let lifetime = match lifetime {
        Some(seconds) if !(10..=3600).contains(seconds.get_ref()) => {
            return Err(Mistake::at(seconds, "has to be 10 to 3600 seconds"));
        }
        Some(seconds) => *seconds.get_ref(),
        None => NONCE_LIFETIME,
    };
    let secrets = dpop.nonce_secrets.as_ref();
    let Some(on) = dpop.nonces.as_ref().filter(|on| *on.get_ref()) else {
        return match secrets {
            Some(path) => Err(Mistake::at(
                path,
                "nonces is false, so they would not be used",
            )),
            None => Ok(None),
        };
    };
    let mut secrets = match secrets {
        Some(path) => nonce_secrets(path, directory)?,
        None => vec![NonceSecret::generate().map_err(|error| Mistake::at(on, error))?],
    };
    let others = secrets.split_off(1);
    let [current] = secrets.as_slice() else {
        return Err(Mistake::at(on, "there has to be a secret"));
    };
    let nonces = Nonces::new(current, Duration::from_secs(lifetime))
        .map_err(|error| Mistake::at(on, error))?;
    nonces
        .set_secrets(current, &others)
        .map_err(|error| Mistake::at(on, error))?;
    Ok(Some(Arc::new(nonces)))
}

/// At least one.
fn nonce_secrets(path: &Spanned<PathBuf>, directory: &Path) -> Result<Vec<NonceSecret>, Mistake> {
    let wrong = |line: usize| {
        let reason = "a secret is 32 bytes in base64url, 43 characters, alone on its line";
        Mistake::at(path, format!("line {line} of the file: {reason}"))
    };
    let bytes = read(path, directory)?;
    let text = String::from_utf8(bytes).map_err(|_| wrong(1))?;
    let lines = text.lines().map(str::trim).enumerate();
    let secrets = lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            let bytes = base64url::decode_array(line).map_err(|_| wrong(number + 1))?;
            Ok(NonceSecret::from_bytes(bytes))
        });
    let secrets: Vec<_> = secrets.collect::<Result<_, Mistake>>()?;
    if secrets.is_empty() {
        return Err(Mistake::at(path, "there is no secret in the file"));
    }
    Ok(secrets)
}
