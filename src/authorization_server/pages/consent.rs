//! The consent page.

use askama::Template;
use http::{Response, StatusCode};

use super::{Form, ReturnAddress, Site, headers::FormAction, respond};

/// The page that asks a person to approve what a client wants.
///
/// What is shown here must be exactly what the token will carry.
#[derive(Clone, Copy, Debug)]
pub struct ConsentPage<'a> {
    /// The form.
    pub form: Form<'a>,
    /// The client that asks.
    pub client_name: &'a str,
    /// The person who is signed in.
    pub user_name: &'a str,
    /// The scopes, in words.
    pub scopes: &'a [Scope<'a>],
    /// The `authorization_details`, one for each entry (RFC 9396 §2).
    pub details: &'a [Detail<'a>],
}

/// A scope in words.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// What the client will be able to do, as in "See your accounts".
    pub title: &'a str,
    /// What exactly that allows; may be empty.
    pub allows: &'a str,
}

/// One entry of `authorization_details` for a person to read: a payment with its amount and recipient, say.
#[derive(Clone, Debug, Default)]
pub struct Detail<'a> {
    /// What is asked for, as in "Payment".
    pub title: &'a str,
    /// Its parts, in the order they are shown.
    pub lines: Vec<Line<'a>>,
}

/// One part of a [`Detail`].
#[derive(Clone, Debug, Default)]
pub struct Line<'a> {
    /// What the value is, as in "Amount".
    pub label: &'a str,
    /// The value, as in "123.50 EUR".
    pub value: String,
    /// Shown large: the amount and the recipient of a payment.
    pub prominent: bool,
}

#[derive(Debug, Template)]
#[template(path = "consent.html")]
struct View<'a> {
    site: Site<'a>,
    page: &'a ConsentPage<'a>,
    host: Option<&'a str>,
}

pub(super) fn answer(site: Site<'_>, page: &ConsentPage<'_>) -> Response<String> {
    let view = View {
        site,
        page,
        host: page.form.returns_to.map(ReturnAddress::host),
    };
    respond(
        StatusCode::OK,
        FormAction::Here(page.form.returns_to),
        &view,
    )
}
