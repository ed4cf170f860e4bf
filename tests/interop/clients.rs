//! `oauth4webapi` and `openid-client` as clients of this crate's servers.

use crate::{script, world::World};

async fn run(name: &str, nonces: bool, expected: usize) {
    let Some(mut node) = script::find(name) else {
        return;
    };
    let world = World::start(nonces).await;
    node.env("NODE_EXTRA_CA_CERTS", world.root());
    let worked = script::run(node, name, &world.input).await;
    assert_eq!(worked, expected, "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi_with_keys() {
    run("dpop.mjs", false, 19).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi_with_certificates() {
    run("mtls.mjs", false, 13).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi_with_signed_messages() {
    run("messages.mjs", false, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi_with_the_profile_before() {
    run("fapi1.mjs", false, 15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi_with_openid_connect() {
    run("oidc.mjs", false, 19).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi_with_nonces() {
    run("nonces.mjs", true, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi_sees_what_is_refused() {
    run("refusals.mjs", false, 31).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client_with_nonces_and_without() {
    for nonces in [false, true] {
        run("openid-client.mjs", nonces, 16).await;
    }
}
