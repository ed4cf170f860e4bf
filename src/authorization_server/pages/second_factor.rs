//! The page that asks for the code of a second factor.

use askama::Template;
use http::Response;

use super::{
    Form, Site,
    login::{LoginProblem, Words, respond_to},
};

/// The page that asks whoever has proved their password for the code of their second factor.
#[derive(Clone, Copy, Debug)]
pub struct SecondFactorPage<'a> {
    /// The form.
    pub form: Form<'a>,
    /// The client the person came from.
    pub client_name: &'a str,
    /// The person whose password was right.
    pub user_name: &'a str,
    /// Why the page is shown again.
    pub problem: Option<LoginProblem>,
}

#[derive(Debug, Template)]
#[template(path = "second_factor.html")]
struct View<'a> {
    site: Site<'a>,
    page: &'a SecondFactorPage<'a>,
    problem: Option<Words>,
    mistyped: bool,
}

pub(super) fn answer(site: Site<'_>, page: &SecondFactorPage<'_>) -> Response<String> {
    let view = View {
        site,
        page,
        problem: page.problem.map(words),
        mistyped: page.problem == Some(LoginProblem::Refused),
    };
    respond_to(page.problem, page.form, &view)
}

fn words(problem: LoginProblem) -> Words {
    match problem {
        LoginProblem::Refused => Words {
            what: "That code is not right.",
            advice: "Each code works once. Wait for the next one and type that.".to_owned(),
        },
        LoginProblem::Expired => Words {
            what: "This page was open for too long.",
            advice: "Please type the code that is shown now.".to_owned(),
        },
        LoginProblem::Unavailable => Words {
            what: "We could not check the code just now.",
            advice: "Nothing is wrong with what you typed. Please try again in a moment."
                .to_owned(),
        },
        throttled @ LoginProblem::Throttled { .. } => throttled.words(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use scraper::{Html, Selector};

    use super::*;
    use crate::authorization_server::pages::{Branding, Pages};

    fn page(problem: Option<LoginProblem>) -> Response<String> {
        Pages::new(Branding::new("Example Bank")).second_factor(&SecondFactorPage {
            form: Form {
                action: "/second-factor",
                csrf: "token",
                returns_to: None,
            },
            client_name: "Budget Planner",
            user_name: "Ada Lovelace",
            problem,
        })
    }

    #[test]
    fn the_code_can_be_filled_in_by_people_and_their_phones() {
        let page = Html::parse_document(page(None).body());
        let selector = Selector::parse(
            "input#otp[name=otp][autocomplete=one-time-code][inputmode=numeric][autofocus][required]",
        );
        assert_eq!(page.select(&selector.unwrap()).count(), 1);
        for button in [
            "button#verify[name=verify][value=yes]",
            "button#deny[formnovalidate]",
        ] {
            let selector = Selector::parse(button).unwrap();
            assert_eq!(page.select(&selector).count(), 1, "{button}");
        }
        let text: String = page.root_element().text().collect();
        assert!(text.contains("Ada Lovelace") && text.contains("Budget Planner"));
        assert!(!text.contains("Error"));
    }

    #[test]
    fn a_problem_is_told_in_words_and_status() {
        let wait = LoginProblem::Throttled {
            retry_after: Duration::from_secs(7),
        };
        for (problem, status, words) in [
            (LoginProblem::Refused, 403, "That code is not right."),
            (LoginProblem::Expired, 403, "open for too long"),
            (wait, 429, "wait 7 seconds"),
            (LoginProblem::Unavailable, 503, "could not check the code"),
        ] {
            let page = page(Some(problem));
            assert_eq!(page.status(), status);
            assert_eq!(page.headers().contains_key("retry-after"), status != 403);
            let html = Html::parse_document(page.body());
            let alert = Selector::parse("#problem[role=alert]").unwrap();
            let text: String = html.select(&alert).next().unwrap().text().collect();
            assert!(text.contains(words), "{text}");
            let invalid = Selector::parse("#otp[aria-invalid=true]").unwrap();
            assert_eq!(
                html.select(&invalid).count(),
                usize::from(problem == LoginProblem::Refused)
            );
        }
    }
}
