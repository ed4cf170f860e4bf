//! Texts that only the client and one server may know.

use std::{fmt, io, mem};

use aws_lc_rs::rand;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::jose::base64url;

/// A token or another secret text: wiped when dropped, never shown, read only through [`secret`](Self::secret).
pub struct SecretText(Zeroizing<String>);

/// The system's random generator failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the system's random generator failed")]
pub struct RandomFailure;

impl SecretText {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// 256 random bits as 43 characters of base64url, good for a verifier (RFC 7636 §4.1) and a `state` alike.
    pub(super) fn random() -> Result<Self, RandomFailure> {
        Ok(Self::new(base64url::encode(random_bytes()?)))
    }

    /// A second owner of the same secret, inside the room only.
    pub(super) fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    /// The text itself.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// Writes a value that holds secrets as JSON, in one piece: a text that grows is moved, and nobody wipes the places it
/// leaves.
pub(super) fn secret_json<T: Serialize>(value: &T) -> Zeroizing<String> {
    let mut room = Room(0);
    // Texts and numbers go in and memory never refuses, so there is nothing that could fail.
    let _ = serde_json::to_writer(&mut room, value);
    let mut json = Zeroizing::new(Vec::with_capacity(room.0));
    let _ = serde_json::to_writer(&mut *json, value);
    Zeroizing::new(String::from_utf8(mem::take(&mut *json)).unwrap_or_default())
}

/// Counts what is written and keeps nothing.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn random_bytes() -> Result<Zeroizing<[u8; 32]>, RandomFailure> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(&mut bytes[..]).map_err(|_| RandomFailure)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    // FAPI 2.0 Security Profile §5.4.1: at least 128 bits of entropy; RFC 7636 §4.1: 43 to 128 unreserved characters.
    #[test]
    fn random_texts_are_long_and_differ() {
        let (one, other) = (SecretText::random().unwrap(), SecretText::random().unwrap());
        assert_eq!(one.secret().len(), 43);
        assert_ne!(one.secret(), other.secret());
        assert!(base64url::decode_array::<32>(one.secret()).is_ok());
    }

    #[test]
    fn a_secret_is_written_in_one_piece() {
        let json = secret_json(&["hunter2", "é\n\""]);
        assert_eq!(*json, r#"["hunter2","é\n\""]"#);
        assert_eq!(json.capacity(), json.len());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = SecretText::new("hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(secret.secret(), "hunter2");
    }
}
