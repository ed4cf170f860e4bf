//! No proxy leads to the loopback interface of this machine, yet HTTP clients ask the one the environment names.

use std::{env, process::Command};

use crate::Outcome;

/// What names a proxy for https URLs.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Starts the program anew without these variables if any of them is set, and returns its exit status; `None` if there
/// is nothing to do. A process cannot safely change its own environment.
pub fn run_without() -> Outcome<Option<u8>> {
    if VARIABLES.iter().all(|name| env::var_os(name).is_none()) {
        return Ok(None);
    }
    let mut command = Command::new(env::current_exe()?);
    command.args(env::args_os().skip(1));
    for name in VARIABLES {
        command.env_remove(name);
    }
    run(command).map(Some)
}

/// In the place of this process, so that ctrl-c reaches one and not two.
#[cfg(unix)]
fn run(mut command: Command) -> Outcome<u8> {
    Err(std::os::unix::process::CommandExt::exec(&mut command).into())
}

#[cfg(not(unix))]
fn run(mut command: Command) -> Outcome<u8> {
    let code = command.status()?.code().unwrap_or(2);
    Ok(u8::try_from(code).unwrap_or(2))
}
