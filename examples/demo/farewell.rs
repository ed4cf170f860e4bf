//! The end: who Ada is, tokens that are worth nothing from the moment they are given back, and a session that she ends.

use http::StatusCode;
use tower_fapi::client::{
    AuthorizationRequest, ClientError, LogoutRequest, PendingLogout, TokenSet,
};

use crate::{
    Outcome,
    browser::{Arrival, Browser},
    flow::Flow,
    print,
    show::{self, Shown},
    world::World,
};

pub async fn run(
    flow: &Flow<'_>,
    world: &World,
    browser: &mut Browser,
    tokens: &TokenSet,
) -> Outcome {
    flow.step(
        11,
        "The client asks who Ada is",
        "Behind the same layer as the API: the token alone is worth nothing there, either (OpenID Connect Core §5.3).",
    );
    let info = flow.client.userinfo(tokens).await?;
    show::exchanges(world, Shown::Document);
    let id_token = tokens.id_token().ok_or("there was no ID token")?;
    if info.subject() != id_token.subject() {
        return Err("userinfo and ID token speak of two people".into());
    }
    print::fact(format_args!(
        "the same person as in the ID token, whose signature, nonce, at_hash and s_hash were checked: {}",
        info.subject()
    ));
    give_back(flow, world, tokens).await?;
    log_out(flow, world, browser, tokens).await
}

async fn give_back(flow: &Flow<'_>, world: &World, tokens: &TokenSet) -> Outcome {
    flow.step(
        12,
        "Ada disconnects Budget Planner, which gives its tokens back",
        "An API that asks knows at once (RFC 7009, RFC 7662); one that does not, when the token ends: in minutes.",
    );
    let url = format!("{}/accounts", world.asking);
    let before = flow.client.get(&url, tokens).await?.status();
    world.tap.take();
    flow.client.revoke(tokens).await?;
    show::exchanges(world, Shown::Document);
    let after = flow.client.get(&url, tokens).await?;
    if (before, after.status()) != (StatusCode::OK, StatusCode::UNAUTHORIZED) {
        return Err(format!("the API answered {before}, then {}", after.status()).into());
    }
    world.tap.take();
    print::fact(format_args!(
        "GET {url}: {before} before, {} afterwards",
        after.status()
    ));
    match flow.client.refresh(tokens).await {
        Err(ClientError::Refused { error, .. }) if error.code() == "invalid_grant" => {
            print::fact("and no new access token for the old refresh token: invalid_grant");
        }
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("a revoked refresh token was honoured".into()),
    }
    world.tap.take();
    Ok(())
}

async fn log_out(
    flow: &Flow<'_>,
    world: &World,
    browser: &mut Browser,
    tokens: &TokenSet,
) -> Outcome {
    flow.step(
        13,
        "Ada logs out",
        "She is asked first: otherwise any page of others could do it for her (RP-Initiated Logout §2).",
    );
    let goodbye = world.cast.planner.after_logout();
    let request = LogoutRequest::of(tokens).post_logout_redirect_uri(&goodbye)?;
    let logout = flow.client.log_out(&request).await?;
    let Arrival::Page(page) = browser.open(logout.url()).await? else {
        return Err("nobody has asked Ada whether she wants to log out".into());
    };
    let form = page.form.ok_or(page.text)?;
    let arrival = browser.post(&form.action, form.press("logout")?).await?;
    browser
        .visits
        .drain(..)
        .for_each(|visit| show::visit(&visit));
    let Arrival::Elsewhere(back) = arrival else {
        return Err("Ada was not led back to the application".into());
    };
    let state = logout.state().unwrap_or_default();
    PendingLogout::check_return(state, back.query().unwrap_or_default())?;
    if !back.as_str().starts_with(&goodbye) {
        return Err(format!("Ada was led to {back}").into());
    }

    let request = AuthorizationRequest::new(flow.redirect_uri)?.scope(flow.scope)?;
    let pending = flow.client.authorize(&request).await?;
    let Arrival::Page(page) = browser.open(pending.url()).await? else {
        return Err("nobody has asked for a password".into());
    };
    browser.visits.clear();
    world.tap.take();
    if !page.form.is_some_and(|form| form.has("password")) {
        return Err("somebody is still signed in".into());
    }
    print::fact("the next request asks for the password again");
    Ok(())
}
