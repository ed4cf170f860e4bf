//! From the text of a request object to its claims.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{RequestObjectError, SignedRequest};
use crate::{
    authorization_server::{clients::Client, server::Server},
    jose::{
        CompactJws, JwsError, JwsHeader, VerifyingKeySet, json,
        jwe::{AcceptedEncryption, CompactJwe, ContentEncryption, JweAlgorithm, decrypt},
        sha256,
    },
    time::Timestamp,
};

/// How a client has registered to encrypt its request objects (OpenID Connect Dynamic Client Registration §2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Encryption {
    pub(crate) algorithm: JweAlgorithm,
    pub(crate) content: ContentEncryption,
}

impl Server {
    /// The signed object itself, whether it came encrypted or not (RFC 9101 §6.1).
    ///
    /// A client that has registered nothing may do either; one that has registered encryption does nothing else.
    pub(super) fn decrypted<'t>(
        &self,
        client: &Client,
        text: &'t str,
        now: Timestamp,
    ) -> Result<Cow<'t, str>, RequestObjectError> {
        let registered = client.messages.request_object_encryption;
        if !CompactJwe::has_shape(text) {
            return match registered {
                Some(_) => Err(RequestObjectError::NotEncrypted),
                None => Ok(Cow::Borrowed(text)),
            };
        }
        let open = || {
            let keys = self.decryption.as_ref()?;
            let accepted = match registered {
                Some(rule) => AcceptedEncryption::default()
                    .with_algorithms([rule.algorithm])
                    .with_encryptions([rule.content]),
                None => keys.accepted(now),
            };
            let opened = decrypt(text, &keys.decryption_keys(now), &accepted).ok()?;
            // RFC 7519 §5.2 has a nested JWT say that it is one; who says nothing means the same, and so does openid-client 5,
            // which says what kind of JWT.
            let header = &opened.header;
            let is_jwt = header.cty().is_none()
                || header.is_cty("JWT")
                || header.is_cty("oauth-authz-req+jwt");
            let signed = std::str::from_utf8(&opened.plaintext).ok()?;
            is_jwt.then(|| Cow::Owned(signed.to_owned()))
        };
        open().ok_or(RequestObjectError::Undecipherable)
    }
}

/// A request object that has been read. Nothing in it can be believed before it has been verified.
pub(super) struct RequestObject<'a> {
    jws: CompactJws<'a>,
    header: JwsHeader,
    claims: Map<String, Value>,
    identity: [u8; 32],
}

impl<'a> RequestObject<'a> {
    /// The algorithm is judged here, before any key is looked for (RFC 9101 §6.2, RFC 8725 §3.1).
    pub(super) fn read(text: &'a str, client: &Client) -> Result<Self, RequestObjectError> {
        let jws = CompactJws::parse(text)?;
        let header = jws.header()?;
        let (algorithm, registered) =
            (header.algorithm(), client.messages.request_object_algorithm);
        let other = registered.is_some_and(|registered| registered != algorithm);
        if other || !client.profile.allows_algorithm(algorithm) {
            return Err(RequestObjectError::Algorithm);
        }
        // An assertion or a proof that somebody got hold of must not become a request (RFC 9101 §10.8).
        let fits =
            header.typ().is_none() || header.is_typ("oauth-authz-req+jwt") || header.is_typ("JWT");
        if !fits {
            return Err(RequestObjectError::Type);
        }
        let claims = json::object(&jws.payload()?).map_err(JwsError::from)?;
        Ok(Self {
            jws,
            header,
            claims,
            identity: identity(text),
        })
    }

    pub(super) fn verify(&self, keys: &VerifyingKeySet) -> Result<(), JwsError> {
        self.jws.verify_with(&self.header, keys)
    }

    /// For whoever has verified it, at this moment.
    pub(super) fn verified(self, now: Timestamp) -> SignedRequest {
        SignedRequest::new(self.claims, self.identity, now)
    }
}

/// What was signed, by a hash. The signature is no part of it: from one of ES256 anybody can make another that is as good.
///
/// It begins with a byte that no text does, so it is the hash of no `request_uri`.
fn identity(text: &str) -> [u8; 32] {
    let signed = text.rsplit_once('.').map_or(text, |(signed, _)| signed);
    let mut bytes = vec![0xff];
    bytes.extend_from_slice(signed.as_bytes());
    sha256(&bytes)
}
