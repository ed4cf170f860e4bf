//! Rules that every page keeps.

use std::{collections::HashSet, fmt, time::Duration};

use http::header;
use scraper::{ElementRef, Html, Selector};

use super::*;

/// One of each page, and of each state it can be in.
fn every_page() -> Vec<(&'static str, Response<String>)> {
    let pages = Pages::new(Branding::new("Example Bank").help("Call 0800 123 456."));
    let back = ReturnAddress::new("https://client.example/cb").unwrap();
    let form = Form {
        action: "/login/7",
        csrf: "token",
        returns_to: Some(&back),
    };
    let login = |username, problem| {
        pages.login(&LoginPage {
            form,
            client_name: "Budget Planner",
            username,
            problem,
        })
    };
    let second_factor = |problem| {
        pages.second_factor(&SecondFactorPage {
            form,
            client_name: "Budget Planner",
            user_name: "Ada",
            problem,
        })
    };
    let line = Line {
        label: "Amount",
        value: "12.50 EUR".to_owned(),
        prominent: true,
    };
    let details = [
        Detail {
            title: "Payment",
            lines: vec![line.clone(), line],
        },
        Detail {
            title: "Payment",
            lines: Vec::new(),
        },
    ];
    let scopes = [
        Scope {
            title: "See your accounts",
            allows: "",
        },
        Scope {
            title: "See payments",
            allows: "All.",
        },
    ];
    let consent = |scopes, details| {
        pages.consent(&ConsentPage {
            form,
            client_name: "Budget Planner",
            user_name: "Ada",
            scopes,
            details,
        })
    };
    let error = |code| {
        pages.error(&ErrorPage {
            status: StatusCode::BAD_REQUEST,
            heading: "This request has expired",
            happened: "It is too old.",
            advice: "Go back and start again.",
            code,
            reference: "4711",
        })
    };
    let mut all = vec![
        ("login", login("", None)),
        ("login with a name", login("ada", None)),
        ("login refused", login("ada", Some(LoginProblem::Refused))),
        (
            "login throttled",
            login(
                "",
                Some(LoginProblem::Throttled {
                    retry_after: Duration::from_secs(9),
                }),
            ),
        ),
        ("login expired", login("", Some(LoginProblem::Expired))),
        (
            "login unavailable",
            login("ada", Some(LoginProblem::Unavailable)),
        ),
        ("second factor", second_factor(None)),
        (
            "second factor refused",
            second_factor(Some(LoginProblem::Refused)),
        ),
        ("consent to scopes", consent(&scopes, &[])),
        ("consent to details", consent(&[], &details)),
        ("consent to both", consent(&scopes, &details)),
        ("consent to nothing", consent(&[], &[])),
        ("error", error(None)),
        ("error with code", error(Some("invalid_request_uri"))),
    ];
    all.extend(around_signing_out(&pages, form));
    all
}

fn around_signing_out(pages: &Pages, form: Form<'_>) -> [(&'static str, Response<String>); 4] {
    let logout = |client_name| {
        pages.logout(&LogoutPage {
            form,
            client_name,
            user_name: "Ada",
        })
    };
    [
        ("logout", logout(None)),
        ("logout for a client", logout(Some("Budget Planner"))),
        ("signed out", pages.signed_out()),
        ("still signed in", pages.still_signed_in()),
    ]
}

/// Whether there is nothing to do on a page.
fn is_at_the_end(name: &str) -> bool {
    name.starts_with("error") || name.starts_with("signed") || name.starts_with("still")
}

fn elements<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(element: &ElementRef<'_>) -> String {
    element
        .text()
        .collect::<Vec<_>>()
        .join(" ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn every_page_carries_the_security_headers() {
    for (name, page) in every_page() {
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        let form_action = if is_at_the_end(name) {
            "'none'"
        } else {
            "'self' https://client.example"
        };
        assert_eq!(
            policy,
            format!(
                "default-src 'none'; style-src '{}'; form-action {form_action}; frame-ancestors 'none'; \
                 base-uri 'none'",
                style::hash()
            ),
            "{name}"
        );
        for (header, expected) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=63072000"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            let values: Vec<_> = page.headers().get_all(header).iter().collect();
            assert_eq!(values, [expected], "{name}: {header}");
        }
        let permissions = page.headers()["permissions-policy"].to_str().unwrap();
        for feature in ["camera=()", "microphone=()", "geolocation=()", "payment=()"] {
            assert!(permissions.contains(feature), "{name}: {feature}");
        }
    }
}

