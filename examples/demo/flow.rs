//! The way a client goes, from nothing but an issuer identifier to an answer of the API, shown step by step.

use http::{StatusCode, header::AUTHORIZATION};
use serde_json::{Map, Value};
use tower_fapi::{
    client::{AuthorizationRequest, AuthorizationResponse, Client, TokenSet},
    dpop::DPOP,
    time::Timestamp,
};

use crate::{
    Outcome,
    browser::{Browser, View, Visit},
    jwt::{self, Decoded},
    print,
    tap::Exchange,
    world::World,
};

/// A client on its way, and what its tokens have to be bound to.
pub struct Flow<'a> {
    pub number: u8,
    pub client: &'a Client,
    pub redirect_uri: &'a str,
    /// The member of `cnf`, and its value.
    pub bound_to: (&'a str, String),
    /// What of the metadata is shown.
    pub looks_at: &'a [&'a str],
}

impl Flow<'_> {
    /// Goes the whole way.
    pub async fn run(&self, world: &World) -> Outcome<TokenSet> {
        world.tap.take();
        self.step(
            1,
            "The client reads the authorization server's metadata",
            "From the issuer identifier alone; nothing else is configured (RFC 8414).",
        );
        self.client.discover().await?;
        show(world, Shown::Only(self.looks_at));

        self.step(
            2,
            "The client pushes its request",
            "Authenticated and unseen by the browser, which only gets a reference (RFC 9126).",
        );
        let request = AuthorizationRequest::new(self.redirect_uri)?.scope("accounts")?;
        let pending = self.client.authorize(&request).await?;
        show(world, Shown::Members);

        self.step(
            3,
            "Ada signs in and approves, in her browser",
            "Real pages over TLS: forms are filled in, cookies kept, redirects followed.",
        );
        let mut browser = Browser::new(world.http(None)?);
        let back = browser.approve(pending.url(), &world.cast.ada).await?;
        browser.visits.iter().for_each(show_visit);
        world.tap.take();

        self.step(
            4,
            "The client checks where the code comes from, and redeems it",
            "RFC 9207. The code is good once, and for this client, verifier and key alone.",
        );
        let response = AuthorizationResponse::from_url(back.as_str())?;
        let tokens = self.client.complete(&pending, &response).await?;
        show(world, Shown::Members);
        self.check_binding(&tokens)?;

        self.step(
            5,
            "The client calls the API",
            "The token alone is worth nothing: each request proves what it is bound to.",
        );
        let url = format!("{}/accounts", world.api);
        let answer = self.client.get(&url, &tokens).await?;
        show(world, Shown::Document);
        if answer.status() != StatusCode::OK {
            return Err(format!("the API answered {} to its own client", answer.status()).into());
        }

        self.step(
            6,
            "Later, the client gets a new access token",
            "The refresh token is bound to the client, and stays the same (FAPI 2.0 §5.3.2.1).",
        );
        let tokens = self.client.refresh(&tokens).await?;
        show(world, Shown::Only(&["token_type", "expires_in"]));
        self.check_binding(&tokens)?;
        Ok(tokens)
    }

    fn step(&self, step: u8, text: &str, why: &str) {
        print::step(&format!("{}.{step}", self.number), text, why);
    }

    fn check_binding(&self, tokens: &TokenSet) -> Outcome {
        let (method, expected) = &self.bound_to;
        let token = Decoded::of(tokens.access_token().secret())?;
        if token.text(["cnf", method]) != Some(expected) {
            return Err(format!("the access token is not bound to {method} {expected}").into());
        }
        print::fact(format_args!(
            "bound to what the client holds: cnf.{method} is {expected}"
        ));
        Ok(())
    }
}

/// What is shown of an answer.
#[derive(Clone, Copy)]
enum Shown<'a> {
    /// Its members, tokens taken apart.
    Members,
    /// These of its members.
    Only(&'a [&'a str]),
    /// The document as it is.
    Document,
}

/// Shows what has gone over the wire since the last time.
fn show(world: &World, shown: Shown<'_>) {
    let now = world.now();
    for exchange in &world.tap.take() {
        show_request(exchange, now);
        print::answer(exchange.status);
        let Some(Value::Object(members)) = &exchange.answer else {
            continue;
        };
        match shown {
            Shown::Members => {
                for (name, value) in members {
                    match value.as_str() {
                        Some(token) if name == "access_token" => jwt::show(name, token, now),
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
            "client_assertion" => jwt::show(name, value, now),
            _ => print::row(0, name, print::short(value)),
        }
    }
}

fn show_visit(visit: &Visit) {
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
            for cookie in &visit.cookies {
                print::row(0, "sets cookie", cookie);
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
