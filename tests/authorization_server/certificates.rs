//! Clients that authenticate with a certificate (RFC 8705 §2).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, SanType,
};
use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::{CertificateAuthorities, ClientMetadata, ConfigError},
    jose::base64url,
    mtls::CertificateThumbprint,
};

use crate::world::{MTLS_PAR, PAR, Parameters, World, form, over, post, request};

/// A client certificate.
pub struct Certificate {
    pub der: Vec<u8>,
    key: KeyPair,
}

impl Certificate {
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { der, key }
    }

    pub fn base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    pub fn thumbprint(&self) -> String {
        CertificateThumbprint::of_der(&self.der).to_string()
    }

    /// The public key as a JWK, without the certificate.
    pub fn jwk(&self) -> Value {
        let point = self.key.public_key_raw();
        json!({
            "kty": "EC", "crv": "P-256",
            "x": base64url::encode(&point[1..33]), "y": base64url::encode(&point[33..]),
        })
    }
}

/// Issues client certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Authority");
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self {
            issuer: Issuer::new(params, key),
            der,
        }
    }

    pub fn trusted(&self) -> CertificateAuthorities {
        CertificateAuthorities::from_der([&self.der]).unwrap()
    }

    pub fn issue(&self, name: &str) -> Certificate {
        self.issue_with(name, |_| {})
    }

    pub fn issue_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CountryName, "DE");
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Example");
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Certificate { der, key }
    }
}

fn pushed(client_id: &str) -> Parameters {
    let mut parameters = form([("client_id", client_id)]);
    parameters.extend(request());
    parameters
}

// RFC 8705 §2.1: the chain leads to an authority and the subject is the registered one.
#[tokio::test]
async fn a_certificate_of_the_authority_with_the_right_subject_is_believed() {
    let world = World::new();
    for url in [PAR, MTLS_PAR] {
        let reply = world
            .send(over(post(url, &pushed("tls")), &world.certificate))
            .await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }
    // A new certificate with the same subject does as well: certificates can be rotated (RFC 8705 §2.1).
    let renewed = world.authority.issue("tls-client");
    let reply = world.send(over(post(PAR, &pushed("tls")), &renewed)).await;
    assert_eq!(reply.status, 201, "{reply:?}");
}

