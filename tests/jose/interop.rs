//! Encryption against an independent implementation: `jose` for Node, in a process of its own.
//!
//! Without Node, or before `npm ci` in `tests/interop`, this says that it was skipped; with `TOWER_FAPI_CI=1` it fails instead.

use std::{io::Write as _, process::Stdio};

use serde_json::{Value, json};
use tower_fapi::jose::{
    base64url,
    jwe::{AcceptedEncryption, ContentEncryption, JweAlgorithm, decrypt},
};

use crate::{
    encryption::{CONTENT, keys, pairs, seal},
    node,
    support::{public, text},
};

/// Asks the script; `None` if there is nobody to ask.
fn ask(question: &Value) -> Option<Value> {
    let mut node = node::script("scripts/jwe.mjs", &["jose"])?;
    let mut node = node
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    input.write_all(question.to_string().as_bytes()).unwrap();
    drop(input);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the script says why above");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

// RFC 7516, RFC 7518 §4 and §5, RFC 8037 §3.2: every algorithm, both ways.
#[test]
fn what_either_side_encrypts_the_other_decrypts() {
    let content = str::from_utf8(CONTENT).unwrap();
    let (mut to_seal, mut to_open, mut recipients) = (Vec::new(), Vec::new(), Vec::new());
    for (written, key) in pairs() {
        let (alg, kid) = (key.algorithm(), key.kid());
        for encryption in ContentEncryption::ALL {
            let enc = encryption.as_str();
            let Ok(jwe) = seal(key, encryption) else {
                continue;
            };
            to_open.push(json!({"key": written, "alg": alg, "enc": enc, "jwe": jwe}));
            let mut wanted = json!({
                "key": if written["kty"] == "oct" { written.clone() } else { public(written) },
                "alg": alg, "enc": enc, "kid": kid, "content": content,
            });
            if alg.as_str().starts_with("ECDH-ES") && encryption == ContentEncryption::A128Gcm {
                wanted["apu"] = base64url::encode("Alice").into();
                wanted["apv"] = base64url::encode("Bob").into();
            }
            to_seal.push(wanted);
            recipients.push((written, alg, encryption));
        }
    }
    assert_eq!(recipients.len(), 68);
    let Some(answer) = ask(&json!({"seal": to_seal, "open": to_open})) else {
        return;
    };
    let everything = AcceptedEncryption::default().with_algorithms(JweAlgorithm::ALL);
    for (place, (written, alg, enc)) in recipients.into_iter().enumerate() {
        assert_eq!(answer["opened"][place], content, "{alg} {enc}");
        let sealed = text(&answer["sealed"][place]);
        let opened = decrypt(sealed, &keys(written), &everything).unwrap();
        assert_eq!(&opened.plaintext[..], CONTENT, "{alg} {enc}");
        assert_eq!(
            (opened.header.algorithm(), opened.header.encryption()),
            (alg, enc)
        );
    }
}
