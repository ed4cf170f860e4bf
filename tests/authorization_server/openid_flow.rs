//! The crate's own client at the crate's own authorization server, over real TLS: who signed in, and what becomes of the tokens
//! (OpenID Connect Core §3.1 and §12, RFC 7009, RFC 7662).

use std::time::Duration;

use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::{EncryptionKeys, ResourceMetadata, ScopeDescription},
    client::{
        AuthorizationRequest, AuthorizationResponse, Client, ClientBuilder,
        ClientCredentialsRequest, ClientError, IdTokenError, LogoutRequest, PendingLogout,
        TokenSet, step,
    },
    jose::{
        JwsAlgorithm, PrivateJwk,
        jwe::{DecryptionKey, DecryptionKeys, JweAlgorithm},
    },
};

use crate::{
    browser::{Browser, landed},
    signed_flow::{Running, key, request_uri},
    world::{API, CALLBACK},
};

/// A provider with a client of which `changes` say more, and what builds that client.
async fn provider(changes: Value, more_keys: &[Value]) -> (Running, ClientBuilder<step::Bound>) {
    let assertions = key(JwsAlgorithm::Es256);
    let mut keys = vec![Value::Object(assertions.public().to_members())];
    keys.extend_from_slice(more_keys);
    let mut registration = json!({
        "client_id": "treasury",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": keys },
        "scope": "openid accounts",
        "grant_types": ["authorization_code", "refresh_token"],
        "dpop_bound_access_tokens": true,
    });
    for (name, value) in changes.as_object().unwrap() {
        registration[name] = value.clone();
    }
    let metadata = serde_json::from_value(registration).unwrap();
    let running =
        Running::start(|builder| builder.scope(ScopeDescription::openid()).client(metadata));
    let running = running.await;
    let builder = running.client(assertions, key(JwsAlgorithm::Es256));
    (running, builder)
}

fn openid() -> AuthorizationRequest {
    let request = AuthorizationRequest::new(CALLBACK).unwrap();
    request.scope("openid accounts").unwrap()
}

async fn sign_in(
    running: &Running,
    client: &Client,
    request: &AuthorizationRequest,
) -> Result<TokenSet, ClientError> {
    sign_in_with(&mut Browser::new(&running.world), client, request).await
}

async fn sign_in_with(
    browser: &mut Browser,
    client: &Client,
    request: &AuthorizationRequest,
) -> Result<TokenSet, ClientError> {
    let pending = client.authorize(request).await?;
    let url = browser
        .approve("treasury", &request_uri(pending.url()))
        .await;
    let response = AuthorizationResponse::from_url(url.as_str())?;
    client.complete(&pending, &response).await
}

