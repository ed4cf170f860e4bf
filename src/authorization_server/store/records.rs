//! What is in the records, and the store as the server uses it.

use std::sync::Arc;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{Record, RecordKey, RecordKind, Store, StoreError};
use crate::{
    authorization_server::{
        authentication::Demands, authorization_details::DetailEntry, claims::ClaimsRequest,
        response_mode::ResponseMode, response_type::ResponseType,
    },
    jose::{JwkThumbprint, sha256},
    time::Timestamp,
};

/// What sort of record a type is stored as.
pub(crate) trait Stored: Serialize + DeserializeOwned {
    const KIND: RecordKind;
}

/// An authorization request, under the hash of its `request_uri` or, if it came by value, of its request object.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum Pushed {
    /// Authorization has not been completed.
    Waiting(Box<PushedRequest>),
    /// It has: the `request_uri` is remembered as spent (RFC 9126 §4).
    Spent,
}

/// What a client asked for, checked.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct PushedRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    #[serde(default)]
    pub(crate) response_type: ResponseType,
    #[serde(default)]
    pub(crate) response_mode: ResponseMode,
    /// Empty if there is none, and there are authorization details instead.
    pub(crate) scope: String,
    #[serde(default)]
    pub(crate) authorization_details: Vec<DetailEntry>,
    pub(crate) resources: Vec<String>,
    /// How somebody has to have signed in.
    #[serde(default)]
    pub(crate) demands: Demands,
    /// Who the client believes will sign in (OpenID Connect Core §3.1.2.1).
    #[serde(default)]
    pub(crate) login_hint: Option<String>,
    /// What the client wants to be told about the person beside what the scope stands for, as far as it can be.
    #[serde(default)]
    pub(crate) claims: ClaimsRequest,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    /// SHA-256 of the code verifier (RFC 7636 §4.2), if there is one.
    #[serde(default)]
    pub(crate) code_challenge: Option<String>,
    /// The key the code is bound to, if the client named or proved one (RFC 9449 §10).
    pub(crate) dpop_jkt: Option<JwkThumbprint>,
    /// It was not pushed: its record is under the hash of the request object, which can be opened again.
    #[serde(default)]
    pub(crate) by_value: bool,
    /// Until when the `request_uri`, or the request object, can be opened. The record itself lives longer: until nobody can be on the way
    /// through the pages any more.
    pub(crate) opens_until: Timestamp,
    /// Key of the MAC that ties pages and forms to the browser that opened the request. Never leaves the server.
    pub(crate) page_key: [u8; 32],
}

impl PushedRequest {
    /// A hash of everything a person is asked to approve: it goes into the MAC of the pages, so that a form approves what
    /// its page showed and nothing else.
    pub(crate) fn asked_for(&self) -> [u8; 32] {
        let all = (
            &self.scope,
            &self.authorization_details,
            &self.resources,
            &self.claims,
        );
        sha256(serde_json::json!(all).to_string().as_bytes())
    }
}

/// Somebody who has signed in, under the hash of the session cookie.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Session {
    pub(crate) subject: String,
    pub(crate) display_name: String,
    /// When the oldest of the factors was proved.
    pub(crate) auth_time: Timestamp,
    pub(crate) acr: String,
    pub(crate) amr: Vec<String>,
    pub(crate) has_second_factor: bool,
    pub(crate) second_factor_proved: bool,
    /// The opened request that they signed in for.
    pub(crate) signed_in_for: Option<[u8; 32]>,
    /// Hash of the cookie that stands for the browser they did that in.
    #[serde(default)]
    pub(crate) browser: Option<[u8; 32]>,
    pub(crate) until: Timestamp,
}

/// An authorization code, under its hash.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum Code {
    /// Not redeemed yet.
    Fresh(Box<CodeRequest>),
    /// Redeemed: whoever comes again with it makes the grant end (RFC 6749 §4.1.2).
    Spent { client_id: String, grant: [u8; 32] },
}

/// What a code stands for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct CodeRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    #[serde(default)]
    pub(crate) code_challenge: Option<String>,
    pub(crate) dpop_jkt: Option<JwkThumbprint>,
    /// For `s_hash` of the ID token.
    #[serde(default)]
    pub(crate) state: Option<String>,
    pub(crate) grant: [u8; 32],
}

