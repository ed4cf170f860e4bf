//! ID tokens that come back, as a hint at whom they were about (OpenID Connect Core §3.1.2.1), or who is to be signed out
//! (OpenID Connect RP-Initiated Logout 1.0 §2).

use serde_json::Value;

use super::server::Server;
use crate::{
    jose::{CompactJws, json},
    time::Timestamp,
};

/// An ID token that this server has made. It may have ended long ago.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct OwnIdToken {
    pub(crate) subject: String,
    pub(crate) client_id: String,
}

impl Server {
    /// Reads an ID token of ours, whether or not it has ended (OpenID Connect Core §3.1.2.2). One that was encrypted has to
    /// have been decrypted.
    pub(crate) fn own_id_token(&self, text: &str, now: Timestamp) -> Option<OwnIdToken> {
        let jws = CompactJws::parse(text).ok()?;
        let header = jws.header().ok()?;
        // What else is signed here says what it is (RFC 8725 §3.11), or lacks one of the claims below.
        if header.typ().is_some() {
            return None;
        }
        jws.verify_with(&header, &self.keys.verifying(now)).ok()?;
        let claims = json::object(&jws.payload().ok()?).ok()?;
        let text = |name: &str| Some(claims.get(name)?.as_str()?.to_owned());
        let is_id_token = ["exp", "iat", "auth_time"]
            .into_iter()
            .all(|name| claims.get(name).is_some_and(Value::is_number));
        if !is_id_token || text("iss")? != self.endpoints.issuer() {
            return None;
        }
        Some(OwnIdToken {
            subject: text("sub")?,
            client_id: text("aud")?,
        })
    }
}