// CSP Level 3 §6.7.3.3: the hash is that of the element's text, to the byte.
#[test]
fn the_policy_allows_the_stylesheet_of_the_page() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256};
    for (name, page) in every_page() {
        let (_, rest) = page.body().split_once("<style>").unwrap();
        let (style, rest) = rest.split_once("</style>").unwrap();
        assert!(!rest.contains("<style"), "{name}");
        let source = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(style)));
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.contains(&format!("style-src {source};")), "{name}");
    }
}

#[test]
fn no_page_holds_script_or_loads_anything() {
    for (name, page) in every_page() {
        let page = Html::parse_document(page.body());
        assert!(
            elements(
                &page,
                "script, link, img, iframe, object, embed, base, svg, a"
            )
            .is_empty(),
            "{name}"
        );
        assert!(elements(&page, "meta[http-equiv]").is_empty(), "{name}");
        for element in elements(&page, "*") {
            for (attribute, _) in element.value().attrs() {
                let allowed =
                    !attribute.starts_with("on") && !["style", "src", "href"].contains(&attribute);
                assert!(allowed, "{name}: {attribute}");
            }
        }
    }
}

#[test]
fn every_control_has_a_name_that_can_be_read_out() {
    for (name, page) in every_page() {
        let page = Html::parse_document(page.body());
        for input in elements(&page, "input:not([type=hidden]), select, textarea") {
            let id = input
                .value()
                .id()
                .unwrap_or_else(|| panic!("{name}: an input without id"));
            let labels = elements(&page, &format!("label[for={id}]"));
            assert_eq!(labels.len(), 1, "{name}: label of {id}");
            assert!(!text(&labels[0]).is_empty(), "{name}: label of {id}");
            assert!(input.value().attr("autocomplete").is_some(), "{name}: {id}");
            assert_eq!(input.value().attr("name"), Some(id), "{name}");
        }
        for button in elements(&page, "button") {
            assert!(!text(&button).is_empty(), "{name}");
            assert_eq!(button.value().attr("type"), Some("submit"), "{name}");
            assert_eq!(button.value().attr("name"), button.value().id(), "{name}");
        }
    }
}

#[test]
fn the_outline_of_every_page_is_sound() {
    for (name, page) in every_page() {
        assert!(page.body().starts_with("<!doctype html>"), "{name}");
        let page = Html::parse_document(page.body());
        assert!(page.errors.is_empty(), "{name}: {:?}", page.errors);
        assert_eq!(
            elements(&page, "html")[0].value().attr("lang"),
            Some("en"),
            "{name}"
        );
        assert!(
            text(&elements(&page, "title")[0]).ends_with(" \u{2013} Example Bank"),
            "{name}"
        );
        assert_eq!(elements(&page, "meta[name=viewport]").len(), 1, "{name}");
        for once in ["main", "header", "footer", "h1"] {
            assert_eq!(elements(&page, once).len(), 1, "{name}: {once}");
        }
        assert_eq!(
            text(&elements(&page, ".brand")[0]),
            "E Example Bank",
            "{name}"
        );
        assert!(elements(&page, "[autofocus]").len() <= 1, "{name}");

        let ids: Vec<_> = elements(&page, "[id]")
            .iter()
            .filter_map(|element| element.value().id())
            .collect();
        assert_eq!(
            ids.iter().collect::<HashSet<_>>().len(),
            ids.len(),
            "{name}: {ids:?}"
        );
        for element in elements(&page, "[aria-describedby], [aria-labelledby]") {
            let attribute = |name| element.value().attr(name);
            let target = attribute("aria-describedby")
                .or(attribute("aria-labelledby"))
                .unwrap();
            assert!(ids.contains(&target), "{name}: {target}");
        }
    }
}

