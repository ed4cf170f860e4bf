//! Client certificates: what binds a token to one, and what a connection proved about its peer (RFC 8705).
//!
//! Nothing here speaks TLS. Whoever ends the TLS connection, this crate (feature `tls`) or a server of your own, puts a
//! [`PeerCertificate`] and a [`PeerAddr`] into each request's extensions; a certificate-bound token is then compared with
//! [`PeerCertificate::thumbprint`] (RFC 8705 §3). Where that server is a proxy in front, [`CertificateHeader`] says how it
//! passes the certificate on.
//!
//! ```
//! use tower_fapi::mtls::{CertificateThumbprint, PeerCertificate};
//!
//! # let leaf_der = b"the certificate, as DER".to_vec();
//! // Once per connection, after the handshake:
//! let peer = PeerCertificate::new(leaf_der, []);
//! // Once per request:
//! let mut request = http::Request::new(());
//! request.extensions_mut().insert(peer.clone());
//!
//! // The `x5t#S256` member of the token's `cnf` claim, as text:
//! let bound_to: CertificateThumbprint = "t9lMMfQQsWhOlkczYjyJI5o0Htr5mWWotvlrwUhWVEs".parse()?;
//! assert_ne!(peer.thumbprint(), bound_to);
//! # Ok::<_, tower_fapi::jose::InvalidHash>(())
//! ```

mod forwarded;
mod peer;

pub use crate::jose::CertificateThumbprint;
#[cfg(test)]
pub(crate) use forwarded::{CERTIFICATE_HEADER_FAMILIES, CERTIFICATE_HEADERS};
pub use forwarded::{
    CertificateHeader, CertificateHeaderError, CertificateHeaderFlaw, ForwardedCertificate,
    is_certificate_header,
};
pub use peer::{Peer, PeerAddr, PeerCertificate};
