//! What has gone over the wire, for a person to read.

use http::header::AUTHORIZATION;
use serde_json::{Map, Value};
use tower_fapi::{dpop::DPOP, time::Timestamp};

use crate::{
    browser::{View, Visit},
    jwt, print,
    tap::Exchange,
    world::World,
};

/// What is shown of an answer.
#[derive(Clone, Copy)]
pub enum Shown<'a> {
    /// Its members, tokens taken apart.
    Members,
    /// These of its members.
    Only(&'a [&'a str]),
    /// The document as it is.
    Document,
}

/// Shows what has gone over the wire since the last time.
pub fn exchanges(world: &World, shown: Shown<'_>) {
    let now = world.now();
    for exchange in &world.tap.take() {
        show_request(exchange, now);
        print::answer(exchange.status);
        if let Some(values) = &exchange.acr_values {
            print::row(
                0,
                "WWW-Authenticate",
                format_args!(r#"acr_values="{values}""#),
            );
        }
        let Some(Value::Object(members)) = &exchange.answer else {
            continue;
        };
        match shown {
            Shown::Members => {
                for (name, value) in members {
                    match value.as_str() {
                        Some(token) if ["access_token", "id_token"].contains(&name.as_str()) => {
                            jwt::show(name, token, now);
                        }
                        _ => print::row(0, name, print::short_value(value)),
                    }
                }
            }
            Shown::Only(names) => print::wide_rows(&picked(members, names)),
            Shown::Document => print::json(members),
        }
    }
}

/// The members with these names; of an object its own members, set in.
fn picked(members: &Map<String, Value>, names: &[&str]) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (name, value) in names.iter().filter_map(|name| members.get_key_value(*name)) {
        match value.as_object() {
            Some(object) => {
                rows.push((name.clone(), String::new()));
                let inner = object.iter();
                rows.extend(
                    inner.map(|(name, value)| (format!("  {name}"), print::short_value(value))),
                );
            }
            None => rows.push((name.clone(), print::short_value(value))),
        }
    }
    rows
}

fn show_request(exchange: &Exchange, now: Timestamp) {
    print::request(format_args!("{} {}", exchange.method, exchange.url));
    if let Some(certificate) = exchange.certificate {
        print::row(
            0,
            "(client certificate)",
            format_args!("SHA-256 {certificate}"),
        );
    }
    let header = |name| {
        exchange
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    if let Some(authorization) = header(AUTHORIZATION) {
        print::row(0, "Authorization", print::short(authorization));
    }
    if let Some(proof) = header(DPOP) {
        jwt::show("DPoP", proof, now);
    }
    for (name, value) in &exchange.form {
        match name.as_str() {
            "client_assertion" | "request" => jwt::show(name, value, now),
            "authorization_details" => print::row(0, name, value),
            _ => print::row(0, name, print::short(value)),
        }
    }
    if let Some(Value::Object(members)) = &exchange.content {
        print::json(members);
    }
}

/// Shows what a person has done in the browser, and what they have seen.
pub fn visit(visit: &Visit) {
    print::request(format_args!(
        "{} {}",
        visit.method,
        print::short(visit.url.as_str())
    ));
    for (name, value) in &visit.fields {
        let hidden = name == "password";
        let dots = || "•".repeat(value.chars().count());
        print::row(0, name, if hidden { dots() } else { print::short(value) });
    }
    match &visit.view {
        View::Nothing => print::answer(visit.status),
        View::Redirect(next) => {
            let (target, _) = next.as_str().split_once('?').unwrap_or((next.as_str(), ""));
            print::answer(format_args!("{}: to {target}", visit.status));
            for (what, cookie) in &visit.cookies {
                print::row(0, what, cookie);
            }
            if next.origin() != visit.url.origin() {
                let parameters = next.query_pairs();
                parameters.for_each(|(name, value)| print::row(0, &name, print::short(&value)));
            }
        }
        View::Page { heading, points } => {
            print::answer(format_args!("{}: “{heading}”", visit.status));
            for point in points {
                print::row(0, "on the page", point);
            }
        }
    }
}
