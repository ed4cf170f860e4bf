//! `X-Forwarded-Client-Cert` of Envoy.
//!
//! Elements with commas between; each is pairs with semicolons between; each pair a key in any letter case, `=`, and a value,
//! quoted where it holds one of these. Inside quotes a backslash takes away the meaning of whatever follows: the subject is
//! written as RFC 4514 has it, which puts one before each quotation mark and each backslash.
//!
//! Subject and alternative names are the client's own words, so everything that they could smuggle in is refused: a second
//! element, a second `Hash`, a `Cert` that is not the one that was hashed.

use http::HeaderName;

use super::{CertificateThumbprint, Flaw, ForwardedCertificate, pem, percent};

pub(super) const X_FORWARDED_CLIENT_CERT: HeaderName =
    HeaderName::from_static("x-forwarded-client-cert");

pub(super) fn read(value: &str) -> Result<ForwardedCertificate, Flaw> {
    let (mut hash, mut cert, mut chain) = (None, None, None);
    let mut rest = value;
    loop {
        let pair = Pair::read(rest)?;
        let slot = match pair.key {
            key if key.eq_ignore_ascii_case("Hash") => Some(&mut hash),
            key if key.eq_ignore_ascii_case("Cert") => Some(&mut cert),
            key if key.eq_ignore_ascii_case("Chain") => Some(&mut chain),
            _ => None,
        };
        if let Some(slot) = slot
            && slot.replace(pair.value).is_some()
        {
            return Err(Flaw::Syntax);
        }
        let mut behind = pair.behind.chars();
        match behind.next() {
            None => break,
            Some(';') => rest = behind.as_str(),
            Some(',') => return Err(Flaw::Element),
            Some(_) => return Err(Flaw::Syntax),
        }
    }
    let thumbprint = thumbprint(hash.ok_or(Flaw::Element)?)?;
    let cert = cert.map(certificates).transpose()?;
    let chain = chain.map(certificates).transpose()?;
    let certificate = match (cert, chain) {
        (None, None) => None,
        (Some(cert), None) | (None, Some(cert)) => Some(cert),
        (Some(cert), Some(chain)) if cert.thumbprint == chain.thumbprint => Some(chain),
        (Some(_), Some(_)) => return Err(Flaw::Contradiction),
    };
    match certificate {
        None => Ok(ForwardedCertificate {
            thumbprint,
            certificate: None,
        }),
        Some(certificate) if certificate.thumbprint == thumbprint => Ok(certificate),
        Some(_) => Err(Flaw::Contradiction),
    }
}

fn certificates(value: &str) -> Result<ForwardedCertificate, Flaw> {
    ForwardedCertificate::from_chain(pem::decode(&percent::decode(value)?)?)
}

/// SHA-256 in hexadecimal digits.
fn thumbprint(hash: &str) -> Result<CertificateThumbprint, Flaw> {
    let mut bytes = [0_u8; 32];
    if hash.len() != 64 || !hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Flaw::Syntax);
    }
    for (byte, digits) in bytes.iter_mut().zip(hash.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| Flaw::Syntax)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| Flaw::Syntax)?;
    }
    Ok(CertificateThumbprint::from_bytes(bytes))
}

struct Pair<'a> {
    key: &'a str,
    /// Without the quotation marks. Backslashes are left: what counts here has none, what has some does not count.
    value: &'a str,
    /// Begins with what ends the pair, if anything does.
    behind: &'a str,
}

impl<'a> Pair<'a> {
    fn read(text: &'a str) -> Result<Self, Flaw> {
        let (key, text) = text.split_once('=').ok_or(Flaw::Syntax)?;
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Flaw::Syntax);
        }
        let (value, behind) = match text.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => text.split_at(text.find([';', ',']).unwrap_or(text.len())),
        };
        Ok(Self { key, value, behind })
    }
}

/// The text up to the closing quotation mark, and what is behind that.
fn unquoted(text: &str) -> Result<(&str, &str), Flaw> {
    let mut escaped = false;
    let end = text.find(|letter| {
        let ends = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        ends
    });
    let (inside, behind) = text.split_at(end.ok_or(Flaw::Syntax)?);
    let behind = behind.strip_prefix('"').unwrap_or(behind);
    Ok((inside, behind))
}
