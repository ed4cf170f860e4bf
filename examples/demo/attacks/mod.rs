//! What FAPI exists to stop, tried over real sockets by somebody who knows everything but other people's keys.
//!
//! The crate's own client refuses to misbehave, so requests are made by hand here, each wrong in one thing only. Nothing
//! waits for time to pass: dates are made up, or the authorization server's clock is put forward.

mod answer;
mod assertions;
mod callback;
mod certificates;
mod codes;
mod forgery;
mod form;
mod pages;
mod proofs;
mod pushed;
mod raw_client;
mod report;
mod tokens;

use tower_fapi::{
    client::{Client, TokenSet},
    testing::DpopKey,
};

pub use self::report::Report;
use self::{
    raw_client::RawClient,
    report::{begin, group},
};
use crate::{Outcome, browser::Browser, world::World};

/// A token whose key the attacks may use, so that everything but one thing about a request can be right.
struct Victim {
    token: String,
    key: DpopKey,
}

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
    let victim = raw.victim(&mut Browser::new(world.http(None)?)).await?;

    group("A stolen access token, and proofs that do not fit");
    proofs::run(world, &victim, by_key, report).await?;
    group("Access tokens that the API must not believe");
    tokens::run(world, &victim, report).await?;
    group("A stolen certificate-bound token, and clients without the right certificate");
    certificates::run(world, by_certificate, report).await?;
    group("Client authentication at the authorization server");
    assertions::run(world, &raw, &victim, report).await?;
    group("Authorization requests");
    pushed::run(&raw, report).await?;
    group("The authorization endpoint and its pages");
    pages::run(world, &raw, report).await?;
    group("Authorization codes and refresh tokens");
    codes::run(world, &raw, by_key, report).await?;
    group("Authorization responses that the client must not believe");
    callback::run(world, planner, report).await?;
    Ok(())
}
