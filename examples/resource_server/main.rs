//! A resource server alone, from a configuration file, to set authorization servers and clients of other makes against.
//!
//! ```text
//! cargo run --example resource_server --features full -- --config FILE --make-certificate
//! ```
//!
//! `resource_server.toml`, beside this file, has every setting with a comment. `--make-certificate` makes a certificate for
//! localhost if the files that the configuration names are not there.
//!
//! It answers every good request with what a handler sees of it, and logs every refusal with its reason. A file that is
//! wrong is described on standard error, line by line, and ends the program with status 2.
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "it speaks to whoever started it"
)]
#![allow(
    unreachable_pub,
    reason = "`pub` says what a file offers to the others"
)]

#[path = "../shared/certificate.rs"]
mod certificate;
mod setup;

use std::{
    env,
    fmt::Display,
    fs,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use tokio::{net::TcpListener, signal};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use self::{
    certificate::{CertificateFiles, curl},
    setup::{Setup, certificate_files, set_up},
};

const USAGE: &str = "usage: resource_server --config FILE [--make-certificate]";

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
        [flag, file] if flag == "--config" => run(&PathBuf::from(file), false).await,
        [flag, file, make] if flag == "--config" && make == "--make-certificate" => {
            run(&PathBuf::from(file), true).await
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(MISTAKEN)
        }
    }
}

async fn run(file: &Path, make_certificate: bool) -> ExitCode {
    let name = file.display().to_string();
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return mistaken(format_args!("{name}: {error}")),
    };
    let directory = file.parent().unwrap_or(Path::new(""));
    let certificate =
        certificate_files(&text, directory).map(|(chain, key)| CertificateFiles { chain, key });
    if make_certificate
        && let Some(files) = &certificate
        && let Err(error) = files.make()
    {
        return mistaken(error);
    }
    match set_up(&text, directory) {
        Ok(setup) => serve(setup, certificate.as_ref()).await,
        Err(mistakes) => {
            for mistake in mistakes {
                eprintln!("{}", mistake.describe(&name, &text));
            }
            if let Some(advice) = certificate.and_then(|files| files.advice()) {
                eprintln!("\n{advice}");
            }
            ExitCode::from(MISTAKEN)
        }
    }
}

fn mistaken(what: impl Display) -> ExitCode {
    eprintln!("{what}");
    ExitCode::from(MISTAKEN)
}

async fn serve(setup: Setup, certificate: Option<&CertificateFiles>) -> ExitCode {
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
    if let Some(files) = certificate {
        let url = format!("https://localhost:{}/", address.port());
        println!(
            "Without a token the answer is 401: {}\nThe example `client` gets one and uses it.",
            curl(&files.chain, &url)
        );
    }
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
