//! A token bound to a certificate (RFC 8705 §3).

use http::HeaderName;

use super::{
    Row,
    call::{Call, Operation::Accounts, Shown},
    scene::Scene,
};
use crate::attacks::carriers::CERTIFICATE_HEADER;

const BAD_TOKEN: &str = "401 invalid_token";

#[rustfmt::skip]
pub const CERTIFICATES: &[Row] = &[
    ("the stolen token without a certificate", "RFC 8705 §3", BAD_TOKEN, "none was presented", |s| Ok(bearer(s))),
    ("with the certificate of another client", "RFC 8705 §3", BAD_TOKEN, "another client certificate", |s| Ok(bearer(s).showing(Shown::Other))),
    ("with a forged certificate in the right name", "RFC 8705 §3", BAD_TOKEN, "another client certificate", |s| Ok(bearer(s).showing(Shown::Forged))),
    // Certificates are public, so anybody can put one into a header (RFC 9440); only a connection proves anything.
    ("with the right certificate, but in a header", "RFC 9440 §4", BAD_TOKEN, "none was presented", |s| Ok(spoofed(s))),
    ("in a header, and another one shown", "RFC 9440 §4", BAD_TOKEN, "another client certificate", |s| Ok(spoofed(s).showing(Shown::Other))),
    ("under the DPoP scheme, with a proof of the thief's", "RFC 9449 §7.1", BAD_TOKEN, "not DPoP-bound", |s| {
        let proof = s.loot.thief.proof(s.carrier.method(Accounts).as_str(), &s.url(), s.now);
        Ok(Call::new(Accounts).authorization("DPoP", &s.by_certificate).proof(proof.access_token(&s.by_certificate).sign()))
    }),
    ("the client itself, with its certificate", "", "200", "", |s| Ok(bearer(s).showing(Shown::Own))),
];

fn bearer(scene: &Scene<'_>) -> Call {
    Call::new(Accounts).authorization("Bearer", &scene.by_certificate)
}

/// The header of RFC 9440, and the one in which the nginx of the demo passes certificates on.
fn spoofed(scene: &Scene<'_>) -> Call {
    let pem = &scene.world.cast.books.certificate.pem;
    let base64 = pem.lines().filter(|line| !line.starts_with('-'));
    let escaped = form_urlencoded::byte_serialize(pem.as_bytes()).collect::<String>();
    bearer(scene)
        .header(
            HeaderName::from_static("client-cert"),
            format!(":{}:", base64.collect::<String>()),
        )
        .header(CERTIFICATE_HEADER, escaped.replace('+', "%20"))
}
