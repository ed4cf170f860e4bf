//! JSON Object Signing and Encryption.
