//! The authorization server: whom it knows, and what they can ask of it.

use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::{
        AuthenticationRules, AuthorizationDetailsType, AuthorizationServer,
        AuthorizationServerBuilder, CertificateAuthorities, DetailMember, DetailValue,
        EncryptionKeys, ScopeDescription, SecondFactorUse, SigningKeys,
        people::{
            ConfiguredUsers, Password, StandardClaims, TotpSecret, UserConfig, hash_password,
        },
    },
    jose::{JwsAlgorithm, jwe::JweAlgorithm},
};

use crate::{
    api::TWO_FACTORS,
    authority::Authority,
    registrations::{private_key, secret},
};

const PASSWORD: &str = "correct horse battery staple";

/// Alice has a password, and Bob a second factor, too.
pub struct People {
    totp: String,
}

impl People {
    pub fn new() -> Self {
        let secret = TotpSecret::generate().unwrap();
        let totp = secret.to_base32().to_string();
        Self { totp }
    }

    /// As a script takes them.
    pub fn private(&self) -> Value {
        json!({
            "alice": { "password": PASSWORD, "subject": "subject-of-alice" },
            "bob": { "password": PASSWORD, "subject": "subject-of-bob", "totp": self.totp },
        })
    }
}

/// A server without clients.
pub fn authorization_server(
    issuer: &str,
    mtls: &str,
    people: &People,
    authority: &Authority,
) -> AuthorizationServerBuilder {
    let people = [
        person("alice", None),
        person("bob", Some(people.totp.clone())),
    ];
    let mut rules = AuthenticationRules::default();
    TWO_FACTORS.clone_into(&mut rules.multi_factor_acr);
    rules.second_factor = SecondFactorUse::WhenAsked;
    let authorities = CertificateAuthorities::from_der([authority.der()]).unwrap();
    AuthorizationServer::builder(issuer)
        .mtls_base_url(mtls)
        .scope(ScopeDescription::new("accounts", "See your accounts"))
        .scope(ScopeDescription::new("payments", "Pay from your accounts"))
        .scope(ScopeDescription::openid())
        .scope(ScopeDescription::new("email", "See your email address"))
        .scope(ScopeDescription::new("reports", "Statistics of the day").without_person())
        .authorization_details_type(payment())
        .client_certificate_authorities(authorities)
        .authenticator(ConfiguredUsers::new(people).unwrap())
        .authentication_rules(rules)
        .signing_keys(signing_keys())
        .encryption_keys(EncryptionKeys::generate(JweAlgorithm::EcdhEsA256Kw).unwrap())
}

/// One for each algorithm. The first signs where nothing else is asked for.
fn signing_keys() -> SigningKeys {
    let keys = [
        JwsAlgorithm::Es256,
        JwsAlgorithm::Ps256,
        JwsAlgorithm::EdDsa,
    ];
    let keys = keys.map(|algorithm| secret(&private_key(algorithm)));
    json!({ "keys": keys }).to_string().parse().unwrap()
}

fn person(name: &str, totp_secret: Option<String>) -> UserConfig {
    let mut claims = StandardClaims::default();
    claims.email = Some(format!("{name}@example.com"));
    UserConfig {
        username: name.to_owned(),
        subject: format!("subject-of-{name}"),
        display_name: name.to_uppercase(),
        password_hash: hash_password(&Password::from(PASSWORD.to_owned())).unwrap(),
        totp_secret: totp_secret.map(Into::into),
        claims,
    }
}

fn payment() -> AuthorizationDetailsType {
    let required = DetailMember::required;
    AuthorizationDetailsType::new("payment_initiation", "Payment")
        .member(required("instructedAmount", "Amount", DetailValue::Amount).prominent())
        .member(required("creditorName", "To", DetailValue::Text))
        .member(required("creditorAccount", "Account", DetailValue::Account))
}
