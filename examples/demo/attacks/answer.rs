//! What came back, in the few words in which an attack says what it expects.

use http::header::{HeaderMap, LOCATION};
use reqwest::RequestBuilder;
use serde_json::Value;
use tower_fapi::client::{CallbackError, ClientError};

use crate::{Outcome, browser::Arrival, challenge};

pub struct Answer {
    /// Status and error code: `401 invalid_token`. Without a code just the status.
    pub said: String,
    /// The server's words for the developer, or what is on the page.
    pub words: String,
    /// The body, if it is JSON.
    pub body: Value,
}

impl Answer {
    /// Sends a request.
    pub async fn to(request: RequestBuilder) -> Outcome<Self> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body: Value = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let challenged = challenge::parameter(&headers, "error");
        let error = match (text("error"), challenged) {
            // A resource server says it twice, and has to say the same.
            (Some(body), Some(challenge)) if body != challenge => {
                Some(format!("{challenge} in the challenge, {body} in the body"))
            }
            (Some(error), _) | (None, Some(error)) => Some(error),
            (None, None) => None,
        };
        let words = text("error_description").or_else(|| location(&headers));
        Ok(Self {
            said: said(status, error.as_deref()),
            words: words.unwrap_or_default(),
            body,
        })
    }

    /// Sends a request that nobody may answer.
    pub async fn or_silence(request: RequestBuilder) -> Outcome<Self> {
        match Self::to(request).await {
            Ok(answer) => Ok(answer),
            Err(_) => Ok(Self::of("no answer", String::new())),
        }
    }

    /// Where a browser has ended up.
    pub fn in_browser(arrival: Arrival) -> Self {
        match arrival {
            Arrival::Page(page) => {
                let said = said(page.status.as_u16(), page.error.as_deref());
                Self::of(&said, page.text)
            }
            Arrival::Elsewhere(url) => Self::of("sent away", url.to_string()),
        }
    }

    /// What the crate's client made of it.
    pub fn by_client<T>(outcome: Result<T, ClientError>) -> Self {
        match outcome {
            Ok(_) => Self::of("accepted", String::new()),
            Err(ClientError::Refused { status, error, .. }) => Self::of(
                &said(status.as_u16(), Some(error.code())),
                error.description().unwrap_or_default().to_owned(),
            ),
            Err(ClientError::Callback(error)) => Self::by_callback(&error),
            Err(error) => Self::of("the client failed", error.to_string()),
        }
    }

    /// The client did not believe what the browser brought.
    pub fn by_callback(error: &CallbackError) -> Self {
        Self::of("refused by the client", error.to_string())
    }

    pub fn new(said: &str, words: &str) -> Self {
        Self::of(said, words.to_owned())
    }

    fn of(said: &str, words: String) -> Self {
        Self {
            said: said.to_owned(),
            words,
            body: Value::Null,
        }
    }

    /// A member of the body that must be there to go on.
    pub fn member(&self, name: &str) -> Outcome<String> {
        let text = self.body.get(name).and_then(Value::as_str);
        let missing = || format!("no {name}: {} {}", self.said, self.words);
        Ok(text.ok_or_else(missing)?.to_owned())
    }
}

fn said(status: u16, error: Option<&str>) -> String {
    match error {
        Some(error) => format!("{status} {error}"),
        None => status.to_string(),
    }
}

fn location(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(LOCATION)?.to_str().ok()?.to_owned())
}