#[test]
fn every_form_is_posted_with_the_csrf_value() {
    for (name, page) in every_page() {
        let page = Html::parse_document(page.body());
        let forms = elements(&page, "form");
        assert_eq!(forms.len(), usize::from(!is_at_the_end(name)), "{name}");
        for form in forms {
            assert_eq!(form.value().attr("method"), Some("post"), "{name}");
            assert_eq!(form.value().attr("action"), Some("/login/7"), "{name}");
            let hidden = elements(&page, "form input[type=hidden]");
            assert_eq!(hidden.len(), 1, "{name}");
            assert_eq!(hidden[0].value().attr("name"), Some(field::CSRF), "{name}");
            assert_eq!(hidden[0].value().attr("value"), Some("token"), "{name}");
        }
    }
}

#[test]
fn hostile_text_stays_text_wherever_it_stands() {
    const HOSTILE: &str =
        "\"'></title></style><script>alert(1)</script><img src=x onerror=alert(1)> &amp; \u{202e}x";
    let pages = Pages::new(Branding::new(HOSTILE).help(HOSTILE));
    let form = Form {
        action: HOSTILE,
        csrf: HOSTILE,
        returns_to: None,
    };
    let login = LoginPage {
        form,
        client_name: HOSTILE,
        username: HOSTILE,
        problem: None,
    };
    let second_factor = SecondFactorPage {
        form,
        client_name: HOSTILE,
        user_name: HOSTILE,
        problem: None,
    };
    let line = Line {
        label: HOSTILE,
        value: HOSTILE.to_owned(),
        prominent: false,
    };
    let consent = ConsentPage {
        form,
        client_name: HOSTILE,
        user_name: HOSTILE,
        scopes: &[Scope {
            title: HOSTILE,
            allows: HOSTILE,
        }],
        details: &[Detail {
            title: HOSTILE,
            lines: vec![line],
        }],
    };
    let logout = LogoutPage {
        form,
        client_name: Some(HOSTILE),
        user_name: HOSTILE,
    };
    let error = ErrorPage {
        status: StatusCode::BAD_REQUEST,
        heading: HOSTILE,
        happened: HOSTILE,
        advice: HOSTILE,
        code: Some(HOSTILE),
        reference: HOSTILE,
    };
    let shown = HOSTILE.replace('\u{202e}', "\u{fffd}");
    for (name, page, times) in [
        // How often the text is read by a person: in the title, the brand, the help line and where the page has it.
        ("login", pages.login(&login), 4),
        ("second factor", pages.second_factor(&second_factor), 5),
        ("consent", pages.consent(&consent), 12),
        ("error", pages.error(&error), 9),
        ("logout", pages.logout(&logout), 6),
        ("signed out", pages.signed_out(), 3),
    ] {
        assert!(!page.body().contains('\u{202e}'), "{name}");
        let page = Html::parse_document(page.body());
        assert!(page.errors.is_empty(), "{name}: {:?}", page.errors);
        assert!(
            elements(&page, "script, img, [onerror]").is_empty(),
            "{name}"
        );
        let text: String = page.root_element().text().collect();
        assert_eq!(text.matches(&shown).count(), times, "{name}");
        for input in elements(&page, "input[value]") {
            assert_eq!(input.value().attr("value"), Some(&*shown), "{name}");
        }
        for form in elements(&page, "form") {
            assert_eq!(form.value().attr("action"), Some(&*shown), "{name}");
        }
    }
}

#[test]
fn the_mark_is_the_first_letter_of_the_name() {
    for (name, mark) in [
        ("Example Bank", 'E'),
        ("\u{e9}pargne", '\u{c9}'),
        ("\"3 Banks\"", '3'),
        ("", '\u{2022}'),
    ] {
        assert_eq!(initial(name), mark, "{name}");
    }
}

#[test]
fn a_page_that_cannot_be_rendered_is_our_fault_and_still_safe() {
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    #[derive(Template)]
    #[template(source = "secret {{ broken }}", ext = "html")]
    struct View {
        broken: Broken,
    }
    let page = respond(
        StatusCode::OK,
        headers::FormAction::Here(None),
        &View { broken: Broken },
    );
    assert_eq!(page.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!page.body().contains("secret"));
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("form-action 'none'"), "{policy}");
}
