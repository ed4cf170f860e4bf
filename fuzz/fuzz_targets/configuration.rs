//! Client metadata, users, key files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_fapi::{
    authorization_server::{ClientMetadata, SigningKeys, people::UserConfig},
    jose::json,
};

fuzz_target!(|text: &str| {
    let _ = json::from_slice::<ClientMetadata>(text.as_bytes());
    let _ = json::from_slice::<UserConfig>(text.as_bytes());
    let _ = text.parse::<SigningKeys>();
});
