//! What is said of a file that is wrong: the line, the key and the reason.

use crate::support::{FILE, World, file_with};

/// Another text for a line of the sound file, and at which line what is said about which key.
#[rustfmt::skip]
const CASES: &[(usize, &str, usize, &str, &str)] = &[
    // What is no TOML.
    (1, r#"audiences = "https://api.example.com"#, 1, "audiences", "invalid basic string"),
    (2, "binding =", 2, "binding", "string values must be quoted"),
    (3, "[listen", 3, "", "unclosed table"),
    (3, "listen", 3, "", "="),
    (4, "address = \"127.0.0.1:0\"\naddress = \"127.0.0.1:1\"", 5, "address", "duplicate key"),
    // What the file cannot mean.
    (1, "", 1, "", "missing field `audiences`"),
    (1, r#"audiences = "https://api.example.com""#, 1, "audiences", "expected a sequence"),
    (1, r#"audience = ["https://api.example.com"]"#, 1, "audience", "unknown field `audience`"),
    (2, r#"binding = "bearer""#, 2, "binding", "unknown variant `bearer`"),
    (2, "clock_skew_seconds = -1", 2, "clock_skew_seconds", "integer `-1`"),
    (2, "clock_skew_seconds = \"10\"", 2, "clock_skew_seconds", "expected u64"),
    (4, "", 3, "listen", "missing field `address`"),
    (4, r#"address = "localhost""#, 4, "listen.address", "invalid socket address"),
    (8, "nonce = true", 8, "dpop.nonce", "unknown field `nonce`"),
    (8, "nonces = 1", 8, "dpop.nonces", "expected a boolean"),
    (8, r#"algorithms = ["ES256", "none"]"#, 8, "dpop.algorithms", "not one of PS256, ES256, EdDSA"),
    (8, r#"algorithms = ["RS256"]"#, 8, "dpop.algorithms", "not one of"),
    (8, "algorithms = [\n\"ES256\",\n\"HS256\"\n]", 10, "dpop.algorithms", "not one of"),
    (10, "", 9, "issuer", "missing field `issuer`"),
    (14, "", 12, "route", "missing field `methods`"),
    (14, r#"methods = "GET""#, 14, "route.methods", "expected a sequence"),
    // What does not do.
    (1, "audiences = []", 1, "audiences", "there has to be one"),
    (1, r#"audiences = ["a", ""]"#, 1, "audiences", "cannot be empty"),
    (2, "clock_skew_seconds = 9", 2, "clock_skew_seconds", "10 s to 60 s"),
    (2, "clock_skew_seconds = 61", 2, "clock_skew_seconds", "10 s to 60 s"),
    (2, r#"public_url = "http://api.example.com""#, 2, "public_url", "https"),
    (2, r#"public_url = "https://api.example.com?a=b""#, 2, "public_url", "query"),
    (2, r#"public_url = "api.example.com""#, 2, "public_url", "absolute"),
    (2, "hosts = []", 2, "hosts", "there has to be one"),
    (2, r#"hosts = ["api.example.com", "https://b"]"#, 2, "hosts", "not a host"),
    (2, "public_url = \"https://api.example.com\"\nhosts = [\"api.example.com\"]", 3, "hosts", "there is a public_url"),
    (2, r#"internal_prefix = "v1""#, 2, "internal_prefix", "begins with /"),
    (7, "[proxies]\nnetworks = []\n[dpop]", 8, "proxies.networks", "there has to be one"),
    (7, "[proxies]\nnetworks = [\"api.example.com\"]\n[dpop]", 8, "proxies.networks", "neither a network"),
    (7, "[proxies]\nnetworks = [\"::/0\"]\n[dpop]", 8, "proxies.networks", "everybody"),
    (7, "[proxies]\nnetworks = [\"::1\"]\ncertificate = \"pem\"\n[dpop]", 9, "proxies.certificate", "unknown variant"),
    (7, "[proxies]\nnetworks = [\"::1\"]\ncertificate = \"escaped_pem\"\n[dpop]", 9, "proxies.certificate", "has to name"),
    (7, "[proxies]\nnetworks = [\"::1\"]\ncertificate_header = \"a\"\n[dpop]", 9, "proxies.certificate_header", "without certificate"),
    (7, "[proxies]\nnetworks = [\"::1\"]\ncertificate = \"envoy\"\ncertificate_header = \"a\"\n[dpop]", 10, "proxies.certificate_header", "a name of its own"),
    (7, "[proxies]\nnetworks = [\"::1\"]\ncertificate = \"base64_der\"\ncertificate_header = \"a b\"\n[dpop]", 10, "proxies.certificate_header", "invalid HTTP header name"),
    (7, "[proxies]\nnetworks = [\"::1\"]\nhops = 1\n[dpop]", 9, "proxies.hops", "without url"),
    (7, "[proxies]\nnetworks = [\"::1\"]\npublic_prefix = \"/a\"\n[dpop]", 9, "proxies.public_prefix", "without url"),
    (7, "[proxies]\nnetworks = [\"::1\"]\nurl = \"forwarded\"\nhops = 0\n[dpop]", 10, "proxies.hops", "one at least"),
    (8, "algorithms = []", 8, "dpop.algorithms", "there has to be an algorithm"),
    (8, "proof_age_seconds = 0", 8, "dpop.proof_age_seconds", "1 s to 300 s"),
    (8, "proof_age_seconds = 301", 8, "dpop.proof_age_seconds", "1 s to 300 s"),
    (8, "proof_ahead_seconds = 9", 8, "dpop.proof_ahead_seconds", "10 s to 60 s"),
    (8, "proof_ahead_seconds = 61", 8, "dpop.proof_ahead_seconds", "10 s to 60 s"),
    (8, "nonce_seconds = 9", 8, "dpop.nonce_seconds", "10 to 3600"),
    (8, "nonce_seconds = 3601", 8, "dpop.nonce_seconds", "10 to 3600"),
    (8, "replay_capacity = 0", 8, "dpop.replay_capacity", "no proof could ever be accepted"),
    (8, "nonces = true\nnonce_secrets = \"nowhere.txt\"", 9, "dpop.nonce_secrets", "nowhere.txt: No such file"),
    (8, "nonces = true\nnonce_secrets = \"keys.json\"", 9, "dpop.nonce_secrets", "line 1 of the file: a secret is 32 bytes"),
    (8, "nonces = true\nnonce_secrets = \"no-secrets.txt\"", 9, "dpop.nonce_secrets", "no secret in the file"),
    (8, "nonce_secrets = \"secrets.txt\"", 8, "dpop.nonce_secrets", "nonces is false"),
    (8, "[replay]", 8, "replay", "missing field `redis`"),
    (8, "[replay]\nredis = \"http://localhost\"", 9, "replay.redis", "not the URL of a Redis server"),
    (8, "[replay]\nredis = \"redis://localhost\"\nresponse_milliseconds = 9", 10, "replay.response_milliseconds", "10 ms to 10 s"),
    (8, "[replay]\nredis = \"redis://localhost\"\nroot_certificates = \"chain.pem\"", 9, "replay.redis", "without TLS"),
    (8, "[replay]\nredis = \"rediss://localhost\"\nroot_certificates = \"keys.json\"", 10, "replay.root_certificates", "none found"),
    (8, "replay_capacity = 5\n[replay]\nredis = \"redis://localhost\"", 8, "dpop.replay_capacity", "no meaning for Redis"),
    (8, "[route]", 12, "", "duplicate key"),
    // Certificates.
    (5, r#"certificate = "nowhere.pem""#, 5, "listen.certificate", "nowhere.pem: No such file"),
    (5, r#"certificate = "key.pem""#, 5, "listen.certificate", "no certificate"),
    (5, r#"certificate = "keys.json""#, 5, "listen.certificate", "no certificate"),
    (5, "", 3, "listen", "certificate and key"),
    (6, r#"key = "nowhere.pem""#, 6, "listen.key", "nowhere.pem: No such file"),
    (6, r#"key = "chain.pem""#, 6, "listen.key", "no unencrypted private key"),
    (6, r#"key = "other-key.pem""#, 6, "listen.key", "does not belong to the certificate"),
    (6, "", 3, "listen", "certificate and key"),
    (6, "key = \"key.pem\"\nclient_authorities = \"keys.json\"", 7, "listen.client_authorities", "no certificate"),
    (6, "key = \"key.pem\"\nclient_certificates = false\nclient_authorities = \"chain.pem\"", 8, "listen.client_authorities", "client_certificates is false"),
    (6, "key = \"key.pem\"\nplain_http = true", 5, "listen.certificate", "plain_http is true"),
    // Issuers.
    (10, r#"issuer = "http://as.example.com""#, 10, "issuer.issuer", "https"),
    (10, r#"issuer = "http://localhost:8080""#, 10, "issuer.issuer", "dangerous_http_on_loopback"),
    (10, "issuer = \"http://as.example.com\"\ndangerous_http_on_loopback = true", 10, "issuer.issuer", "https"),
    (10, r#"issuer = "as.example.com""#, 10, "issuer.issuer", "not a URL"),
    (10, r#"issuer = "https://as.example.com?a=b""#, 10, "issuer.issuer", "neither query"),
    (11, "jwks_uri = \"http://as.example.com/keys\"", 11, "issuer.jwks_uri", "https"),
    (11, "jwks_uri = \"/keys\"", 11, "issuer.jwks_uri", "relative URL"),
    (11, "jwks_file = \"keys.json\"\njwks_uri = \"https://as.example.com/keys\"", 12, "issuer.jwks_uri", "jwks_file"),
    (11, "jwks_file = \"keys.json\"\nroot_certificates = \"chain.pem\"", 12, "issuer.root_certificates", "jwks_file"),
    (11, r#"jwks_file = "nowhere.json""#, 11, "issuer.jwks_file", "nowhere.json: No such file"),
    (11, r#"jwks_file = "chain.pem""#, 11, "issuer.jwks_file", "no JWK set"),
    (11, r#"jwks_file = "no-keys.json""#, 11, "issuer.jwks_file", "no usable key"),
    (11, r#"root_certificates = "nowhere.pem""#, 11, "issuer.root_certificates", "No such file"),
    (11, r#"root_certificates = "keys.json""#, 11, "issuer.root_certificates", "none found"),
    (11, "jwks_file = \"keys.json\"\nalgorithms = []", 12, "issuer.algorithms", "there has to be an algorithm"),
    (11, "jwks_file = \"keys.json\"\n[[issuer]]\nissuer = \"https://127.0.0.1:1\"\njwks_file = \"keys.json\"", 13, "issuer.issuer", "twice"),
    (11, "jwks_file = \"keys.json\"\ncompatibility = \"okta\"", 12, "issuer.compatibility", "unknown variant `okta`"),
    (11, "jwks_file = \"keys.json\"\naccept_client_in = \"sub\"", 12, "issuer.accept_client_in", "unknown variant `sub`"),
    (11, "jwks_file = \"keys.json\"\naccept_scope_array = \"yes\"", 12, "issuer.accept_scope_array", "expected a boolean"),
    (11, "jwks_file = \"keys.json\"\n[issuer.introspection]\nclient_id = \"\"\nkey = \"own-key.json\"", 13, "issuer.introspection.client_id", "empty"),
    (11, "jwks_file = \"keys.json\"\n[issuer.introspection]\nclient_id = \"api\"", 12, "issuer.introspection", "a key or a certificate"),
    (11, "jwks_file = \"keys.json\"\n[issuer.introspection]\nclient_id = \"api\"\nkey = \"keys.json\"", 14, "issuer.introspection.key", "no private JWK"),
    (11, "jwks_file = \"keys.json\"\n[issuer.introspection]\nclient_id = \"api\"\ncertificate = \"chain.pem\"", 14, "issuer.introspection.certificate", "private key"),
    (11, "jwks_file = \"keys.json\"\n[issuer.introspection]\nclient_id = \"api\"\nkey = \"own-key.json\"\nendpoint = \"http://as.example.com\"", 15, "issuer.introspection.endpoint", "https"),
    (11, "jwks_file = \"keys.json\"\n[issuer.introspection]\nclient_id = \"api\"\nkey = \"own-key.json\"\nremember_active_seconds = 3601", 15, "issuer.introspection.remember_active_seconds", "0 to 3600"),
    // Routes.
    (13, r#"path = "accounts""#, 13, "route.path", "slash"),
    (13, r#"path = """#, 13, "route.path", "slash"),
    (13, r#"path = "/accounts?page=2""#, 13, "route.path", "accounts?page=2"),
    (13, r#"path = "/{account""#, 13, "route.path", "{account"),
    (13, r#"path = "/{}""#, 13, "route.path", "{}"),
    (13, r#"path = "/{*rest}""#, 13, "route.path", "{*rest}"),
    (13, r#"path = "/x{account}""#, 13, "route.path", "x{account}"),
    (13, r#"path = "/:account""#, 13, "route.path", ":account"),
    (13, r#"path = "/*""#, 13, "route.path", "*"),
    (13, r#"path = "/für""#, 13, "route.path", "für"),
    (14, "methods = []", 14, "route.methods", "there has to be a method"),
    (14, r#"methods = ["get"]"#, 14, "route.methods", "\"get\" is no method"),
    (14, r#"methods = ["GET", "BREW"]"#, 14, "route.methods", "\"BREW\" is no method"),
    (14, r#"methods = ["GET POST"]"#, 14, "route.methods", "no method"),
    (14, r#"methods = ["GET", "GET"]"#, 14, "route.methods", "twice"),
    (15, "scopes_all = []", 15, "route.scopes_all", "there has to be a scope"),
    (15, "scopes_any = []", 15, "route.scopes_any", "there has to be a scope"),
    (15, r#"scopes_all = ["accounts payments"]"#, 15, "route.scopes_all", "RFC 6749"),
    (15, r#"scopes_any = ["a", ""]"#, 15, "route.scopes_any", "RFC 6749"),
    (15, "scopes_all = [\n\"a\",\n\"b\\\"\",\n]", 17, "route.scopes_all", "RFC 6749"),
    (15, "acr_values = []", 15, "route.acr_values", "not a list of authentication context"),
    (15, r#"acr_values = ["two factors"]"#, 15, "route.acr_values", "not a list of authentication context"),
    (15, "max_age_seconds = 0", 15, "route.max_age_seconds", "nobody could"),
    (15, "max_age_seconds = -1", 15, "route.max_age_seconds", "integer `-1`"),
    (15, r#"authorization_details_type = """#, 15, "route.authorization_details_type", "empty"),
    (15, r#"authorization_details_type = ["payment"]"#, 15, "route.authorization_details_type", "expected a string"),
    (15, "[[route]]\npath = \"/accounts\"\nmethods = [\"POST\", \"GET\"]", 16, "route.path", "GET requests"),
];

/// What is said of this file.
fn said(world: &World, text: &str) -> Vec<String> {
    let mistakes = world.set_up(text).map(|setup| setup.summary).unwrap_err();
    let told = mistakes
        .iter()
        .map(|mistake| mistake.describe("rs.toml", text));
    told.collect()
}

#[tokio::test]
async fn a_mistake_is_named_with_line_key_and_reason() {
    let world = World::new();
    for &(line, text, at, key, reason) in CASES {
        let file = file_with(line, text);
        let said = said(&world, &file);
        let key = if key.is_empty() {
            String::new()
        } else {
            format!("{key}: ")
        };
        let first = said[0].lines().next().unwrap();
        assert!(
            first.starts_with(&format!("rs.toml:{at}: {key}")) && first.contains(reason),
            "{text}\nis said to be\n{}",
            said.join("\n"),
        );
        assert_eq!(said.len(), 1, "{text}\n{}", said.join("\n"));
    }
}

#[tokio::test]
async fn all_mistakes_are_named_at_once_in_the_order_of_the_file() {
    let world = World::new();
    let text = FILE
        .replace(r#""https://api.example.com""#, "")
        .replace("chain.pem", "nowhere.pem")
        .replace("nonces = false", "replay_capacity = 0")
        .replace("https://127", "http://127")
        .replace("GET", "get");
    let lines: Vec<_> = said(&world, &text)
        .iter()
        .map(|said| said.split(':').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(lines, ["1", "5", "8", "10", "14"]);
}

#[tokio::test]
async fn the_line_itself_is_shown() {
    let world = World::new();
    let said = said(
        &world,
        &file_with(8, "    replay_capacity = 0   # no limit"),
    );
    assert_eq!(
        said,
        [
            "rs.toml:8: dpop.replay_capacity: no proof could ever be accepted\n    8 | replay_capacity = 0   # no limit"
        ]
    );
}

/// The same over plain http.
fn plain(file: &str) -> String {
    file.replace("certificate = \"chain.pem\"\n", "")
        .replace("key = \"key.pem\"", "plain_http = true")
        .replace("[listen]", "public_url = \"http://localhost\"\n[listen]")
}

// A resource server where no request could ever succeed is a mistake, and so is a setting without effect.
#[tokio::test]
async fn settings_that_contradict_each_other_are_mistakes() {
    let world = World::new();
    let public = plain(FILE);
    let unknown = public.replace("public_url = \"http://localhost\"\n", "");
    assert!(world.set_up(&public).is_ok());
    for (text, at, key, reason) in [
        (unknown, 4, "listen.address", "public_url has to say"),
        (
            public.replace("127.0.0.1:0", "0.0.0.0:0"),
            5,
            "listen.address",
            "has to be a loopback address",
        ),
        (
            public.replace("either", "certificate"),
            2,
            "binding",
            "no token could ever be accepted",
        ),
        (
            FILE.replace("either", "certificate")
                .replace("[dpop]", "client_certificates = false\n[dpop]"),
            2,
            "binding",
            "no token could ever be accepted",
        ),
    ] {
        let said = said(&world, &text);
        let start = format!("rs.toml:{at}: {key}: {reason}");
        assert!(said.len() == 1 && said[0].starts_with(&start), "{said:?}");
    }
}

// An empty file, one with another's line ends, one that is no text to speak of.
#[tokio::test]
async fn whatever_the_file_holds_is_answered() {
    let world = World::new();
    assert!(world.set_up(&FILE.replace('\n', "\r\n")).is_ok());
    for text in [
        "",
        "\n",
        "\u{feff}",
        "=",
        "[[",
        "\"",
        "\0",
        "a.b.c=1",
        "[a]\n[a]",
        "ä = ö",
        "x = \"\"\"",
    ] {
        assert!(!said(&world, text).is_empty(), "{text:?}");
    }
}

// Routes that contradict each other are mistakes; axum would panic.
#[tokio::test]
async fn no_pair_of_routes_ends_the_process() {
    let world = World::new();
    let paths: Vec<_> = concat!(
        "/ // /a /a/ /{x} /{y} /{x}/ /a/b /a/{x} /{x}/b /{x}/{x} /{x}/{y}/c /a//b /a*b /a:b /%7Bx%7D",
        " /. /.. /a/.. /~ /{x}/b/{z} /'(),;=@!$&+",
    )
    .split(' ')
    .collect();
    // Without certificates, which take their time.
    let sound = plain(FILE);
    for (first, second) in paths
        .iter()
        .flat_map(|one| paths.iter().map(move |two| (one, two)))
    {
        for method in ["GET", "HEAD"] {
            let text = sound.replace("/accounts", first);
            let text = format!("{text}[[route]]\npath = \"{second}\"\nmethods = [\"{method}\"]\n");
            if let Err(mistakes) = world.set_up(&text) {
                let said = mistakes[0].describe("rs.toml", &text);
                assert!(
                    said.starts_with("rs.toml:17: route.path: GET requests"),
                    "{said}"
                );
            }
        }
    }
}
