//! One certificate, as DER in base64: HAProxy, Caddy.

use super::{Flaw, ForwardedCertificate, pem};

pub(super) fn read(value: &str) -> Result<ForwardedCertificate, Flaw> {
    ForwardedCertificate::from_chain(vec![pem::base64(value)?])
}
