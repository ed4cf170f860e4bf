//! Runs the script that drives the browser.

use std::{
    env,
    io::{self, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

/// Node with the script to run, and the browser for it; `None`, after a line that says why, if this machine has not got
/// what it takes.
pub fn find() -> Option<Command> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages");
    let runs = |program: &str| {
        let version = Command::new(program).arg("--version").output();
        version.is_ok_and(|output| output.status.success())
    };
    let browser = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|program| runs(program));
    let missing = match browser {
        None => Some("chromium is not on the path"),
        Some(_) if !runs("node") => Some("node is not on the path"),
        Some(_) if !home.join("node_modules/playwright-core").is_dir() => {
            Some("`npm ci` has not been run in tests/pages")
        }
        Some(_) => None,
    };
    if let Some(missing) = missing {
        let needed = env::var("TOWER_FAPI_CI").is_ok_and(|value| value == "1");
        assert!(!needed, "{missing}");
        say(&format!("skipped the pages in a browser: {missing}"));
        return None;
    }
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .with_file_name("pages")
        .into_os_string();
    let mut node = Command::new("node");
    node.arg("people.mjs")
        .current_dir(home)
        .env("BROWSER", browser.unwrap_or_default())
        .env("PICTURES", pictures);
    Some(node)
}

/// Runs it with this on its standard input, shows what it says, and counts what was seen to be right.
pub async fn run(mut node: Command, input: &Value) -> usize {
    node.stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
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
    for line in said.lines() {
        say(line);
    }
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}:\n{complaints}", output.status);
    said.lines().filter(|line| line.starts_with("ok ")).count()
}

/// Past the capture of output, which shows nothing of a test that passes.
fn say(line: &str) {
    writeln!(io::stderr(), "{line}").expect("standard error");
}
