//! In-process issuer and keys for tests of an API.
