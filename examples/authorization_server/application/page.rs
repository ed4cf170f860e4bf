//! The pages of the client that is tried. No script; everything from elsewhere is escaped.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// A part of a page.
pub struct Section {
    heading: String,
    explanation: String,
    content: String,
}

impl Section {
    pub fn text(heading: &str, explanation: &str, text: &str) -> Self {
        Self {
            heading: heading.to_owned(),
            explanation: explanation.to_owned(),
            content: format!("<pre tabindex=\"0\">{}</pre>", escaped(text)),
        }
    }

    pub fn json(heading: &str, explanation: &str, value: &Value) -> Self {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        Self::text(heading, explanation, &text)
    }

    pub fn list(heading: &str, lines: &[String]) -> Self {
        let lines = lines
            .iter()
            .map(|line| format!("<li>{}</li>", escaped(line)));
        Self {
            heading: heading.to_owned(),
            explanation: String::new(),
            content: format!("<ul>{}</ul>", lines.collect::<String>()),
        }
    }
}

/// What a token says, if anybody but its resource server can read it.
pub fn token(heading: &str, explanation: &str, token: &str) -> Section {
    let claims = token
        .split('.')
        .nth(1)
        .filter(|_| token.split('.').count() == 3);
    let claims = claims.and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims = claims.and_then(|payload| serde_json::from_slice(&payload).ok());
    match claims {
        Some(claims) => Section::json(heading, explanation, &claims),
        None => Section::text(
            heading,
            explanation,
            "Encrypted: only its resource server can read it.",
        ),
    }
}

/// A page with buttons, each of which posts to the path of its name.
pub fn page(
    status: StatusCode,
    heading: &str,
    sections: &[Section],
    actions: &[(&str, &str)],
) -> Response {
    let sections: Vec<String> = sections
        .iter()
        .map(|section| {
            let explanation = match &*section.explanation {
                "" => String::new(),
                text => format!("<p>{}</p>", escaped(text)),
            };
            format!(
                "<section><h2>{}</h2>{explanation}{}</section>",
                escaped(&section.heading),
                section.content
            )
        })
        .collect();
    let actions: Vec<String> = actions
        .iter()
        .map(|(path, label)| {
            format!(
                "<form method=\"post\" action=\"/{path}\"><button id=\"{path}\">{}</button></form>",
                escaped(label)
            )
        })
        .collect();
    let (sections, actions, heading) = (sections.concat(), actions.concat(), escaped(heading));
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{heading}</title>\
         <style>{STYLE}</style></head><body><main><h1>{heading}</h1>\
         {sections}<nav aria-label=\"What next\">{actions}</nav></main></body></html>"
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}

pub fn failure(heading: &str, error: &str) -> Response {
    let sections = [Section::text("What happened", "", error)];
    page(
        StatusCode::BAD_GATEWAY,
        heading,
        &sections,
        &[("begin", "Begin again")],
    )
}

pub fn declined() -> Response {
    let text = "The server said so with the error access_denied; nobody was given anything.";
    page(
        StatusCode::OK,
        "You have declined",
        &[Section::text("What happened", "", text)],
        &[("begin", "Begin again")],
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1b2430; --soft: #55606e; --ground: #f4f6f9; --card: #fff; --line: #d5dbe3;
  --strong: #0b5c7a; --on-strong: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf3; --soft: #a9b4c2; --ground: #11161d; --card: #1a212b;
  --line: #323d4b; --strong: #7cc7e4; --on-strong: #0b1b23; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.05rem; margin: 0 0 .25rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem; margin: 1rem 0; }
p { margin: 0 0 .75rem; color: var(--soft); }
ul { margin: .25rem 0 0; padding-left: 1.25rem; }
li { margin: .35rem 0; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: .85rem/1.5 ui-monospace, monospace; }
nav { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }
button { font: inherit; font-weight: 600; padding: .7rem 1.2rem; border: 0; border-radius: .5rem;
  background: var(--strong); color: var(--on-strong); cursor: pointer; }
button:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px; }";
