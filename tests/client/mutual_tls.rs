//! Clients with a certificate, over real TLS.

use http::Request;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tower_fapi::{
    client::{
        Client, ClientBuilder, ClientCertificate, ClientConfigError, ClientError, TokenType,
        TrustedRoots, step,
    },
    mtls::CertificateThumbprint,
    time::ManualClock,
    tls::{ClientCertificates, ServerIdentity, ServerTls},
};

use crate::{
    server::{Reply, Server},
    support::{METADATA, NOW, key, log_in, metadata, pushed, tokens},
};

/// A certification authority, an authorization server with a second listener for mutual TLS, and a client's certificate.
struct World {
    authority: CertifiedIssuer<'static, KeyPair>,
    front: Server,
    mutual: Server,
    client: CertificateThumbprint,
    client_pem: String,
}

impl World {
    async fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let issue = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([name.to_owned()]).unwrap();
            (params.signed_by(&key, &authority).unwrap(), key)
        };
        let (server, server_key) = issue("127.0.0.1");
        let identity = ServerIdentity::from_pem(
            server.pem().as_bytes(),
            server_key.serialize_pem().as_bytes(),
        );
        let tls = ServerTls::new(&identity.unwrap(), &ClientCertificates::AnyRequested).unwrap();
        let (client, client_key) = issue("client.example");
        let world = Self {
            front: Server::start_tls(tls.clone()).await,
            mutual: Server::start_tls(tls).await,
            client: CertificateThumbprint::of_der(client.der()),
            client_pem: client.pem() + &client_key.serialize_pem(),
            authority,
        };
        let aliases = json!({"mtls_endpoint_aliases": {
            "pushed_authorization_request_endpoint": world.mutual.url("/par"),
            "token_endpoint": world.mutual.url("/token"),
        }});
        world.publish(&aliases);
        for server in [&world.front, &world.mutual] {
            server.says("/par", [pushed()]);
            server.says("/token", [tokens("Bearer")]);
            server.says("/accounts", [Reply::text(200, "[]")]);
        }
        world
    }

    fn publish(&self, more: &Value) {
        self.front.says(METADATA, [metadata(&self.front, more)]);
    }

    fn builder(&self) -> ClientBuilder<step::Unauthenticated> {
        let roots = TrustedRoots::from_pem(self.authority.pem().as_bytes()).unwrap();
        Client::builder(self.front.url("").parse().unwrap(), "app 1")
            .trusted_roots(roots)
            .clock(ManualClock::at(NOW))
    }

    fn certificate(&self) -> ClientCertificate {
        ClientCertificate::from_pem(self.client_pem.as_bytes()).unwrap()
    }
}

// RFC 8705 §2, §3, §5.
#[tokio::test]
async fn a_client_with_a_certificate_presents_it_at_the_aliases_and_to_resources() {
    let world = World::new().await;
    let builder = world.builder().mutual_tls(world.certificate());
    let client = builder.certificate_bound().build().unwrap();
    assert_eq!(client.dpop_thumbprint(), None);
    let tokens = log_in(&client, &world.front).await;
    assert_eq!(tokens.token_type(), TokenType::Bearer);
    let request = Request::get(world.mutual.url("/accounts")).header("dpop", "smuggled");
    let request = request.body("").unwrap();
    client.send(request, &tokens).await.unwrap();

    for path in ["/par", "/token", "/accounts"] {
        assert_eq!(world.front.seen(path).len(), 0, "{path}");
        let seen = world.mutual.only(path);
        assert_eq!(seen.certificate, Some(world.client), "{path}");
        assert_eq!(seen.header("dpop"), None, "{path}");
    }
    for path in ["/par", "/token"] {
        let form = world.mutual.only(path).form();
        assert_eq!(form["client_id"], "app 1");
        assert!(!form.contains_key("client_assertion"), "{path}");
    }
    let seen = world.mutual.only("/accounts");
    assert_eq!(seen.header("authorization"), Some("Bearer at-1"));
}

