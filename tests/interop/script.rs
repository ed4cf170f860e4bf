//! Runs a script and reads what it says.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::node;

const PACKAGES: [&str; 4] = ["jose", "oauth4webapi", "openid-client", "undici"];

/// Node with this script; `None` if this machine cannot run it.
pub fn find(name: &str) -> Option<Command> {
    find_with(name, &PACKAGES)
}

/// As [`find`], for a script that needs these packages.
pub fn find_with(name: &str, packages: &[&str]) -> Option<Command> {
    node::script(&format!("scripts/{name}"), packages)
}

/// Runs it with this on its standard input, shows what it says, and counts what worked.
pub async fn run(mut node: Command, name: &str, input: &Value) -> usize {
    node.stdin(Stdio::piped()).stdout(Stdio::piped());
    let input = input.to_string();
    let finished = tokio::task::spawn_blocking(move || {
        let mut node = node.spawn().unwrap();
        let mut stdin = node.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        node.wait_with_output().unwrap()
    });
    let output = finished.await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let mut worked = 0;
    for line in said.lines() {
        worked += usize::from(line.starts_with("ok "));
        node::say(&format!("{name}: {line}"));
    }
    assert!(
        output.status.success(),
        "{name} says above what went wrong after {worked} things that worked"
    );
    node::say(&format!("{name}: {worked} things worked"));
    worked
}
