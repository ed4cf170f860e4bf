//! What FAPI exists to stop, tried over real sockets by somebody who knows everything but other people's keys.
//!
//! The crate's own client refuses to misbehave, so requests are made by hand here, each wrong in one thing only. Nothing
//! waits for time to pass: dates are made up, or the authorization server's clock is put forward.

mod answer;
mod api;
mod assertions;
mod callback;
mod carriers;
mod certificates;
mod codes;
mod forgery;
mod form;
mod pages;
mod pushed;
mod raw_client;
mod report;
mod second_factor;

use serde_json::json;
use tower_fapi::{
    client::{Client, TokenSet},
    testing::{DpopKey, TestIssuer},
};

pub use self::report::Report;
use self::{
    api::{Form, Loot, Scene},
    carriers::Carriers,
    raw_client::RawClient,
    report::{begin, begin_repetitions, group},
};
use crate::{Outcome, api as demo_api, browser::Browser, payment, world::World};

/// Tries everything.
pub async fn run(
    world: &World,
    planner: &Client,
    by_key: &TokenSet,
    by_certificate: &TokenSet,
    report: &mut Report,
) -> Outcome {
    begin();
    let raw = RawClient::new(world, &world.cast.planner)?;
    let loot = loot(world, &raw, by_key, by_certificate).await?;
    let carriers = Carriers::start(world).await?;
    let scene = Scene::new(world, &carriers.direct, Form::Encrypted, &loot)?;
    api::run(&scene, report).await?;

    group("Clients without the right certificate at the authorization server");
    certificates::run(world, report).await?;
    group("Client authentication at the authorization server");
    assertions::run(world, &raw, &loot.token, report).await?;
    group("Authorization requests");
    pushed::run(&raw, report).await?;
    group("The authorization endpoint and its pages");
    pages::run(world, &raw, report).await?;
    group("Ada's password, and not her phone");
    second_factor::run(world, &raw, paying(&raw)?, report).await?;
    group("Authorization codes and refresh tokens");
    codes::run(world, &raw, by_key, report).await?;
    group("Authorization responses that the client must not believe");
    callback::run(world, planner, report).await?;

    begin_repetitions(carriers.nginx.is_some());
    let Carriers {
        direct,
        nginx,
        grpc,
        ..
    } = &carriers;
    let again = [Some(direct), nginx.as_ref(), Some(grpc)];
    for carrier in again.into_iter().flatten() {
        for form in [Form::Signed, Form::Encrypted] {
            let scene = Scene::new(world, carrier, form, &loot)?;
            api::repeat(&scene, report).await?;
        }
    }
    Ok(())
}

/// Tokens that the authorization server has issued, as an attacker may have come by them.
async fn loot(
    world: &World,
    raw: &RawClient<'_>,
    by_key: &TokenSet,
    by_certificate: &TokenSet,
) -> Outcome<Loot> {
    let mut browser = Browser::new(world.http(None)?);
    let open = |token: &str| world.seal.open(token);
    Ok(Loot {
        token: open(&raw.token(raw.request(), &mut browser).await?)?,
        paying: open(&raw.token(paying(raw)?, &mut browser).await?)?,
        key: raw.dpop.clone(),
        stolen: open(by_key.access_token().secret())?,
        by_certificate: open(by_certificate.access_token().secret())?,
        thief: DpopKey::generate(),
        stranger: TestIssuer::new(&world.issuer, &world.api),
        evil: TestIssuer::new("https://as.evil.example", &world.api),
    })
}

/// What is pushed for the payment that Ada approves, without client authentication.
fn paying(raw: &RawClient<'_>) -> Outcome<form::Form> {
    let bill = json!([payment::entry(&payment::bill())?]).to_string();
    let request = raw.request().with("acr_values", demo_api::TWO_FACTORS);
    Ok(request.with("authorization_details", &bill))
}