// FAPI 2.0 Security Profile §5.2.2.1.
#[tokio::test]
async fn an_assertion_may_travel_over_mutual_tls() {
    let world = World::new().await;
    let builder = world.builder().private_key_jwt(key());
    let builder = builder.over_mutual_tls(world.certificate());
    let client = builder.dpop(key()).build().unwrap();
    world.mutual.says("/token", [tokens("DPoP")]);
    log_in(&client, &world.front).await;
    for path in ["/par", "/token"] {
        let seen = world.mutual.only(path);
        assert_eq!(seen.certificate, Some(world.client), "{path}");
        // `aud` stays the issuer, and `htu` is the URL that was called.
        assert_eq!(seen.assertion()["aud"], world.front.url(""));
        let key = client.dpop_thumbprint().unwrap();
        seen.proof(&world.mutual.url(path), None, key);
    }
}

// RFC 8705 §5: without an alias the endpoint itself is meant.
#[tokio::test]
async fn without_aliases_the_certificate_goes_to_the_endpoints() {
    let world = World::new().await;
    world.publish(&json!({}));
    let builder = world.builder().mutual_tls(world.certificate());
    let client = builder.certificate_bound().build().unwrap();
    log_in(&client, &world.front).await;
    for path in ["/par", "/token"] {
        assert_eq!(world.front.only(path).certificate, Some(world.client));
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_leaves_the_aliases_alone() {
    let world = World::new().await;
    world.front.says("/token", [tokens("DPoP")]);
    let builder = world.builder().private_key_jwt(key());
    log_in(&builder.dpop(key()).build().unwrap(), &world.front).await;
    for path in ["/par", "/token"] {
        assert_eq!(world.front.only(path).certificate, None);
        assert_eq!(world.mutual.seen(path).len(), 0);
    }
}

#[tokio::test]
async fn a_certificate_bound_client_knows_no_nonces_and_no_other_tokens() {
    let world = World::new().await;
    let builder = world.builder().mutual_tls(world.certificate());
    let client = builder.certificate_bound().build().unwrap();
    let tokens_ = log_in(&client, &world.front).await;
    let challenge = Reply::text(401, "")
        .header("www-authenticate", r#"DPoP error="use_dpop_nonce""#)
        .header("dpop-nonce", "n");
    world.mutual.says("/accounts", [challenge]);
    let answer = client.get(&world.mutual.url("/accounts"), &tokens_).await;
    assert_eq!(answer.unwrap().status(), 401);
    assert_eq!(world.mutual.seen("/accounts").len(), 1);

    let body = json!({"error": "use_dpop_nonce"});
    let demand = Reply::json(400, &body).header("dpop-nonce", "n");
    world.mutual.says("/token", [demand, tokens("DPoP")]);
    let refused = client.refresh(&tokens_).await;
    assert!(
        matches!(refused, Err(ClientError::Refused { .. })),
        "{refused:?}"
    );
    let refused = client.refresh(&tokens_).await;
    let expected = TokenType::Bearer;
    assert!(matches!(refused, Err(ClientError::TokenType { expected: it, .. }) if it == expected));

    // The same client, had it been set up with a key, would not present this token as a bearer token.
    let bound = world
        .builder()
        .private_key_jwt(key())
        .dpop(key())
        .build()
        .unwrap();
    let refused = bound.get(&world.mutual.url("/accounts"), &tokens_).await;
    assert!(
        matches!(refused, Err(ClientError::TokenType { .. })),
        "{refused:?}"
    );
}

// FAPI 2.0 Security Profile §5.2.1: "shall perform a TLS server certificate check".
#[tokio::test]
async fn a_server_with_a_certificate_of_somebody_else_gets_nothing() {
    let (world, stranger) = (World::new().await, World::new().await);
    let roots = TrustedRoots::from_pem(stranger.authority.pem().as_bytes()).unwrap();
    let builder = world.builder().trusted_roots(roots);
    let client = builder.private_key_jwt(key()).dpop(key()).build().unwrap();
    let refused = client.discover().await.unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("invalid peer certificate"), "{text}");
    assert_eq!(world.front.seen(METADATA).len(), 0);
}

#[tokio::test]
async fn key_and_certificate_must_belong_together() {
    let (one, other) = (World::new().await, World::new().await);
    let split = |world: &World| {
        let (certificate, key) = world.client_pem.split_once("-----BEGIN PRIVATE").unwrap();
        (certificate.to_owned(), format!("-----BEGIN PRIVATE{key}"))
    };
    let mixed = split(&one).0 + &split(&other).1;
    let mixed = ClientCertificate::from_pem(mixed.as_bytes()).unwrap();
    let built = one.builder().mutual_tls(mixed).certificate_bound().build();
    assert!(matches!(built, Err(ClientConfigError::Tls(_))), "{built:?}");
}
