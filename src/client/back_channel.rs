//! Forms posted to the authorization server: authenticated, with a proof, and once more if it asks for a nonce.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use super::{
    challenge::supplied_nonce,
    client::{Authentication, Binding, Client},
    error::{AuthorizationServerError, ClientError, Endpoint},
};
use crate::{
    dpop::{DPOP, NewProof},
    issuer::{ASSERTION_TYPE, Outgoing, client_assertion},
    jose::{SigningKeyError, json},
};

/// Largest answer of an authorization server that is read, in bytes.
const LIMIT: usize = 256 * 1024;

/// RFC 6749 §5.2.
#[derive(Deserialize)]
struct ErrorBody {
    error: String,
    error_description: Option<String>,
}

impl Client {
    /// Posts a form and reads the answer, which must have the status of success at this endpoint.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        url: &Url,
        success: StatusCode,
        parameters: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        let nonce = self.nonces.latest(url);
        let mut answer = self
            .post(endpoint, url, parameters, nonce.as_deref())
            .await?;
        if let Some(nonce) = self.nonce_for_retry(&answer) {
            // Once and no more: who is not content with the nonce it has just given never will be.
            let nonce = nonce.to_owned();
            answer = self.post(endpoint, url, parameters, Some(&nonce)).await?;
        }
        let answer = expect(endpoint, success, answer)?;
        json::from_slice(answer.body()).map_err(|error| ClientError::Malformed {
            endpoint,
            reason: error.without_text().to_string(),
        })
    }

    /// Posts a form to an endpoint that binds nothing, so that no proof is needed, and gives back the answer of a success.
    pub(super) async fn tell(
        &self,
        endpoint: Endpoint,
        url: &Url,
        parameters: &[(&str, &str)],
        accept: &'static str,
    ) -> Result<Response<Bytes>, ClientError> {
        let outgoing = Outgoing {
            method: Method::POST,
            url: url.clone(),
            headers: form_headers(accept),
            body: self.form(parameters)?.into(),
        };
        let answer = self.send_once(endpoint, outgoing, LIMIT).await?;
        expect(endpoint, StatusCode::OK, answer)
    }

    /// One request. Assertion and proof are made anew, for each is good for one request only.
    async fn post(
        &self,
        endpoint: Endpoint,
        url: &Url,
        parameters: &[(&str, &str)],
        nonce: Option<&str>,
    ) -> Result<Response<Bytes>, ClientError> {
        let outgoing = Outgoing {
            method: Method::POST,
            url: url.clone(),
            headers: self.proven_headers(url, nonce)?,
            body: self.form(parameters)?.into(),
        };
        self.send_once(endpoint, outgoing, LIMIT).await
    }

    /// Sends a request and remembers the nonce that came with the answer, whatever the answer is (RFC 9449 §8.2).
    pub(super) async fn send_once(
        &self,
        endpoint: Endpoint,
        outgoing: Outgoing,
        limit: usize,
    ) -> Result<Response<Bytes>, ClientError> {
        let server = outgoing.url.clone();
        let answer = self
            .parts
            .transport
            .send(outgoing, limit)
            .await
            .map_err(|source| ClientError::Transport { endpoint, source })?;
        if let Some(nonce) = supplied_nonce(answer.headers()) {
            self.nonces.remember(&server, nonce);
        }
        Ok(answer)
    }

    /// The nonce that the answer asks for: 400 with `use_dpop_nonce`, and the nonce beside it (RFC 9449 §8).
    fn nonce_for_retry<'a>(&self, answer: &'a Response<Bytes>) -> Option<&'a str> {
        let demanded = matches!(self.parts.binding, Binding::Dpop(_))
            && answer.status() == StatusCode::BAD_REQUEST
            && error_body(answer).is_some_and(|body| body.error == "use_dpop_nonce");
        demanded.then(|| supplied_nonce(answer.headers())).flatten()
    }

    fn form(&self, parameters: &[(&str, &str)]) -> Result<String, SigningKeyError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        // Needed with a certificate (RFC 8705 §2) and in a pushed request (RFC 9126 §2.1), allowed with an assertion.
        form.append_pair("client_id", &self.parts.client_id);
        form.extend_pairs(parameters);
        match &self.parts.authentication {
            Authentication::PrivateKeyJwt(key) => {
                let (id, issuer) = (&self.parts.client_id, self.issuer());
                let assertion = client_assertion(key, id, issuer, self.now())?;
                form.append_pair("client_assertion_type", ASSERTION_TYPE);
                form.append_pair("client_assertion", &assertion);
            }
            Authentication::MutualTls => {}
        }
        Ok(form.finish())
    }

    fn proven_headers(&self, url: &Url, nonce: Option<&str>) -> Result<HeaderMap, ClientError> {
        let mut headers = form_headers("application/json");
        match &self.parts.binding {
            // At the pushed request too: it binds the code to the key (RFC 9449 §10.1).
            Binding::Dpop(signer) => {
                let proof = signer.sign(&NewProof {
                    method: Method::POST.as_str(),
                    url: url.as_str(),
                    access_token: None,
                    nonce,
                    now: self.now(),
                })?;
                headers.insert(DPOP, ascii(&proof));
            }
            Binding::Certificate => {}
        }
        Ok(headers)
    }
}

/// A proof, which is base64url and dots, as a header value that is kept out of logs.
pub(super) fn ascii(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

fn form_headers(accept: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, form);
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers
}

/// The answer if it has the status of success, else what the server says is wrong.
fn expect(
    endpoint: Endpoint,
    success: StatusCode,
    answer: Response<Bytes>,
) -> Result<Response<Bytes>, ClientError> {
    let status = answer.status();
    if status == success {
        return Ok(answer);
    }
    match error_body(&answer) {
        Some(body) => Err(ClientError::Refused {
            endpoint,
            status,
            error: AuthorizationServerError::new(&body.error, body.error_description.as_deref()),
        }),
        None => Err(ClientError::UnexpectedStatus { endpoint, status }),
    }
}

fn error_body(answer: &Response<Bytes>) -> Option<ErrorBody> {
    let status = answer.status();
    if status.is_client_error() || status.is_server_error() {
        json::from_slice(answer.body()).ok()
    } else {
        None
    }
}
