//! `X-Amzn-Mtls-Clientcert` of AWS Application Load Balancers: the chain as percent-encoded PEM, leaf first.

use http::HeaderName;

use super::{Flaw, ForwardedCertificate, pem, percent};

pub(super) const X_AMZN_MTLS_CLIENTCERT: HeaderName =
    HeaderName::from_static("x-amzn-mtls-clientcert");
pub(super) const X_AMZN_MTLS_CLIENTCERT_LEAF: HeaderName =
    HeaderName::from_static("x-amzn-mtls-clientcert-leaf");

/// Beside the certificate there are its subject, issuer, serial number and validity.
pub(super) fn is_of_alb(name: &HeaderName) -> bool {
    name.as_str().starts_with(X_AMZN_MTLS_CLIENTCERT.as_str())
}

pub(super) fn read(value: &str) -> Result<ForwardedCertificate, Flaw> {
    ForwardedCertificate::from_chain(pem::decode(&percent::decode(value)?)?)
}
