//! Keys in a file that only its owner can read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    InvalidKeys, KeyFileError, KeyRotation, NextKey, rotation,
    set::{KeySet, ServerKey, Wiped},
};
use crate::{authorization_server::secret::Secret, jose::json, time::Timestamp};

pub(super) fn load_or_create<K: ServerKey>(
    path: &Path,
    algorithm: K::Algorithm,
) -> Result<KeySet<K>, KeyFileError> {
    match load(path) {
        Err(KeyFileError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
            create::<K>(path, algorithm)?;
            load(path)
        }
        outcome => outcome,
    }
}

/// What is in the file, which nobody else may read.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let failed = |source| KeyFileError::Read {
        path: path.to_owned(),
        source,
    };
    let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    check_mode(path, &fs::metadata(path).map_err(failed)?)?;
    Ok(text)
}

fn load<K: ServerKey>(path: &Path) -> Result<KeySet<K>, KeyFileError> {
    KeySet::read(&read(path)?).map_err(unusable(path))
}

fn unusable(path: &Path) -> impl FnOnce(InvalidKeys) -> KeyFileError {
    |problem| KeyFileError::Keys {
        path: path.to_owned(),
        problem,
    }
}

/// Puts the next key of this algorithm into the file, unless there is one to come already.
///
/// Those who want to do so at the same time wait for each other, and the later ones find what the first has done. The file is
/// exchanged as a whole, so whoever reads it, and whoever is interrupted, finds it as it was or as it will be.
pub(super) fn add_next<K: ServerKey>(
    path: &Path,
    algorithm: K::Algorithm,
    rotation: &KeyRotation,
    now: Timestamp,
) -> Result<NextKey, KeyFileError> {
    let failed = |source| KeyFileError::Change {
        path: path.to_owned(),
        source,
    };
    // Where the keys really are, if the path leads there by a link.
    let place = fs::canonicalize(path).map_err(failed)?;
    let _lock = lock(&place).map_err(failed)?;
    let text = read(path)?;
    let known = KeySet::<K>::read(&text).map_err(unusable(path))?;
    if let Some(next) = known.next(algorithm, now) {
        return Ok(next);
    }
    let new = K::generate(algorithm)?;
    let next = NextKey {
        kid: new.public().kid().unwrap_or_default().to_owned(),
        begins: rotation.next_begins(now),
        added: true,
    };
    let invalid = |error| unusable(path)(InvalidKeys::Json(error));
    let mut set = Wiped(json::object(text.as_bytes()).map_err(invalid)?);
    let members = json::object(new.secret_json().as_bytes()).map_err(invalid)?;
    if let Some(listed) = set.0.get_mut("keys").and_then(Value::as_array_mut) {
        rotation::put(listed, &known, members, algorithm, rotation, now);
    }
    // Room for all of it from the start: a text that grows is moved, and nobody wipes the places it leaves.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + MAX_KEY));
    serde_json::to_writer(&mut *bytes, &set.0).map_err(|error| failed(error.into()))?;
    bytes.push(b'\n');
    exchange(&place, &bytes).map_err(failed)?;
    Ok(next)
}

/// More than a private key takes, and the ends of those that it replaces.
const MAX_KEY: usize = 16 * 1024;

/// Held while the file is changed. It is a file of its own, because the other one is exchanged.
fn lock(path: &Path) -> io::Result<File> {
    let name = beside(path, "lock");
    let file = match create_new(&name) {
        Ok(file) => {
            // Whoever uses the keys has to be able to hold it, too.
            let _ = keep_owner(&file, &fs::metadata(path)?);
            file
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            OpenOptions::new().write(true).open(name)?
        }
        Err(error) => return Err(error),
    };
    file.lock()?;
    Ok(file)
}

/// Puts these bytes in the place of the file, which keeps its owner and its permissions.
fn exchange(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = beside(path, "next");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        // Somebody before us was interrupted.
        Ok(()) | Err(_) => {}
    }
    // By its handle and not by its name, to which whoever owns the directory may have given another file.
    let exchanged = write(&draft, bytes).and_then(|file| {
        let former = fs::metadata(path)?;
        keep_owner(&file, &former)?;
        file.set_permissions(former.permissions())?;
        fs::rename(&draft, path)
    });
    if exchanged.is_err() {
        let _ = fs::remove_file(&draft);
        return exchanged;
    }
    // The name has to outlast a power cut as well. Not every system can be asked for that.
    if let Some(directory) = path
        .parent()
        .and_then(|directory| File::open(directory).ok())
    {
        let _ = directory.sync_all();
    }
    Ok(())
}

