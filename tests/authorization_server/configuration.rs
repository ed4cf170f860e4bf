//! What a server refuses to start with.

use std::time::Duration;

use serde_json::json;
use tower_fapi::{
    authorization_server::{
        AuthenticationRules, AuthorizationDetailsType, AuthorizationServer,
        AuthorizationServerBuilder, ClientMetadata, ConfigError, InvalidIssuer, InvalidResource,
        Lifetimes, ResourceProblem, ScopeDescription, SigningKeys, people::ConfiguredUsers,
    },
    jose::{JwsAlgorithm, SigningKey},
};

pub fn builder_for(issuer: &str) -> AuthorizationServerBuilder {
    AuthorizationServer::builder(issuer)
        .audience("https://api.example")
        .scope(ScopeDescription::new("accounts", "See your accounts"))
        .authenticator(ConfiguredUsers::new([]).unwrap())
        .signing_keys(SigningKeys::generate(JwsAlgorithm::EdDsa).unwrap())
}

pub fn builder() -> AuthorizationServerBuilder {
    builder_for("https://as.example")
}

fn client() -> ClientMetadata {
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    serde_json::from_value(json!({
        "client_id": "client",
        "redirect_uris": ["https://client.example/callback"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [key.public().to_members()] },
        "scope": "accounts",
        "dpop_bound_access_tokens": true,
    }))
    .unwrap()
}

#[test]
fn what_has_no_default_has_to_be_set() {
    let bare =
        || AuthorizationServer::builder("https://as.example").audience("https://api.example");
    let scope = || ScopeDescription::new("accounts", "See your accounts");
    let keys = || SigningKeys::generate(JwsAlgorithm::Es256).unwrap();
    let nobody = || ConfiguredUsers::new([]).unwrap();
    for (builder, missing) in [
        (
            AuthorizationServer::builder("https://as.example"),
            "audience",
        ),
        (bare(), "scope"),
        (bare().scope(scope()), "signing_keys"),
        (bare().scope(scope()).signing_keys(keys()), "authenticator"),
        (
            bare().scope(scope()).authenticator(nobody()),
            "signing_keys",
        ),
    ] {
        assert_eq!(builder.build().unwrap_err(), ConfigError::Missing(missing));
    }
    assert!(builder().client(client()).build().is_ok());
}

#[test]
fn what_contradicts_itself_or_is_insecure_is_refused() {
    let refused = |builder: AuthorizationServerBuilder| builder.build().unwrap_err();
    assert_eq!(
        refused(builder_for("http://as.example")),
        ConfigError::Issuer(InvalidIssuer::Https)
    );
    assert_eq!(
        refused(builder().mtls_base_url("https://mtls.example/other")),
        ConfigError::MtlsBase(InvalidIssuer::OtherPath)
    );
    let scope = |name| ScopeDescription::new(name, "Title");
    assert_eq!(
        refused(builder().scope(scope("a b"))),
        ConfigError::Scope("a b".to_owned())
    );
    assert_eq!(
        refused(builder().scope(ScopeDescription::new("untitled", " "))),
        ConfigError::Scope("untitled".to_owned())
    );
    assert_eq!(
        refused(builder().scope(scope("accounts"))),
        ConfigError::RepeatedScope("accounts".to_owned())
    );
    let kind = |title| AuthorizationDetailsType::new("payment", title);
    for (kind, expected) in [
        (
            kind(""),
            "authorization details type 2 (\"payment\"): title is empty",
        ),
        (
            kind("Payment"),
            "authorization details type 2 (\"payment\"): another type has the same name",
        ),
    ] {
        let builder = builder()
            .authorization_details_type(AuthorizationDetailsType::new("payment", "Payment"))
            .authorization_details_type(kind);
        assert_eq!(refused(builder).to_string(), expected);
    }
    for resource in ["api", "https://api.example/#x", "https://api.example/é", ""] {
        let expected = ConfigError::Resource(InvalidResource {
            resource: resource.to_owned(),
            problem: ResourceProblem::Identifier,
        });
        assert_eq!(refused(builder().resource(resource)), expected);
        assert_eq!(refused(builder().audience(resource)), expected);
    }
    let mut lifetimes = Lifetimes::default();
    lifetimes.code = Duration::from_secs(120);
    assert!(matches!(
        refused(builder().lifetimes(lifetimes)),
        ConfigError::Lifetime(_)
    ));

    let mut rules = AuthenticationRules::default();
    rules.multi_factor_acr.clone_from(&rules.password_acr);
    let expected = ConfigError::Acr(rules.password_acr.clone());
    assert_eq!(refused(builder().authentication_rules(rules)), expected);

    let twice = refused(builder().client(client()).client(client()));
    assert_eq!(
        twice.to_string(),
        "client 2 (\"client\"): another client has the same client_id"
    );
    let mut wrong = client();
    wrong.scope = Some("accounts admin".to_owned());
    let wrong = refused(builder().client(wrong)).to_string();
    assert_eq!(
        wrong,
        "client 1 (\"client\"): scope \"admin\" is not one of the server's"
    );
    let mut wrong = client();
    wrong.authorization_details_types = vec!["payment".to_owned()];
    let wrong = refused(builder().client(wrong)).to_string();
    assert_eq!(
        wrong,
        "client 1 (\"client\"): authorization_details_types: \"payment\" is not one of the server's"
    );
}

#[test]
fn a_server_shows_its_issuer_and_no_keys() {
    let shown = format!("{:?}", builder().build().unwrap());
    assert_eq!(
        shown,
        "AuthorizationServer { issuer: \"https://as.example\", .. }"
    );
}
