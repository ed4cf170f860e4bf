//! The client, and the steps of the authorization code flow.

use std::{fmt, sync::Arc};

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::{
    AuthorizationRequest, AuthorizationResponse,
    builder::{ClientBuilder, step},
    endpoints,
    error::{ClientError, Endpoint},
    introspection::IntrospectionSettings,
    jwt::IdTokenSettings,
    nonces::ServerNonces,
    pending::PendingAuthorization,
    pkce::CodeVerifier,
    secret::SecretText,
    server_keys::ServerKeys,
    signed_request::Requests,
    token_set::{TokenSet, TokenType},
    user_info::UserInfoSettings,
};
use crate::{
    dpop::ProofSigner,
    issuer::{AuthorizationServerMetadata, Directory, IssuerUrl, Transport},
    jose::{JwkThumbprint, SigningKey, jwe::DecryptionKeyRing},
    time::{Clock, Timestamp},
};

/// A client of one authorization server. Cheap to clone; all clones share what was learnt about the servers.
///
/// The authorization server's metadata is fetched with the first request and then once an hour.
#[derive(Clone)]
pub struct Client {
    pub(super) parts: Arc<Parts>,
    pub(super) nonces: Arc<ServerNonces>,
}

/// What a [`ClientBuilder`] puts together.
pub(super) struct Parts {
    pub(super) directory: Directory,
    pub(super) client_id: String,
    pub(super) authentication: Authentication,
    pub(super) binding: Binding,
    pub(super) uses_aliases: bool,
    pub(super) transport: Transport,
    pub(super) response_limit: usize,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) server_keys: ServerKeys,
    pub(super) requests: Requests,
    pub(super) responses: Responses,
    pub(super) id_tokens: IdTokenSettings,
    pub(super) user_info: UserInfoSettings,
    pub(super) introspection: IntrospectionSettings,
}

/// What an authorization response has to be.
#[derive(Debug)]
pub(super) enum Responses {
    Plain,
    /// A JWT that the authorization server has signed (JARM).
    Signed,
    /// The same, encrypted to one of these keys.
    Encrypted(DecryptionKeyRing),
}

/// How the client shows who it is.
#[derive(Debug)]
pub(super) enum Authentication {
    PrivateKeyJwt(Box<SigningKey>),
    MutualTls,
}

/// What the client's tokens are bound to.
#[derive(Debug)]
pub(super) enum Binding {
    Dpop(Box<ProofSigner>),
    Certificate,
}

/// RFC 9126 §2.2.
#[derive(Deserialize)]
struct PushedRequest {
    request_uri: String,
    expires_in: u32,
}

impl Client {
    /// Starts to build the client that is registered as `client_id` at this issuer.
    ///
    /// The issuer comes from configuration, never from a request (FAPI 2.0 Security Profile §5.3.3.1).
    pub fn builder(
        issuer: IssuerUrl,
        client_id: impl Into<String>,
    ) -> ClientBuilder<step::Unauthenticated> {
        ClientBuilder::new(issuer, client_id.into())
    }

