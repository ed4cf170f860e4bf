//! What is wrong with the configuration file, and where.

use std::{error::Error, fmt, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Something wrong with the file, at some bytes of it.
#[derive(Debug)]
pub(crate) struct Mistake {
    at: Range<usize>,
    reason: String,
}

impl Mistake {
    /// A mistake in this value.
    pub(super) fn at<T>(value: &Spanned<T>, reason: impl fmt::Display) -> Self {
        Self {
            at: value.span(),
            reason: reason.to_string(),
        }
    }

    /// A mistake in this value that an error with its causes describes.
    pub(super) fn because<T>(value: &Spanned<T>, error: &dyn Error) -> Self {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Some errors repeat their cause in their own text.
            if !reason.ends_with(&text) {
                reason = format!("{reason}: {text}");
            }
            cause = error.source();
        }
        Self::at(value, reason)
    }

    /// What is wrong, for whoever wrote the file: line, key, reason, and the line itself.
    pub(crate) fn describe(&self, file: &str, text: &str) -> String {
        let before = text.get(..self.at.start).unwrap_or(text);
        let line = before.matches('\n').count();
        let content = text.lines().nth(line).unwrap_or_default().trim();
        // Of a line that is no TOML the parser may have made nothing.
        let key = key_at(DeTable::parse_recoverable(text).0.get_ref(), self.at.start)
            .or_else(|| Some(content.split_once('=')?.0.trim().to_owned()));
        let key = key.map_or_else(String::new, |key| format!("{key}: "));
        let number = line + 1;
        format!(
            "{file}:{number}: {key}{}\n    {number} | {content}",
            self.reason
        )
    }
}

impl From<toml::de::Error> for Mistake {
    fn from(error: toml::de::Error) -> Self {
        Self {
            at: error.span().unwrap_or_default(),
            reason: error.message().to_owned(),
        }
    }
}

/// Gathers mistakes, so that one run names all of them.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(super) fn note(&mut self, mistake: Mistake) {
        self.0.push(mistake);
    }

    /// The value, or else the mistake kept.
    pub(super) fn sort_out<T>(&mut self, outcome: Result<T, Mistake>) -> Option<T> {
        outcome.map_err(|mistake| self.note(mistake)).ok()
    }

    /// All of them, in the order of the file.
    pub(super) fn into_vec(mut self) -> Vec<Mistake> {
        self.0.sort_by_key(|mistake| mistake.at.start);
        self.0
    }
}

/// The dotted key that these bytes belong to, the longest there is.
fn key_at(table: &DeTable<'_>, offset: usize) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let name = key.get_ref();
        let inner = match value.get_ref() {
            DeValue::Table(table) => key_at(table, offset),
            DeValue::Array(entries) => entries.iter().find_map(|entry| match entry.get_ref() {
                DeValue::Table(table) => {
                    key_at(table, offset).or_else(|| holds(entry, offset).then(String::new))
                }
                _ => None,
            }),
            _ => None,
        };
        match inner {
            Some(inner) if inner.is_empty() => Some(name.to_string()),
            Some(inner) => Some(format!("{name}.{inner}")),
            None if holds(key, offset) || holds(value, offset) => Some(name.to_string()),
            None => None,
        }
    })
}

/// Whether these bytes lie in the value or right behind it, where the parser misses something.
fn holds<T>(value: &Spanned<T>, offset: usize) -> bool {
    let span = value.span();
    (span.start..=span.end).contains(&offset)
}
