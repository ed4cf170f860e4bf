//! The configuration file of the example: the sample is sound, and a mistake is reported with line and reason.

#[allow(dead_code)]
#[path = "../../examples/authorization_server/config.rs"]
pub mod config;

use std::{
    fs,
    path::{Path, PathBuf},
};

use self::config::Config;

const SAMPLE: &str = include_str!("../../examples/authorization_server/authorization_server.toml");

/// Where the server may make its key file.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("tower-fapi-sample-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn start(text: &str) -> Result<(), String> {
    let directory = Directory::new();
    let file = directory.0.join("as.toml");
    let config = Config::read(&file, text.to_owned());
    let started = config.and_then(|config| config.server().map(|_| ()));
    started.map_err(|mistake| {
        let report = mistake.to_string();
        let rest = report.strip_prefix(file.to_str().unwrap()).unwrap();
        rest.strip_prefix(':').unwrap().to_owned()
    })
}

/// The line of the sample, counted from 1, that holds this text for the first time.
fn line(text: &str) -> usize {
    SAMPLE.lines().position(|line| line.contains(text)).unwrap() + 1
}

#[test]
fn one_file_cannot_hold_the_keys_of_both_purposes() {
    mistaken(
        "encryption_keys = \"encryption-keys.json\"",
        "encryption_keys = \"signing-keys.json\"",
        line("encryption_keys ="),
        "key 1: the key is not meant for encryption",
    );
}

#[test]
fn the_sample_starts() {
    assert_eq!(start(SAMPLE), Ok(()));
}

/// With `wrong` in the place of `right` the sample is refused, for this reason and at this line.
fn mistaken(right: &str, wrong: &str, at: usize, reason: &str) {
    assert!(SAMPLE.contains(right), "{right}");
    let report = start(&SAMPLE.replacen(right, wrong, 1)).unwrap_err();
    let (found, said) = report.split_once(": ").unwrap();
    assert_eq!(found, at.to_string(), "{wrong}: {said}");
    assert!(said.contains(reason), "{wrong}: {said}");
}

#[test]
fn a_mistake_is_reported_with_its_line_and_reason() {
    let second_scope = line("title = \"Make payments\"") - 2;
    let ledger = line("client_id = \"ledger\"") - 1;
    for (right, wrong, at, reason) in [
        (
            "issuer = \"https:",
            "issuer = \"http:",
            line("issuer ="),
            "absolute https URL",
        ),
        (
            "dpop_nonces = false",
            "dpop_nonces = \"no\"",
            line("dpop_nonces ="),
            "expected a boolean",
        ),
        (
            "dpop_nonces = false",
            "dpop_nonce = false",
            line("dpop_nonces ="),
            "unknown field `dpop_nonce`",
        ),
        (
            "\"ES256\"",
            "\"RS256\"",
            line("signing_algorithm ="),
            "PS256, ES256, EdDSA",
        ),
        (
            "resource = \"https",
            "resource = \"#https",
            line("[[resources]]"),
            "absolute URI",
        ),
        (
            "code_seconds = 60",
            "code_seconds = 61",
            line("[lifetimes]"),
            "lifetime of a code is 61s",
        ),
        (
            "lead_seconds = 86400",
            "lead_seconds = 300",
            line("[key_rotation]"),
            "the lead of keys is 300s",
        ),
        (
            "address = \"127.0.0.1:8443\"",
            "address = \"localhost:8443\"",
            line("address ="),
            "socket address",
        ),
        (
            "base_url = \"https://localhost:8444\"",
            "base_url = \"mtls\"",
            line("base_url ="),
            "absolute https URL",
        ),
        (
            "# client_authorities",
            "client_authorities",
            line("client_authorities ="),
            "No such file",
        ),
        (
            "name = \"payments\"",
            "name = \"accounts\"",
            second_scope,
            "there twice",
        ),
        (
            "$argon2id$v=19$m=19456",
            "$argon2id$v=19$m=8",
            line("[[users]]"),
            "user 1",
        ),
        (
            "redirect_uris = [\"https://localhost:7443/ledger\"]",
            "redirect_uris = [\"http://ledger.example/\"]",
            ledger,
            "only https is allowed",
        ),
        (
            "client_id = \"ledger\"",
            "client_id = \"ledger\"\nclient_secret = \"x\"",
            line("client_id = \"ledger\"") + 1,
            "unknown field `client_secret`",
        ),
    ] {
        mistaken(right, wrong, at, reason);
    }
}