/// What a person has allowed a client, under an identifier of its own. Removing it revokes everything that came of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) approval: Approval,
}

/// Who approved what, and how they had signed in; or what a client has on its own behalf, with nobody to approve it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Approval {
    /// Empty if there is none, and there are authorization details instead.
    pub(crate) scope: String,
    #[serde(default)]
    pub(crate) authorization_details: Vec<DetailEntry>,
    pub(crate) resources: Vec<String>,
    pub(crate) nonce: Option<String>,
    /// The person, or the client itself.
    pub(crate) subject: String,
    /// When the person had signed in; `None` if there was none.
    #[serde(default)]
    pub(crate) auth_time: Option<Timestamp>,
    pub(crate) acr: Option<String>,
    pub(crate) amr: Vec<String>,
    /// What the client may be told about the person beside what the scope stands for.
    #[serde(default)]
    pub(crate) claims: ClaimsRequest,
}

impl Approval {
    /// Whether the client has it on its own behalf (RFC 6749 §4.4).
    pub(crate) const fn is_nobodys(&self) -> bool {
        self.auth_time.is_none()
    }
}

/// What a client has on its own behalf, under an identifier that its one token names. Removing it revokes that.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct ClientGrant {}

/// A refresh token, under its hash.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct RefreshToken {
    pub(crate) client_id: String,
    pub(crate) grant: [u8; 32],
}

/// An access token that was revoked, under the hash of its `jti`, until it would have ended anyway.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct RevokedToken {}

/// An access token that is encrypted to its resource server, under its hash: we could not read it ourselves when it comes
/// back. Its claims alone, without a signature, are no token.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct EncryptedToken {
    pub(crate) claims: Map<String, Value>,
}

impl Stored for Pushed {
    const KIND: RecordKind = RecordKind::PushedRequest;
}
impl Stored for Session {
    const KIND: RecordKind = RecordKind::Session;
}
impl Stored for Code {
    const KIND: RecordKind = RecordKind::Code;
}
impl Stored for Grant {
    const KIND: RecordKind = RecordKind::Grant;
}
impl Stored for ClientGrant {
    const KIND: RecordKind = RecordKind::ClientGrant;
}
impl Stored for RefreshToken {
    const KIND: RecordKind = RecordKind::RefreshToken;
}
impl Stored for RevokedToken {
    const KIND: RecordKind = RecordKind::RevokedToken;
}
impl Stored for EncryptedToken {
    const KIND: RecordKind = RecordKind::EncryptedToken;
}

/// The store, with types instead of bytes.
#[derive(Clone, Debug)]
pub(crate) struct Records(Arc<dyn Store>);

impl Records {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    pub(crate) async fn put<T: Stored>(
        &self,
        id: [u8; 32],
        value: &T,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let record = encode(value, expires)?;
        self.0.put(RecordKey::new(T::KIND, id), record, now).await
    }

    pub(crate) async fn get<T: Stored>(
        &self,
        id: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<T>, StoreError> {
        decode(self.0.get(RecordKey::new(T::KIND, id), now).await?)
    }

    /// Puts `value` in the place of what is there and returns that; does nothing if there is nothing.
    pub(crate) async fn replace<T: Stored>(
        &self,
        id: [u8; 32],
        value: &T,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Option<T>, StoreError> {
        let record = encode(value, expires)?;
        decode(
            self.0
                .replace(RecordKey::new(T::KIND, id), record, now)
                .await?,
        )
    }

    pub(crate) async fn take<T: Stored>(
        &self,
        id: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<T>, StoreError> {
        decode(self.0.take(RecordKey::new(T::KIND, id), now).await?)
    }
}

fn encode<T: Stored>(value: &T, expires: Timestamp) -> Result<Record, StoreError> {
    let value =
        serde_json::to_vec(value).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(Record { value, expires })
}

/// A record that cannot be read is our fault and never the client's: another version of the server may have written it.
fn decode<T: Stored>(value: Option<Vec<u8>>) -> Result<Option<T>, StoreError> {
    value
        .map(|bytes| serde_json::from_slice(&bytes))
        .transpose()
        .map_err(|error| StoreError::Unavailable(format!("a {} is unreadable: {error}", T::KIND)))
}
