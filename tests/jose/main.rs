//! The `jose` module from the outside, as any other crate sees it: published vectors, an independent implementation on
//! the other side of the table, and input that means harm.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice
)]

mod assail;
mod cookbook;
mod descriptions;
mod encrypted_headers;
mod encryption;
mod encryption_keys;
mod great;
mod headers;
mod hostile;
mod interop;
mod keys;
mod mutations;
#[path = "../shared/node.rs"]
mod node;
mod oracle;
mod private;
mod secrets;
mod sets;
mod support;
mod tokens;
mod vectors;
mod wycheproof;
