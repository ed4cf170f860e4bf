//! One certificate, as PEM, percent-encoded: nginx, and an AWS load balancer in verify mode.

use super::{Flaw, ForwardedCertificate, pem, percent};

pub(super) fn read(value: &str) -> Result<ForwardedCertificate, Flaw> {
    let chain = pem::decode(&percent::decode(value)?)?;
    match chain.len() {
        1 => ForwardedCertificate::from_chain(chain),
        more => Err(Flaw::TooManyCertificates(more)),
    }
}
