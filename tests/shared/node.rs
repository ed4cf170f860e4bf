//! Programs for Node: whether they can run here, and running them.
//!
//! Without Node, or before `npm ci` in `tests/interop`, tests say that they were skipped; with `TOWER_FAPI_CI=1` they fail.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses what it needs"
)]

use std::{
    env,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

/// Where the scripts and their packages are.
pub fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}

/// Node with a script of ours to run; `None`, after a line that says why, if this machine cannot.
pub fn script(name: &str, packages: &[&str]) -> Option<Command> {
    let home = home();
    let installed = |package: &&str| home.join("node_modules").join(package).is_dir();
    let missing = if Command::new("node").arg("--version").output().is_err() {
        Some("node is not on the path")
    } else if packages.iter().all(installed) {
        None
    } else {
        Some("`npm ci` has not been run in tests/interop")
    };
    if let Some(missing) = missing {
        let needed = env::var("TOWER_FAPI_CI").is_ok_and(|value| value == "1");
        assert!(!needed, "{missing}");
        say(&format!("skipped {name}: {missing}"));
        return None;
    }
    let mut node = Command::new("node");
    // Version 18 has the web's cryptography, and not under its global name.
    let globals = format!("file://{}", home.join("scripts/globals.mjs").display());
    node.args(["--import", &globals, name]).current_dir(home);
    Some(node)
}

/// A line for whoever watches the tests run: past the capture of output, which shows nothing of a test that passes.
pub fn say(line: &str) {
    writeln!(io::stderr(), "{line}").expect("standard error");
}
