//! What the authorization server says of a token, for a client that is a resource server, too (RFC 7662, RFC 9701).

use std::{fmt, time::Duration};

use serde_json::{Map, Value};

use super::{
    client::Client,
    endpoints,
    error::{ClientError, Endpoint},
};
use crate::{
    issuer::{AnswerRules, IntrospectionError, IntrospectionFormat},
    jose::{
        JwsAlgorithm, JwsError,
        json::{self, InvalidJson},
        jwe::DecryptionKeyRing,
    },
    token::TokenError,
};

/// By how much the clocks may differ (FAPI 2.0 Security Profile §5.3.2.1, note 3).
const TOLERANCE: Duration = Duration::from_secs(30);

/// What the authorization server said of a token, at the moment it was asked. `Debug` shows whether it is active.
pub struct IntrospectedToken {
    active: bool,
    members: Map<String, Value>,
}

/// What introspection answers have to be.
#[derive(Debug, Default)]
pub(super) struct IntrospectionSettings {
    pub(super) signed: bool,
    /// What they have to be encrypted to, if they are.
    pub(super) keys: Option<DecryptionKeyRing>,
}

impl IntrospectedToken {
    /// `active`: whether the token is good, and meant for who asked (RFC 7662 §2.2). Nothing else about one that is not
    /// active means anything.
    ///
    /// An active token is not yet the sender's: compare `cnf` with the proof or the certificate of the request. A
    /// [`ResourceServer`](crate::resource_server::ResourceServer) does all of that.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.active
    }

    /// A member of any name, such as `scope`, `sub` or `cnf`, of an active token.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    fn read(mut members: Map<String, Value>) -> Result<Self, IntrospectionError> {
        match members.remove("active") {
            Some(Value::Bool(true)) => Ok(Self {
                active: true,
                members,
            }),
            Some(Value::Bool(false)) => Ok(Self {
                active: false,
                members: Map::new(),
            }),
            Some(_) | None => Err(IntrospectionError::Member(TokenError::MissingClaim(
                "active",
            ))),
        }
    }
}

impl fmt::Debug for IntrospectedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectedToken")
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Asks what an access token is worth that somebody else has sent (RFC 7662 §2.1). Each call asks anew.
    ///
    /// For services that judge a request by themselves. Around an API stands a
    /// [`ResourceServer`](crate::resource_server::ResourceServer), which asks where it has to, remembers, and compares the
    /// binding: see `issuer::Introspection`.
    ///
    /// # Errors
    ///
    /// [`ClientError::Introspection`] if the answer cannot be believed, [`ClientError::Refused`] if this client may not ask.
    pub async fn introspect(&self, token: &str) -> Result<IntrospectedToken, ClientError> {
        let settings = &self.parts.introspection;
        let format = if settings.signed {
            IntrospectionFormat::Jwt
        } else {
            IntrospectionFormat::Json
        };
        let metadata = self.discover().await?;
        let url = endpoints::introspection_endpoint(&metadata, self.parts.uses_aliases)?;
        let parameters = [("token", token), ("token_type_hint", "access_token")];
        let accept = format.media_type();
        let answer = self
            .tell(Endpoint::Introspection, url, &parameters, accept)
            .await?;
        format.check(answer.headers())?;
        let members = match format {
            IntrospectionFormat::Json => json::object(answer.body()).map_err(of_json)?,
            IntrospectionFormat::Jwt => self.open_introspection(answer.body()).await?,
        };
        Ok(IntrospectedToken::read(members)?)
    }

    async fn open_introspection(&self, body: &[u8]) -> Result<Map<String, Value>, ClientError> {
        let now = self.now();
        let rules = AnswerRules {
            issuer: self.issuer().to_owned(),
            names: vec![self.parts.client_id.clone()],
            algorithms: JwsAlgorithm::ALL.to_vec(),
            clock_skew: TOLERANCE,
            encryption: self.parts.introspection.keys.clone(),
        };
        let answer = rules.open(body, now)?;
        let jws = answer.jws().map_err(of_jws)?;
        let verdict = self.verify_signature(&jws, &answer.header, now).await?;
        verdict.map_err(of_jws)?;
        Ok(answer.members)
    }
}

fn of_json(error: InvalidJson) -> IntrospectionError {
    error.into()
}

fn of_jws(error: JwsError) -> IntrospectionError {
    error.into()
}
