//! In front of the person: requests that never were pushed, forms that are not the server's own, other people's windows.

use url::Url;

use super::{
    answer::Answer,
    raw_client::{RawClient, unique},
    report::Report,
};
use crate::{
    Outcome,
    browser::{Arrival, Browser},
    page::Form,
    world::World,
};

const BAD_REQUEST: &str = "400 invalid_request";
const BAD_REFERENCE: &str = "400 invalid_request_uri";

pub async fn run(world: &World, raw: &RawClient<'_>, report: &mut Report) -> Outcome {
    references(world, raw, report).await?;
    forms(world, raw, report).await
}

/// What the browser is sent to the authorization server with.
async fn references(world: &World, raw: &RawClient<'_>, report: &mut Report) -> Outcome {
    let classic = raw.request().with("client_id", raw.who.id).encode();
    let classic = format!("{}/authorize?{classic}", world.issuer).parse()?;
    let made_up = format!("urn:ietf:params:oauth:request_uri:{}", unique());
    let pushed = raw.push().await?;
    let reference = parameter(&pushed, "request_uri")?;
    #[rustfmt::skip]
    let cases = [
        (("a request that was not pushed", "FAPI 2.0 §5.3.2.2", BAD_REQUEST, "pushed"), classic),
        (("a request_uri that was made up", "RFC 9126 §4", BAD_REFERENCE, "unknown"), raw.authorization_url(raw.who.id, &made_up)?),
        (("a request_uri on the attacker's server", "RFC 9126 §4", BAD_REFERENCE, "unknown"), raw.authorization_url(raw.who.id, "https://evil.example/request")?),
        (("the request_uri of another client", "RFC 9126 §2.2", BAD_REFERENCE, "unknown"), raw.authorization_url(world.cast.rival.id, &reference)?),
    ];
    for (attack, url) in cases {
        report.attack(attack, &opened(world, &url).await?);
    }
    let attack = (
        "a request_uri a minute later",
        "RFC 9126 §2.2",
        BAD_REFERENCE,
        "too old",
    );
    world.clock.put_forward(61);
    let answer = opened(world, &pushed).await;
    world.clock.put_forward(0);
    report.attack(attack, &answer?);

    // Nothing of the above has spent it, nor does what is written beside it count.
    let what = "another redirect URI and scope beside request_uri";
    let attack = (what, "RFC 9101 §5", "ignored", raw.who.redirect_uri);
    let mut more = pushed.clone();
    more.query_pairs_mut()
        .append_pair("redirect_uri", "https://evil.example/callback")
        .append_pair("scope", "accounts payments");
    let mut browser = Browser::new(world.http(None)?);
    let back = browser.approve(&more, &world.cast.ada).await?;
    let ours = back.as_str().starts_with(raw.who.redirect_uri);
    let said = if ours { "ignored" } else { "obeyed" };
    report.attack(attack, &Answer::new(said, back.as_str()));

    let what = "a request_uri that has been answered already";
    let attack = (what, "RFC 9126 §4", BAD_REFERENCE, "answered");
    report.attack(attack, &opened(world, &pushed).await?);
    Ok(())
}

/// What the browser is made to post.
async fn forms(world: &World, raw: &RawClient<'_>, report: &mut Report) -> Outcome {
    let ada = &world.cast.ada;
    let mut browser = Browser::new(world.http(None)?);
    let mut login = form_on(browser.open(&raw.push().await?).await?)?;
    login.fill("username", ada.username)?;

    let attack = (
        "a guessed password",
        "RFC 6749 §10.10",
        "403",
        "do not match",
    );
    login.fill("password", "password123")?;
    report.attack(attack, &posted(&mut browser, &login, "login").await?);

    let attack = (
        "a login form on another site",
        "RFC 6749 §10.12",
        "403",
        "open for too long",
    );
    login.fill("password", ada.password)?;
    report.attack(
        attack,
        &posted(&mut browser, &forged(&login)?, "login").await?,
    );

    let what = "the address of Ada's page in another browser";
    let attack = (what, "RFC 9700 §4.7", BAD_REQUEST, "another browser");
    report.attack(attack, &opened(world, &login.action).await?);

    let what = "a consent form on another site";
    let attack = (
        what,
        "RFC 6749 §10.12",
        "403 invalid_request",
        "Nothing was approved",
    );
    let consent = form_on(browser.post(&login.action, login.press("login")?).await?)?;
    report.attack(
        attack,
        &posted(&mut browser, &forged(&consent)?, "approve").await?,
    );

    let answer = posted(&mut browser, &consent, "approve").await?;
    report.control(
        "Ada's own approval, on the server's own form",
        "sent away",
        &answer,
    );
    Ok(())
}

/// What somebody sees who opens an address in a browser of their own.
async fn opened(world: &World, url: &Url) -> Outcome<Answer> {
    let mut browser = Browser::new(world.http(None)?);
    Ok(Answer::in_browser(browser.open(url).await?))
}

pub async fn posted(browser: &mut Browser, form: &Form, button: &str) -> Outcome<Answer> {
    let fields = form.press(button)?;
    Ok(Answer::in_browser(
        browser.post(&form.action, fields).await?,
    ))
}

/// The form as another site can make it: with everything that can be known, and a value that cannot.
pub fn forged(form: &Form) -> Outcome<Form> {
    let mut forged = form.clone();
    forged.fill("csrf", &unique())?;
    Ok(forged)
}

pub fn form_on(arrival: Arrival) -> Outcome<Form> {
    match arrival {
        Arrival::Page(page) => Ok(page.form.ok_or(page.text)?),
        Arrival::Elsewhere(url) => Err(format!("sent away to {url}").into()),
    }
}

fn parameter(url: &Url, name: &str) -> Outcome<String> {
    let found = url.query_pairs().find(|(known, _)| known == name);
    Ok(found.ok_or_else(|| format!("no {name}"))?.1.into_owned())
}
