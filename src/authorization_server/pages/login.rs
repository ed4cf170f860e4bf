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
pub(super) struct Words {
    pub(super) what: &'static str,
    pub(super) advice: String,
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
    respond_to(page.problem, page.form, &view)
}

/// A page with a form whose last answer may have been no good.
pub(super) fn respond_to(
    problem: Option<LoginProblem>,
    form: Form<'_>,
    view: &impl Template,
) -> Response<String> {
    let status = problem.map_or(StatusCode::OK, LoginProblem::status);
    let mut response = respond(status, FormAction::Here(form.returns_to), view);
    if let Some(wait) = problem.and_then(LoginProblem::retry_after) {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    response
}

/// How long to wait when the server is too busy to look.
const BUSY_FOR: Duration = Duration::from_secs(5);

impl LoginProblem {
    pub(super) fn words(self) -> Words {
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

#[cfg(test)]
mod tests {
    use scraper::{Html, Selector};

    use super::*;
    use crate::authorization_server::pages::{Branding, Pages};

    fn page(username: &str, problem: Option<LoginProblem>) -> Response<String> {
        Pages::new(Branding::new("Example Bank")).login(&LoginPage {
            form: Form {
                action: "/login",
                csrf: "token",
                returns_to: None,
            },
            client_name: "Budget Planner",
            username,
            problem,
        })
    }

    fn has(page: &Response<String>, selector: &str) -> bool {
        Html::parse_document(page.body())
            .select(&Selector::parse(selector).unwrap())
            .next()
            .is_some()
    }

    fn throttled(seconds: u64) -> LoginProblem {
        LoginProblem::Throttled {
            retry_after: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn the_controls_keep_their_names_and_help_password_managers() {
        let page = page("", None);
        for control in [
            "input#username[name=username][type=text][autocomplete=username][autocapitalize=none][required]",
            "input#password[name=password][type=password][autocomplete=current-password][required]",
            "button#login[type=submit]",
            "button#deny[name=deny][formnovalidate]",
            // Enter presses the first button.
            ".actions > button:first-child#login",
        ] {
            assert!(has(&page, control), "{control}");
        }
        assert!(
            !has(&page, "[maxlength][type=password]"),
            "a cut-off password would be a wrong one"
        );
        assert!(
            page.body()
                .contains("to continue to <strong><bdi>Budget Planner</bdi></strong>")
        );
    }

    #[test]
    fn the_first_empty_field_has_the_focus() {
        for (username, problem, focused) in [
            ("", None, "#username[autofocus]"),
            ("ada", None, "#password[autofocus]"),
            ("ada", Some(LoginProblem::Refused), "#password[autofocus]"),
        ] {
            assert!(has(&page(username, problem), focused), "{username:?}");
        }
    }

    #[test]
    fn a_password_is_never_sent_back() {
        assert!(!has(
            &page("ada", Some(LoginProblem::Refused)),
            "#password[value]"
        ));
        assert!(has(
            &page("ada", Some(LoginProblem::Refused)),
            "#username[value=ada]"
        ));
    }

    #[test]
    fn a_problem_is_announced_and_tied_to_the_fields() {
        let described =
            ["#username", "#password"].map(|field| format!("{field}[aria-describedby=problem]"));
        for (problem, status, retry_after, invalid, words) in [
            (
                LoginProblem::Refused,
                403,
                None,
                true,
                "That username and password do not match.",
            ),
            (
                throttled(42),
                429,
                Some("42"),
                false,
                "wait 42 seconds before",
            ),
            (
                LoginProblem::Expired,
                403,
                None,
                false,
                "This page was open for too long.",
            ),
            (
                LoginProblem::Unavailable,
                503,
                Some("5"),
                false,
                "We could not sign you in just now.",
            ),
        ] {
            let page = page("ada", Some(problem));
            assert_eq!(page.status(), status, "{problem:?}");
            let header = page
                .headers()
                .get(header::RETRY_AFTER)
                .map(|value| value.to_str().unwrap());
            assert_eq!(header, retry_after, "{problem:?}");
            assert!(has(&page, "#problem[role=alert]"), "{problem:?}");
            assert!(
                described.iter().all(|field| has(&page, field)),
                "{problem:?}"
            );
            assert_eq!(
                has(&page, "#username[aria-invalid=true]"),
                invalid,
                "{problem:?}"
            );
            assert_eq!(
                has(&page, "#password[aria-invalid=true]"),
                invalid,
                "{problem:?}"
            );
            assert!(page.body().contains(words), "{problem:?}");
            assert!(page.body().contains("<title>Error: Sign in"), "{problem:?}");
        }
        let calm = page("ada", None);
        assert_eq!(calm.status(), 200);
        assert!(
            !has(&calm, "[role=alert]")
                && !has(&calm, "[aria-describedby]")
                && !has(&calm, "[aria-invalid]")
        );
        assert!(calm.body().contains("<title>Sign in"));
    }

    #[test]
    fn a_wait_is_told_in_words_and_never_too_short() {
        for (wait, words, header) in [
            (Duration::from_millis(300), "wait a second before", "1"),
            (Duration::from_millis(1300), "wait 2 seconds before", "2"),
            (Duration::from_secs(90), "wait 90 seconds before", "90"),
            (Duration::from_secs(91), "wait 2 minutes before", "91"),
            (Duration::from_mins(15), "wait 15 minutes before", "900"),
        ] {
            let page = page("ada", Some(LoginProblem::Throttled { retry_after: wait }));
            assert!(page.body().contains(words), "{wait:?}");
            assert_eq!(page.headers()[header::RETRY_AFTER], header, "{wait:?}");
        }
    }
}
