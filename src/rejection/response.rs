//! Refusals as HTTP answers.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response,
    header::{
        ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER,
        WWW_AUTHENTICATE,
    },
};

use url::Url;

use super::{AuthScheme, Refusal, Rejection, status};
use crate::jose::JwsAlgorithm;

/// The response header with a new nonce (RFC 9449 §8).
pub const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What every challenge of one resource server says.
#[derive(Clone, Debug)]
pub struct Challenges {
    dpop: Option<String>,
    bearer: bool,
    json_bodies: bool,
    resource_metadata: Option<String>,
}

impl Challenges {
    /// Challenges for the schemes that are accepted: `DPoP` with these algorithms, `Bearer` for certificate-bound tokens.
    #[must_use]
    pub fn new(dpop: Option<&[JwsAlgorithm]>, bearer: bool) -> Self {
        let names = |algorithms: &[JwsAlgorithm]| {
            let names: Vec<_> = algorithms
                .iter()
                .map(|algorithm| algorithm.as_str())
                .collect();
            names.join(" ")
        };
        Self {
            dpop: dpop.map(names),
            bearer,
            json_bodies: true,
            resource_metadata: None,
        }
    }

    /// Says in each challenge where the metadata of this resource is (RFC 9728 §5.1).
    #[must_use]
    pub fn with_resource_metadata(mut self, url: &Url) -> Self {
        self.resource_metadata = Some(format!(r#"resource_metadata="{url}""#));
        self
    }

    /// Leaves out the JSON body that repeats what the challenge says.
    #[must_use]
    pub const fn without_json_bodies(mut self) -> Self {
        self.json_bodies = false;
        self
    }

    /// The whole answer to a request that was not let through (RFC 6750 §3, RFC 9449 §7.1).
    ///
    /// What is wrong stands in the challenge of the scheme that the client `tried`, where that is one of those accepted, and
    /// in all of them otherwise (RFC 9449 §7.2). `nonce` is handed out with it. The rejection itself goes into the answer's
    /// extensions.
    #[must_use]
    pub fn answer(
        &self,
        rejection: Rejection,
        tried: Option<AuthScheme>,
        nonce: Option<&str>,
    ) -> Response<Bytes> {
        let mut response = Response::new(self.body(&rejection));
        *response.status_mut() = status(&rejection);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match &rejection {
            Rejection::Refused(Refusal::Method) => {
                headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
            }
            Rejection::Refused(refusal) => self.challenge(refusal, tried, headers),
            Rejection::Failed(fault) => {
                headers.insert(
                    RETRY_AFTER,
                    HeaderValue::from(fault.retry_after().as_secs()),
                );
            }
        }
        if let Some(nonce) = nonce {
            hand_out_nonce(nonce, headers);
        }
        if !response.body().is_empty() {
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
        }
        response.extensions_mut().insert(rejection);
        response
    }

    /// One line for each scheme that is accepted.
    fn challenge(&self, refusal: &Refusal, tried: Option<AuthScheme>, headers: &mut HeaderMap) {
        let error = refusal.code().map_or_else(String::new, |code| {
            let description = refusal.description();
            let asked_for = asked_for(refusal);
            format!(r#"error="{code}", error_description="{description}"{asked_for}"#)
        });
        let mut add = |scheme: &str, parameters: &[&str]| {
            let parameters: Vec<_> = parameters
                .iter()
                .copied()
                .filter(|text| !text.is_empty())
                .collect();
            let line = format!("{scheme} {}", parameters.join(", "));
            if let Ok(value) = HeaderValue::from_str(line.trim_end()) {
                headers.append(WWW_AUTHENTICATE, value);
            }
        };
        let tried = tried.filter(|tried| match tried {
            AuthScheme::Dpop => self.dpop.is_some(),
            AuthScheme::Bearer => self.bearer,
        });
        let error_for = |scheme| {
            let here = tried.is_none_or(|tried| tried == scheme);
            if here { error.as_str() } else { "" }
        };
        let metadata = self.resource_metadata.as_deref().unwrap_or_default();
        if let Some(algorithms) = &self.dpop {
            let algorithms = format!(r#"algs="{algorithms}""#);
            add(
                "DPoP",
                &[error_for(AuthScheme::Dpop), &algorithms, metadata],
            );
        }
        if self.bearer {
            add("Bearer", &[error_for(AuthScheme::Bearer), metadata]);
        }
    }

    fn body(&self, rejection: &Rejection) -> Bytes {
        let Rejection::Refused(refusal) = rejection else {
            return Bytes::new();
        };
        match refusal.code() {
            Some(code) if self.json_bodies => Bytes::from(format!(
                r#"{{"error":"{code}","error_description":"{}"}}"#,
                refusal.description()
            )),
            _ => Bytes::new(),
        }
    }
}

/// What the client has to ask the authorization server for (RFC 6750 §3, RFC 9470 §3).
fn asked_for(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Scope(scope) => format!(r#", scope="{scope}""#),
        Refusal::Authentication {
            acr_values,
            max_age,
        } => {
            let acr_values = match &**acr_values {
                [] => String::new(),
                values => format!(r#", acr_values="{}""#, values.join(" ")),
            };
            match max_age {
                None => acr_values,
                Some(age) => format!(r#"{acr_values}, max_age="{}""#, age.as_secs()),
            }
        }
        _ => String::new(),
    }
}

/// Puts a new nonce on an answer: one, kept out of caches, and visible to scripts in browsers (RFC 9449 §8, §8.2).
pub(crate) fn hand_out_nonce(nonce: &str, headers: &mut HeaderMap) {
    let Ok(nonce) = HeaderValue::from_str(nonce) else {
        return;
    };
    headers.insert(DPOP_NONCE, nonce);
    // A cache that gave this answer to another request would give it a nonce that has ended.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Beside what the service behind exposes.
    let exposed = HeaderValue::from_static("DPoP-Nonce, WWW-Authenticate");
    headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}
