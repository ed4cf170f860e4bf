//! PEM certificates, strictly (RFC 7468 §3), and the base64 inside (RFC 4648 §4).

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::Flaw;

const STRICT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Decodes base64 that is spelt in the one way it can be: padded, without line breaks.
pub(super) fn base64(text: impl AsRef<[u8]>) -> Result<Vec<u8>, Flaw> {
    STRICT.decode(text).map_err(|_| Flaw::Base64)
}

/// The DER of each certificate, at least one. Between and around them there are line breaks and nothing else.
pub(super) fn decode(pem: &[u8]) -> Result<Vec<Vec<u8>>, Flaw> {
    let mut rest = std::str::from_utf8(pem).map_err(|_| Flaw::Pem)?;
    let mut certificates = Vec::new();
    loop {
        rest = rest.trim_start_matches(['\r', '\n']);
        if rest.is_empty() {
            break;
        }
        let block = rest.strip_prefix(BEGIN).ok_or(Flaw::Pem)?;
        let (body, behind) = block.split_once(END).ok_or(Flaw::Pem)?;
        if !body.starts_with(['\r', '\n']) || !body.ends_with('\n') {
            return Err(Flaw::Pem);
        }
        if !(behind.is_empty() || behind.starts_with(['\r', '\n'])) {
            return Err(Flaw::Pem);
        }
        certificates.push(base64(body.replace(['\r', '\n'], ""))?);
        rest = behind;
    }
    if certificates.is_empty() {
        return Err(Flaw::Pem);
    }
    Ok(certificates)
}

#[cfg(test)]
pub(super) fn encode_base64(bytes: &[u8]) -> String {
    STRICT.encode(bytes)
}

/// As OpenSSL writes it: lines of 64 characters, the last with a line break behind it.
#[cfg(test)]
pub(super) fn encode(chain: &[Vec<u8>]) -> String {
    let mut pem = String::new();
    for der in chain {
        pem.push_str(BEGIN);
        for (position, letter) in STRICT.encode(der).chars().enumerate() {
            if position % 64 == 0 {
                pem.push('\n');
            }
            pem.push(letter);
        }
        pem.push('\n');
        pem.push_str(END);
        pem.push('\n');
    }
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7468 §2 and §3; RFC 4648 §3.5.
    #[test]
    fn only_certificates_and_line_breaks_are_taken() {
        let sound = encode(&[b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(
            decode(sound.as_bytes()),
            Ok(vec![b"one".to_vec(), b"two".to_vec()])
        );
        let crlf = sound.replace('\n', "\r\n");
        assert_eq!(decode(crlf.as_bytes()).map(|chain| chain.len()), Ok(2));
        for (case, text, flaw) in [
            ("nothing", String::new(), Flaw::Pem),
            ("line breaks alone", "\n\n".to_owned(), Flaw::Pem),
            ("a word in front", format!("x{sound}"), Flaw::Pem),
            ("a word behind", format!("{sound}x"), Flaw::Pem),
            (
                "a word between",
                sound.replace("--\n--", "--\nx\n--"),
                Flaw::Pem,
            ),
            ("no end", sound.replace("END", "FIN"), Flaw::Pem),
            (
                "another label",
                sound.replace("CERTIFICATE", "PUBLIC KEY"),
                Flaw::Pem,
            ),
            ("one line", sound.replace('\n', ""), Flaw::Pem),
            (
                "a space in a line",
                sound.replace("b25l", "b2 5l"),
                Flaw::Base64,
            ),
            (
                "the other alphabet",
                sound.replace("b25l", "b2_l"),
                Flaw::Base64,
            ),
            ("trailing bits", sound.replace("b25l", "b25="), Flaw::Base64),
            ("padding missing", sound.replace("b25l", "b2"), Flaw::Base64),
        ] {
            assert_eq!(decode(text.as_bytes()), Err(flaw), "{case}");
        }
        assert_eq!(decode(b"\xff"), Err(Flaw::Pem));
    }
}
