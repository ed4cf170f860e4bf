//! The error page.

use askama::Template;
use http::{Response, StatusCode};

use super::{Site, headers::FormAction, respond};

/// The page for an error that must not be redirected, because there is nobody it could safely be sent to
/// (RFC 6749 §4.1.2.1).
#[derive(Clone, Copy, Debug)]
pub struct ErrorPage<'a> {
    /// Status of the answer.
    pub status: StatusCode,
    /// A few words, as in "This request has expired".
    pub heading: &'a str,
    /// What happened, for the person in front of the screen.
    pub happened: &'a str,
    /// What they can do.
    pub advice: &'a str,
    /// The error code for whoever develops the client, as in `invalid_request_uri`.
    pub code: Option<&'a str>,
    /// What a person reads out to the help desk, and what the log has too.
    pub reference: &'a str,
}

#[derive(Debug, Template)]
#[template(path = "error.html")]
struct View<'a> {
    site: Site<'a>,
    page: &'a ErrorPage<'a>,
}

pub(super) fn answer(site: Site<'_>, page: &ErrorPage<'_>) -> Response<String> {
    respond(page.status, FormAction::Nowhere, &View { site, page })
}

#[cfg(test)]
mod tests {
    use scraper::{Html, Selector};

    use super::*;
    use crate::authorization_server::pages::{Branding, Pages};

    fn texts(page: &Response<String>, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        Html::parse_document(page.body())
            .select(&selector)
            .map(|element| element.text().collect())
            .collect()
    }

    #[test]
    fn it_tells_what_happened_what_to_do_and_what_to_quote() {
        let error = ErrorPage {
            status: StatusCode::BAD_REQUEST,
            heading: "This request has expired",
            happened: "It is too old.",
            advice: "Go back and start again.",
            code: Some("invalid_request_uri"),
            reference: "4711",
        };
        let pages = Pages::new(Branding::new("Example Bank"));
        let page = pages.error(&error);
        assert_eq!(page.status(), StatusCode::BAD_REQUEST);
        assert_eq!(texts(&page, "h1"), ["This request has expired"]);
        assert_eq!(
            texts(&page, "[role=alert] p"),
            ["It is too old.", "Go back and start again."]
        );
        assert_eq!(texts(&page, "dd code"), ["invalid_request_uri", "4711"]);
        assert_eq!(texts(&page, "#reference"), ["4711"]);

        let without = pages.error(&ErrorPage {
            code: None,
            ..error
        });
        assert_eq!(texts(&without, "dd code"), ["4711"]);
    }
}
