//! What comes back through the browser can be anybody's. Here it is the crate's own client that has to notice.

use tower_fapi::client::{AuthorizationRequest, AuthorizationResponse, Client};
use url::Url;

use super::{answer::Answer, report::Report};
use crate::{Outcome, browser::Browser, world::World};

const BY_CLIENT: &str = "refused by the client";

pub async fn run(world: &World, client: &Client, report: &mut Report) -> Outcome {
    let redirect_uri = world.cast.planner.redirect_uri;
    let request = AuthorizationRequest::new(redirect_uri)?.scope("accounts")?;
    let mut browser = Browser::new(world.http(None)?);
    let (mine, other) = (
        client.authorize(&request).await?,
        client.authorize(&request).await?,
    );
    let back = browser.approve(mine.url(), &world.cast.ada).await?;
    let foreign = browser.approve(other.url(), &world.cast.ada).await?;

    #[rustfmt::skip]
    let cases = [
        (("a response of another authorization server (mix-up)", "RFC 9207 §2.4", BY_CLIENT, "comes from"), replaced(&back, "iss", Some("https://as.evil.example"))?),
        (("a response that does not say whose it is", "RFC 9207 §2.4", BY_CLIENT, "no `iss`"), replaced(&back, "iss", None)?),
        (("a response to somebody else's request (login CSRF)", "RFC 6749 §10.12", BY_CLIENT, "`state`"), foreign.clone()),
        (("a response without state", "RFC 6749 §10.12", BY_CLIENT, "`state`"), replaced(&back, "state", None)?),
    ];
    for (attack, url) in cases {
        let response = AuthorizationResponse::from_url(url.as_str())?;
        let outcome = client.complete(&mine, &response).await;
        report.attack(attack, &Answer::by_client(outcome));
    }
    let attack = (
        "a response with two codes",
        "RFC 6749 §3.1",
        BY_CLIENT,
        "more than once",
    );
    let answer = match AuthorizationResponse::from_url(&format!("{back}&code=another")) {
        Ok(response) => Answer::by_client(client.complete(&mine, &response).await),
        Err(error) => Answer::by_callback(&error),
    };
    report.attack(attack, &answer);

    // Everything else fits, so the client cannot tell; but the code is bound to the verifier of another request.
    let (what, clause) = (
        "somebody else's code in a response that fits",
        "RFC 9700 §4.5",
    );
    let attack = (what, clause, "400 invalid_grant", "code_verifier");
    let code = foreign.query_pairs().find(|(name, _)| name == "code");
    let injected = replaced(&back, "code", code.as_ref().map(|(_, code)| code.as_ref()))?;
    let response = AuthorizationResponse::from_url(injected.as_str())?;
    let outcome = client.complete(&mine, &response).await;
    report.attack(attack, &Answer::by_client(outcome));

    let response = AuthorizationResponse::from_url(back.as_str())?;
    let answer = Answer::by_client(client.complete(&mine, &response).await);
    report.control("the response as it came", "accepted", &answer);
    Ok(())
}

/// The URL with another value of a parameter, or without it.
fn replaced(url: &Url, name: &str, value: Option<&str>) -> Outcome<Url> {
    let (base, _) = url.as_str().split_once('?').ok_or("no query")?;
    let pairs = url.query_pairs().filter(|(known, _)| known != name);
    let mut replaced = Url::parse_with_params(base, pairs)?;
    if let Some(value) = value {
        replaced.query_pairs_mut().append_pair(name, value);
    }
    Ok(replaced)
}
