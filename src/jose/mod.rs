//! JSON Object Signing and Encryption.
pub mod algorithm;
pub mod base64url;
pub mod json;
