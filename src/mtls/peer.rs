//! What is known of the other end of a request's connection.

use std::{fmt, net::SocketAddr, sync::Arc};

use super::CertificateThumbprint;

/// The certificate whose private key the sender of this very request has proved to hold (RFC 8705 §3).
///
/// Stands in the request's [`http::Extensions`], put there by whoever ended the TLS connection; absent when the client
/// presented none. It says nothing about who issued the certificate. There is always a leaf, and its thumbprint is
/// computed once, here: a connection makes one value, and its requests get clones, which are cheap.
#[derive(Clone)]
pub struct PeerCertificate(Arc<Inner>);

struct Inner {
    leaf: Box<[u8]>,
    intermediates: Box<[Box<[u8]>]>,
    thumbprint: CertificateThumbprint,
}

impl PeerCertificate {
    /// The peer's own certificate and the further ones it sent, each as DER, in the order of the handshake.
    ///
    /// The caller vouches that the peer has proved possession of the leaf's key.
    #[must_use]
    pub fn new(
        leaf: impl Into<Box<[u8]>>,
        intermediates: impl IntoIterator<Item = Box<[u8]>>,
    ) -> Self {
        let leaf = leaf.into();
        Self(Arc::new(Inner {
            thumbprint: CertificateThumbprint::of_der(&leaf),
            leaf,
            intermediates: intermediates.into_iter().collect(),
        }))
    }

    /// The same from a whole chain, leaf first; `None` if the chain is empty.
    #[must_use]
    pub fn from_chain<C: AsRef<[u8]>>(chain: impl IntoIterator<Item = C>) -> Option<Self> {
        let mut chain = chain.into_iter().map(|der| Box::from(der.as_ref()));
        let leaf: Box<[u8]> = chain.next()?;
        Some(Self::new(leaf, chain))
    }

    /// The peer's own certificate, as DER.
    #[must_use]
    pub fn leaf(&self) -> &[u8] {
        &self.0.leaf
    }

    /// What the peer sent beside its own certificate, each as DER. Nothing says that these belong to a chain.
    pub fn intermediates(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.intermediates.iter().map(AsRef::as_ref)
    }

    /// SHA-256 of the leaf: what a token bound to this certificate holds in `cnf.x5t#S256` (RFC 8705 §3.1).
    #[must_use]
    pub fn thumbprint(&self) -> CertificateThumbprint {
        self.0.thumbprint
    }
}

/// Shows the thumbprint instead of a kilobyte of DER.
impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificate")
            .field("thumbprint", &self.0.thumbprint)
            .field("intermediates", &self.0.intermediates.len())
            .finish_non_exhaustive()
    }
}

/// The network address at the other end of the connection that carried this request.
///
/// Stands in the request's [`http::Extensions`]. Behind a proxy it is the proxy's address.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct PeerAddr(pub SocketAddr);

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The other end of a request's connection, as far as it is known.
///
/// A server on a Unix socket puts [`Peer::UnixSocket`] into the extensions of every request that came through it; there is no
/// address to put there, and who may open the socket is for its file permissions to say.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Peer {
    /// On the network, at this address.
    Network(SocketAddr),
    /// On this machine, through a Unix socket.
    UnixSocket,
}

impl From<PeerAddr> for Peer {
    fn from(address: PeerAddr) -> Self {
        Self::Network(address.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_chain_is_the_leaf() {
        let peer = PeerCertificate::from_chain([b"leaf".as_slice(), b"middle", b"upper"]).unwrap();
        assert_eq!(peer.leaf(), b"leaf");
        assert_eq!(peer.thumbprint(), CertificateThumbprint::of_der(b"leaf"));
        assert_eq!(
            peer.intermediates().collect::<Vec<_>>(),
            [b"middle".as_slice(), b"upper"]
        );
    }

    #[test]
    fn there_is_no_peer_without_a_certificate() {
        assert!(PeerCertificate::from_chain::<&[u8]>([]).is_none());
    }

    #[test]
    fn clones_share_what_was_computed() {
        let peer = PeerCertificate::new(*b"leaf", []);
        assert!(std::ptr::eq(peer.leaf(), peer.clone().leaf()));
    }

    #[test]
    fn logs_show_the_thumbprint_and_not_the_certificate() {
        let peer = PeerCertificate::new(*b"leaf", [Box::from(*b"middle")]);
        assert_eq!(
            format!("{peer:?}"),
            format!(
                "PeerCertificate {{ thumbprint: {:?}, intermediates: 1, .. }}",
                peer.thumbprint()
            )
        );
    }
}
