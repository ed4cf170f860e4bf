//! Files that only their owner may read.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::Path,
};

/// Writes a new file for its owner alone. Fails if there is one already.
pub fn create(path: &Path, content: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(content.as_bytes())
}
