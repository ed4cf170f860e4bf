//! Why a request got no answer.

/// Why no answer could be had.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TransportError {
    /// The server could not be reached, its certificate or ours was not accepted, or the connection broke.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The answer was not there in time.
    #[error("timed out")]
    Timeout,
    /// The body is larger than this many bytes.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

#[cfg(any(feature = "discovery", feature = "client"))]
impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        // The cause that says something ("connection refused", "unknown issuer") is the innermost one.
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        Self::Unreachable(text)
    }
}
