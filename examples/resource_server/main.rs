//! A resource server alone, from a configuration file, to set authorization servers and clients of other makes against.
//!
//! ```text
//! cargo run --example resource_server --features axum,discovery,tls -- --config FILE
//! ```
//!
//! `resource_server.toml`, beside this file, has every setting with a comment.
//!
//! It answers every good request with what a handler sees of it, and logs every refusal with its reason. A file that is
//! wrong is described on standard error, line by line, and ends the program with status 2.
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "it speaks to whoever started it"
)]

mod setup;

use std::{
    env, fs,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use tokio::{net::TcpListener, signal};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use self::setup::{Setup, set_up};

const USAGE: &str = "usage: resource_server --config FILE";

/// The command line or the file is wrong.
const MISTAKEN: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [help] if help == "--help" || help == "-h" => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        [flag, file] if flag == "--config" => run(&PathBuf::from(file)).await,
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(MISTAKEN)
        }
    }
}

async fn run(file: &Path) -> ExitCode {
    let name = file.display().to_string();
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{name}: {error}");
            return ExitCode::from(MISTAKEN);
        }
    };
    match set_up(&text, file.parent().unwrap_or(Path::new(""))) {
        Ok(setup) => serve(setup).await,
        Err(mistakes) => {
            for mistake in mistakes {
                eprintln!("{}", mistake.describe(&name, &text));
            }
            ExitCode::from(MISTAKEN)
        }
    }
}

async fn serve(setup: Setup) -> ExitCode {
    let listener = match TcpListener::bind(setup.listen).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on {}: {error}", setup.listen);
            return ExitCode::FAILURE;
        }
    };
    let address = listener.local_addr().unwrap_or(setup.listen);
    println!(
        "Resource server on {address}; ctrl-c ends it.\n{}",
        setup.summary
    );
    let interrupted = async {
        // Without the signal there is nothing to wait for but the end of the process.
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    setup
        .server
        .serve_until(listener, setup.app, interrupted)
        .await;
    ExitCode::SUCCESS
}
