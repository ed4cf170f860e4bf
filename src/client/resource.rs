//! Calls of protected resources, with the token presented as it is bound.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::AUTHORIZATION};
use url::Url;

use super::{
    back_channel::ascii,
    challenge::{demands_nonce, supplied_nonce},
    client::{Binding, Client},
    error::{ClientError, Endpoint},
    server_text::ServerText,
    token_set::{TokenSet, TokenType},
};
use crate::{
    dpop::{DPOP, NewProof},
    issuer::Outgoing,
};

impl Client {
    /// Fetches a protected resource: [`send`](Self::send) with `GET`, no headers and no body.
    ///
    /// # Errors
    ///
    /// As `send`.
    pub async fn get(&self, url: &str, tokens: &TokenSet) -> Result<Response<Bytes>, ClientError> {
        let request = Request::get(url)
            .body(Bytes::new())
            .map_err(|_| ClientError::ResourceUrl)?;
        self.send(request, tokens).await
    }

    /// Sends a request to a protected resource, with the access token and, under DPoP, a proof (RFC 9449 §7.1); under
    /// mutual TLS the connection is the proof (RFC 8705 §3).
    ///
    /// The resource server's answer comes back whatever its status, with one exception: if it asks for a nonce, the
    /// request is sent once more with that nonce. `Authorization` and `DPoP` headers of the request are replaced.
    /// Redirects are not followed.
    ///
    /// # Errors
    ///
    /// [`ClientError::ResourceUrl`] if the token would leave this machine unencrypted, [`ClientError::TokenType`] and
    /// [`ClientError::ForeignGrant`] if the token is not this client's, [`ClientError::Transport`] if there is no answer.
    pub async fn send<B: Into<Bytes>>(
        &self,
        request: Request<B>,
        tokens: &TokenSet,
    ) -> Result<Response<Bytes>, ClientError> {
        self.send_to(Endpoint::Resource, request, tokens).await
    }

    pub(super) async fn send_to<B: Into<Bytes>>(
        &self,
        endpoint: Endpoint,
        request: Request<B>,
        tokens: &TokenSet,
    ) -> Result<Response<Bytes>, ClientError> {
        self.check_ownership(tokens)?;
        let (head, body) = request.into_parts();
        let url: Url = head
            .uri
            .to_string()
            .parse()
            .map_err(|_| ClientError::ResourceUrl)?;
        if !self.parts.transport.permits(&url) {
            return Err(ClientError::ResourceUrl);
        }
        let request = Outgoing {
            method: head.method,
            url,
            headers: head.headers,
            body: body.into(),
        };
        let nonce = self.nonces.latest(&request.url);
        let answer = self
            .present(endpoint, request.clone(), tokens, nonce.as_deref())
            .await?;
        match self.demanded_nonce(&answer) {
            // Once and no more: who is not content with the nonce it has just given never will be.
            Some(nonce) => self.present(endpoint, request, tokens, Some(nonce)).await,
            None => Ok(answer),
        }
    }

    fn check_ownership(&self, tokens: &TokenSet) -> Result<(), ClientError> {
        if !tokens.belongs_to(self.issuer(), &self.parts.client_id) {
            return Err(ClientError::ForeignGrant);
        }
        let expected = self.token_type();
        if tokens.token_type() != expected {
            return Err(ClientError::TokenType {
                expected,
                found: ServerText::new(tokens.token_type().as_str()),
            });
        }
        Ok(())
    }

    async fn present(
        &self,
        endpoint: Endpoint,
        mut request: Outgoing,
        tokens: &TokenSet,
        nonce: Option<&str>,
    ) -> Result<Response<Bytes>, ClientError> {
        let token = tokens.access_token().secret();
        request.headers.remove(DPOP);
        match &self.parts.binding {
            Binding::Dpop(signer) => {
                let proof = signer.sign(&NewProof {
                    method: request.method.as_str(),
                    url: request.url.as_str(),
                    access_token: Some(token),
                    nonce,
                    now: self.now(),
                })?;
                request.headers.insert(DPOP, ascii(&proof));
            }
            Binding::Certificate => {}
        }
        let credentials = authorization(tokens.token_type(), token);
        request.headers.insert(AUTHORIZATION, credentials);
        let limit = self.parts.response_limit;
        self.send_once(endpoint, request, limit).await
    }

    /// The nonce that the answer asks for: 401 with a `DPoP` challenge that says so (RFC 9449 §9).
    fn demanded_nonce<'a>(&self, answer: &'a Response<Bytes>) -> Option<&'a str> {
        let demanded = matches!(self.parts.binding, Binding::Dpop(_))
            && answer.status() == StatusCode::UNAUTHORIZED
            && demands_nonce(answer.headers());
        demanded.then(|| supplied_nonce(answer.headers())).flatten()
    }
}

fn authorization(token_type: TokenType, token: &str) -> HeaderValue {
    ascii(&format!("{token_type} {token}"))
}
