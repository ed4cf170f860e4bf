//! The pages a person sees: plain forms rendered on the server, without a line of script.
//!
//! [`Pages`] turns the data of a page into a finished answer: status, body and every security header, so that no
//! handler can forget one. Each answer is `Cache-Control: no-store` and may be framed by nobody.
//!
//! The names of the form fields and buttons are in [`field`]; they are also the ids of the elements and do not change,
//! so that other people's automation can drive the pages.
//!
//! ```
//! use tower_fapi::authorization_server::pages::{Branding, Form, LoginPage, Pages, ReturnAddress};
//!
//! let pages = Pages::new(Branding::new("Example Bank"));
//! let back = ReturnAddress::new("https://budget.example/callback")?;
//! let answer = pages.login(&LoginPage {
//!     form: Form { action: "/login", csrf: "fT0q…", returns_to: Some(&back) },
//!     client_name: "Budget Planner",
//!     username: "",
//!     problem: None,
//! });
//! assert_eq!(answer.status(), 200);
//! assert!(answer.body().contains("Budget Planner"));
//! # Ok::<(), tower_fapi::authorization_server::pages::InvalidReturnAddress>(())
//! ```

mod consent;
mod error;
mod escape;
mod form;
pub mod headers;
mod login;
mod logout;
mod second_factor;
mod style;

use askama::Template;
use http::{Response, StatusCode};

pub(crate) use self::escape::is_visible;
pub use self::{
    consent::{ConsentPage, Detail, Line, Scope},
    error::ErrorPage,
    form::{Form, InvalidReturnAddress, ReturnAddress, field},
    login::{LoginPage, LoginProblem},
    logout::LogoutPage,
    second_factor::SecondFactorPage,
};

/// Whose pages these are.
#[derive(Clone, Debug)]
pub struct Branding {
    name: String,
    help: Option<String>,
}

impl Branding {
    /// Pages of the institution called `name`, shown at the top of each and in the window's title.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            help: None,
        }
    }

    /// Adds one line of plain text below every page: where a person finds help, say.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// Renders the pages. One for the whole server; cheap to share.
#[derive(Clone, Debug)]
pub struct Pages {
    branding: Branding,
}

impl Pages {
    /// Pages that carry `branding`.
    #[must_use]
    pub const fn new(branding: Branding) -> Self {
        Self { branding }
    }

    /// The page that asks who somebody is.
    #[must_use]
    pub fn login(&self, page: &LoginPage<'_>) -> Response<String> {
        login::answer(self.site(), page)
    }

    /// The page that asks for the code of a second factor.
    #[must_use]
    pub fn second_factor(&self, page: &SecondFactorPage<'_>) -> Response<String> {
        second_factor::answer(self.site(), page)
    }

    /// The page that asks whether a client may do what it wants to.
    #[must_use]
    pub fn consent(&self, page: &ConsentPage<'_>) -> Response<String> {
        consent::answer(self.site(), page)
    }

    /// The page that asks whether somebody wants to be signed out.
    #[must_use]
    pub fn logout(&self, page: &LogoutPage<'_>) -> Response<String> {
        logout::answer(self.site(), page)
    }

    /// The page for whoever is signed out.
    #[must_use]
    pub fn signed_out(&self) -> Response<String> {
        logout::signed_out(self.site())
    }

    /// The page for whoever was asked and did not want to be signed out.
    #[must_use]
    pub fn still_signed_in(&self) -> Response<String> {
        logout::still_signed_in(self.site())
    }

    /// The page for what went wrong where no client can be told.
    #[must_use]
    pub fn error(&self, page: &ErrorPage<'_>) -> Response<String> {
        error::answer(self.site(), page)
    }

    fn site(&self) -> Site<'_> {
        Site {
            brand: &self.branding.name,
            initial: initial(&self.branding.name),
            help: self.branding.help.as_deref(),
            stylesheet: style::STYLESHEET,
        }
    }
}

/// What the layout shows on every page.
#[derive(Clone, Copy, Debug)]
struct Site<'a> {
    brand: &'a str,
    initial: char,
    help: Option<&'a str>,
    stylesheet: &'static str,
}

/// The letter on the brand's mark.
fn initial(name: &str) -> char {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .and_then(|c| c.to_uppercase().next())
        .unwrap_or('•')
}

/// The one place where a template becomes an answer.
fn respond(
    status: StatusCode,
    forms: headers::FormAction<'_>,
    template: &impl Template,
) -> Response<String> {
    let (status, forms, body) = match template.render() {
        Ok(html) => (status, forms, html),
        Err(error) => {
            // Only a `Display` that fails gets here, and pages hold strings.
            tracing::error!(%error, "a page could not be rendered");
            let forms = headers::FormAction::Nowhere;
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                forms,
                UNRENDERED.to_owned(),
            )
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    headers::secure_page(response.headers_mut(), forms);
    response
}

const UNRENDERED: &str = "<!doctype html><html lang=\"en\"><title>Error</title><h1>Something went wrong</h1>\
    <p>This page could not be shown. Please go back to where you came from and try again.</p></html>";

#[cfg(test)]
mod tests;
