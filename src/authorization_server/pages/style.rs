//! The stylesheet of all pages.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// Written into every page rather than served from a path of its own.
///
/// The policy then names its hash, which allows exactly these bytes; `'self'` would allow whatever else the host can
/// be made to serve as a stylesheet. A page is whole in one answer, wherever the server is mounted, and there is no
/// second path that a proxy has to know. The price is a few kilobytes on pages that are seen once and never cached.
pub(super) const STYLESHEET: &str = include_str!("templates/style.css");

/// The stylesheet's hash as a CSP source, without the quotes (CSP Level 3 §2.3.1).
pub(super) fn hash() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let digest = STANDARD.encode(Sha256::digest(STYLESHEET));
        format!("sha256-{digest}")
    });
    &HASH
}
