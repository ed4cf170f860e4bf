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

#[cfg(test)]
mod tests {
    use scraper::{Html, Selector};

    use super::*;
    use crate::authorization_server::pages::{Branding, Pages};

    fn page(
        returns_to: Option<&ReturnAddress>,
        scopes: &[Scope<'_>],
        details: &[Detail<'_>],
    ) -> Html {
        let page = Pages::new(Branding::new("Example Bank")).consent(&ConsentPage {
            form: Form {
                action: "/consent",
                csrf: "token",
                returns_to,
            },
            client_name: "Budget Planner",
            user_name: "Ada Lovelace",
            scopes,
            details,
        });
        assert_eq!(page.status(), StatusCode::OK);
        Html::parse_document(page.body())
    }

    fn texts(page: &Html, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        page.select(&selector)
            .map(|element| words(element.text().collect()))
            .collect()
    }

    #[test]
    fn the_buttons_keep_their_names() {
        let page = page(None, &[], &[]);
        assert_eq!(
            texts(&page, "button#approve[name=approve][value=yes]"),
            ["Approve"]
        );
        assert_eq!(
            texts(&page, "button#deny[name=deny][value=yes]"),
            ["Decline"]
        );
        assert_eq!(
            texts(
                &page,
                "button#switch[name=switch][value=yes][form=decision]"
            ),
            ["Use another account"]
        );
        assert!(
            texts(&page, "[autofocus]").is_empty(),
            "a key pressed too early must not approve"
        );
    }

    #[test]
    fn client_person_and_way_back_are_named() {
        let back = ReturnAddress::new("https://app.client.example:8443/cb").unwrap();
        let page = page(Some(&back), &[], &[]);
        assert_eq!(texts(&page, "h1"), ["Give Budget Planner access?"]);
        assert!(texts(&page, ".lead").is_empty());
        assert_eq!(texts(&page, ".who p"), ["Signed in as Ada Lovelace"]);
        assert_eq!(
            texts(&page, "#advice"),
            [
                "Approve only if you started this yourself at Budget Planner. You will return to app.client.example:8443."
            ]
        );
    }

    #[test]
    fn scopes_are_shown_in_words_and_in_order() {
        let scopes = [
            Scope {
                title: "See your accounts",
                allows: "Names and numbers.",
            },
            Scope {
                title: "See your balances",
                allows: "",
            },
        ];
        let page = page(None, &scopes, &[]);
        assert_eq!(
            texts(&page, "section h2"),
            ["Budget Planner will be able to"]
        );
        assert_eq!(
            texts(&page, ".scopes li strong"),
            ["See your accounts", "See your balances"]
        );
        assert_eq!(texts(&page, ".scopes li span"), ["Names and numbers."]);
    }

    // RFC 9396 §2: each entry is granted by itself, so each is shown by itself.
    #[test]
    fn every_line_of_every_entry_is_shown() {
        let line = |label, value: &str, prominent| Line {
            label,
            value: value.to_owned(),
            prominent,
        };
        let details = [
            Detail {
                title: "Payment",
                lines: vec![
                    line("Amount", "123.50 EUR", true),
                    line("To", "Merchant A", true),
                    line("Account", "DE40 1001 0010 0307 1181 03", false),
                ],
            },
            Detail {
                title: "Account information",
                lines: vec![line("Actions", "list\naccounts", false)],
            },
        ];
        let page = page(None, &[], &details);
        assert_eq!(texts(&page, "h1"), ["Approve this request?"]);
        assert_eq!(texts(&page, ".lead"), ["It comes from Budget Planner."]);
        assert_eq!(texts(&page, ".who p"), ["Signed in as Ada Lovelace"]);
        assert_eq!(
            texts(&page, ".detail h2"),
            ["Payment", "Account information"]
        );
        assert_eq!(
            texts(&page, ".detail dt"),
            ["Amount", "To", "Account", "Actions"]
        );
        assert_eq!(
            texts(&page, ".detail dd"),
            [
                "123.50 EUR",
                "Merchant A",
                "DE40 1001 0010 0307 1181 03",
                "list accounts"
            ]
        );
        assert_eq!(
            texts(&page, ".detail .prominent dd"),
            ["123.50 EUR", "Merchant A"]
        );
        assert!(texts(&page, ".scopes").is_empty());
    }
}
