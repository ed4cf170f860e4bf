//! The keys of the server: those it signs with, and those that clients encrypt request objects to.

mod encryption;
mod error;
mod file;
mod set;
mod signing;

pub(crate) use self::error::NoSigningKey;
pub use self::{
    encryption::EncryptionKeys,
    error::{InvalidKeys, KeyFileError, KeyProblem},
    signing::SigningKeys,
};
