//! Texts another party wrote, made fit for a log and a terminal.

use std::fmt;

/// Longest text that is kept, in characters.
const LIMIT: usize = 300;

/// A text from the network that is meant for people: an error description, a wrong issuer.
///
/// Anybody may have written it, so it is bounded (300 characters) and holds nothing that could forge a line of a log or
/// confuse a terminal: control characters and the invisible ones that turn the reading direction become `�`. It is not
/// escaped for HTML.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerText(String);

impl ServerText {
    pub(super) fn new(text: &str) -> Self {
        let mut letters = text.chars();
        let mut kept: String = letters.by_ref().take(LIMIT).map(harmless).collect();
        if letters.next().is_some() {
            kept.push('…');
        }
        Self(kept)
    }

    /// The text, bounded and cleaned.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn harmless(letter: char) -> char {
    let turns_direction = matches!(
        letter,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    if letter.is_control() || turns_direction {
        char::REPLACEMENT_CHARACTER
    } else {
        letter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_forge_lines_or_flood_a_log() {
        for (case, text, expected) in [
            ("plain", "Konto gesperrt: é", "Konto gesperrt: é"),
            (
                "line break",
                "no\r\nERROR all is lost",
                "no��ERROR all is lost",
            ),
            ("escape sequence", "\u{1b}[2J", "�[2J"),
            ("C1 control", "\u{9b}2J", "�2J"),
            ("right-to-left override", "\u{202e}evil\u{2066}", "�evil�"),
            ("zero width", "a\u{200b}b\u{feff}", "a�b�"),
        ] {
            assert_eq!(ServerText::new(text).as_str(), expected, "{case}");
        }
        let flood = ServerText::new(&"x".repeat(100_000));
        assert_eq!(flood.as_str().chars().count(), LIMIT + 1);
    }
}
