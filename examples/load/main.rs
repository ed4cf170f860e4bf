//! What a protected request costs over a real socket: a load generator, and the servers to hold against each other.
//!
//! ```text
//! cargo run --profile bench --example load --features full                        # ours beside the floor
//! cargo run --profile bench --example load --features full -- --help              # everything else it can do
//! ```
//!
//! Proofs are made before the clock starts, each for one request. The servers run in turn, in processes of their own, so that
//! their processor time and memory can be read, and a machine that slows down slows all of them.
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
mod compare;
mod connection;
mod drive;
mod folder;
mod material;
mod process;
mod report;
mod servers;

use std::{env, process::ExitCode};

use self::arguments::{Arguments, Command, HELP};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments = match Arguments::read(env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(mistake) => {
            eprintln!("{mistake}\n\n{HELP}");
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
            println!("{HELP}");
            Ok(())
        }
        Command::Compare => compare::compare(arguments),
        Command::Prepare => folder::Folder::prepare(&arguments.folder()?).map(drop),
        Command::Serve(kind) => servers::serve(*kind, arguments),
        Command::Drive => compare::drive_one(arguments),
    }
}
