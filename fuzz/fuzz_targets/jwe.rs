//! Encrypted documents: any text, and any content and header rightly encrypted.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tower_fapi::{
    jose::jwe::{
        AcceptedEncryption, AgreementCurve, CompactJwe, ContentEncryption, DecryptionKey,
        DecryptionKeys, EncryptionHeader, EncryptionKey, JweAlgorithm, JweError, decrypt, encrypt,
    },
    jose::{PrivateJwk, base64url},
};

struct World {
    keys: DecryptionKeys,
    others: Vec<EncryptionKey>,
    accepted: AcceptedEncryption,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut keys = Vec::new();
    for algorithm in [JweAlgorithm::EcdhEs, JweAlgorithm::EcdhEsA256Kw] {
        for curve in [
            AgreementCurve::P256,
            AgreementCurve::P384,
            AgreementCurve::X25519,
        ] {
            let key = PrivateJwk::generate_for_agreement(curve, algorithm).expect("a key");
            keys.push(DecryptionKey::new(&key).expect("a key"));
        }
    }
    keys.push(DecryptionKey::generate(JweAlgorithm::RsaOaep256).expect("a key"));
    let public = keys.iter().filter_map(DecryptionKey::public);
    let mut others: Vec<_> = public
        .map(|key| EncryptionKey::new(key).expect("a key"))
        .collect();
    for (algorithm, length) in [("A256KW", 32), ("A256GCMKW", 32), ("A128CBC-HS256", 32)] {
        let (secret, kid) = (vec![7; length], Some(algorithm.to_owned()));
        keys.push(DecryptionKey::shared(&secret, algorithm, kid.clone()).expect("a key"));
        others.push(EncryptionKey::shared(&secret, algorithm, kid).expect("a key"));
    }
    World {
        keys: DecryptionKeys::new(keys),
        others,
        accepted: AcceptedEncryption::default().with_algorithms(JweAlgorithm::ALL),
    }
});

fuzz_target!(|input: (&str, &str, &[u8], u8)| {
    let world = &*WORLD;
    let (text, header, content, choice) = input;
    let _ = text.parse::<DecryptionKey>();
    if let Ok(opened) = decrypt(text, &world.keys, &world.accepted) {
        assert!(opened.plaintext.len() <= text.len());
    }
    // Any header before segments of the right form.
    let made = format!(
        "{}.AA.AAAAAAAAAAAAAAAA.AA.AAAAAAAAAAAAAAAAAAAAAA",
        base64url::encode(header)
    );
    let _ = decrypt(&made, &world.keys, &world.accepted);

    let place = usize::from(choice);
    let key = &world.others[place % world.others.len()];
    let encryption = ContentEncryption::ALL[place / 16 % ContentEncryption::ALL.len()];
    let named = EncryptionHeader {
        cty: Some(header),
        party_u: content,
        ..EncryptionHeader::default()
    };
    let Ok(sealed) = encrypt(key, encryption, named, content) else {
        return;
    };
    // NUL is the one character that no header may hold.
    match decrypt(&sealed, &world.keys, &world.accepted) {
        Ok(opened) => assert_eq!(&opened.plaintext[..], content),
        Err(error) => assert!(
            matches!(error, JweError::Json(_)) && header.contains('\0'),
            "{error}"
        ),
    }
    assert!(CompactJwe::has_shape(&sealed));
});