/// Whoever could read the keys still can, and nobody else: the file may be that of the service, and be changed by an
/// administrator, and a group that may read it need not be ours.
#[cfg(unix)]
fn keep_owner(file: &File, former: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let made = file.metadata()?;
    if made.gid() != former.gid() {
        let kept = fchown(file, None, Some(former.gid()));
        // Of no consequence where the group may do nothing.
        if former.mode() & 0o070 != 0 {
            kept?;
        }
    }
    // The administrator can read what is ours, and nobody but the administrator can give files away.
    if former.uid() != 0 && made.uid() != former.uid() {
        fchown(file, Some(former.uid()), None)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}

/// Writes a new key beside the file and links it into place: it is there whole or not at all, and whoever came first
/// is not overwritten.
fn create<K: ServerKey>(path: &Path, algorithm: K::Algorithm) -> Result<(), KeyFileError> {
    let failed = |source| KeyFileError::Create {
        path: path.to_owned(),
        source,
    };
    let key = K::generate(algorithm)?;
    let set = Zeroizing::new(format!("{{\"keys\":[{}]}}\n", *key.secret_json()));
    let unique = Secret::generate().map_err(|error| failed(io::Error::other(error)))?;
    let draft = beside(path, unique.secret());
    let placed = write(&draft, set.as_bytes()).and_then(|_| place(&draft, path));
    // The draft has done its work, or is worth nothing.
    let _ = fs::remove_file(&draft);
    placed.map_err(failed)
}

fn write(draft: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = create_new(draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

/// A file that was not there, not even as a link, and that only we can read.
fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
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
    use crate::{
        authorization_server::{EncryptionKeys, SigningKeys},
        jose::{JwsAlgorithm, jwe::JweAlgorithm},
        time::Timestamp,
    };

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

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
        let made = SigningKeys::load_or_create(directory.file(), JwsAlgorithm::Es256).unwrap();
        let found = SigningKeys::load_or_create(directory.file(), JwsAlgorithm::Ps256).unwrap();
        assert_eq!(made.public_jwks(NOW), found.public_jwks(NOW));
        assert_eq!(
            fs::read_dir(&directory.0).unwrap().count(),
            1,
            "no draft left"
        );
    }

    #[test]
    fn keys_to_encrypt_to_are_made_and_found_in_the_same_way() {
        let directory = Directory::new();
        let algorithm = JweAlgorithm::EcdhEsA256Kw;
        let made = EncryptionKeys::load_or_create(directory.file(), algorithm).unwrap();
        let found = EncryptionKeys::load_or_create(directory.file(), JweAlgorithm::RsaOaep256);
        assert_eq!(made.public_jwks(NOW), found.unwrap().public_jwks(NOW));
        // One file does not serve two purposes.
        let refused = SigningKeys::load_or_create(directory.file(), JwsAlgorithm::Es256);
        assert!(
            matches!(refused, Err(KeyFileError::Keys { .. })),
            "{refused:?}"
        );
        let refused = EncryptionKeys::load_or_create(directory.0.join("oct"), JweAlgorithm::Dir);
        assert!(
            matches!(refused, Err(KeyFileError::Generate(_))),
            "{refused:?}"
        );
        assert!(!directory.0.join("oct").exists());
    }

    #[test]
    fn processes_that_start_at_once_use_the_same_key() {
        let directory = Directory::new();
        let file = directory.file();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| SigningKeys::load_or_create(&file, JwsAlgorithm::EdDsa).unwrap())
                })
                .collect();
            starts
                .into_iter()
                .map(|start| start.join().unwrap().public_jwks(NOW))
                .collect()
        });
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = Directory::new();
        SigningKeys::load_or_create(directory.file(), JwsAlgorithm::Es256).unwrap();
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
            let outcome = SigningKeys::load_or_create(directory.file(), JwsAlgorithm::Es256);
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
        let refused =
            SigningKeys::load_or_create(directory.file(), JwsAlgorithm::Es256).unwrap_err();
        assert!(
            refused.to_string().contains("keys.json: key 1"),
            "{refused}"
        );
        assert_eq!(fs::read(directory.file()).unwrap(), b"{\"keys\":[{}]}");
        let nowhere = directory.0.join("missing").join("keys.json");
        let refused = SigningKeys::load_or_create(&nowhere, JwsAlgorithm::Es256).unwrap_err();
        assert!(matches!(refused, KeyFileError::Create { .. }), "{refused}");
    }
}
