//! A resource server that wants somebody to sign in more strongly, or more recently (RFC 9470).

use std::time::Duration;

use http::{HeaderMap, Response, StatusCode};

use super::challenge::{Challenge, challenges};

/// What a resource server demands of the sign-in: 401 with `error="insufficient_user_authentication"` (RFC 9470 §3).
///
/// The token is good, and a new one from the refresh token would be no better: the person has to come back. Start another
/// authorization with [`AuthorizationRequest::step_up`](super::AuthorizationRequest::step_up) and repeat the call with the
/// tokens it ends in.
///
/// ```
/// use tower_fapi::client::{AuthorizationRequest, StepUpChallenge};
///
/// # let answer = http::Response::builder()
/// #     .status(401)
/// #     .header("www-authenticate", r#"DPoP error="insufficient_user_authentication", acr_values="mfa", max_age=300"#)
/// #     .body(())?;
/// // What `Client::send` has brought back:
/// if let Some(demanded) = StepUpChallenge::from_response(&answer) {
///     let request = AuthorizationRequest::new("https://app.example.com/callback")?
///         .scope("payments")?
///         .step_up(&demanded);
///     // … `Client::authorize`, as the first time.
/// #   let _ = request;
/// }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StepUpChallenge {
    /// The authentication contexts of which one will do, best first; empty if it does not matter.
    pub acr_values: Vec<String>,
    /// How long ago the person may have signed in.
    pub max_age: Option<Duration>,
}

/// More values than anybody will name. They end up in a request of ours.
const MOST_VALUES: usize = 16;

/// The longest value that is taken on, in bytes.
const LONGEST_VALUE: usize = 256;

impl StepUpChallenge {
    /// Reads the answer of a resource server; `None` if it is anything else, or says neither what it wants.
    #[must_use]
    pub fn from_response<B>(response: &Response<B>) -> Option<Self> {
        Self::read(response.status(), response.headers())
    }

    fn read(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        if status != StatusCode::UNAUTHORIZED {
            return None;
        }
        challenges(headers)
            .filter(|challenge| challenge.is_scheme("DPoP") || challenge.is_scheme("Bearer"))
            .find(|challenge| challenge.get("error") == Some("insufficient_user_authentication"))
            .and_then(|challenge| Self::of(&challenge))
    }

    fn of(challenge: &Challenge<'_>) -> Option<Self> {
        let acr_values = challenge.get("acr_values").unwrap_or_default().split(' ');
        let acr_values: Vec<String> = acr_values
            .filter(|value| is_acr(value))
            .take(MOST_VALUES)
            .map(str::to_owned)
            .collect();
        let max_age = challenge.get("max_age").and_then(seconds);
        // Whoever asks for nothing in particular would be asked again and again.
        (!acr_values.is_empty() || max_age.is_some()).then_some(Self {
            acr_values,
            max_age,
        })
    }
}

/// Whether the text can stand among `acr_values`, which spaces part.
pub(super) fn is_acr(value: &str) -> bool {
    (1..=LONGEST_VALUE).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A non-negative integer (RFC 9470 §3).
fn seconds(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
    let seconds = digits.then(|| text.parse().ok()).flatten()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::WWW_AUTHENTICATE};

    use super::*;

    fn read(status: u16, lines: &[&str]) -> Option<StepUpChallenge> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(line).unwrap());
        }
        StepUpChallenge::read(StatusCode::from_u16(status).unwrap(), &headers)
    }

    fn demanded(acr_values: &[&str], max_age: Option<u64>) -> StepUpChallenge {
        StepUpChallenge {
            acr_values: acr_values.iter().map(|value| (*value).to_owned()).collect(),
            max_age: max_age.map(Duration::from_secs),
        }
    }

    // RFC 9470 §3, figures 2 and 3.
    #[test]
    fn what_is_demanded_is_found_wherever_it_stands() {
        for (lines, expected) in [
            (
                &[
                    r#"Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="myACR""#,
                ][..],
                demanded(&["myACR"], None),
            ),
            (
                &[r#"Bearer error="insufficient_user_authentication", max_age="5""#],
                demanded(&[], Some(5)),
            ),
            (
                &[
                    r#"dpop algs="ES256", ERROR=insufficient_user_authentication, acr_values="a b", max_age=0"#,
                ],
                demanded(&["a", "b"], Some(0)),
            ),
            (
                &[
                    "Basic",
                    r#"DPoP error="insufficient_user_authentication", acr_values="a""#,
                ],
                demanded(&["a"], None),
            ),
            (
                &[
                    r#"DPoP error="insufficient_user_authentication", acr_values="a", max_age="soon""#,
                ],
                demanded(&["a"], None),
            ),
        ] {
            assert_eq!(read(401, lines), Some(expected), "{lines:?}");
        }
    }

    #[test]
    fn anything_else_is_no_demand() {
        let good = r#"DPoP error="insufficient_user_authentication", acr_values="a""#;
        assert!(read(401, &[good]).is_some());
        for status in [200, 400, 403, 503] {
            assert_eq!(read(status, &[good]), None, "{status}");
        }
        for line in [
            "",
            "DPoP",
            r#"DPoP error="invalid_token", acr_values="a""#,
            r#"DPoP error="insufficient_user_authentication""#,
            r#"DPoP error="insufficient_user_authentication", acr_values="", max_age="""#,
            r#"DPoP error="insufficient_user_authentication", max_age="-1""#,
            r#"DPoP error="insufficient_user_authentication", max_age="99999999999""#,
            r#"DPoP error="insufficient_user_authentication", max_age=5, max_age=6"#,
            r#"DPoP error="insufficient_user_authentication", Bearer acr_values="a""#,
            r#"Basic error="insufficient_user_authentication", acr_values="a""#,
            r#"DPoP error_description="error=insufficient_user_authentication, acr_values=a""#,
        ] {
            assert_eq!(read(401, &[line]), None, "{line}");
        }
    }

    // A resource server writes into a request of ours: nothing but names, and not a flood of them.
    #[test]
    fn what_is_taken_on_is_bounded() {
        let long = "x".repeat(LONGEST_VALUE + 1);
        let values = format!("{long} a\tb c");
        let line =
            format!(r#"DPoP error="insufficient_user_authentication", acr_values="{values}""#);
        assert_eq!(read(401, &[&line]), Some(demanded(&["c"], None)));
        let many = vec!["a"; 1000].join(" ");
        let line = format!(r#"DPoP error="insufficient_user_authentication", acr_values="{many}""#);
        assert_eq!(read(401, &[&line]).unwrap().acr_values.len(), MOST_VALUES);
    }
}
