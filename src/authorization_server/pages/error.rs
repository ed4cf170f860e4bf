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
