//! Authorization responses as signed JWTs (JARM, FAPI 2.0 Message Signing §5.4.1).

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Map, Value, json};
use tower_fapi::jose::{
    CompactJws, JwkSet, VerifyingKeySet, json,
    jwe::{AcceptedEncryption, CompactJwe, DecryptionKey, DecryptionKeys, JweAlgorithm, decrypt},
};

use crate::{
    browser::{Browser, Page, answer, landed},
    world::{ISSUER, PAR, TOKEN, World, post, with_proof},
};

/// The key that responses of the client `sealed` are encrypted to.
pub fn response_key() -> Value {
    let members = RESPONSE_KEY.keys()[0].public().unwrap().to_members();
    Value::Object(members)
}

static RESPONSE_KEY: LazyLock<DecryptionKeys> = LazyLock::new(|| {
    let key = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    DecryptionKeys::new([key])
});

/// The claims of a response, which is signed with the key that is published.
fn verified(world: &World, response: &str) -> Map<String, Value> {
    let keys: JwkSet = world
        .keys
        .public_jwks(world.now())
        .to_string()
        .parse()
        .unwrap();
    let jws = CompactJws::parse(response).unwrap();
    let header = jws.header().unwrap();
    assert!(header.kid().is_some());
    assert_eq!(header.typ(), None);
    jws.verify_with(&header, &VerifyingKeySet::new(&keys))
        .unwrap();
    json::object(&jws.payload().unwrap()).unwrap()
}

/// The one parameter that the answer has.
fn response(answer: &BTreeMap<String, String>) -> String {
    let names: Vec<_> = answer.keys().cloned().collect();
    assert_eq!(names, ["response"], "everything is inside (JARM §2.1)");
    answer["response"].clone()
}

async fn opened(world: &World, client_id: &str, changes: &[(&str, &str)]) -> (Browser, Page) {
    let pushed = world
        .send(post(PAR, &world.pushed(client_id, changes)))
        .await;
    let mut browser = Browser::new(world);
    let page = browser.open(client_id, &pushed.text("request_uri")).await;
    (browser, page)
}

// JARM §2.1 and §2.3; the issuer is inside only (FAPI 2.0 Message Signing §5.4.1, Note).
#[tokio::test]
async fn a_code_comes_signed() {
    let world = World::new();
    for mode in ["jwt", "query.jwt"] {
        let pushed = world.push(&[("response_mode", mode)]).await;
        let mut browser = Browser::new(&world);
        let url = browser.approve("dpop", &pushed.text("request_uri")).await;
        let mut claims = verified(&world, &response(&answer(&url)));
        let code = claims.remove("code").unwrap();
        let now = world.now().as_unix();
        let rest = json!({
            "iss": ISSUER, "aud": "dpop", "iat": now, "exp": now + 120, "state": "the state",
        });
        assert_eq!(Value::Object(claims), rest, "{mode}");
        let reply = world.redeem(code.as_str().unwrap()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

// JARM §2.1: "even in case of an error response".
#[tokio::test]
async fn refusals_come_signed_too() {
    let world = World::new();
    let signed = ("response_mode", "jwt");
    let claims = |url| verified(&world, &response(&answer(&url)));

    let (mut browser, page) = opened(&world, "dpop", &[signed]).await;
    let denied = landed(&browser.submit(&page, &[], "deny").await);
    assert_eq!(
        claims(denied)["error"],
        "access_denied",
        "at the login page"
    );

    let (mut browser, page) = opened(&world, "dpop", &[signed, ("state", "")]).await;
    let reply = browser.sign_in(&page).await;
    let page = browser.follow(reply).await;
    let denied = claims(landed(&browser.submit(&page, &[], "deny").await));
    assert_eq!(denied["error"], "access_denied", "at the consent page");
    assert!(denied["error_description"].is_string());
    assert!(
        !denied.contains_key("state"),
        "an absent state stays absent"
    );
    assert_eq!(denied["aud"], "dpop");
    assert_eq!(denied["iss"], ISSUER);

    let pushed = world.push(&[signed, ("prompt", "none")]).await;
    let path = crate::browser::authorize("dpop", &pushed.text("request_uri"));
    let silent = landed(&Browser::new(&world).get(&path).await);
    assert_eq!(claims(silent)["error"], "login_required");
}

// FAPI 2.0 Message Signing §5.3.3: the modes a client may use.
#[tokio::test]
async fn a_mode_that_is_not_registered_is_refused() {
    let world = World::new();
    for (client, mode, status) in [
        ("dpop", "", 201),
        ("dpop", "query", 201),
        ("dpop", "fragment", 400),
        ("dpop", "fragment.jwt", 400),
        ("dpop", "form_post.jwt", 400),
        ("dpop", "JWT", 400),
        ("sealed", "jwt", 201),
        ("sealed", "query.jwt", 400),
        ("sealed", "query", 400),
        ("sealed", "", 400),
    ] {
        let parameters = world.pushed(client, &[("response_mode", mode)]);
        let reply = world.send(post(PAR, &parameters)).await;
        assert_eq!(reply.status, status, "{client} {mode} {reply:?}");
        if status == 400 {
            assert_eq!(reply.refusal().1, "invalid_request", "{client} {mode}");
        }
    }
}

// JARM §2.2: signed, then encrypted to the key that the client has registered.
#[tokio::test]
async fn a_response_is_encrypted_to_the_client_that_wants_it_so() {
    let world = World::new();
    let (mut browser, page) = opened(&world, "sealed", &[("response_mode", "jwt")]).await;
    let reply = browser.sign_in(&page).await;
    let page = browser.follow(reply).await;
    let sealed = response(&answer(&landed(
        &browser.submit(&page, &[], "approve").await,
    )));
    let header = CompactJwe::parse(&sealed).unwrap().header().unwrap();
    assert_eq!(header.algorithm(), JweAlgorithm::EcdhEsA256Kw);
    assert_eq!(header.encryption().as_str(), "A128CBC-HS256", "the default");
    assert!(header.is_cty("JWT"));
    let accepted = AcceptedEncryption::default();
    let opened = decrypt(&sealed, &RESPONSE_KEY, &accepted).unwrap();
    let claims = verified(&world, std::str::from_utf8(&opened.plaintext).unwrap());
    assert_eq!(claims["aud"], "sealed");
    assert!(claims["code"].is_string());
}

// FAPI 2.0 Message Signing §5.3 and §5.4: both together, up to the token.
#[tokio::test]
async fn the_whole_flow_is_signed() {
    let world = World::new();
    let object = world.request_object(r#"{"alg":"ES256"}"#, &{
        let mut claims = world.request_claims("signer");
        claims.insert("response_mode".to_owned(), "jwt".into());
        claims
    });
    let pushed = world.push_object("signer", &object).await;
    let mut browser = Browser::new(&world);
    let url = browser.approve("signer", &pushed.text("request_uri")).await;
    let claims = verified(&world, &response(&answer(&url)));
    assert_eq!(claims["aud"], "signer");
    let redemption = world.redemption("signer", claims["code"].as_str().unwrap());
    let request = with_proof(post(TOKEN, &redemption), &world.proof(TOKEN));
    assert_eq!(world.send(request).await.status, 200);
}