    pub(super) fn from_parts(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            nonces: Arc::new(ServerNonces::new()),
        }
    }

    /// The authorization server's metadata, fetched if it is not known. To be called at the start by an application that
    /// would rather fail early.
    ///
    /// # Errors
    ///
    /// [`ClientError::Metadata`] if it cannot be had or cannot be believed.
    pub async fn discover(&self) -> Result<Arc<AuthorizationServerMetadata>, ClientError> {
        Ok(self.parts.directory.metadata(self.now()).await?)
    }

    /// Pushes a request to the authorization server (RFC 9126) and says where the browser has to go.
    ///
    /// Code verifier (RFC 7636), `state` and, with the scope `openid`, `nonce` are made anew each time.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the authorization server cannot be reached, does not do what FAPI asks, or refuses;
    /// [`ClientError::ForeignGrant`] if the hint is an ID token of another one.
    pub async fn authorize(
        &self,
        request: &AuthorizationRequest,
    ) -> Result<PendingAuthorization, ClientError> {
        let hinted = request.hint_issuer.as_deref();
        // Another server's `sub` is another person, and the hint none of this one's business.
        if hinted.is_some_and(|issuer| issuer != self.issuer()) {
            return Err(ClientError::ForeignGrant);
        }
        let metadata = self.discover().await?;
        let mut url = endpoints::authorization_endpoint(&metadata)?.clone();
        let endpoint =
            endpoints::pushed_authorization_request_endpoint(&metadata, self.parts.uses_aliases)?;
        let verifier = CodeVerifier::generate()?;
        let challenge = verifier.challenge();
        let state = match &request.state {
            Some(state) => state.clone(),
            None => SecretText::random()?.secret().to_owned(),
        };
        let mut parameters = vec![
            ("response_type", "code"),
            ("redirect_uri", request.redirect_uri.as_str()),
            ("state", state.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        parameters.extend(request.scope.as_deref().map(|scope| ("scope", scope)));
        let details = request.authorization_details.as_deref();
        parameters.extend(details.map(|details| ("authorization_details", details)));
        let claims = Value::Object(request.claims.clone()).to_string();
        parameters.extend((!request.claims.is_empty()).then_some(("claims", claims.as_str())));
        let now = self.now();
        let sign_in = if request.is_openid() {
            Some(request.sign_in(SecretText::random()?.secret().to_owned(), now))
        } else if request.needs_openid() {
            return Err(ClientError::WithoutOpenId);
        } else {
            None
        };
        let nonce = sign_in.as_ref().map(|asked| asked.nonce.as_str());
        parameters.extend(nonce.map(|nonce| ("nonce", nonce)));
        let further = request.further.iter();
        parameters.extend(further.map(|(name, value)| (name.as_str(), value.as_str())));

        let signed_response = match self.parts.responses {
            Responses::Plain => false,
            Responses::Signed | Responses::Encrypted(_) => true,
        };
        if signed_response {
            parameters.push(("response_mode", "jwt"));
        }

        let object = self.request_object(&metadata, &parameters, now).await?;
        if let Some(object) = &object {
            // Nothing beside it (RFC 9126 §3).
            parameters = vec![("request", object.as_str())];
        }
        let kind = Endpoint::PushedAuthorizationRequest;
        let pushed: PushedRequest = self
            .ask(kind, endpoint, StatusCode::CREATED, &parameters)
            .await?;
        if pushed.request_uri.is_empty() || pushed.expires_in == 0 {
            let reason = "`request_uri` or `expires_in` is empty".to_owned();
            return Err(ClientError::Malformed {
                endpoint: kind,
                reason,
            });
        }
        // Nothing else may travel through the browser (FAPI 2.0 Security Profile §5.3.3.2).
        url.query_pairs_mut()
            .append_pair("client_id", &self.parts.client_id)
            .append_pair("request_uri", &pushed.request_uri);
        Ok(PendingAuthorization {
            url,
            issuer: self.issuer().to_owned(),
            client_id: self.parts.client_id.clone(),
            state,
            verifier,
            redirect_uri: request.redirect_uri.clone(),
            scope: request.scope.clone(),
            signed_response,
            sign_in,
            expires: now.plus(std::time::Duration::from_secs(pushed.expires_in.into())),
        })
    }

    /// Checks the response that the browser brought back and fetches the tokens:
    /// [`open_response`](Self::open_response), [`PendingAuthorization::verify`], then [`exchange`](Self::exchange).
    ///
    /// # Errors
    ///
    /// [`ClientError::Callback`] if the response does not belong to this request or refuses it; others as `exchange`.
    pub async fn complete(
        &self,
        pending: &PendingAuthorization,
        response: &AuthorizationResponse,
    ) -> Result<TokenSet, ClientError> {
        let response = self.open_response(response).await?;
        self.exchange(pending.verify(&response)?).await
    }

    /// What tokens are bound to under DPoP: the value of `cnf.jkt` (RFC 9449 §6.1).
    #[must_use]
    pub fn dpop_thumbprint(&self) -> Option<JwkThumbprint> {
        match &self.parts.binding {
            Binding::Dpop(signer) => Some(signer.thumbprint()),
            Binding::Certificate => None,
        }
    }

    pub(super) fn token_type(&self) -> TokenType {
        match &self.parts.binding {
            Binding::Dpop(_) => TokenType::Dpop,
            Binding::Certificate => TokenType::Bearer,
        }
    }

    pub(super) fn issuer(&self) -> &str {
        self.parts.directory.issuer().as_str()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("issuer", &self.issuer())
            .field("client_id", &self.parts.client_id)
            .field("authentication", &self.parts.authentication)
            .field("binding", &self.parts.binding)
            .finish_non_exhaustive()
    }
}
