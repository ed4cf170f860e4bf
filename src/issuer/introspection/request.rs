//! The question, as it goes out (RFC 7662 §2.1).

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
};
use url::{Url, form_urlencoded};

use super::format::Format;
use crate::{
    issuer::{
        IntrospectionError,
        client_assertion::{ASSERTION_TYPE, client_assertion},
        directory::Directory,
        transport::{Outgoing, Transport},
    },
    jose::SigningKey,
    time::Timestamp,
};

/// The largest answer that is read, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// An answer of the media type demanded. Nothing says yet that it can be believed.
pub(super) type RawAnswer = Result<Bytes, IntrospectionError>;

/// Somebody who can be asked.
pub(super) trait Ask: Send + Sync + 'static {
    /// Asks about a token at `now`. May be dropped half-way.
    fn ask<'a>(
        &'a self,
        token: &'a str,
        now: Timestamp,
    ) -> Pin<Box<dyn Future<Output = RawAnswer> + Send + 'a>>;
}

/// The endpoint over HTTPS.
pub(super) struct HttpAsk {
    pub(super) transport: Transport,
    pub(super) place: Place,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) authentication: Authentication,
    pub(super) format: Format,
}

/// How the URL of the endpoint is known.
pub(super) enum Place {
    /// The operator gave it.
    Given(Url),
    /// The issuer's metadata says it.
    Metadata(Directory),
}

/// How we show who we are.
#[derive(Clone)]
pub(super) enum Authentication {
    /// `private_key_jwt`.
    PrivateKeyJwt(Arc<SigningKey>),
    /// With the certificate of the connection (RFC 8705 §2).
    MutualTls,
}

impl Ask for HttpAsk {
    fn ask<'a>(
        &'a self,
        token: &'a str,
        now: Timestamp,
    ) -> Pin<Box<dyn Future<Output = RawAnswer> + Send + 'a>> {
        Box::pin(self.post(token, now))
    }
}

impl HttpAsk {
    async fn post(&self, token: &str, now: Timestamp) -> RawAnswer {
        let url = self.endpoint(now).await?;
        if !self.transport.permits(&url) {
            return Err(IntrospectionError::Insecure);
        }
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        headers.insert(ACCEPT, HeaderValue::from_static(self.format.media_type()));
        let outgoing = Outgoing {
            method: Method::POST,
            url,
            headers,
            body: self.form(token, now)?.into(),
        };
        let answer = self.transport.send(outgoing, MAX_BODY).await?;
        if answer.status() != StatusCode::OK {
            return Err(IntrospectionError::Status(answer.status()));
        }
        self.format.check(answer.headers())?;
        Ok(answer.into_body())
    }

    async fn endpoint(&self, now: Timestamp) -> Result<Url, IntrospectionError> {
        let directory = match &self.place {
            Place::Given(url) => return Ok(url.clone()),
            Place::Metadata(directory) => directory,
        };
        let metadata = directory.metadata(now).await?;
        let aliases = match self.authentication {
            // "The client … MUST use the alias" where there is one (RFC 8705 §5).
            Authentication::MutualTls => metadata.mtls_endpoint_aliases.as_ref(),
            Authentication::PrivateKeyJwt(_) => None,
        };
        aliases
            .and_then(|aliases| aliases.introspection_endpoint.as_ref())
            .or(metadata.introspection_endpoint.as_ref())
            .cloned()
            .ok_or(IntrospectionError::NoEndpoint)
    }

    fn form(&self, token: &str, now: Timestamp) -> Result<String, IntrospectionError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", token);
        form.append_pair("token_type_hint", "access_token");
        form.append_pair("client_id", &self.client_id);
        match &self.authentication {
            Authentication::PrivateKeyJwt(key) => {
                let assertion = client_assertion(key, &self.client_id, &self.issuer, now)?;
                form.append_pair("client_assertion_type", ASSERTION_TYPE);
                form.append_pair("client_assertion", &assertion);
            }
            Authentication::MutualTls => {}
        }
        Ok(form.finish())
    }
}

impl fmt::Debug for HttpAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpAsk")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
