//! The stylesheet of all pages.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// Written into every page rather than served from a path of its own.
///
/// The policy then names its hash, which allows exactly these bytes; `'self'` would allow whatever else the host can
/// be made to serve as a stylesheet. A page is whole in one answer, wherever the server is mounted, and there is no
/// second path that a proxy has to know. The price is a few kilobytes on pages that are seen once and never cached.
pub(super) const STYLESHEET: &str = include_str!("templates/style.css");

/// The stylesheet's hash as a CSP source, without the quotes (CSP Level 3 §2.3.1).
pub(super) fn hash() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let digest = STANDARD.encode(Sha256::digest(STYLESHEET));
        format!("sha256-{digest}")
    });
    &HASH
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    type Tokens = HashMap<&'static str, [f64; 3]>;

    /// The colours of the first or second `:root` block; what the second leaves out is as in the first.
    fn tokens(scheme: usize) -> Tokens {
        let mut tokens = Tokens::new();
        for block in STYLESHEET.split(":root {").skip(1).take(scheme + 1) {
            for line in block.split('}').next().unwrap().lines() {
                if let Some((name, value)) = line
                    .trim()
                    .strip_prefix("--")
                    .and_then(|line| line.split_once(": #"))
                {
                    let digits = value.trim_end_matches(';');
                    assert_eq!(digits.len(), 6, "{name}");
                    let number = u32::from_str_radix(digits, 16).unwrap();
                    tokens.insert(
                        name,
                        [16, 8, 0].map(|shift| f64::from(number >> shift & 0xff) / 255.0),
                    );
                }
            }
        }
        tokens
    }

    /// Relative luminance (WCAG 2.2).
    fn luminance(colour: [f64; 3]) -> f64 {
        let linear = |c: f64| {
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        let [r, g, b] = colour.map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// Contrast ratio (WCAG 2.2).
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn the_formula_is_that_of_wcag() {
        assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
        let grey = [f64::from(0x77) / 255.0; 3];
        assert!((contrast(grey, [1.0; 3]) - 4.478).abs() < 1e-3);
    }

    // WCAG 2.2, success criteria 1.4.3 (text, 4.5) and 1.4.11 (borders and focus rings of controls, 3).
    #[test]
    fn every_colour_stands_out_from_its_ground_in_both_schemes() {
        let pairs = [
            ("ink", "page", 4.5),
            ("ink", "card", 4.5),
            ("ink", "tint", 4.5),
            ("ink", "danger-tint", 4.5),
            ("muted", "page", 4.5),
            ("muted", "card", 4.5),
            ("muted", "tint", 4.5),
            ("on-accent", "accent", 4.5),
            ("on-accent", "accent-hover", 4.5),
            ("danger", "danger-tint", 4.5),
            ("danger", "card", 3.0),
            ("control", "card", 3.0),
            ("control", "tint", 3.0),
            ("accent", "card", 3.0),
            ("accent", "page", 3.0),
        ];
        for (scheme, name) in ["light", "dark"].into_iter().enumerate() {
            let tokens = tokens(scheme);
            for (front, ground, least) in pairs {
                let ratio = contrast(tokens[front], tokens[ground]);
                assert!(
                    ratio >= least,
                    "{name}: {front} on {ground} is {ratio:.2}, less than {least}"
                );
            }
        }
        assert_ne!(tokens(0), tokens(1));
        assert_eq!(tokens(0).len(), 12, "a new colour needs a pair above");
    }

    #[test]
    fn colours_are_named_only_once() {
        let (_, rules) = STYLESHEET.split_once("*, *::before").unwrap();
        assert!(
            !rules.contains('#'),
            "a colour outside the tokens is not checked for contrast"
        );
        assert!(
            !rules.contains("opacity"),
            "transparent text has another contrast"
        );
    }

    #[test]
    fn the_stylesheet_loads_nothing_and_cannot_end_its_element() {
        for never in ["url(", "@import", "<", "expression", "image("] {
            assert!(!STYLESHEET.contains(never), "{never}");
        }
    }
}
