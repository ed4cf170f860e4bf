//! What a protected request costs over a real socket: a load generator, and the servers to hold against each other.
//!
//! Proofs are made before the clock starts, each for one request. Servers run in turn, in processes of their own, so that
//! their processor time and memory can be read, and a machine that slows down slows all of them.
//!
//! ```text
//! alias load="cargo run --quiet --profile bench --example load --features full --"
//! load --help
//! ```
//!
//! # This crate's middleware beside the floor
//!
//! The floor is a server that does nothing about a request but the one signature verification that cannot be saved.
//!
//! ```text
//! load                                                    # DPoP, ES256, HTTP/1.1
//! load --servers floor,ours,hello --rounds 5 --seconds 10 # and what HTTP alone costs
//! load --http 2 --streams 8 --tls                         # HTTP/2 over TLS, eight requests in flight on each connection
//! load --algorithm PS256 --proofs 150000                  # or EdDSA
//! load --clients 1000                                     # a thousand keys, a token for each
//! load --tokens each                                      # no token is seen twice
//! load --binding mtls                                     # certificate-bound tokens, beside a server that checks nothing
//! load --binding bearer                                   # unbound tokens
//! ```
//!
//! # A server of your own, started by the generator
//!
//! Whatever is in braces is filled in. The server has to trust the keys at `{jwks_uri}`, or in `{folder}/jwks.json`, and tokens
//! of `{issuer}` for `{audience}`, which are `at+jwt` (RFC 9068) signed with ES256; see `--claims` for what else it wants in
//! them. For TLS there are `{folder}/server.pem` and `{folder}/server-key.pem`, to which `{folder}/ca.pem` is the root.
//!
//! ```text
//! load --also "mine=/opt/mine --listen {address} --jwks {jwks_uri} --issuer {issuer} --audience {audience}"
//! load --also "mine=./mine {address} {folder}" --also-url https://{address}/accounts?page=1
//! load --also "old=./old {address} {folder}/jwks.json" --also-binding bearer
//! ```
//!
//! # A server that runs already
//!
//! ```text
//! load prepare --folder /tmp/keys --issuer https://127.0.0.1:9000 --audience https://api.example.com
//! load serve issuer --folder /tmp/keys --address 127.0.0.1:9000 --tls &   # if it wants to fetch metadata and keys
//! ./mine --jwks /tmp/keys/jwks.json --listen 127.0.0.1:3000 &
//! load drive --folder /tmp/keys --url http://127.0.0.1:3000/accounts --server-pid $!
//! load drive --folder /tmp/keys --url http://127.0.0.1:3000/accounts --htu https://api.example.com/accounts --clients 100
//! ```
//!
//! Or with a token that your issuer has given to a client of yours, whose key is in `key.jwk`:
//!
//! ```text
//! load drive --url https://api.example.com/accounts --token token.txt --key key.jwk --ca /etc/ssl/certs/ca-certificates.crt
//! load drive --url https://api.example.com/accounts --token token.txt --binding mtls --certificate c.pem --certificate-key k.pem
//! ```
//!
//! A server that demands nonces in proofs cannot be driven: the proofs are older than the nonces.
//!
//! # What the figures are worth
//!
//! A run in which an answer is not 2xx yields no figures, but the number of such answers, the first of them, and exit status 1.
//! It is said when the generator was the bottleneck, when other processes or the hypervisor took part of the machine, when
//! proofs were used up, and when a server closed connections. Requests go in a closed loop: a connection sends its next one
//! when it has the answer to the last, so that latencies are those under this load and not under another.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub
)]

mod arguments;
mod certificates;
mod clients;
mod compare;
mod connection;
mod drive;
mod entrant;
mod folder;
mod line;
mod material;
mod measure;
mod measured;
mod process;
mod report;
mod servers;
mod target;
mod tokens;

use std::{env, process::ExitCode};

use self::arguments::{Arguments, Command, HELP};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments = match Arguments::read(env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(mistake) => {
            eprintln!("{mistake}\n`load --help` says what there is");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Outcome {
    match &arguments.command {
        Command::Help => {
            print!("{HELP}");
            Ok(())
        }
        Command::Compare => compare::compare(arguments),
        Command::Prepare => folder::prepare(arguments),
        Command::Serve(kind) => servers::serve(*kind, arguments),
        Command::Drive => compare::drive_one(arguments),
    }
}
