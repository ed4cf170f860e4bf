//! Redis over TLS.

use std::{fs, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tower_fapi::replay::{RedisReplayStore, RedisReplayStoreBuilder, ReplayStore as _, StoreError};

use crate::server::{RedisServer, free_port, now};

// Whoever could answer in the place of Redis would decide which proofs are new.
#[tokio::test]
async fn only_a_server_with_a_certificate_that_is_trusted_is_believed() {
    let made = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let (server_side, client_side, stranger) = (made("localhost"), made("api"), made("localhost"));
    let directory = std::env::temp_dir().join(format!("redis-tls-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let file = |name: &str, content: &str| {
        let path = directory.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let certificate = file("certificate.pem", &server_side.cert.pem());
    let key = file("key.pem", &server_side.signing_key.serialize_pem());
    let clients = file("clients.pem", &client_side.cert.pem());
    let port = free_port().to_string();
    let tls = |auth| {
        let mut arguments = vec!["--tls-port", &port, "--tls-auth-clients", auth];
        arguments.extend(["--tls-cert-file", &certificate, "--tls-key-file", &key]);
        arguments.extend(["--tls-ca-cert-file", &clients]);
        RedisServer::start(&arguments)
    };
    let Some(server) = tls("no") else {
        return;
    };
    let builder = |host: &str| {
        let builder = RedisReplayStore::builder(&format!("rediss://{host}:{port}")).unwrap();
        builder.response_time_limit(Duration::from_secs(2)).unwrap()
    };
    let trusting =
        |host: &str, pem: String| builder(host).root_certificates_pem(pem.as_bytes()).unwrap();
    let good = || trusting("localhost", server_side.cert.pem());
    for (case, builder, expected) in [
        ("trusted", good(), true),
        (
            "another name",
            trusting("127.0.0.1", server_side.cert.pem()),
            false,
        ),
        (
            "another authority",
            trusting("localhost", stranger.cert.pem()),
            false,
        ),
        ("those of the system", builder("localhost"), false),
    ] {
        assert_eq!(accepts(builder).await, expected, "{case}");
    }
    let plain = RedisReplayStore::builder(&format!("redis://localhost:{port}")).unwrap();
    assert!(!accepts(plain).await, "without TLS");
    drop(server);

    let Some(_server) = tls("yes") else {
        return;
    };
    assert!(!accepts(good()).await, "without a certificate of its own");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(server_side.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from(client_side.cert.der().to_vec())],
            PrivateKeyDer::try_from(client_side.signing_key.serialize_der()).unwrap(),
        );
    let store = builder("localhost").tls(Arc::new(config.unwrap()));
    assert!(accepts(store).await, "with a certificate of its own");
    fs::remove_dir_all(directory).ok();
}

async fn accepts(builder: RedisReplayStoreBuilder) -> bool {
    let store = builder.build().unwrap();
    let key = tower_fapi::replay::ReplayKey::new("https://as.example", &[7; 32], "1");
    match store
        .record(key, now().plus(Duration::from_secs(60)), now())
        .await
    {
        Ok(_) => true,
        Err(StoreError::Unavailable(_)) => false,
        Err(other) => panic!("{other}"),
    }
}
