//! What a protected request costs beside the signature verifications that it cannot do without.
//!
//! `cargo bench --features testing --bench verdict` prints all tables, `-- accepted`, `-- strangers`, `-- threads` or
//! `-- memory` behind it one of them. Within a table everything is measured in turn, in many short rounds, and stated as the
//! median of the ratios within a round: a machine that drifts then drifts for all.
//!
//! `KEYS=1000000` in the environment drives so many client keys and tokens through `memory` instead of a few thousand.
#![allow(
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unreachable,
    clippy::unwrap_used,
    missing_docs
)]

mod accepted;
mod endpoint;
mod measure;
mod memory;
mod strangers;
mod threads;
mod world;

use measure::Extent;

type Table = (&'static str, fn(Extent));

const TABLES: [Table; 4] = [
    ("accepted", accepted::print),
    ("strangers", strangers::print),
    ("threads", threads::print),
    ("memory", memory::print),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` asks only whether everything runs.
    let extent = if arguments.iter().any(|argument| argument == "--bench") {
        Extent::Full
    } else {
        Extent::Trial
    };
    let wanted = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !TABLES.iter().any(|(name, _)| wanted(name));
    for (name, print) in TABLES {
        if all || wanted(name) {
            print(extent);
        }
    }
}
