//! Somebody has Ada's password, and not her phone: what keeps them from paying (RFC 6238, RFC 9470).

use super::{
    answer::Answer,
    pages::{forged, form_on, posted},
    raw_client::RawClient,
    report::Report,
};
use crate::{Outcome, browser::Browser, page::Form, world::World};

const REFUSED: &str = "403";

pub async fn run(
    world: &World,
    raw: &RawClient<'_>,
    paying: super::form::Form,
    report: &mut Report,
) -> Outcome {
    let ada = &world.cast.ada;
    let mut browser = Browser::new(world.http(None)?);
    let code = code_page(world, raw, paying, &mut browser).await?;
    let with = |text: &str| -> Outcome<Form> {
        let mut form = code.clone();
        form.fill("otp", text)?;
        Ok(form)
    };
    #[rustfmt::skip]
    let cases = [
        (("a guessed code", "RFC 4226 §7.3", REFUSED, "not right"), with("000000")?),
        (("a code that Ada has used, seen over her shoulder", "RFC 6238 §5.2", REFUSED, "works once"), with(&ada.used_code())?),
        (("a form for the code on another site", "RFC 6749 §10.12", REFUSED, "open for too long"), forged(&with(&ada.used_code())?)?),
    ];
    for (attack, form) in cases {
        report.attack(attack, &posted(&mut browser, &form, "verify").await?);
    }

    let what = "past the page for the code, to that for approval";
    let mut consent = code.action.clone();
    consent.set_path(&consent.path().replace("second-factor", "consent"));
    let answer = Answer::in_browser(browser.open(&consent).await?);
    let led_back = answer.words.contains("Enter your code");
    let said = if led_back { "ignored" } else { "obeyed" };
    let attack = (what, "RFC 9470 §5", "ignored", "");
    report.attack(attack, &Answer::new(said, &answer.words));
    Ok(())
}

/// As far as a password leads.
async fn code_page(
    world: &World,
    raw: &RawClient<'_>,
    paying: super::form::Form,
    browser: &mut Browser,
) -> Outcome<Form> {
    let ada = &world.cast.ada;
    let mut login = form_on(browser.open(&raw.push_form(paying).await?).await?)?;
    login.fill("username", ada.username)?;
    login.fill("password", ada.password)?;
    form_on(browser.post(&login.action, login.press("login")?).await?)
}