#[tokio::test]
async fn the_client_believes_who_signed_in_and_gives_everything_back() {
    let (running, builder) = provider(json!({}), &[]).await;
    let client = builder.build().unwrap();
    let request = openid().max_age(Duration::from_secs(300));
    let tokens = sign_in(&running, &client, &request).await.unwrap();
    let person = tokens.id_token().unwrap();
    assert_eq!(person.issuer(), running.issuer);
    assert!(person.auth_time().is_some());
    assert!(person.claim("at_hash").is_some());

    let newer = client.refresh(&tokens).await.unwrap();
    assert_eq!(newer.id_token().unwrap().subject(), person.subject());
    assert_ne!(
        newer.access_token().secret(),
        tokens.access_token().secret()
    );

    // The same person again is expected, and is whom the hint names.
    let again = openid().id_token_hint(person);
    let again = sign_in(&running, &client, &again).await.unwrap();
    assert_eq!(again.id_token().unwrap().subject(), person.subject());

    client.revoke(&newer).await.unwrap();
    let refused = client.refresh(&newer).await.unwrap_err();
    assert!(
        matches!(&refused, ClientError::Refused { error, .. } if error.code() == "invalid_grant"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_id_token_is_sealed_and_signed_as_registered() {
    let decryption = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let public = Value::Object(decryption.public().unwrap().to_members());
    let changes = json!({
        "id_token_encrypted_response_alg": "ECDH-ES+A256KW",
        "id_token_encrypted_response_enc": "A256GCM",
    });
    let (running, builder) = provider(changes, &[public]).await;
    let keys = DecryptionKeys::new([decryption]);
    let client = builder.encrypted_id_tokens(keys).build().unwrap();
    let tokens = sign_in(&running, &client, &openid()).await.unwrap();
    let text = tokens.id_token().unwrap().text().secret();
    assert_eq!(text.split('.').count(), 3);

    let (running, builder) = provider(json!({}), &[]).await;
    let client = builder.id_token_algorithm(JwsAlgorithm::Es256);
    let refused = sign_in(&running, &client.build().unwrap(), &openid()).await;
    let expected = Some(JwsAlgorithm::Es256);
    assert!(matches!(
        refused,
        Err(ClientError::IdToken(IdTokenError::Algorithm { expected: found })) if found == expected
    ));
}

// RFC 6749 §4.4, RFC 7009 §2.1, RFC 7662, RFC 9701: the same crate on all three sides.
#[tokio::test]
async fn a_token_of_the_client_itself_is_known_until_it_is_given_back() {
    let (assertions, asking) = (key(JwsAlgorithm::Es256), key(JwsAlgorithm::Es256));
    let decryption = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let machine = serde_json::from_value(json!({
        "client_id": "treasury",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [assertions.public().to_members()] },
        "scope": "rates",
        "grant_types": ["client_credentials"],
        "dpop_bound_access_tokens": true,
    }));
    let api: ResourceMetadata = serde_json::from_value(json!({
        "resource": API,
        "client_id": "api",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [
            asking.public().to_members(), decryption.public().unwrap().to_members(),
        ] },
        "introspection_encrypted_response_alg": "ECDH-ES+A256KW",
    }))
    .unwrap();
    let running = Running::start(|builder| {
        builder
            .scope(ScopeDescription::new("rates", "See rates").without_person())
            .client(machine.unwrap())
            .resource(api)
    });
    let running = running.await;
    let dpop = || key(JwsAlgorithm::Es256);
    let client = running.client(assertions, dpop()).build().unwrap();
    let api = running
        .named("api", asking, dpop())
        .encrypted_introspection(DecryptionKeys::new([decryption]))
        .build()
        .unwrap();

    let request = ClientCredentialsRequest::new().scope("rates").unwrap();
    let tokens = client.client_credentials(&request).await.unwrap();
    let token = tokens.access_token().secret();
    let known = api.introspect(token).await.unwrap();
    assert!(known.is_active());
    assert_eq!(known.member("scope"), Some(&json!("rates")));
    let bound = client.dpop_thumbprint().unwrap().to_string();
    assert_eq!(known.member("cnf"), Some(&json!({"jkt": bound})));
    assert!(!api.introspect("made up").await.unwrap().is_active());

    client.revoke(&tokens).await.unwrap();
    assert!(!api.introspect(token).await.unwrap().is_active());
    // Whoever is no resource server learns nothing (RFC 7662 §4).
    let refused = client.introspect(token).await;
    assert!(matches!(refused, Err(ClientError::Refused { .. })));
}

// RP-Initiated Logout §2 and §3.
#[tokio::test]
async fn the_way_out_leads_back_with_the_state() {
    const GOODBYE: &str = "https://client.example/bye";
    let changes = json!({ "post_logout_redirect_uris": [GOODBYE] });
    let (running, builder) = provider(changes, &[]).await;
    let client = builder.build().unwrap();
    let mut browser = Browser::new(&running.world);
    let tokens = sign_in_with(&mut browser, &client, &openid())
        .await
        .unwrap();
    let request = LogoutRequest::of(&tokens);
    let request = request.post_logout_redirect_uri(GOODBYE).unwrap();
    let pending = client.log_out(&request).await.unwrap();
    let url = pending.url();
    let asked = format!("{}?{}", url.path(), url.query().unwrap());
    let reply = browser.get(&asked).await;
    let page = browser.follow(reply).await;
    let back = landed(&browser.submit(&page, &[], "logout").await);
    assert!(back.as_str().starts_with(GOODBYE));
    let query = back.query().unwrap();
    let state = pending.state().unwrap();
    assert_eq!(PendingLogout::check_return(state, query), Ok(()));
    let other = client.log_out(&request).await.unwrap();
    let other = other.state().unwrap();
    assert!(PendingLogout::check_return(other, query).is_err());
}

// OpenID Connect Core §5.3.
#[tokio::test]
async fn the_person_is_told_of_in_the_form_that_is_registered() {
    let decryption = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let public = Value::Object(decryption.public().unwrap().to_members());
    let keys = DecryptionKeys::new([decryption]);
    let plain = |builder: ClientBuilder<step::Bound>| builder;
    let signed = |builder: ClientBuilder<step::Bound>| builder.signed_userinfo();
    let sealed = |builder: ClientBuilder<step::Bound>| builder.encrypted_userinfo(keys.clone());
    let [none, alg] = [json!({}), json!({"userinfo_signed_response_alg": "EdDSA"})];
    let mut both = alg.clone();
    both["userinfo_encrypted_response_alg"] = "ECDH-ES+A256KW".into();
    let settings: [(Value, &dyn Fn(ClientBuilder<step::Bound>) -> _); 4] = [
        (none, &plain),
        (alg.clone(), &plain),
        (alg, &signed),
        (both, &sealed),
    ];
    for (changes, set) in settings {
        let (running, builder) = provider(changes.clone(), std::slice::from_ref(&public)).await;
        let client = set(builder).build().unwrap();
        let tokens = sign_in(&running, &client, &openid()).await.unwrap();
        let told = client.userinfo(&tokens).await.unwrap();
        assert_eq!(
            told.subject(),
            tokens.id_token().unwrap().subject(),
            "{changes}"
        );
    }
}

// RFC 9101 §6.1.
#[tokio::test]
async fn a_request_is_sealed_for_the_server() {
    let server = PrivateJwk::generate_for_decryption(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let server: Value = serde_json::from_str(&server.secret_json()).unwrap();
    let keys: EncryptionKeys = json!({ "keys": [server] }).to_string().parse().unwrap();
    let (assertions, requests) = (key(JwsAlgorithm::Es256), key(JwsAlgorithm::Es256));
    let metadata = serde_json::from_value(json!({
        "client_id": "treasury",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [assertions.public().to_members(), requests.public().to_members()] },
        "scope": "accounts",
        "dpop_bound_access_tokens": true,
        "require_signed_request_object": true,
        "request_object_encryption_alg": "ECDH-ES+A256KW",
        "request_object_encryption_enc": "A256GCM",
    }));
    let running = Running::start(|builder| builder.encryption_keys(keys).client(metadata.unwrap()));
    let running = running.await;
    let client = running
        .client(assertions, key(JwsAlgorithm::Es256))
        .encrypted_requests(requests)
        .build()
        .unwrap();
    let request = AuthorizationRequest::new(CALLBACK).unwrap();
    let request = request.scope("accounts").unwrap();
    let tokens = sign_in(&running, &client, &request).await.unwrap();
    assert_eq!(tokens.scope(), Some("accounts"));
}
