//! How documents for a client are signed and encrypted: its authorization responses (JARM §3), ID tokens and userinfo
//! (OpenID Connect Dynamic Client Registration §2).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::ClientProblem;
use crate::{
    authorization_server::{
        keys::{NoSigningKey, SigningKeys},
        refusal::Fault,
        sealing::{Recipient, Sealing, has_public_key},
    },
    issuer::IssuerKeys,
    jose::{
        JwkSet, JwsAlgorithm, SigningHeader, SigningKey,
        jwe::{ContentEncryption, JweAlgorithm, JweKeyError},
        sign,
    },
    time::Timestamp,
};

/// How one kind of document for a client is signed and, if it wants it so, encrypted.
#[derive(Debug)]
pub(crate) struct Protection {
    /// What it is signed with; what the server likes best if nothing is registered.
    algorithm: Option<JwsAlgorithm>,
    /// What it may be signed with.
    allowed: &'static [JwsAlgorithm],
    recipient: Option<Recipient>,
}

/// What a client says about one kind of document, and what the members are called in which it does.
pub(super) struct Wish {
    pub(super) signed: Option<JwsAlgorithm>,
    pub(super) allowed: &'static [JwsAlgorithm],
    pub(super) encrypted: Option<JweAlgorithm>,
    pub(super) encrypted_name: &'static str,
    pub(super) with: Option<ContentEncryption>,
}

/// The keys a document is made with, at hand: from here on nothing has to be waited for.
#[derive(Debug)]
pub(crate) struct Protector {
    key: Arc<SigningKey>,
    sealing: Option<Sealing>,
}

impl Protection {
    /// Checks what a client wishes against the keys it has: `given` by it, or `fetched` from it.
    pub(super) fn register(
        wish: &Wish,
        given: Option<&JwkSet>,
        fetched: Option<&IssuerKeys>,
    ) -> Result<Self, ClientProblem> {
        Ok(Self {
            algorithm: wish.signed,
            allowed: wish.allowed,
            recipient: recipient(wish, given, fetched)?,
        })
    }

    /// What it is signed with at this time.
    pub(crate) fn key(
        &self,
        keys: &SigningKeys,
        now: Timestamp,
    ) -> Result<Arc<SigningKey>, NoSigningKey> {
        keys.signing_among(self.algorithm, self.allowed, now)
    }

    /// Gets the keys together. Waits only for keys of the client that were never fetched.
    pub(crate) async fn ready(
        &self,
        keys: &SigningKeys,
        now: Timestamp,
    ) -> Result<Protector, Fault> {
        let key = self.key(keys, now)?;
        let sealing = match &self.recipient {
            Some(recipient) => Some(recipient.key(now).await?.ok_or(JweKeyError::NoKey)?),
            None => None,
        };
        Ok(Protector { key, sealing })
    }
}

impl Protector {
    /// What the document will be signed with.
    pub(crate) fn algorithm(&self) -> JwsAlgorithm {
        self.key.algorithm()
    }

    /// The document: signed first, for anybody can encrypt to a public key (JARM §2.2, OpenID Connect Core §2).
    pub(crate) fn protect(&self, claims: &Map<String, Value>) -> Result<String, Fault> {
        let claims = serde_json::json!(claims).to_string();
        let signed = sign(&self.key, SigningHeader::default(), claims.as_bytes())?;
        match &self.sealing {
            Some(sealing) => Ok(sealing.seal(&signed, None)?),
            None => Ok(signed),
        }
    }
}

fn recipient(
    wish: &Wish,
    given: Option<&JwkSet>,
    fetched: Option<&IssuerKeys>,
) -> Result<Option<Recipient>, ClientProblem> {
    let name = wish.encrypted_name;
    let Some(algorithm) = wish.encrypted else {
        return match wish.with {
            Some(_) => Err(ClientProblem::Missing(name)),
            None => Ok(None),
        };
    };
    let no_key = ClientProblem::NoKeyForResponses(name);
    if !has_public_key(algorithm) {
        return Err(no_key);
    }
    match (given, fetched) {
        (Some(given), _) => Recipient::given(given, algorithm, wish.with).map_err(|_| no_key),
        (None, Some(fetched)) => Ok(Recipient::fetched(fetched.clone(), algorithm, wish.with)),
        (None, None) => Err(no_key),
    }
    .map(Some)
}
