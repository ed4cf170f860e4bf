//! The bundled authorization server, alone, from a configuration file.
//!
//! ```text
//! cargo run --example authorization_server --features full -- --config FILE --make-certificate
//! cargo run --example authorization_server --features full -- --config FILE --check
//! cargo run --example authorization_server --features full -- --config FILE --rotate-keys
//! cargo run --example authorization_server --features full -- hash-password
//! cargo run --example authorization_server --features full -- totp-secret
//! cargo run --example authorization_server --features full -- totp-code
//! ```
//!
//! `authorization_server.toml`, beside this file, has every setting with a comment; `samples/` has one short file for each way
//! of using it, with a client of its own that a browser can begin with. `--make-certificate` makes a certificate
//! for localhost if the files that the configuration names are not there. `--check` says whether the configuration is sound, or
//! on which line it is not, and stops; key files that are not there are made.
//! `--rotate-keys` puts the next keys into the files of keys; a running server takes them up within a minute, or on SIGHUP.
#![allow(clippy::print_stdout, clippy::print_stderr, unreachable_pub)]

mod application;
#[path = "../shared/certificate.rs"]
mod certificate;
mod config;
mod serve;

use std::{
    env,
    error::Error,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use tower_fapi::{
    authorization_server::people::{Password, TotpSecret, hash_password},
    time::{Clock as _, SystemClock},
};

const USAGE: &str = "usage: authorization_server --config FILE [--make-certificate]
       authorization_server --config FILE --check
       authorization_server --config FILE --rotate-keys
       authorization_server hash-password < FILE-WITH-THE-PASSWORD
       authorization_server totp-secret
       authorization_server totp-code < FILE-WITH-THE-SECRET";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        ["--config", file] => serve::serve(config::Config::from_file(file)?).await,
        ["--config", file, "--make-certificate"] | ["--make-certificate", "--config", file] => {
            let config = config::Config::from_file(file)?;
            serve::certificate_files(&config).make()?;
            serve::serve(config).await
        }
        ["--config", file, "--check"] | ["--check", "--config", file] => {
            let config = config::Config::from_file(file)?;
            config.server()?;
            println!("{} is sound", PathBuf::from(file).display());
            Ok(())
        }
        ["--config", file, "--rotate-keys"] | ["--rotate-keys", "--config", file] => {
            for key in config::Config::from_file(file)?.server()?.rotate_keys()? {
                let (kid, wait) = (&key.kid, key.begins.since(SystemClock.now()).as_secs());
                let what = if key.added {
                    "was added"
                } else {
                    "was there already"
                };
                println!("the next key {kid} {what}; it is used in {wait} s");
            }
            Ok(())
        }
        ["hash-password"] => {
            let password = ask("Password")?;
            if password.is_empty() {
                return Err("there is no password to hash".into());
            }
            let password = Password::from(password);
            println!("{}", hash_password(&password)?);
            Ok(())
        }
        ["totp-secret"] => {
            let secret = TotpSecret::generate()?.to_base32();
            println!("{}", secret.as_str());
            // For an app that reads it from a QR code.
            eprintln!("otpauth://totp/user?secret={}", secret.as_str());
            Ok(())
        }
        ["totp-code"] => {
            let secret: TotpSecret = ask("Secret")?.parse()?;
            println!("{}", secret.code(SystemClock.now()));
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

fn ask(what: &str) -> io::Result<String> {
    eprint!("{what}: ");
    io::stderr().flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
