//! The certificate that the examples make for themselves.

use std::{fs, path::Path};

use tower_fapi::tls::ServerIdentity;

use crate::{
    certificate::CertificateFiles,
    setup::certificate_files,
    support::{FILE, file_with},
};

fn files(name: &str) -> CertificateFiles {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("certificate-{name}"));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    CertificateFiles {
        chain: directory.join("chain.pem"),
        key: directory.join("key.pem"),
    }
}

#[test]
fn what_is_made_serves_and_stays() {
    let files = files("made");
    let advice = files.advice().unwrap();
    assert!(advice.contains("--make-certificate"), "{advice}");
    assert!(advice.contains(files.key.to_str().unwrap()), "{advice}");
    files.make().unwrap();
    assert_eq!(files.advice(), None);
    ServerIdentity::from_pem_files(&files.chain, &files.key).unwrap();
    let made = fs::read(&files.key).unwrap();
    files.make().unwrap();
    assert_eq!(fs::read(&files.key).unwrap(), made);
}

#[cfg(unix)]
#[test]
fn the_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let files = files("mode");
    files.make().unwrap();
    let mode = fs::metadata(&files.key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn half_a_pair_is_left_alone() {
    for there in ["chain", "key"] {
        let files = files(there);
        let path = if there == "key" {
            &files.key
        } else {
            &files.chain
        };
        fs::write(path, "mine").unwrap();
        assert!(files.advice().is_some(), "{there}");
        let refused = files.make().unwrap_err();
        assert!(refused.contains("is there and"), "{refused}");
        assert_eq!(fs::read(path).unwrap(), b"mine", "{there}");
        assert!(!(files.chain.exists() && files.key.exists()), "{there}");
    }
}

#[test]
fn the_files_are_where_the_configuration_says() {
    let found = |text: &str| certificate_files(text, Path::new("here"));
    let pair = ("here/chain.pem".into(), "here/key.pem".into());
    assert_eq!(found(FILE), Some(pair));
    for (line, text) in [
        (5, ""),
        (6, ""),
        (6, "key = \"key.pem\"\nplain_http = true"),
        (1, "no TOML"),
    ] {
        assert_eq!(found(&file_with(line, text)), None, "{text}");
    }
}
