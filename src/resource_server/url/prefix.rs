//! What proxies put in front of a path, or take off it.

use std::{fmt, str::FromStr};

use crate::dpop::TargetUri;

/// The beginning of a path, whole segments: `/open-banking/v1`.
///
/// ```
/// use tower_fapi::resource_server::PathPrefix;
///
/// let prefix: PathPrefix = "/internal/v1/".parse()?;
/// assert_eq!(prefix.to_string(), "/internal/v1");
/// assert!("internal".parse::<PathPrefix>().is_err());
/// # Ok::<_, tower_fapi::resource_server::InvalidPathPrefix>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PathPrefix(String);

/// The text is no path that begins with `/`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a path that begins with /, without query and fragment")]
pub struct InvalidPathPrefix;

impl PathPrefix {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// What is left of a path that begins with these segments.
    pub(super) fn stripped_from<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(self.0.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }
}

impl FromStr for PathPrefix {
    type Err = InvalidPathPrefix;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `//` at the beginning is where a host would stand.
        let sound = text.starts_with('/')
            && !text.starts_with("//")
            && !text.contains(['?', '#'])
            && TargetUri::from_parts("https", "host", text).is_ok();
        if sound {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            Err(InvalidPathPrefix)
        }
    }
}

/// As it is put in front of a path: the root is nothing.
impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_path_and_ends_with_a_segment() {
        for (text, expected) in [
            ("/v1", Some("/v1")),
            ("/a/b/", Some("/a/b")),
            ("/", Some("")),
            ("", None),
            ("v1", None),
            ("//evil.example", None),
            ("/a?b", None),
            ("/a#b", None),
            ("/a b", None),
            ("/\u{e9}", None),
            ("/%zz", None),
            ("https://api.example.com/v1", None),
        ] {
            let parsed = text.parse::<PathPrefix>().ok();
            assert_eq!(parsed.as_ref().map(PathPrefix::as_str), expected, "{text}");
        }
        let prefix: PathPrefix = "/v1".parse().unwrap();
        for (path, rest) in [
            ("/v1/a", Some("/a")),
            ("/v1/", Some("/")),
            ("/v1", Some("")),
            ("/v11/a", None),
            ("/V1/a", None),
            ("/a/v1", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(prefix.stripped_from(path), rest, "{path}");
        }
    }
}
