//! A client alone: sends its user to the browser, waits on loopback for them to return, learns who they are, calls an API
//! with the token, refreshes it, gives everything back and logs out.
//!
//! ```text
//! cargo run --example client --features full
//! cargo run --example client --features full -- ISSUER CLIENT_ID SCOPE URL [AUTHORITIES]
//! ```
//!
//! Without arguments it is the client `budget-planner` of the example `authorization_server`, and calls the example
//! `resource_server`. It authenticates with a key that it makes on its first run; when the authorization server does not
//! know that key, it says how to register it. What the authorization server does not have (ID tokens, userinfo, revocation,
//! logout) is left out. To come back from there, it has to know `http://127.0.0.1:7080/callback` and, for the logout,
//! `http://127.0.0.1:7080/bye`. AUTHORITIES is a PEM file: whom to trust in place of the system's authorities.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "it speaks to whoever started it, and shares a file with other examples"
)]

#[path = "shared/private_file.rs"]
mod private_file;

use std::{env, error::Error, fs, path::Path, process::ExitCode};

use axum::{Router, extract::RawQuery, routing::get};
use tokio::{net::TcpListener, sync::mpsc};
use tower_fapi::{
    client::{
        AuthorizationRequest, AuthorizationResponse, Client, ClientError, LogoutRequest,
        PendingLogout, TokenSet, TrustedRoots,
    },
    jose::{Jwk, JwsAlgorithm, PrivateJwk, SigningKey},
    tls::Server,
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const LISTEN: &str = "127.0.0.1:7080";
const REDIRECT_URI: &str = "http://127.0.0.1:7080/callback";
const SIGNED_OUT_URI: &str = "http://127.0.0.1:7080/bye";
const SAMPLE: [&str; 4] = [
    "https://localhost:8443",
    "budget-planner",
    "openid email accounts",
    "https://localhost:9443/accounts",
];

const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/client-key.json");

/// The certificate of the two other examples, which no system trusts.
const SAMPLE_AUTHORITIES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/authorization_server/server-chain.pem"
);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        [] if !Path::new(SAMPLE_AUTHORITIES).exists() => Err(
            "start the other two examples first, with --make-certificate: the README says how"
                .into(),
        ),
        [] => run(SAMPLE, Some(SAMPLE_AUTHORITIES)).await,
        [issuer, client_id, scope, url] => run([issuer, client_id, scope, url], None).await,
        [issuer, client_id, scope, url, authorities] => {
            run([issuer, client_id, scope, url], Some(authorities)).await
        }
        _ => Err("usage: client [ISSUER CLIENT_ID SCOPE URL [AUTHORITIES]]".into()),
    };
    outcome.map_or_else(
        |error| {
            eprintln!("{error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

async fn run([issuer, client_id, scope, url]: [&str; 4], authorities: Option<&str>) -> Outcome {
    let key = key(Path::new(KEY))?;
    let public = key.public().clone();
    let mut builder = Client::builder(issuer.parse()?, client_id)
        .private_key_jwt(key)
        .dpop(SigningKey::generate(JwsAlgorithm::Es256)?);
    if let Some(file) = authorities {
        let pem = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        builder = builder.trusted_roots(TrustedRoots::from_pem(&pem)?);
    }
    let client = builder.build()?;
    let listener = listen().await?;

    let request = AuthorizationRequest::new(REDIRECT_URI)?.scope(scope)?;
    let pending = client.authorize(&request).await.map_err(|error| {
        let unknown = matches!(&error, ClientError::Refused { error, .. } if error.code() == "invalid_client");
        let advice = unknown.then(|| registration(client_id, &public));
        format!(
            "{issuer}: {}{}",
            with_causes(error),
            advice.unwrap_or_default()
        )
    })?;
    println!("Open this in a browser, soon:\n\n  {}\n", pending.url());
    if issuer == SAMPLE[0] {
        println!("The password of alice stands beside her in authorization_server.toml.\n");
    }
    let query = wait_for(listener, "/callback").await;
    let response = AuthorizationResponse::from_query(&query)?;
    let tokens = client.complete(&pending, &response).await?;
    println!("There is a token, bound to the key of this process.");
    introduce(&client, &tokens).await?;
    call(&client, url, &tokens).await?;
    if tokens.refresh_token().is_some() {
        let newer = client.refresh(&tokens).await?;
        println!("\nThere is another token, from the refresh token. With it:");
        call(&client, url, &newer).await?;
        return leave(&client, &newer).await;
    }
    leave(&client, &tokens).await
}

/// Who signed in, and what else the authorization server tells of them.
async fn introduce(client: &Client, tokens: &TokenSet) -> Outcome {
    let Some(person) = tokens.id_token() else {
        return Ok(());
    };
    // A person is known by both of these, and by nothing else.
    println!("{} of {} has signed in.", person.subject(), person.issuer());
    if let Some(acr) = person.acr() {
        println!("How strongly: {acr}");
    }
    if client.discover().await?.userinfo_endpoint.is_some() {
        let told = client.userinfo(tokens).await.map_err(with_causes)?;
        println!("userinfo: {}", serde_json::to_string(told.claims())?);
    }
    Ok(())
}

async fn call(client: &Client, url: &str, tokens: &TokenSet) -> Outcome {
    let answer = client.get(url, tokens).await.map_err(with_causes)?;
    println!("\nGET {url}\n{}", answer.status());
    for challenge in answer.headers().get_all("www-authenticate") {
        println!("www-authenticate: {}", challenge.to_str()?);
    }
    println!("\n{}", String::from_utf8_lossy(answer.body()));
    Ok(())
}

/// Gives the tokens back, and ends the session at the authorization server if its user likes.
async fn leave(client: &Client, tokens: &TokenSet) -> Outcome {
    let metadata = client.discover().await?;
    if metadata.revocation_endpoint.is_some() {
        client.revoke(tokens).await.map_err(with_causes)?;
        println!("The tokens have been given back.");
    }
    if tokens.id_token().is_none() || metadata.end_session_endpoint.is_none() {
        return Ok(());
    }
    let request = LogoutRequest::of(tokens).post_logout_redirect_uri(SIGNED_OUT_URI)?;
    let pending = client.log_out(&request).await?;
    let listener = listen().await?;
    println!("To log out, too, open this:\n\n  {}\n", pending.url());
    let query = wait_for(listener, "/bye").await;
    // A web application takes the state from the session of the browser that comes.
    PendingLogout::check_return(pending.state().unwrap_or_default(), &query)?;
    println!("Signed out.");
    Ok(())
}

async fn listen() -> Outcome<TcpListener> {
    let listener = TcpListener::bind(LISTEN).await;
    Ok(listener.map_err(|error| format!("cannot listen on {LISTEN}: {error}"))?)
}

/// The key of the last run, or a new one.
fn key(path: &Path) -> Outcome<SigningKey> {
    let key = if path.exists() {
        fs::read_to_string(path)?.parse()?
    } else {
        let key = PrivateJwk::generate(JwsAlgorithm::Es256)?;
        private_file::create(path, &key.secret_json())?;
        println!("Made a key: {}", path.display());
        key
    };
    Ok(SigningKey::new(&key)?)
}

/// How an authorization server gets to know the key.
fn registration(client_id: &str, key: &Jwk) -> String {
    format!(
        "\n\nRegister the public key of {client_id}, then start this again. For the example authorization_server, put this \
         in\nauthorization_server.toml, in place of the first such section, and restart it:\n\n\
         [[clients.jwks.keys]]\n{}\nFor others, as a JWK:\n\n{}\n",
        toml::to_string(key).unwrap_or_default(),
        serde_json::to_string(key).unwrap_or_default()
    )
}

/// What the browser brings back in the query (RFC 6749 §4.1.2).
async fn wait_for(listener: TcpListener, path: &str) -> String {
    let (sender, mut receiver) = mpsc::channel(1);
    let callback = async move |RawQuery(query): RawQuery| {
        // Only the first one counts.
        let _ = sender.try_send(query.unwrap_or_default());
        "Thank you. The terminal has the rest; this window can be closed."
    };
    let router = Router::new().route(path, get(callback));
    let mut query = None;
    let called = async { query = receiver.recv().await };
    Server::plain_http()
        .serve_until(listener, router, called)
        .await;
    query.unwrap_or_default()
}

fn with_causes(error: impl Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
