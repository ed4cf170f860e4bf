//! The login page.

use std::time::Duration;

use askama::Template;
use http::{HeaderValue, Response, StatusCode, header};

use super::{Form, Site, headers::FormAction, respond};

/// The page that asks for username and password.
#[derive(Clone, Copy, Debug)]
pub struct LoginPage<'a> {
    /// The form.
    pub form: Form<'a>,
    /// The client the person came from.
    pub client_name: &'a str,
    /// What stands in the username field: what was typed last time, or a hint; may be empty.
    pub username: &'a str,
    /// Why the page is shown again.
    pub problem: Option<LoginProblem>,
}

/// Why a person has to try again.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginProblem {
    /// Username and password do not match; which of them is wrong is not told. Answers 403.
    Refused,
    /// Too many attempts: the next is looked at after this time. Answers 429 with `Retry-After`.
    Throttled {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The page stood open for too long, or its form was not ours. Answers 403.
    Expired,
    /// The server could not look at the attempt. Answers 503 with `Retry-After`.
    Unavailable,
}

/// A [`LoginProblem`] in words.
#[derive(Debug)]
struct Words {
    what: &'static str,
    advice: String,
}

#[derive(Debug, Template)]
#[template(path = "login.html")]
struct View<'a> {
    site: Site<'a>,
    page: &'a LoginPage<'a>,
    problem: Option<Words>,
    mistyped: bool,
}

pub(super) fn answer(site: Site<'_>, page: &LoginPage<'_>) -> Response<String> {
    let view = View {
        site,
        page,
        problem: page.problem.map(LoginProblem::words),
        mistyped: page.problem == Some(LoginProblem::Refused),
    };
    let status = page.problem.map_or(StatusCode::OK, LoginProblem::status);
    let mut response = respond(status, FormAction::Here(page.form.returns_to), &view);
    if let Some(wait) = page.problem.and_then(LoginProblem::retry_after) {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    response
}

/// How long to wait when the server is too busy to look.
const BUSY_FOR: Duration = Duration::from_secs(5);

impl LoginProblem {
    fn words(self) -> Words {
        match self {
            Self::Refused => Words {
                what: "That username and password do not match.",
                advice: "Check both and try again.".to_owned(),
            },
            Self::Throttled { retry_after } => Words {
                what: "Too many attempts.",
                advice: format!(
                    "To keep your account safe, wait {} before you try again.",
                    spoken(retry_after)
                ),
            },
            Self::Expired => Words {
                what: "This page was open for too long.",
                advice: "Please sign in again.".to_owned(),
            },
            Self::Unavailable => Words {
                what: "We could not sign you in just now.",
                advice: "Nothing is wrong with what you typed. Please try again in a moment."
                    .to_owned(),
            },
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Refused | Self::Expired => StatusCode::FORBIDDEN,
            Self::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Refused | Self::Expired => None,
            Self::Throttled { retry_after } => Some(retry_after),
            Self::Unavailable => Some(BUSY_FOR),
        }
    }
}

/// Whole seconds, rounded up: who waits as long as told must not find the door still shut.
fn seconds(wait: Duration) -> u64 {
    let part = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(part)
}

fn spoken(wait: Duration) -> String {
    match seconds(wait) {
        0 | 1 => "a second".to_owned(),
        seconds @ 2..=90 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}
