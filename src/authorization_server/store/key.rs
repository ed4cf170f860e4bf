//! Under what a record is found.

use std::fmt;

use crate::jose::{base64url, sha256};

/// What sort of thing a record is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RecordKind {
    /// A pushed authorization request (RFC 9126).
    PushedRequest,
    /// Somebody who has signed in.
    Session,
    /// An authorization code (RFC 6749 §4.1.2).
    Code,
    /// What a person has allowed a client to do.
    Grant,
    /// That a token which a client got on its own behalf has not been revoked (RFC 6749 §4.4). They are apart from the
    /// grants of people, whom a client that asks too often must not keep out.
    ClientGrant,
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken,
    /// An access token that was revoked before its end (RFC 7009).
    RevokedToken,
    /// What an access token says that only its resource server can read.
    EncryptedToken,
}

impl RecordKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::PushedRequest,
        Self::Session,
        Self::Code,
        Self::Grant,
        Self::ClientGrant,
        Self::RefreshToken,
        Self::RevokedToken,
        Self::EncryptedToken,
    ];

    /// A short name, fit for the key of another store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PushedRequest => "pushed-request",
            Self::Session => "session",
            Self::Code => "code",
            Self::Grant => "grant",
            Self::ClientGrant => "client-grant",
            Self::RefreshToken => "refresh-token",
            Self::RevokedToken => "revoked-token",
            Self::EncryptedToken => "encrypted-token",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The key of a record.
///
/// It is made from the SHA-256 of the value that a client or browser holds, never from the value itself: whoever reads
/// the store can redeem nothing (RFC 6749 §10.3 and §10.4).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RecordKey {
    kind: RecordKind,
    id: [u8; 32],
}

impl RecordKey {
    /// The key of the record that `secret` stands for.
    #[must_use]
    pub fn of_secret(kind: RecordKind, secret: &str) -> Self {
        Self::new(kind, sha256(secret.as_bytes()))
    }

    /// The key with this identifier.
    #[must_use]
    pub const fn new(kind: RecordKind, id: [u8; 32]) -> Self {
        Self { kind, id }
    }

    /// The sort of record.
    #[must_use]
    pub const fn kind(&self) -> RecordKind {
        self.kind
    }

    /// The identifier within the sort.
    #[must_use]
    pub const fn id(&self) -> &[u8; 32] {
        &self.id
    }
}

/// `kind:base64url`, as a store that has one name space for everything would write it.
impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, base64url::encode(self.id))
    }
}
