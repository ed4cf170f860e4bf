//! Access tokens are signed JWTs (RFC 9068).

use std::fmt;

use serde_json::{Map, Value, json};

use super::Issue;
use crate::{
    authorization_server::{
        clients::Client,
        refusal::{Failure, Fault},
        secret::random,
        server::Server,
        store::EncryptedToken,
    },
    jose::{JwkThumbprint, SigningHeader, base64url, sha256, sign},
    mtls::CertificateThumbprint,
    time::Timestamp,
};

/// What a token is bound to: its `cnf` (RFC 7800 §3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Confirmation {
    /// The key of DPoP proofs (RFC 9449 §6.1).
    Key(JwkThumbprint),
    /// A client certificate (RFC 8705 §3.1).
    Certificate(CertificateThumbprint),
}

impl Confirmation {
    /// `token_type` of the answer (RFC 9449 §5, RFC 6750 §4).
    pub(super) const fn token_type(&self) -> &'static str {
        match self {
            Self::Key(_) => "DPoP",
            Self::Certificate(_) => "Bearer",
        }
    }

    fn to_claim(self) -> Value {
        match self {
            Self::Key(thumbprint) => json!({ "jkt": thumbprint }),
            Self::Certificate(thumbprint) => json!({ "x5t#S256": thumbprint }),
        }
    }
}

/// For the log: thumbprints are no secrets.
impl fmt::Display for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(thumbprint) => write!(f, "key {thumbprint}"),
            Self::Certificate(thumbprint) => write!(f, "certificate {thumbprint}"),
        }
    }
}

/// Makes a token (RFC 9068 §2).
///
/// What an encrypted one says is remembered: the server could not read it when it comes back (RFC 7662 §2.1, RFC 7009 §2.1).
pub(super) async fn mint(
    server: &Server,
    client: &Client,
    issue: &Issue<'_>,
    now: Timestamp,
) -> Result<String, Failure> {
    let approval = &issue.grant.approval;
    // Whoever reads the token could not tell the two apart (RFC 9068 §5).
    if !approval.is_nobodys() && server.acts_alone(&approval.subject) {
        return Err(Fault::SharedSubject(approval.subject.clone()).into());
    }
    let expires = now.plus(server.lifetimes.access_token);
    let audience = match issue.resources {
        [one] => json!(one),
        several => json!(several),
    };
    let mut claims = Map::new();
    for (name, value) in [
        ("iss", json!(server.endpoints.issuer())),
        ("sub", json!(approval.subject)),
        ("aud", audience),
        ("client_id", json!(issue.grant.client_id)),
        ("iat", json!(now)),
        ("exp", json!(expires)),
        ("jti", json!(token_id(&issue.grant_id)?)),
        ("cnf", issue.confirmation.to_claim()),
    ] {
        claims.insert(name.to_owned(), value);
    }
    if !issue.scope.is_empty() {
        claims.insert("scope".to_owned(), json!(issue.scope));
    }
    if !issue.details.is_empty() {
        claims.insert("authorization_details".to_owned(), json!(issue.details));
    }
    if let Some(auth_time) = approval.auth_time {
        claims.insert("auth_time".to_owned(), json!(auth_time));
    }
    if let Some(acr) = &approval.acr {
        claims.insert("acr".to_owned(), json!(acr));
    }
    if !approval.amr.is_empty() {
        claims.insert("amr".to_owned(), json!(approval.amr));
    }
    let header = SigningHeader {
        typ: Some("at+jwt"),
        jwk: None,
    };
    let text = json!(claims).to_string();
    let algorithms = client.profile.algorithms();
    let key = server.keys.signing_among(None, algorithms, now)?;
    let signed = sign(&key, header, text.as_bytes())?;
    let Some(sealing) = issue.sealing else {
        return Ok(signed);
    };
    // Signed first: whoever has the public key could have encrypted it (RFC 7519 §11.2).
    let sealed = sealing.seal(&signed, Some("at+jwt"))?;
    let said = EncryptedToken { claims };
    let id = sha256(sealed.as_bytes());
    server.records.put(id, &said, expires, now).await?;
    Ok(sealed)
}

/// A `jti` that leads from the token to its grant, without a record for every token.
///
/// The grant's identifier opens nothing: records of grants can only be reached through this server.
fn token_id(grant: &[u8; 32]) -> Result<String, Failure> {
    let unique = random()?;
    Ok(format!(
        "{}.{}",
        base64url::encode(grant),
        base64url::encode(unique)
    ))
}
