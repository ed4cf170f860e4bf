//! The identifier of a proof, kept until the proof is recorded.

use std::fmt;

/// A `jti`: without an allocation if it is no longer than those that clients use, a UUID or 256 bits in base64url.
#[derive(Clone)]
pub(super) struct Jti(Text);

#[derive(Clone)]
enum Text {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<str>),
}

const SHORT: usize = 46;

impl Jti {
    pub(super) fn new(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        Self(
            match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
                (Some(room), Ok(length)) => {
                    room.copy_from_slice(text.as_bytes());
                    Text::Short { length, bytes }
                }
                _ => Text::Long(text.into()),
            },
        )
    }

    pub(super) fn as_str(&self) -> &str {
        match &self.0 {
            Text::Short { length, bytes } => {
                let text = bytes.get(..usize::from(*length)).unwrap_or_default();
                // It was a text when it came in.
                str::from_utf8(text).unwrap_or_default()
            }
            Text::Long(text) => text,
        }
    }
}

impl fmt::Debug for Jti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_identifier_of_any_length_is_kept_whole() {
        for length in 0..=256 {
            let text = "x".repeat(length);
            assert_eq!(Jti::new(&text).as_str(), text);
        }
        // Whose letters end on either side of the edge.
        for before in SHORT - 4..=SHORT {
            let text = format!("{}\u{1f600}\0", "x".repeat(before));
            assert_eq!(Jti::new(&text).as_str(), text);
        }
    }

    proptest! {
        #[test]
        fn an_identifier_is_kept_as_it_is(text in ".{0,64}") {
            let kept = Jti::new(&text);
            prop_assert_eq!(kept.as_str(), text);
        }
    }
}
