//! The keys of the server: those it signs with, and those that clients encrypt request objects to.

mod encryption;
mod error;
mod file;
mod live;
mod rotation;
mod set;
mod signing;

pub use self::{
    encryption::EncryptionKeys,
    error::{InvalidKeys, KeyFileError, KeyProblem},
    rotation::{InvalidKeyRotation, KeyRotation, NextKey},
    signing::SigningKeys,
};
pub(crate) use self::{error::NoSigningKey, rotation::JWKS_MAX_AGE};
