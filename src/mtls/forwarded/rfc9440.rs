//! `Client-Cert` and `Client-Cert-Chain` (RFC 9440 §2): byte sequences of structured fields (RFC 8941 §3.3.5).

use http::{HeaderMap, HeaderName};

use super::{Flaw, ForwardedCertificate, pem, text};

pub(super) const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
pub(super) const CLIENT_CERT_CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");

/// The certificate, with the chain where there is one; the chain may come as a list, in several fields, or both (§2.3).
pub(super) fn read(
    value: Option<&str>,
    headers: &HeaderMap,
) -> Result<Option<ForwardedCertificate>, Flaw> {
    let Some(value) = value else {
        return if headers.contains_key(CLIENT_CERT_CHAIN) {
            Err(Flaw::ChainAlone)
        } else {
            Ok(None)
        };
    };
    let mut chain = vec![byte_sequence(value)?];
    for field in headers.get_all(CLIENT_CERT_CHAIN) {
        for item in text(field.as_bytes())?.split(',') {
            chain.push(byte_sequence(item.trim_matches([' ', '\t']))?);
        }
    }
    ForwardedCertificate::from_chain(chain).map(Some)
}

/// Parameters are allowed by RFC 8941 and given no meaning by RFC 9440; nobody writes any, so none are read.
fn byte_sequence(item: &str) -> Result<Vec<u8>, Flaw> {
    let inside = item
        .strip_prefix(':')
        .and_then(|item| item.strip_suffix(':'))
        .ok_or(Flaw::Syntax)?;
    pem::base64(inside)
}