#[test]
fn a_mistake_in_what_can_be_asked_for_is_reported_too() {
    for (right, wrong, at, reason) in [
        (
            "title = \"Payment\"",
            "title = \" \"",
            line("[[authorization_details_types]]"),
            "title is empty",
        ),
        (
            "access_token_encrypted_response_alg = \"ECDH-ES+A256KW\"",
            "access_token_encrypted_response_alg = \"RSA-OAEP-256\"",
            line("[[resources]]"),
            "jwks holds no key that can be encrypted to",
        ),
        (
            "access_token_encrypted_response_alg = \"ECDH-ES+A256KW\"",
            "access_token_encrypted_response_alg = \"RSA1_5\"",
            line("access_token_encrypted_response_alg ="),
            "key management algorithm not accepted",
        ),
        (
            "introspection_signed_response_alg = \"ES256\"",
            "introspection_signed_response_alg = \"PS256\"",
            line("resource = \"https://localhost:9443/accounts\"") - 1,
            "the server has no key for the introspection_signed_response_alg PS256",
        ),
        (
            "client_id = \"accounts-api\"",
            "client_id = \"ledger\"",
            line("resource = \"https://localhost:9443/accounts\"") - 1,
            "client_id \"ledger\" belongs to somebody else",
        ),
        #[cfg(feature = "redis")]
        (
            "# [store]\n# redis = \"rediss:",
            "[store]\nredis = \"http:",
            line("# redis ="),
            "not the URL of a Redis server",
        ),
        (
            "# [store]\n# redis = \"rediss:",
            "[store]\nredis_url = \"rediss:",
            line("# redis ="),
            "unknown field `redis_url`",
        ),
        (
            "multi_factor_acr = \"https",
            "multi_factor_acr = \"two factors: https",
            line("[authentication]"),
            "acr",
        ),
        (
            "totp_secret = \"GEZ",
            "totp_secret = \"0EZ",
            line("username = \"bob\"") - 1,
            "user 2 (\"bob\"): totp_secret: not base32",
        ),
        (
            "value = \"amount\"",
            "value = \"money\"",
            line("value = \"amount\""),
            "unknown variant `money`",
        ),
        (
            "authorization_details_types = [\"payment_initiation\"",
            "authorization_details_types = [\"payment\"",
            line("client_id = \"budget-planner\"") - 1,
            "is not one of the server's",
        ),
        (
            "request_object_signing_alg = \"ES256\"",
            "request_object_signing_alg = \"PS256\"",
            line("client_id = \"treasury\"") - 1,
            "no key to verify request objects",
        ),
        (
            "authorization_signed_response_alg = \"ES256\"",
            "authorization_signed_response_alg = \"EdDSA\"",
            line("client_id = \"treasury\"") - 1,
            "none of the signing keys",
        ),
        (
            "response_modes = [\"jwt\"]",
            "response_modes = [\"fragment\"]",
            line("client_id = \"treasury\"") - 1,
            "response_modes may hold",
        ),
    ] {
        mistaken(right, wrong, at, reason);
    }
}

#[test]
fn a_mistake_in_what_clients_are_told_about_people_is_reported_too() {
    for (right, wrong, at, reason) in [
        (
            "id_token_signed_response_alg = \"ES256\"",
            "id_token_signed_response_alg = \"EdDSA\"",
            line("client_id = \"budget-planner\"") - 1,
            "id_token_signed_response_alg, or a profile, that none of the signing keys",
        ),
        (
            "email = \"alice@example.com\"",
            "email = \" \"",
            line("[[users]]"),
            "claims: email is empty",
        ),
    ] {
        mistaken(right, wrong, at, reason);
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let missing = Config::from_file(Path::new("/nowhere/as.toml")).unwrap_err();
    assert!(
        missing.to_string().starts_with("/nowhere/as.toml: "),
        "{missing}"
    );
}

#[test]
fn a_client_that_could_never_get_a_token_is_a_mistake() {
    for (right, wrong, at, reason) in [
        (
            "[mtls]\nbase_url = \"https://localhost:8444\"\naddress = \"127.0.0.1:8444\"",
            "\n\n",
            line("client_id = \"ledger\"") - 1,
            "client \"ledger\" has to show a certificate",
        ),
        (
            "without_person = true",
            "without_person = false",
            line("client_id = \"rate-watcher\"") - 1,
            "but for no scope or type",
        ),
    ] {
        mistaken(right, wrong, at, reason);
    }
}
