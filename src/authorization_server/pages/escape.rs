//! What a value may do to the page around it: nothing.

use std::{
    fmt::{self, Write},
    ops::RangeInclusive,
};

use askama::filters::{Escaper, Html};

/// The escaper of every template (named in `askama.toml`): HTML escaping, and no character that works unseen.
///
/// A person approves what they see. A client's `authorization_details` could hold a right-to-left override that shows
/// an amount backwards, or a zero-width space that makes one payee look like another. Such characters come out as
/// U+FFFD, so a value that plays tricks looks broken instead of looking honest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Visible;

impl Escaper for Visible {
    fn write_escaped_str<W: Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        for piece in string.split_inclusive(works_unseen) {
            let text = piece.trim_end_matches(works_unseen);
            Html.write_escaped_str(&mut dest, text)?;
            if text.len() < piece.len() {
                dest.write_char(char::REPLACEMENT_CHARACTER)?;
            }
        }
        Ok(())
    }
}

/// Whether a page shows the character as it is.
pub(crate) fn is_visible(c: char) -> bool {
    !works_unseen(c)
}

/// Control, direction and zero-width characters. The joiners U+200C and U+200D stay: names in some scripts need them.
fn works_unseen(c: char) -> bool {
    !matches!(c, '\t' | '\n' | '\r')
        && (c.is_control() || INVISIBLE.iter().any(|range| range.contains(&c)))
}

const INVISIBLE: [RangeInclusive<char>; 19] = [
    '\u{ad}'..='\u{ad}',       // soft hyphen
    '\u{61c}'..='\u{61c}',     // Arabic letter mark
    '\u{34f}'..='\u{34f}',     // combining grapheme joiner
    '\u{115f}'..='\u{1160}',   // Hangul fillers
    '\u{17b4}'..='\u{17b5}',   // Khmer inherent vowels
    '\u{180b}'..='\u{180f}',   // Mongolian variation selectors and vowel separator
    '\u{200b}'..='\u{200b}',   // zero-width space
    '\u{200e}'..='\u{200f}',   // direction marks
    '\u{2028}'..='\u{202e}',   // line separators, direction embeddings and overrides
    '\u{2060}'..='\u{206f}',   // word joiner, invisible operators, direction isolates
    '\u{2800}'..='\u{2800}',   // Braille blank
    '\u{3164}'..='\u{3164}',   // Hangul filler
    '\u{fe00}'..='\u{fe0f}',   // variation selectors
    '\u{feff}'..='\u{feff}',   // byte order mark
    '\u{ffa0}'..='\u{ffa0}',   // halfwidth Hangul filler
    '\u{fff9}'..='\u{fffb}',   // interlinear annotation
    '\u{1d173}'..='\u{1d17a}', // musical formatting
    '\u{e0000}'..='\u{e007f}', // tags
    '\u{e0100}'..='\u{e01ef}', // more variation selectors
];

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(value: &str) -> String {
        let mut out = String::new();
        Visible.write_escaped_str(&mut out, value).unwrap();
        out
    }

    #[test]
    fn markup_stays_text() {
        for (value, expected) in [
            ("Budget Planner", "Budget Planner"),
            ("<script>", "&#60;script&#62;"),
            ("a&b", "a&#38;b"),
            (r#"" onfocus="x"#, "&#34; onfocus=&#34;x"),
            ("' x='", "&#39; x=&#39;"),
            ("", ""),
        ] {
            assert_eq!(escaped(value), expected, "{value:?}");
        }
    }

    #[test]
    fn unseen_characters_are_made_visible() {
        for (case, value, expected) in [
            ("right-to-left override", "1\u{202e}00", "1\u{fffd}00"),
            ("isolate", "\u{2066}x\u{2069}", "\u{fffd}x\u{fffd}"),
            ("zero-width space", "pay\u{200b}ee", "pay\u{fffd}ee"),
            ("two in a row", "a\u{200b}\u{202e}b", "a\u{fffd}\u{fffd}b"),
            ("NUL", "a\0b", "a\u{fffd}b"),
            ("C1 control", "a\u{85}b", "a\u{fffd}b"),
            ("tag characters", "a\u{e0041}", "a\u{fffd}"),
            ("before markup", "\u{202e}<b>", "\u{fffd}&#60;b&#62;"),
        ] {
            assert_eq!(escaped(value), expected, "{case}");
        }
    }

    #[test]
    fn letters_of_any_script_stay() {
        for value in [
            "Ærø Sparekasse",
            "בנק",
            "بانک\u{200c}ها",
            "銀行",
            "👩\u{200d}💻",
            "a b\n\tc",
        ] {
            assert_eq!(escaped(value), value);
        }
    }
}
