//! ID tokens: who has signed in, when and how (OpenID Connect Core §2).

use serde_json::{Map, Value, json};

use crate::{
    authorization_server::{
        clients::{Client, Protector},
        refusal::Fault,
        scope::OPENID,
        server::Server,
        store::Approval,
    },
    jose::token_hash,
    time::Timestamp,
};

/// Makes an ID token about a sign-in, with everything at hand: from here on nothing has to be waited for.
#[derive(Debug)]
pub(crate) struct IdTokenMaker<'a> {
    server: &'a Server,
    client: &'a Client,
    approval: &'a Approval,
    protector: Protector,
    /// What is told about the person.
    told: Map<String, Value>,
}

/// What travels with an ID token or before it, and is tied to it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ties<'a> {
    /// As the client sent it (OpenID Connect Core §2).
    pub(crate) nonce: Option<&'a str>,
    /// For `at_hash`: the access token that is sent along (OpenID Connect Core §3.1.3.6).
    pub(crate) access_token: Option<&'a str>,
    /// For `c_hash`: the code that is sent along (OpenID Connect Core §3.3.2.11).
    pub(crate) code: Option<&'a str>,
    /// For `s_hash`: the `state` of the request (FAPI 1.0 Part 2 §5.1.1).
    pub(crate) state: Option<&'a str>,
}

impl Server {
    /// Whether the operator has made `openid` a scope. Where it is none, there is no OpenID Connect.
    pub(crate) fn offers_openid(&self) -> bool {
        self.scopes.iter().any(|scope| scope.name == OPENID)
    }

    /// Whether somebody who has this scope is told who signed in (OpenID Connect Core §3.1.2.1).
    pub(crate) fn has_openid(&self, scope: &str) -> bool {
        self.offers_openid() && scope.split(' ').any(|name| name == OPENID)
    }

    /// Gets together what an ID token for this client takes, if it has the scope for one.
    ///
    /// Waits only for keys of the client that were never fetched, and for whoever knows the person. Call it before anything is consumed: what can fail,
    /// fails here.
    pub(crate) async fn id_token<'a>(
        &'a self,
        client: &'a Client,
        approval: &'a Approval,
        scope: &str,
        now: Timestamp,
    ) -> Result<Option<IdTokenMaker<'a>>, Fault> {
        if !self.has_openid(scope) {
            return Ok(None);
        }
        let protector = client.messages.id_tokens.ready(&self.keys, now).await?;
        // What the scopes stand for is told at the userinfo endpoint: there is always an access token for it
        // (OpenID Connect Core §5.4).
        let asked = &approval.claims.id_token;
        let told = self.claims_about(&approval.subject, OPENID, asked).await?;
        Ok(Some(IdTokenMaker {
            server: self,
            client,
            approval,
            protector,
            told,
        }))
    }
}

impl IdTokenMaker<'_> {
    /// The token: signed and, for clients that want it so, encrypted.
    pub(crate) fn make(&self, ties: Ties<'_>, now: Timestamp) -> Result<String, Fault> {
        let approval = self.approval;
        let hash = |text: &str| token_hash(self.protector.algorithm(), text);
        // Nothing of the person goes through the browser beside a code; the token endpoint tells it (FAPI 1.0 Part 2 §5.2.2.1
        // no. 6, OpenID Connect Core §3.3.3.6).
        let mut claims = match ties.code {
            Some(_) => Map::new(),
            None => self.told.clone(),
        };
        for (name, value) in [
            ("iss", Some(json!(self.server.endpoints.issuer()))),
            ("sub", Some(json!(approval.subject))),
            // One text: who else could it be for (OpenID Connect Core §2)?
            ("aud", Some(json!(self.client.id))),
            ("iat", Some(json!(now))),
            ("exp", Some(json!(now.plus(self.server.lifetimes.id_token)))),
            ("auth_time", approval.auth_time.map(|at| json!(at))),
            ("acr", approval.acr.as_ref().map(|acr| json!(acr))),
            (
                "amr",
                Some(&approval.amr)
                    .filter(|amr| !amr.is_empty())
                    .map(|amr| json!(amr)),
            ),
            ("nonce", ties.nonce.map(Value::from)),
            ("at_hash", ties.access_token.map(hash).map(Value::from)),
            ("c_hash", ties.code.map(hash).map(Value::from)),
            ("s_hash", ties.state.map(hash).map(Value::from)),
        ] {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value);
            }
        }
        self.protector.protect(&claims)
    }
}
