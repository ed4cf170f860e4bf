//! A bank API protected end to end, on this machine and within seconds.
//!
//! `cargo run --example demo --features full` starts the bundled authorization server and an axum API behind `FapiLayer`,
//! both over TLS with certificates made on the spot. Two clients go the whole way through a FAPI 2.0 flow, one with
//! DPoP and one with mutual TLS, and every step is shown: tokens encrypted to the API, and a payment that needs a second
//! factor and is approved to the cent; at the end tokens that are given back, and a session that ends. Then everything is tried that FAPI exists to stop, on the API also through nginx,
//! where there is one, and as gRPC calls. The exit status is 0 only if each of these attempts was answered exactly as it
//! must be.
//!
//! With `-- --serve` the servers stay up, for a browser, `curl` or a client of your own.
#![allow(
    unreachable_pub,
    reason = "`pub` says what a file offers to the others"
)]

mod api;
mod application;
mod attacks;
mod bank;
mod browser;
mod cast;
mod certificates;
mod challenge;
mod clock;
mod farewell;
mod flow;
mod jwt;
mod page;
mod payment;
mod print;
mod proxy;
mod seal;
mod serve;
mod show;
mod signed;
mod tap;
mod world;

#[allow(
    dead_code,
    reason = "the demo needs neither its client nor all of its messages"
)]
#[path = "../tonic/bank.rs"]
mod grpc_bank;
#[allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "made for tests, where whoever starts it has to see at once what is wrong"
)]
#[path = "../../tests/proxy/nginx.rs"]
mod nginx;

use std::{env, error::Error, process::ExitCode};

use tower_fapi::{
    client::{Client, TrustedRoots},
    jose::{JwsAlgorithm, SigningKey},
};
use tracing_subscriber::EnvFilter;

use self::{
    attacks::Report,
    browser::Browser,
    flow::Flow,
    world::{Plan, World},
};

/// What can go wrong here goes wrong for good.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match proxy::run_without() {
        Ok(None) => {}
        Ok(Some(code)) => return ExitCode::from(code),
        Err(error) => return give_up(&*error),
    }
    // `RUST_LOG=tower_fapi=info` shows what an operator would see.
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    run().unwrap_or_else(|error| give_up(&*error))
}

#[tokio::main]
async fn run() -> Outcome<ExitCode> {
    match env::args().nth(1).as_deref() {
        None => demonstrate().await,
        Some("--serve") => serve::serve().await.map(|()| ExitCode::SUCCESS),
        Some(other) => Err(format!("there is no argument {other}, only --serve").into()),
    }
}

fn give_up(error: &dyn Error) -> ExitCode {
    print::line(format_args!(
        "\n{} {error}",
        print::red("The demo cannot go on:")
    ));
    ExitCode::from(2)
}

async fn demonstrate() -> Outcome<ExitCode> {
    let world = World::start(&Plan::default()).await?;
    introduce(&world);

    print::section("1  Budget Planner: private_key_jwt, tokens bound to a key (DPoP)");
    let planner = planner(&world)?;
    let key = planner
        .dpop_thumbprint()
        .ok_or("a client without a DPoP key")?;
    let mut browser = Browser::new(world.http(None)?);
    let flow = Flow {
        number: 1,
        client: &planner,
        redirect_uri: world.cast.planner.redirect_uri,
        scope: "openid profile accounts",
        bound_to: ("jkt", key.to_string()),
        looks_at: &[
            "issuer",
            "pushed_authorization_request_endpoint",
            "authorization_endpoint",
            "token_endpoint",
            "token_endpoint_auth_methods_supported",
            "code_challenge_methods_supported",
            "authorization_response_iss_parameter_supported",
            "dpop_signing_alg_values_supported",
            "acr_values_supported",
            "authorization_details_types_supported",
        ],
    };
    let by_key = flow.run(&world, &mut browser).await?;
    let paid_with = payment::run(&flow, &world, &mut browser, &by_key).await?;
    farewell::run(&flow, &world, &mut browser, &paid_with).await?;

    print::section("2  Books on Time: tls_client_auth, tokens bound to a certificate (mutual TLS)");
    let certificate = &world.cast.books.certificate;
    let by_certificate = Flow {
        number: 2,
        client: &books(&world)?,
        redirect_uri: world.cast.books.redirect_uri,
        scope: "accounts",
        bound_to: ("x5t#S256", certificate.thumbprint.to_string()),
        looks_at: &[
            "issuer",
            "authorization_endpoint",
            "mtls_endpoint_aliases",
            "tls_client_certificate_bound_access_tokens",
        ],
    }
    .run(&world, &mut Browser::new(world.http(None)?))
    .await?;

    print::section("3  Ledger: signed requests and responses (FAPI 2.0 Message Signing)");
    signed::run(&world).await?;

    print::section("4  Attacks");
    let mut report = Report::default();
    let tried = attacks::run(&world, &planner, &by_key, &by_certificate, &mut report).await;
    if let Err(error) = tried {
        report.broke_off(&*error);
    }
    world.stop().await;
    Ok(report.conclude())
}

fn introduce(world: &World) {
    print::line("");
    print::line(print::bold(
        "tower-fapi: a bank API protected end to end with FAPI 2.0",
    ));
    print::line("");
    let part = |name: &str, url: &str, what: &str| {
        print::line(format_args!("   {name:<26}{url}   {}", print::dim(what)));
    };
    let World {
        issuer,
        mtls,
        api,
        asking,
        ..
    } = world;
    part(
        "authorization server",
        issuer,
        "the bundled one, with ES256",
    );
    part(
        "the same over mutual TLS",
        mtls,
        "where it asks for client certificates",
    );
    part(
        "API",
        api,
        "axum behind FapiLayer, for either way of binding",
    );
    part(
        "the same API",
        asking,
        "where it asks the authorization server about each token",
    );
}

/// The client with a key, as an application would build it.
fn planner(world: &World) -> Outcome<Client> {
    let planner = &world.cast.planner;
    Ok(Client::builder(world.issuer.parse()?, planner.id)
        .private_key_jwt(planner.signing_key()?)
        .dpop(SigningKey::generate(JwsAlgorithm::Es256)?)
        .trusted_roots(TrustedRoots::from_pem(world.authority.pem().as_bytes())?)
        .build()?)
}

/// The client with a certificate.
fn books(world: &World) -> Outcome<Client> {
    let books = &world.cast.books;
    Ok(Client::builder(world.issuer.parse()?, books.id)
        .mutual_tls(books.certificate.client_certificate()?)
        .certificate_bound()
        .trusted_roots(TrustedRoots::from_pem(world.authority.pem().as_bytes())?)
        .build()?)
}
