//! The pages around signing out.

use askama::Template;
use http::{Response, StatusCode};

use super::{Form, ReturnAddress, Site, headers::FormAction, respond};

/// The page that asks whether somebody wants to be signed out.
#[derive(Clone, Copy, Debug)]
pub struct LogoutPage<'a> {
    /// The form.
    pub form: Form<'a>,
    /// The client that has sent the person here, if one has.
    pub client_name: Option<&'a str>,
    /// The person who is signed in.
    pub user_name: &'a str,
}

#[derive(Debug, Template)]
#[template(path = "logout.html")]
struct View<'a> {
    site: Site<'a>,
    page: &'a LogoutPage<'a>,
    host: Option<&'a str>,
}

/// A page that says how things stand, with nothing to do on it.
#[derive(Debug, Template)]
#[template(path = "done.html")]
struct Done<'a> {
    site: Site<'a>,
    heading: &'static str,
    lead: &'static str,
    advice: &'static str,
}

pub(super) fn answer(site: Site<'_>, page: &LogoutPage<'_>) -> Response<String> {
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

pub(super) fn signed_out(site: Site<'_>) -> Response<String> {
    let done = Done {
        site,
        heading: "You are signed out",
        lead: "You can close this window now.",
        advice: "Applications that you have given access keep it. To end that, use the application itself.",
    };
    respond(StatusCode::OK, FormAction::Nowhere, &done)
}

pub(super) fn still_signed_in(site: Site<'_>) -> Response<String> {
    let done = Done {
        site,
        heading: "You are still signed in",
        lead: "Nothing has changed.",
        advice: "You can close this window, or go back to the application you came from.",
    };
    respond(StatusCode::OK, FormAction::Nowhere, &done)
}

#[cfg(test)]
mod tests {
    use scraper::{Html, Selector};

    use super::*;
    use crate::authorization_server::pages::{Branding, Pages};

    fn texts(page: &Response<String>, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        let page = Html::parse_document(page.body());
        let words = page.select(&selector).map(|element| {
            let text: String = element.text().collect();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        words.collect()
    }

    #[test]
    fn it_says_who_is_signed_in_who_asks_and_where_it_leads() {
        let pages = Pages::new(Branding::new("Example Bank"));
        let back = ReturnAddress::new("https://client.example/bye").unwrap();
        let form = |returns_to| Form {
            action: "/logout",
            csrf: "token",
            returns_to,
        };
        let page = pages.logout(&LogoutPage {
            form: form(Some(&back)),
            client_name: Some("Budget Planner"),
            user_name: "Ada Lovelace",
        });
        assert_eq!(texts(&page, "h1"), ["Sign out of Example Bank?"]);
        assert_eq!(
            texts(&page, ".lead"),
            ["You are signed in as Ada Lovelace. Budget Planner has sent you here to sign out."]
        );
        assert!(texts(&page, "#advice")[0].contains("You will return to client.example."));
        assert_eq!(texts(&page, "button"), ["Sign out", "Stay signed in"]);
        let page = pages.logout(&LogoutPage {
            form: form(None),
            client_name: None,
            user_name: "Ada Lovelace",
        });
        assert_eq!(
            texts(&page, ".lead"),
            ["You are signed in as Ada Lovelace."]
        );
        assert!(!texts(&page, "#advice")[0].contains("return"));
    }
}
