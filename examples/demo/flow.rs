//! The way a client goes, from nothing but an issuer identifier to an answer of the API, shown step by step.

use http::StatusCode;
use tower_fapi::client::{AuthorizationRequest, AuthorizationResponse, Client, TokenSet};

use crate::{
    Outcome,
    browser::Browser,
    jwt::{self, Decoded},
    print,
    show::{self, Shown},
    world::World,
};

/// A client on its way, and what its tokens have to be bound to.
pub struct Flow<'a> {
    pub number: u8,
    pub client: &'a Client,
    pub redirect_uri: &'a str,
    pub scope: &'a str,
    /// The member of `cnf`, and its value.
    pub bound_to: (&'a str, String),
    /// What of the metadata is shown.
    pub looks_at: &'a [&'a str],
}

impl Flow<'_> {
    /// Goes the whole way, with Ada in front of this browser.
    pub async fn run(&self, world: &World, browser: &mut Browser) -> Outcome<TokenSet> {
        world.tap.take();
        self.step(
            1,
            "The client reads the authorization server's metadata",
            "From the issuer identifier alone; nothing else is configured (RFC 8414).",
        );
        self.client.discover().await?;
        show::exchanges(world, Shown::Only(self.looks_at));

        self.step(
            2,
            "The client pushes its request",
            "Authenticated and unseen by the browser, which only gets a reference (RFC 9126).",
        );
        let request = AuthorizationRequest::new(self.redirect_uri)?.scope(self.scope)?;
        let pending = self.client.authorize(&request).await?;
        show::exchanges(world, Shown::Members);

        self.step(
            3,
            "Ada signs in and approves, in her browser",
            "Real pages over TLS: forms are filled in, cookies kept, redirects followed.",
        );
        let back = browser.approve(pending.url(), &world.cast.ada).await?;
        browser
            .visits
            .drain(..)
            .for_each(|visit| show::visit(&visit));
        world.tap.take();

        self.step(
            4,
            "The client checks where the code comes from, and redeems it",
            "RFC 9207. The code is good once, and for this client, verifier and key alone.",
        );
        let response = AuthorizationResponse::from_url(back.as_str())?;
        let tokens = self.client.complete(&pending, &response).await?;
        show::exchanges(world, Shown::Members);
        if Decoded::of(tokens.access_token().secret()).is_ok() {
            return Err("the client can read the access token".into());
        }
        print::fact(format_args!(
            "encrypted to the key that the authorization server has fetched at {}/jwks.json: that header is all the client can read",
            world.api
        ));

        self.step(
            5,
            "The client calls the API",
            "The token alone is worth nothing: each request proves what it is bound to.",
        );
        let url = format!("{}/accounts", world.api);
        let answer = self.client.get(&url, &tokens).await?;
        show::exchanges(world, Shown::Document);
        if answer.status() != StatusCode::OK {
            return Err(format!("the API answered {} to its own client", answer.status()).into());
        }
        let inside = world.seal.open(tokens.access_token().secret())?;
        print::line("     What the API has found in the token:");
        jwt::show("access_token", &inside, world.now());
        self.check_binding(world, &tokens)?;

        self.step(
            6,
            "Later, the client gets a new access token",
            "The refresh token is bound to the client, and stays the same (FAPI 2.0 §5.3.2.1).",
        );
        let tokens = self.client.refresh(&tokens).await?;
        show::exchanges(world, Shown::Only(&["token_type", "expires_in"]));
        self.check_binding(world, &tokens)?;
        Ok(tokens)
    }

    pub fn step(&self, step: u8, text: &str, why: &str) {
        print::step(&format!("{}.{step}", self.number), text, why);
    }

    fn check_binding(&self, world: &World, tokens: &TokenSet) -> Outcome {
        let (method, expected) = &self.bound_to;
        let token = Decoded::of(&world.seal.open(tokens.access_token().secret())?)?;
        if token.text(["cnf", method]) != Some(expected) {
            return Err(format!("the access token is not bound to {method} {expected}").into());
        }
        print::fact(format_args!(
            "bound to what the client holds: cnf.{method} is {expected}"
        ));
        Ok(())
    }
}
