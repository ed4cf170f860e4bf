//! The pages of the authorization server in a real browser: Chromium, without a window, driven from Node over TLS on
//! loopback. What the script looks at on every page is in `inspect.mjs`, what people do in `people.mjs`.
//!
//! Without Chromium or Node, or before `npm ci` in `tests/pages`, this says that it was skipped; with `TOWER_FAPI_CI=1` it
//! fails instead. The pictures it takes are in `pages` of the target directory.
#![cfg(all(feature = "authorization-server", feature = "testing", feature = "tls"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub
)]

mod bank;
mod chromium;

use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn people_find_their_way_through_every_page() {
    let Some(script) = chromium::find() else {
        return;
    };
    let bank = bank::Bank::open().await;
    let input = json!({
        "issuer": bank.issuer,
        "elsewhere": bank.elsewhere,
        "client_id": bank::CLIENT,
        "password": bank::PASSWORD,
        "totp": bank.totp,
        "accounts": bank.push_many(&json!({ "scope": "accounts payments" })).await,
        "payments": bank.push_many(&bank::payment()).await,
    });
    assert_eq!(chromium::run(script, &input).await, 23);
}
