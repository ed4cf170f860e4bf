//! What is counted, under which names, through the facade of the [`metrics`](https://docs.rs/metrics) crate.
//!
//! Nothing is kept here: an application installs a recorder (for Prometheus, say), and without one each figure costs a few
//! nanoseconds. Labels come from small fixed sets, but for `issuer`; what a client sends is never a label.
//!
//! | name | kind | labels |
//! |---|---|---|
//! | [`DECISIONS`] | counter | `decision`: `accepted`, `refused`, `failed`, `reported`; `reason`: see [`Rejection::reason`](crate::rejection::Rejection::reason), `none` if accepted |
//! | [`VERIFICATION_SECONDS`] | histogram | |
//! | [`TOKEN_CACHE`] | counter | `outcome`: `hit`, `miss` |
//! | [`JWKS_AGE_SECONDS`] | gauge | `issuer` |
//! | [`JWKS_FETCHES`] | counter | `issuer`; `outcome`: `fetched`, `failed` |
//! | [`INTROSPECTIONS`] | counter | `issuer`; `outcome`: `remembered`, `active`, `refused`, `failed` |
//! | [`REPLAY_ENTRIES`] | gauge | |
//!
//! Gauges are set while requests come, at most once a second.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Requests decided.
pub const DECISIONS: &str = "fapi_decisions_total";
/// Seconds from a request's arrival to its verdict, waiting for keys and the replay store included.
pub const VERIFICATION_SECONDS: &str = "fapi_verification_seconds";
/// Access tokens looked up among those verified before.
pub const TOKEN_CACHE: &str = "fapi_token_cache_total";
/// Seconds since an issuer last confirmed its keys.
pub const JWKS_AGE_SECONDS: &str = "fapi_jwks_age_seconds";
/// Fetches of an issuer's keys.
pub const JWKS_FETCHES: &str = "fapi_jwks_fetches_total";
/// What issuers said about tokens, or had said lately.
pub const INTROSPECTIONS: &str = "fapi_introspections_total";
/// Proofs on record, where the replay store can tell.
pub const REPLAY_ENTRIES: &str = "fapi_replay_entries";

/// Tells the installed recorder what the names mean. Call it once, after installing the recorder.
pub fn describe() {
    describe_counter!(DECISIONS, "Requests decided, by decision and reason");
    describe_histogram!(
        VERIFICATION_SECONDS,
        Unit::Seconds,
        "From a request's arrival to its verdict"
    );
    describe_counter!(
        TOKEN_CACHE,
        "Access tokens looked up among those verified before"
    );
    describe_gauge!(
        JWKS_AGE_SECONDS,
        Unit::Seconds,
        "Since the issuer last confirmed its keys"
    );
    describe_counter!(JWKS_FETCHES, "Fetches of an issuer's keys");
    describe_counter!(
        INTROSPECTIONS,
        "What issuers said about tokens, or had said lately"
    );
    describe_gauge!(REPLAY_ENTRIES, "Proofs on record");
}
