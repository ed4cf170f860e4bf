//! `htu`: whatever parses, parses to itself again, and matches itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_fapi::{dpop::TargetUri, issuer::IssuerUrl, resource_server::PublicUrl};

fuzz_target!(|text: &str| {
    if let Ok(once) = text.parse::<TargetUri>() {
        assert!(once.matches(text));
        assert_eq!(once.as_str().parse::<TargetUri>().as_ref(), Ok(&once));
    }
    let _ = text.parse::<PublicUrl>();
    let _ = text.parse::<IssuerUrl>();
});