#[tokio::test]
async fn any_other_certificate_is_not_believed() {
    let world = World::new();
    let stranger = Authority::new().issue("tls-client");
    let other_name = world.authority.issue("other-client");
    let more_names = world.authority.issue_with("tls-client", |params| {
        params
            .distinguished_name
            .push(DnType::OrganizationalUnitName, "Attackers");
    });
    let for_servers = world.authority.issue_with("tls-client", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let expired = world.authority.issue_with("tls-client", |params| {
        params.not_after = rcgen::date_time_ymd(2026, 1, 1);
    });
    let future = world.authority.issue_with("tls-client", |params| {
        params.not_before = rcgen::date_time_ymd(2028, 1, 1);
    });
    let as_alternative_name = world.authority.issue_with("x", |params| {
        params.subject_alt_names = vec![SanType::DnsName("tls-client".try_into().unwrap())];
    });
    let mut trailing = world.authority.issue("tls-client");
    trailing.der.push(0);
    let mut cut = world.authority.issue("tls-client");
    cut.der.pop();
    for (case, certificate) in [
        ("of another authority", &stranger),
        ("with another subject", &other_name),
        ("with a longer subject", &more_names),
        ("for servers", &for_servers),
        ("expired", &expired),
        ("not valid yet", &future),
        ("with the name elsewhere", &as_alternative_name),
        ("with bytes behind it", &trailing),
        ("cut off", &cut),
        ("self-signed", &world.self_signed),
    ] {
        let reply = world
            .send(over(post(PAR, &pushed("tls")), certificate))
            .await;
        assert_eq!(
            reply.refusal(),
            (401, "invalid_client".to_owned()),
            "{case}"
        );
    }
    let reply = world.send(post(PAR, &pushed("tls"))).await;
    assert_eq!(
        reply.refusal(),
        (401, "invalid_client".to_owned()),
        "none at all"
    );
    let mut anonymous = pushed("tls");
    anonymous.remove(0);
    let reply = world
        .send(over(post(PAR, &anonymous), &world.certificate))
        .await;
    assert_eq!(
        reply.refusal(),
        (401, "invalid_client".to_owned()),
        "without client_id"
    );
}

// RFC 8705 §2.1.2.
#[tokio::test]
async fn a_subject_alternative_name_identifies_as_well() {
    use SanType::{DnsName, IpAddress, Rfc822Name, URI};
    let ip = |text: &str| IpAddress(text.parse().unwrap());
    for (member, registered, good, bad) in [
        (
            "tls_client_auth_san_dns",
            "client.example",
            DnsName("Client.Example".try_into().unwrap()),
            DnsName("*.example".try_into().unwrap()),
        ),
        (
            "tls_client_auth_san_uri",
            "https://client.example/a",
            URI("https://client.example/a".try_into().unwrap()),
            URI("https://client.example/A".try_into().unwrap()),
        ),
        (
            "tls_client_auth_san_ip",
            "2001:db8:0::1",
            ip("2001:db8::1"),
            ip("2001:db8::2"),
        ),
        (
            "tls_client_auth_san_ip",
            "192.0.2.1",
            ip("192.0.2.1"),
            ip("192.0.2.2"),
        ),
        (
            "tls_client_auth_san_email",
            "ops@client.example",
            Rfc822Name("ops@client.example".try_into().unwrap()),
            // The right text in the wrong kind of name.
            URI("ops@client.example".try_into().unwrap()),
        ),
    ] {
        let client: ClientMetadata = serde_json::from_value(json!({
            "client_id": "san",
            "redirect_uris": [crate::world::CALLBACK],
            "token_endpoint_auth_method": "tls_client_auth",
            member: registered,
            "scope": "accounts",
            "tls_client_certificate_bound_access_tokens": true,
        }))
        .unwrap();
        let world = World::with(|builder| builder.client(client));
        let with_name = |name| {
            let names = vec![DnsName("unrelated.example".try_into().unwrap()), name];
            world
                .authority
                .issue_with("x", |params| params.subject_alt_names = names)
        };
        let reply = world
            .send(over(post(PAR, &pushed("san")), &with_name(good)))
            .await;
        assert_eq!(reply.status, 201, "{member} {reply:?}");
        let reply = world
            .send(over(post(PAR, &pushed("san")), &with_name(bad)))
            .await;
        assert_eq!(
            reply.refusal(),
            (401, "invalid_client".to_owned()),
            "{member}"
        );
        let reply = world
            .send(over(post(PAR, &pushed("san")), &world.certificate))
            .await;
        assert_eq!(
            reply.refusal(),
            (401, "invalid_client".to_owned()),
            "{member}: no names"
        );
    }
}

// RFC 8705 §2.2: no chain, but this very certificate.
#[tokio::test]
async fn a_registered_certificate_is_believed_and_no_other() {
    let world = World::new();
    let parameters = pushed("self-signed");
    let reply = world
        .send(over(post(PAR, &parameters), &world.self_signed))
        .await;
    assert_eq!(reply.status, 201, "{reply:?}");

    let same_key = {
        let mut params = CertificateParams::new(["self-signed".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2031, 1, 1);
        let der = params
            .self_signed(&world.self_signed.key)
            .unwrap()
            .der()
            .to_vec();
        Certificate {
            der,
            key: KeyPair::generate().unwrap(),
        }
    };
    let same_name = Certificate::self_signed("self-signed");
    for (case, certificate) in [
        ("another with the same name", &same_name),
        ("another of the same key", &same_key),
        ("one of the authority", &world.certificate),
    ] {
        let reply = world.send(over(post(PAR, &parameters), certificate)).await;
        assert_eq!(
            reply.refusal(),
            (401, "invalid_client".to_owned()),
            "{case}"
        );
    }
    let reply = world.send(post(PAR, &parameters)).await;
    assert_eq!(
        reply.refusal(),
        (401, "invalid_client".to_owned()),
        "none at all"
    );
}

// RFC 7517 §4.7 and §4.9: a certificate may also be named by its thumbprint.
#[tokio::test]
async fn a_thumbprint_can_be_registered_instead_of_the_certificate() {
    let certificate = Certificate::self_signed("by-thumbprint");
    let mut key = certificate.jwk();
    key["x5t#S256"] = certificate.thumbprint().into();
    let client = json!({
        "client_id": "by-thumbprint",
        "redirect_uris": [crate::world::CALLBACK],
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "jwks": { "keys": [key] },
        "scope": "accounts",
        "tls_client_certificate_bound_access_tokens": true,
    });
    let registered = serde_json::from_value(client).unwrap();
    let world = World::with(|builder| builder.client(registered));
    let reply = world
        .send(over(post(PAR, &pushed("by-thumbprint")), &certificate))
        .await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let reply = world
        .send(over(
            post(PAR, &pushed("by-thumbprint")),
            &world.self_signed,
        ))
        .await;
    assert_eq!(reply.refusal(), (401, "invalid_client".to_owned()));
}

// A client that nobody could ever identify is a mistake in the configuration.
#[test]
fn clients_known_by_subject_need_an_authority() {
    let builder = crate::configuration::builder();
    let client = serde_json::from_value(json!({
        "client_id": "tls",
        "redirect_uris": [crate::world::CALLBACK],
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "client.example",
        "scope": "accounts",
        "tls_client_certificate_bound_access_tokens": true,
    }))
    .unwrap();
    let refused = builder.client(client).build().unwrap_err();
    assert_eq!(refused, ConfigError::NoAuthority("tls".to_owned()));
}
