//! What the verdict needs to know of a request.

use std::fmt;

use http::{HeaderMap, Method, Request, Uri};

use crate::mtls::{Peer, PeerAddr, PeerCertificate};

/// What the verdict needs to know of a request, borrowed from it.
///
/// `Debug` leaves out the headers and the query: tokens and proofs stand in the one, and should not in the other but may.
#[non_exhaustive]
#[derive(Clone, Copy)]
pub struct RequestFacts<'a> {
    /// The method.
    pub method: &'a Method,
    /// The request target as the client sent it: the path has to be whole, not what a router has left of it.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The certificate that was proven on this request's own connection, if there was one. Behind a proxy that is the
    /// proxy's, and is not taken for the client's.
    pub certificate: Option<&'a PeerCertificate>,
    /// The other end of this request's own connection: the client, or the proxy in front. Who is unknown is not trusted.
    pub peer: Option<Peer>,
}

impl<'a> RequestFacts<'a> {
    /// The facts of a request without a client certificate and from nobody in particular; where these are known, set
    /// [`certificate`](Self::certificate) and [`peer`](Self::peer).
    #[must_use]
    pub const fn new(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        Self {
            method,
            uri,
            headers,
            certificate: None,
            peer: None,
        }
    }

    /// Takes the facts from a request. Certificate ([`PeerCertificate`]) and peer ([`PeerAddr`] or [`Peer`]) are in its
    /// extensions, where whoever took the connection has put them; with the feature `axum`, the peer is also taken from
    /// `axum::extract::ConnectInfo<SocketAddr>`.
    #[must_use]
    pub fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            certificate: request.extensions().get(),
            peer: peer(request),
            ..Self::new(request.method(), original_uri(request), request.headers())
        }
    }
}

impl fmt::Debug for RequestFacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestFacts")
            .field("method", self.method)
            .field("path", &self.uri.path())
            .field("certificate", &self.certificate)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// A nested axum router shortens the path; proofs are made for the whole.
fn original_uri<B>(request: &Request<B>) -> &Uri {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::OriginalUri(uri)) = request.extensions().get() {
        return uri;
    }
    request.uri()
}

/// Whoever ended TLS knows best; the extractor of axum's own server comes last.
pub(super) fn peer<B>(request: &Request<B>) -> Option<Peer> {
    let extensions = request.extensions();
    let known = extensions
        .get::<PeerAddr>()
        .map(|address| Peer::from(*address));
    let known = known.or_else(|| extensions.get::<Peer>().copied());
    #[cfg(feature = "axum")]
    let known = known.or_else(|| {
        let info = extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>();
        info.map(|info| Peer::Network(info.0))
    });
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_show_neither_token_nor_proof() {
        let request = Request::get("https://api.example.com/a?access_token=secret")
            .header("authorization", "DPoP secret")
            .header("dpop", "secret")
            .body(())
            .unwrap();
        let shown = format!("{:?}", RequestFacts::of(&request));
        assert!(
            shown.contains("GET") && shown.contains("/a") && !shown.contains("secret"),
            "{shown}"
        );
    }

    #[test]
    fn the_peer_is_who_the_server_says_it_is() {
        let ours = "192.0.2.1:1".parse().unwrap();
        let mut request = Request::new(());
        assert_eq!(RequestFacts::of(&request).peer, None);
        #[cfg(feature = "axum")]
        {
            let theirs = "192.0.2.2:2".parse().unwrap();
            let info = axum::extract::ConnectInfo::<std::net::SocketAddr>(theirs);
            request.extensions_mut().insert(info);
            assert_eq!(RequestFacts::of(&request).peer, Some(Peer::Network(theirs)));
        }
        request.extensions_mut().insert(Peer::UnixSocket);
        assert_eq!(RequestFacts::of(&request).peer, Some(Peer::UnixSocket));
        request.extensions_mut().insert(PeerAddr(ours));
        assert_eq!(RequestFacts::of(&request).peer, Some(Peer::Network(ours)));
    }
}
