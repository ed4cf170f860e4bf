//! The challenge of a refusal, as far as it is shown.

use http::header::{HeaderMap, WWW_AUTHENTICATE};

/// A parameter of the first challenge that has it. The crate's challenges hold no escapes.
pub fn parameter(headers: &HeaderMap, name: &str) -> Option<String> {
    let start = format!(r#"{name}=""#);
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .find_map(|line| {
            let (_, rest) = line.split_once(&start)?;
            Some(rest.split_once('"')?.0.to_owned())
        })
}
