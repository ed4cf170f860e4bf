//! Keys in a file that only its owner can read.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use thiserror::Error;
use zeroize::Zeroizing;

use super::{InvalidSigningKeys, SigningKeys};
use crate::{
    authorization_server::secret::Secret,
    jose::{JwsAlgorithm, PrivateJwk, SigningKeyError},
};

/// The key file cannot be used.
#[non_exhaustive]
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("key file {path}: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be made.
    #[error("key file {path} cannot be made: {source}", path = .path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds no usable keys.
    #[error("key file {path}: {problem}", path = .path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: InvalidSigningKeys,
    },
    /// No key could be generated.
    #[error(transparent)]
    Generate(#[from] SigningKeyError),
    /// Other users of the machine can read it, or even write to it.
    #[error("key file {path} is open to other users (mode {mode:o}); make it 0600", path = .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

pub(super) fn load_or_create(
    path: &Path,
    algorithm: JwsAlgorithm,
) -> Result<SigningKeys, KeyFileError> {
    match load(path) {
        Err(KeyFileError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
            create(path, algorithm)?;
            load(path)
        }
        outcome => outcome,
    }
}

fn load(path: &Path) -> Result<SigningKeys, KeyFileError> {
    let failed = |source| KeyFileError::Read {
        path: path.to_owned(),
        source,
    };
    let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    check_mode(path, &fs::metadata(path).map_err(failed)?)?;
    text.parse().map_err(|problem| KeyFileError::Keys {
        path: path.to_owned(),
        problem,
    })
}

/// Writes a new key beside the file and links it into place: it is there whole or not at all, and whoever came first
/// is not overwritten.
fn create(path: &Path, algorithm: JwsAlgorithm) -> Result<(), KeyFileError> {
    let failed = |source| KeyFileError::Create {
        path: path.to_owned(),
        source,
    };
    let key = PrivateJwk::generate(algorithm)?;
    let set = Zeroizing::new(format!("{{\"keys\":[{}]}}\n", *key.secret_json()));
    let unique = Secret::generate().map_err(|error| failed(io::Error::other(error)))?;
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(unique.secret());
    let draft = PathBuf::from(name);

    let placed = write(&draft, set.as_bytes()).and_then(|()| place(&draft, path));
    // The draft has done its work, or is worth nothing.
    let _ = fs::remove_file(&draft);
    placed.map_err(failed)
}

fn write(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn place(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Ok(()) => Ok(()),
        // Somebody else was first, and theirs is the file to use.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // A file system without hard links.
        Err(_) => fs::rename(draft, path),
    }
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    // A group that may read is how secrets are mounted into containers; anybody else has no business here.
    if mode & 0o027 != 0 {
        return Err(KeyFileError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &fs::Metadata) -> Result<(), KeyFileError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory that goes when the test ends.
    struct Directory(PathBuf);

    impl Directory {
        fn new() -> Self {
            let name = format!("tower-fapi-keys-{}", Secret::generate().unwrap().secret());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join("keys.json")
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let directory = Directory::new();
        let made = load_or_create(&directory.file(), JwsAlgorithm::Es256).unwrap();
        let found = load_or_create(&directory.file(), JwsAlgorithm::Ps256).unwrap();
        assert_eq!(made.public_jwks(), found.public_jwks());
        assert_eq!(
            fs::read_dir(&directory.0).unwrap().count(),
            1,
            "no draft left"
        );
    }

    #[test]
    fn processes_that_start_at_once_use_the_same_key() {
        let directory = Directory::new();
        let file = directory.file();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| load_or_create(&file, JwsAlgorithm::EdDsa).unwrap()))
                .collect();
            starts
                .into_iter()
                .map(|start| start.join().unwrap().public_jwks())
                .collect()
        });
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = Directory::new();
        load_or_create(&directory.file(), JwsAlgorithm::Es256).unwrap();
        let set_mode =
            |mode| fs::set_permissions(directory.file(), fs::Permissions::from_mode(mode)).unwrap();
        let created = fs::metadata(directory.file()).unwrap().permissions().mode();
        assert_eq!(created & 0o777, 0o600);
        for (exposed, refused) in [
            (0o600, false),
            (0o400, false),
            (0o640, false),
            (0o644, true),
            (0o620, true),
            (0o604, true),
        ] {
            set_mode(exposed);
            let outcome = load(&directory.file());
            assert_eq!(
                matches!(outcome, Err(KeyFileError::Exposed { .. })),
                refused,
                "{exposed:o}"
            );
        }
    }

    #[test]
    fn a_broken_file_is_reported_and_left_alone() {
        let directory = Directory::new();
        write(&directory.file(), b"{\"keys\":[{}]}").unwrap();
        let refused = load_or_create(&directory.file(), JwsAlgorithm::Es256).unwrap_err();
        assert!(
            refused.to_string().contains("keys.json: key 1"),
            "{refused}"
        );
        assert_eq!(fs::read(directory.file()).unwrap(), b"{\"keys\":[{}]}");
        let nowhere = directory.0.join("missing").join("keys.json");
        let refused = load_or_create(&nowhere, JwsAlgorithm::Es256).unwrap_err();
        assert!(matches!(refused, KeyFileError::Create { .. }), "{refused}");
    }
}
