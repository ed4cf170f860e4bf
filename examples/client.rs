//! A client alone: sends its user to the browser, waits on loopback for them to return, and calls an API with the token.
//!
//! ```text
//! cargo run --example client --features full
//! cargo run --example client --features full -- ISSUER CLIENT_ID SCOPE URL [AUTHORITIES]
//! ```
//!
//! Without arguments it is the client `budget-planner` of the example `authorization_server`, and calls the example
//! `resource_server`. It authenticates with a key that it makes on its first run; when the authorization server does not
//! know that key, it says how to register it. AUTHORITIES is a PEM file: whom to trust in place of the system's authorities.
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
    client::{AuthorizationRequest, AuthorizationResponse, Client, ClientError, TrustedRoots},
    jose::{Jwk, JwsAlgorithm, PrivateJwk, SigningKey},
    tls::Server,
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const LISTEN: &str = "127.0.0.1:7080";
const REDIRECT_URI: &str = "http://127.0.0.1:7080/callback";
const SAMPLE: [&str; 4] = [
    "https://localhost:8443",
    "budget-planner",
    "accounts",
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
    let listener = TcpListener::bind(LISTEN).await;
    let listener = listener.map_err(|error| format!("cannot listen on {LISTEN}: {error}"))?;

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
    let response = AuthorizationResponse::from_query(&wait_for_callback(listener).await)?;
    let tokens = client.complete(&pending, &response).await?;
    println!("There is a token, bound to the key of this process.");

    let answer = client.get(url, &tokens).await.map_err(with_causes)?;
    println!("\nGET {url}\n{}", answer.status());
    for challenge in answer.headers().get_all("www-authenticate") {
        println!("www-authenticate: {}", challenge.to_str()?);
    }
    println!("\n{}", String::from_utf8_lossy(answer.body()));
    Ok(())
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
async fn wait_for_callback(listener: TcpListener) -> String {
    let (sender, mut receiver) = mpsc::channel(1);
    let callback = async move |RawQuery(query): RawQuery| {
        // Only the first one counts.
        let _ = sender.try_send(query.unwrap_or_default());
        "Thank you. The terminal has the rest; this window can be closed."
    };
    let router = Router::new().route("/callback", get(callback));
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
