//! The bank's authorization server: which clients, people, scopes and payments it knows.

use serde_json::json;
use tower_fapi::{
    authorization_server::{
        AuthenticationRules, AuthorizationDetailsType, AuthorizationServer, CertificateAuthorities,
        DetailMember, DetailValue, ResourceMetadata, ScopeDescription, SecondFactorUse,
        SigningKeys, pages::Branding, people::ConfiguredUsers,
    },
    issuer::Fetcher,
    jose::PrivateJwk,
};

use crate::{
    Outcome, api, cast,
    certificates::Certificate,
    seal,
    world::{Plan, World},
};

/// The authorization server of this world. Its tokens are encrypted to a key that it fetches from the API.
pub fn authorization_server(
    world: &World,
    signing_key: &PrivateJwk,
    plan: &Plan,
) -> Outcome<AuthorizationServer> {
    let key: serde_json::Value = serde_json::from_str(&signing_key.secret_json())?;
    let keys: SigningKeys = json!({ "keys": [key] }).to_string().parse()?;
    let api: ResourceMetadata = serde_json::from_value(json!({
        "resource": world.api,
        "jwks_uri": format!("{}/jwks.json", world.api),
        "access_token_encrypted_response_alg": seal::ALGORITHM,
        "access_token_encrypted_response_enc": seal::ENCRYPTION,
        "client_id": cast::API,
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_subject_dn": Certificate::subject_of(cast::API),
    }))?;
    let mut rules = AuthenticationRules::default();
    api::TWO_FACTORS.clone_into(&mut rules.multi_factor_acr);
    // A password is enough to see an account, and not to pay.
    rules.second_factor = SecondFactorUse::WhenAsked;
    let cast = &world.cast;
    let planner = cast.planner.registration(plan.also_returns_to.as_deref())?;
    let server = AuthorizationServer::builder(&world.issuer)
        .mtls_base_url(&world.mtls)
        .audience(api)
        .client_keys_fetcher(Fetcher::builder().http_client(world.http(None)?).build()?)
        .scope(ScopeDescription::openid())
        .scope(ScopeDescription::new("profile", "See your name"))
        .scope(
            ScopeDescription::new("accounts", "See your accounts")
                .allows("Names, numbers and balances of your accounts"),
        )
        .scope(ScopeDescription::new("payments", "Pay from your accounts"))
        .authorization_details_type(payment())
        .client(planner)
        .client(cast.rival.registration(None)?)
        .client(cast.books.registration()?)
        .client(cast.ledger.signed_registration()?)
        .client_certificate_authorities(CertificateAuthorities::from_der([world.authority.der()])?)
        .authenticator(ConfiguredUsers::new([cast.ada.account()?])?)
        .authentication_rules(rules)
        .signing_keys(keys)
        .lifetimes(plan.lifetimes)
        .branding(Branding::new("Demo Bank"))
        .clock(world.clock.clone())
        .build()?;
    Ok(server)
}

/// What a payment consists of, and what the consent page calls its parts.
fn payment() -> AuthorizationDetailsType {
    let required = DetailMember::required;
    AuthorizationDetailsType::new(api::PAYMENT, "Payment")
        .member(required("instructedAmount", "Amount", DetailValue::Amount).prominent())
        .member(required("creditorName", "To", DetailValue::Text).prominent())
        .member(required("creditorAccount", "Account", DetailValue::Account))
}
