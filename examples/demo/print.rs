//! What a person sees: steps, rows and columns, with colours where there is a terminal to show them.

use std::{
    env,
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
    sync::LazyLock,
};

use serde_json::{Map, Value};

/// How far rows are set in, and where their values begin.
const INDENT: usize = 7;
const VALUES: usize = 30;

/// One line, without spaces at its end. A reader that has gone away (`| head`) is no reason to stop, for the exit status still counts.
pub fn line(text: impl Display) {
    let _ = writeln!(io::stdout(), "{}", text.to_string().trim_end());
}

/// A part of the whole.
pub fn section(text: &str) {
    let rule = "─".repeat(96_usize.saturating_sub(text.chars().count()));
    line("");
    line(format_args!("{} {} {}", dim("──"), bold(text), dim(&rule)));
}

/// One step of a flow, and in a few words what it is for.
pub fn step(number: &str, text: &str, why: &str) {
    line("");
    line(format_args!(" {} {}", cyan(number), bold(text)));
    line(format_args!("     {}", dim(why)));
}

/// The first line of a request.
pub fn request(text: impl Display) {
    line(format_args!("   {} {text}", cyan("→")));
}

/// The first line of an answer.
pub fn answer(text: impl Display) {
    line(format_args!("   {} {text}", green("←")));
}

/// A name and its value, `depth` levels in.
pub fn row(depth: usize, name: &str, value: impl Display) {
    let indent = INDENT + 2 * depth;
    let width = VALUES.saturating_sub(indent);
    line(format_args!(
        "{:indent$}{} {value}",
        "",
        dim(&format!("{name:<width$}"))
    ));
}

/// Rows whose names are longer than most: their values stand below each other all the same.
pub fn wide_rows(rows: &[(String, String)]) {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in rows {
        line(format_args!(
            "{:INDENT$}{}  {value}",
            "",
            dim(&format!("{name:<width$}"))
        ));
    }
}

/// Something that was checked and found to be as it must be.
pub fn fact(text: impl Display) {
    line(format_args!("   {} {text}", green("✓")));
}

/// JSON, a few lines of it.
pub fn json(members: &Map<String, Value>) {
    let text = serde_json::to_string_pretty(members).unwrap_or_default();
    for part in text.lines() {
        line(format_args!("{:INDENT$}{part}", ""));
    }
}

/// Text short enough for a row: the middle of what is long is left out. The same text is always shortened the same way,
/// so that two of them can be compared by eye.
pub fn short(text: &str) -> String {
    let length = text.chars().count();
    if length <= 60 || (text.starts_with("https://") && length <= 90) {
        return text.to_owned();
    }
    let head: String = text.chars().take(36).collect();
    let tail: String = text.chars().skip(length - 12).collect();
    format!("{head}…{tail}")
}

/// A value in one short line.
pub fn short_value(value: &Value) -> String {
    match value {
        Value::String(text) => short(text),
        Value::Array(items) => items.iter().map(short_value).collect::<Vec<_>>().join(", "),
        other => short(&other.to_string()),
    }
}

pub fn bold(text: &str) -> String {
    paint("1", text)
}

pub fn dim(text: &str) -> String {
    paint("2", text)
}

pub fn red(text: &str) -> String {
    paint("1;31", text)
}

pub fn green(text: &str) -> String {
    paint("32", text)
}

pub fn cyan(text: &str) -> String {
    paint("36", text)
}

fn paint(code: &str, text: &str) -> String {
    /// Only for a terminal, and not where somebody does not want it (<https://no-color.org>).
    static COLOURS: LazyLock<bool> = LazyLock::new(|| {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        io::stdout().is_terminal() && !unwanted && !dumb
    });
    if *COLOURS {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
