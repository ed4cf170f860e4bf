//! Published encryption keys.

use std::convert::Infallible;

use http::{Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::Value;
use tower::Service;

use super::*;
use crate::jose::{
    JwkSet, JwsAlgorithm, SigningKey,
    jwe::{DecryptionKey, DecryptionKeyRing, DecryptionKeys, EncryptionKey, JweAlgorithm},
};

fn ask(service: &mut JwksService, method: &str) -> Response<Full<Bytes>> {
    let request = Request::builder().method(method).uri("/").body(()).unwrap();
    let answer: Result<_, Infallible> = block_on(service.call(request));
    answer.unwrap()
}

// RFC 7517 §5 and §8.5.2.
#[test]
fn the_public_halves_are_served_and_nothing_else() {
    let shared = DecryptionKey::shared(&[1; 32], "dir", Some("shared".to_owned())).unwrap();
    let keys = DecryptionKeys::new([
        DecryptionKey::generate(JweAlgorithm::EcdhEs).unwrap(),
        shared,
        DecryptionKey::generate(JweAlgorithm::RsaOaep256).unwrap(),
    ]);
    let mut service = JwksService::new(keys.clone());
    let answer = ask(&mut service, "GET");
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/jwk-set+json");
    assert_eq!(answer.headers()["cache-control"], "public, max-age=900");
    let document = text(answer.into_body());
    let value: Value = serde_json::from_str(&document).unwrap();
    let written = value["keys"].as_array().unwrap();
    let kinds: Vec<_> = written
        .iter()
        .map(|key| (key["kty"].clone(), key["alg"].clone()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("EC".into(), "ECDH-ES".into()),
            ("RSA".into(), "RSA-OAEP-256".into())
        ]
    );
    for key in written {
        assert_eq!(key["use"], "enc");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
    }
    let set: JwkSet = document.parse().unwrap();
    assert!(EncryptionKey::from_set(&set, Some(JweAlgorithm::RsaOaep256)).is_ok());

    let head = ask(&mut service, "HEAD");
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(
        head.headers()["content-length"],
        document.len().to_string().as_str()
    );
    assert!(text(head.into_body()).is_empty());
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = ask(&mut service, method);
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.headers()["allow"], "GET, HEAD");
        assert!(text(answer.into_body()).is_empty());
    }
}

#[test]
fn what_is_served_follows_the_keys_and_the_settings() {
    let ring = DecryptionKeyRing::default();
    let signing = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let mut service = JwksService::new(ring.clone())
        .with_keys(JwkSet::new([signing.public().clone()]))
        .max_age(Duration::from_secs(60));
    let uses = |service: &mut JwksService| {
        let answer = ask(service, "GET");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=60");
        let value: Value = serde_json::from_str(&text(answer.into_body())).unwrap();
        let keys = value["keys"].as_array().unwrap().iter();
        keys.map(|key| key["use"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(uses(&mut service), ["sig"]);
    let key = DecryptionKey::generate(JweAlgorithm::EcdhEs).unwrap();
    ring.replace(DecryptionKeys::new([key]));
    assert_eq!(uses(&mut service), ["enc", "sig"]);
}
