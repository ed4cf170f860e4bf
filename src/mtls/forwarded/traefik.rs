//! `X-Forwarded-Tls-Client-Cert` of Traefik: base64 of each certificate of the chain, leaf first, with commas between.
//!
//! Old versions escaped the whole value as in a query. Base64 has no percent sign, and a plus is a plus in both, so one
//! reading fits all.

use http::HeaderName;

use super::{Flaw, ForwardedCertificate, pem, percent};

pub(super) const X_FORWARDED_TLS_CLIENT_CERT: HeaderName =
    HeaderName::from_static("x-forwarded-tls-client-cert");

pub(super) fn read(value: &str) -> Result<ForwardedCertificate, Flaw> {
    let value = percent::decode(value)?;
    let chain = value.split(|byte| *byte == b',').map(pem::base64);
    ForwardedCertificate::from_chain(chain.collect::<Result<_, _>>()?)
}
