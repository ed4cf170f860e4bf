//! Every setting makes the difference it promises.

use std::time::Duration;

use axum::{body::Body, http::Request};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use tower_fapi::{
    dpop::{NonceSecret, Nonces},
    mtls::{PeerAddr, PeerCertificate},
};

use crate::support::{API, FILE, World, file_with, send};

pub type Requests = fn(&World) -> Vec<Request<Body>>;

const GOOD: Requests = |world| vec![world.request("GET", "/accounts", &world.token("accounts"))];

/// What the last of the requests is answered.
async fn last_status(world: &World, text: &str, requests: Requests) -> u16 {
    let setup = world.server(text);
    let mut status = 0;
    for request in requests(world) {
        status = send(&setup, request).await.status().as_u16();
    }
    status
}

#[tokio::test]
async fn every_setting_decides_over_a_request() {
    let world = World::new();
    #[rustfmt::skip]
    let cases: [(&str, usize, &str, Requests, u16, u16); 37] = [
        ("audience", 1, r#"audiences = ["https://other.example"]"#, GOOD, 200, 401),
        ("another audience", 1, r#"audiences = ["https://api.example.com", "accounts-api"]"#, FOR_ANOTHER_AUDIENCE, 401, 200),
        ("binding by certificate", 2, r#"binding = "certificate""#, GOOD, 200, 401),
        ("binding by DPoP", 2, r#"binding = "dpop""#, BY_CERTIFICATE, 200, 401),
        ("clock skew", 2, "clock_skew_seconds = 60", TOKEN_FROM_THE_FUTURE, 401, 200),
        ("public URL", 2, r#"public_url = "https://api.example.org/prefix""#, UNDER_THE_PREFIX, 401, 200),
        ("hosts", 2, r#"hosts = ["other.example"]"#, GOOD, 200, 400),
        ("internal prefix", 2, r#"internal_prefix = "/v1""#, GOOD, 200, 400),
        ("certificates from a proxy", 7, "[proxies]\nnetworks = [\"192.0.2.1\"]\ncertificate = \"base64_der\"\ncertificate_header = \"X-Cert\"\n[dpop]", BY_FORWARDED_CERTIFICATE, 401, 200),
        ("URL from a proxy", 7, "[proxies]\nnetworks = [\"192.0.2.0/24\"]\nurl = \"forwarded\"\npublic_prefix = \"/bank\"\n[dpop]", AT_FORWARDED_URL, 401, 200),
        ("nonces", 8, "nonces = true", GOOD, 200, 401),
        ("algorithms of proofs", 8, r#"algorithms = ["PS256", "EdDSA"]"#, GOOD, 200, 401),
        ("age of proofs", 8, "proof_age_seconds = 300", PROOF_FROM_THE_PAST, 401, 200),
        ("time ahead of proofs", 8, "proof_ahead_seconds = 60", PROOF_FROM_THE_FUTURE, 401, 200),
        ("both sides of the window", 8, "proof_age_seconds = 300\nproof_ahead_seconds = 60", PROOF_FROM_THE_PAST, 401, 200),
        ("replay memory", 8, "replay_capacity = 1", TWO, 200, 503),
        ("replay memory of a Redis that is down", 8, "[replay]\nredis = \"redis://127.0.0.1:1\"", GOOD, 200, 503),
        ("issuer", 10, r#"issuer = "https://other.example""#, GOOD, 200, 401),
        ("keys from elsewhere", 11, "jwks_uri = \"https://127.0.0.1:1/keys\"\nroot_certificates = \"chain.pem\"", GOOD, 200, 503),
        ("keys by discovery", 11, "root_certificates = \"chain.pem\"", GOOD, 200, 503),
        ("type of tokens", 11, "jwks_file = \"keys.json\"\naccept_plain_jwt_type = true", PLAIN_JWT, 401, 200),
        ("vendor", 11, "jwks_file = \"keys.json\"\ncompatibility = \"keycloak\"", FROM_KEYCLOAK, 401, 200),
        ("client in another claim", 11, "jwks_file = \"keys.json\"\naccept_client_in = \"cid\"", CLIENT_IN_CID, 401, 200),
        ("scope as an array", 11, "jwks_file = \"keys.json\"\naccept_scope_array = true", SCOPE_ARRAY, 401, 200),
        ("scope in scp", 11, "jwks_file = \"keys.json\"\naccept_scope_in_scp = true", SCOPE_IN_SCP, 403, 200),
        ("algorithms of tokens", 11, "jwks_file = \"keys.json\"\nalgorithms = [\"PS256\"]", GOOD, 200, 401),
        ("introspection", 11, "jwks_file = \"keys.json\"\nroot_certificates = \"chain.pem\"\n[issuer.introspection]\nclient_id = \"api\"\nkey = \"own-key.json\"", GOOD, 200, 503),
        ("introspection of others", 11, "jwks_file = \"keys.json\"\nroot_certificates = \"chain.pem\"\n[issuer.introspection]\nclient_id = \"api\"\nkey = \"own-key.json\"\ntokens = \"opaque\"", GOOD, 200, 200),
        ("path", 13, r#"path = "/balances""#, GOOD, 200, 404),
        ("method", 14, r#"methods = ["POST"]"#, GOOD, 200, 405),
        ("all scopes", 15, r#"scopes_all = ["accounts", "balances"]"#, GOOD, 200, 403),
        ("any scope", 15, r#"scopes_any = ["accounts", "balances"]"#, WITH_ANOTHER_SCOPE, 403, 200),
        ("strength of the sign-in", 15, r#"acr_values = ["mfa", "phr"]"#, AFTER_A_PASSWORD, 200, 401),
        ("time since the sign-in", 15, "max_age_seconds = 100", AFTER_A_PASSWORD, 200, 401),
        ("sign-in of which nothing is told", 15, "max_age_seconds = 100", GOOD, 200, 401),
        ("authorization details", 15, r#"authorization_details_type = "payment""#, GOOD, 200, 403),
        ("both", 15, "scopes_all = [\"accounts\"]\nscopes_any = [\"balances\", \"payments\"]", GOOD, 200, 403),
    ];
    for (case, line, text, requests, without, with) in cases {
        assert_eq!(
            last_status(&world, FILE, requests).await,
            without,
            "without {case}"
        );
        let file = file_with(line, text);
        assert_eq!(
            last_status(&world, &file, requests).await,
            with,
            "with {case}"
        );
    }
}

const FOR_ANOTHER_AUDIENCE: Requests = |world| {
    let token = world.token("accounts").claim("aud", "accounts-api");
    vec![world.request("GET", "/accounts", &token)]
};

const TOKEN_FROM_THE_FUTURE: Requests = |world| {
    let token = world.token("accounts");
    let token = token.claim("iat", world.now.as_unix() + 50);
    vec![world.request("GET", "/accounts", &token)]
};

const UNDER_THE_PREFIX: Requests = |world| {
    let (token, base) = (world.token("accounts"), "https://api.example.org/prefix");
    vec![world.request_at("GET", "/accounts", &token, base, world.now)]
};

const TWO: Requests = |world| [GOOD(world), GOOD(world)].into_iter().flatten().collect();

const PLAIN_JWT: Requests = |world| {
    let token = world.token("accounts").header("typ", "JWT");
    vec![world.request("GET", "/accounts", &token)]
};

const FROM_KEYCLOAK: Requests = |world| {
    let token = world.token("accounts").header("typ", "JWT");
    let token = token.without_claim("client_id").claim("azp", "tpp");
    vec![world.request("GET", "/accounts", &token)]
};

const CLIENT_IN_CID: Requests = |world| {
    let token = world.token("accounts").without_claim("client_id");
    vec![world.request("GET", "/accounts", &token.claim("cid", "tpp"))]
};

const SCOPE_ARRAY: Requests = |world| {
    let token = world.token("").claim("scope", vec!["accounts"]);
    vec![world.request("GET", "/accounts", &token)]
};

const SCOPE_IN_SCP: Requests = |world| {
    let token = world.token("").without_claim("scope");
    vec![world.request("GET", "/accounts", &token.claim("scp", "accounts"))]
};

const WITH_ANOTHER_SCOPE: Requests =
    |world| vec![world.request("GET", "/accounts", &world.token("balances"))];

/// Somebody has signed in with a password 200 s ago.
const AFTER_A_PASSWORD: Requests = |world| {
    let then = world.now.as_unix() - 200;
    let token = world.token("accounts").claim("acr", "pwd");
    let token = token.claim("auth_time", then);
    vec![world.request("GET", "/accounts", &token)]
};

pub const BY_CERTIFICATE: Requests = |world| {
    let certificate = PeerCertificate::new(*b"certificate", []);
    let token = world.issuer.token(world.now).scope("accounts");
    let token = token.bound_to_certificate(certificate.thumbprint()).mint();
    let request = Request::get("/accounts")
        .header("host", "api.example.com")
        .header("authorization", format!("Bearer {token}"))
        .extension(certificate);
    vec![request.body(Body::empty()).unwrap()]
};

const BY_FORWARDED_CERTIFICATE: Requests = |world| {
    let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    let certificate = PeerCertificate::new(made.cert.der().to_vec(), []);
    let token = world.issuer.token(world.now).scope("accounts");
    let token = token.bound_to_certificate(certificate.thumbprint()).mint();
    let request = Request::get("/accounts")
        .header("host", "api.example.com")
        .header("authorization", format!("Bearer {token}"))
        .header("x-cert", BASE64_STANDARD.encode(made.cert.der()))
        .extension(PeerAddr(([192, 0, 2, 1], 1).into()));
    vec![request.body(Body::empty()).unwrap()]
};

const AT_FORWARDED_URL: Requests = |world| {
    let (token, base) = (world.token("accounts"), "https://api.example.org/bank");
    let mut request = world.request_at("GET", "/accounts", &token, base, world.now);
    let element = "host=api.example.org;proto=https".parse().unwrap();
    request.headers_mut().insert("forwarded", element);
    let peer = PeerAddr(([192, 0, 2, 1], 1).into());
    request.extensions_mut().insert(peer);
    vec![request]
};

const PROOF_FROM_THE_PAST: Requests = |world| {
    let at = world.now.minus(Duration::from_secs(200));
    vec![world.request_at("GET", "/accounts", &world.token("accounts"), API, at)]
};

const PROOF_FROM_THE_FUTURE: Requests = |world| {
    let at = world.now.plus(Duration::from_secs(40));
    vec![world.request_at("GET", "/accounts", &world.token("accounts"), API, at)]
};

// RFC 9449 §9.
#[tokio::test]
async fn a_nonce_that_was_handed_out_is_accepted() {
    let world = World::new();
    let setup = world.server(&file_with(8, "nonces = true\nnonce_seconds = 10"));
    let answer = send(&setup, GOOD(&world).remove(0)).await;
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("use_dpop_nonce"), "{challenge}");
    let nonce = answer.headers()["dpop-nonce"].to_str().unwrap();
    let request = world.request_with_nonce("/accounts", nonce);
    assert_eq!(send(&setup, request).await.status(), 200);
}

// RFC 9449 §8: the second of the two secrets is that of an instance which has not changed to the first yet.
#[tokio::test]
async fn nonces_of_other_instances_are_accepted() {
    let world = World::new();
    let text = "nonces = true\nnonce_secrets = \"secrets.txt\"";
    let setup = world.server(&file_with(8, text));
    for (byte, status) in [(1, 200), (2, 200), (3, 401)] {
        let secret = NonceSecret::from_bytes([byte; 32]);
        let nonces = Nonces::new(&secret, Duration::from_secs(300)).unwrap();
        let nonce = nonces.issue(None, world.now).unwrap();
        let request = world.request_with_nonce("/accounts", &nonce);
        assert_eq!(send(&setup, request).await.status(), status, "{byte}");
    }
}

#[tokio::test]
async fn over_plain_http_proofs_are_made_for_the_public_url() {
    let world = World::new();
    let file = FILE.replace(
        "certificate = \"chain.pem\"\nkey = \"key.pem\"",
        "plain_http = true",
    );
    let file = format!("public_url = \"http://localhost:9080\"\n{file}");
    let setup = world.server(&file);
    let token = world.token("accounts");
    for (base, status) in [
        ("http://localhost:9080", 200),
        ("https://localhost:9080", 401),
        (API, 401),
    ] {
        let request = world.request_at("GET", "/accounts", &token, base, world.now);
        assert_eq!(send(&setup, request).await.status(), status, "{base}");
    }
}

#[tokio::test]
async fn over_plain_http_a_proxy_can_tell_url_and_certificate() {
    const PROXIES: &str = "[proxies]\nnetworks = [\"192.0.2.1\"]\n";
    let world = World::new();
    let plain = FILE.replace(
        "certificate = \"chain.pem\"\nkey = \"key.pem\"",
        "plain_http = true",
    );
    let told = format!("{PROXIES}url = \"x_forwarded\"\n");
    let passed = format!("{told}certificate = \"rfc9440\"\n");
    for (binding, proxies, sound) in [
        ("either", "", false),
        ("either", PROXIES, false),
        ("either", &told, true),
        ("certificate", &told, false),
        ("certificate", &passed, true),
    ] {
        let file = plain.replace("either", binding);
        let file = file.replace("[dpop]", &format!("{proxies}[dpop]"));
        let outcome = world.set_up(&file).map(drop);
        assert_eq!(outcome.is_ok(), sound, "{file}: {outcome:?}");
    }
}
