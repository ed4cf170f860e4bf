//! One-time codes of authenticator apps (RFC 6238).

use std::fmt;

use aws_lc_rs::{hmac, rand};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::time::Timestamp;

/// The secret that a person's authenticator app and the server share.
///
/// Codes have six digits, last 30 s and are made with HMAC-SHA-1: what every app does (RFC 6238 §4, RFC 4226 §5.3). The
/// collisions that SHA-1 suffers from are of no use against an HMAC (RFC 6238 §1.2 notes the same).
///
/// ```
/// use tower_fapi::{authorization_server::people::TotpSecret, time::Timestamp};
///
/// let secret: TotpSecret = "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP".parse()?;
/// let code = secret.code(Timestamp::from_unix(1_800_000_000));
/// assert_eq!(code.len(), 6);
/// # Ok::<(), tower_fapi::authorization_server::people::InvalidTotpSecret>(())
/// ```
pub struct TotpSecret(Zeroizing<Vec<u8>>);

/// A secret of the configuration cannot be used.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InvalidTotpSecret {
    /// Not base32 (RFC 4648 §6). Spaces, lower case and missing padding are forgiven.
    #[error("not base32: letters A to Z and digits 2 to 7")]
    Encoding,
    /// RFC 4226 §4, R6: "The length of the shared secret MUST be at least 128 bits."
    #[error("a secret must have 128 to 512 bits: 26 to 103 characters")]
    Length,
}

/// The system's generator failed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the system's random generator failed")]
pub struct NoRandomSecret;

/// Seconds that a code stands on the display (RFC 6238 §5.2).
pub(super) const STEP: i64 = 30;

const DIGITS: usize = 6;

/// RFC 6238 §5.2 allows one step for the network and whoever types; one more for a clock that is ahead (§6).
const WINDOW: i64 = 1;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

impl TotpSecret {
    /// A new one with 160 bits, as RFC 4226 §4 recommends.
    ///
    /// # Errors
    ///
    /// [`NoRandomSecret`] if the system's generator fails.
    pub fn generate() -> Result<Self, NoRandomSecret> {
        let mut bytes = Zeroizing::new(vec![0; 20]);
        rand::fill(&mut bytes).map_err(|_| NoRandomSecret)?;
        Ok(Self(bytes))
    }

    /// The secret in base32, for the configuration and for a person to type into their app.
    #[must_use]
    pub fn to_base32(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.0.len() * 8 / 5 + 1));
        let (mut bits, mut held) = (0_u32, 0);
        for byte in self.0.iter() {
            bits = bits << 8 | u32::from(*byte);
            held += 8;
            while held >= 5 {
                held -= 5;
                push_digit(&mut text, bits >> held);
            }
            bits &= (1 << held) - 1;
        }
        if held > 0 {
            push_digit(&mut text, bits << (5 - held));
        }
        text
    }

    /// The code that the app shows at this moment.
    #[must_use]
    pub fn code(&self, now: Timestamp) -> String {
        let digits = self.digits(step(now));
        digits.iter().map(|digit| char::from(*digit)).collect()
    }

    /// The step whose code was typed, if it is one of those that count at this moment. Spaces do not count. Takes the same
    /// time whichever it is, and whether it is one.
    pub(super) fn matching_step(&self, typed: &str, now: Timestamp) -> Option<i64> {
        let mut digits = Zeroizing::new([0_u8; DIGITS]);
        let mut length = 0;
        for byte in typed.bytes().filter(|byte| *byte != b' ') {
            if let Some(digit) = digits.get_mut(length) {
                *digit = byte;
            }
            length += 1;
        }
        let present = step(now);
        let mut found = subtle::Choice::from(0);
        let mut matching = 0;
        for candidate in present - WINDOW..=present + WINDOW {
            let equal = self.digits(candidate).ct_eq(&*digits);
            matching = i64::conditional_select(&matching, &candidate, equal);
            found |= equal;
        }
        (bool::from(found) && length == DIGITS).then_some(matching)
    }

    /// HOTP of the step (RFC 4226 §5.3).
    fn digits(&self, step: i64) -> [u8; DIGITS] {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or_default() & 0xf);
        let chosen = tag.get(offset..).and_then(<[u8]>::first_chunk::<4>);
        let mut number = u32::from_be_bytes(chosen.copied().unwrap_or_default()) & 0x7fff_ffff;
        let mut digits = [b'0'; DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
        digits
    }
}

/// When the code of a step is accepted no more.
pub(super) fn ends(step: i64) -> Timestamp {
    Timestamp::from_unix((step + WINDOW + 1).saturating_mul(STEP))
}

fn step(now: Timestamp) -> i64 {
    now.as_unix().div_euclid(STEP)
}

fn push_digit(text: &mut String, bits: u32) {
    let index = usize::try_from(bits & 0x1f).unwrap_or_default();
    text.extend(ALPHABET.get(index).map(|letter| char::from(*letter)));
}

impl std::str::FromStr for TotpSecret {
    type Err = InvalidTotpSecret;

    fn from_str(text: &str) -> Result<Self, InvalidTotpSecret> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8));
        let (mut bits, mut held) = (0_u32, 0);
        for letter in text
            .trim_end_matches('=')
            .bytes()
            .filter(|byte| *byte != b' ')
        {
            let value = match letter.to_ascii_uppercase() {
                letter @ b'A'..=b'Z' => letter - b'A',
                digit @ b'2'..=b'7' => digit - b'2' + 26,
                _ => return Err(InvalidTotpSecret::Encoding),
            };
            bits = (bits << 5 | u32::from(value)) & 0xffff;
            held += 5;
            if held >= 8 {
                held -= 8;
                bytes.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
            }
        }
        if held >= 5 || bits & ((1 << held) - 1) != 0 {
            return Err(InvalidTotpSecret::Encoding);
        }
        if !(16..=64).contains(&bytes.len()) {
            return Err(InvalidTotpSecret::Length);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 Appendix B: the ASCII text `12345678901234567890`.
    fn secret() -> TotpSecret {
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".parse().unwrap()
    }

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    // RFC 6238 Appendix B, the last six of eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret().code(at(seconds)), code);
        }
    }

    // RFC 6238 §5.2 and §6.
    #[test]
    fn a_code_is_accepted_for_one_step_before_and_after_its_own() {
        let (secret, step) = (secret(), 1_234_567_890 / 30);
        for (seconds, accepted) in [
            (-31, false),
            (-30, true),
            (-1, true),
            (0, true),
            (29, true),
            (30, true),
            (59, true),
            (60, false),
            (3600, false),
        ] {
            let now = at(1_234_567_890 + seconds);
            assert_eq!(
                secret.matching_step("005924", now),
                accepted.then_some(step),
                "{seconds}"
            );
        }
        assert_eq!(ends(step), at(1_234_567_890 + 60));
    }

    #[test]
    fn only_the_six_digits_are_the_code() {
        let (secret, now) = (secret(), at(1_234_567_890));
        for typed in ["005924", "005 924", " 0 0 5 9 2 4 "] {
            assert!(secret.matching_step(typed, now).is_some(), "{typed}");
        }
        for typed in [
            "",
            "5924",
            "00592",
            "0059240",
            "0005924",
            "005924\0",
            "005925",
            "OO5924",
            "٠٠٥٩٢٤",
            "005924\n",
            "005-924",
            "000000",
        ] {
            assert_eq!(secret.matching_step(typed, now), None, "{typed:?}");
        }
    }

    // RFC 4648 §6, RFC 4226 §4.
    #[test]
    fn a_secret_is_base32_and_long_enough() {
        for (text, expected) in [
            ("gezd gnbv gy3t qojq gezd gnbv gy3t qojq", Ok(())),
            ("GEZDGNBVGY3TQOJQGEZDGNBVGY======", Ok(())),
            ("GEZDGNBVGY3TQOJQGEZDGNBVGY", Ok(())),
            ("", Err(InvalidTotpSecret::Length)),
            ("GEZDGNBVGY3TQOJQ", Err(InvalidTotpSecret::Length)),
            (&"A".repeat(104), Err(InvalidTotpSecret::Length)),
            (
                "GEZDGNBVGY3TQOJQGEZDGNBVG1",
                Err(InvalidTotpSecret::Encoding),
            ),
            (
                "GEZDGNBVGY3TQOJQGEZDGNBV0O",
                Err(InvalidTotpSecret::Encoding),
            ),
            (
                "GEZDGNBVGY3TQOJQ=EZDGNBVGY",
                Err(InvalidTotpSecret::Encoding),
            ),
            (
                "GEZDGNBVGY3TQOJQGEZDGNBVGZ",
                Err(InvalidTotpSecret::Encoding),
            ),
            (
                "GEZDGNBVGY3TQOJQGEZDGNBVGYA",
                Err(InvalidTotpSecret::Encoding),
            ),
            (
                "ÄEZDGNBVGY3TQOJQGEZDGNBVGY",
                Err(InvalidTotpSecret::Encoding),
            ),
        ] {
            assert_eq!(text.parse::<TotpSecret>().map(drop), expected, "{text}");
        }
        assert_eq!(*secret().to_base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let (one, other) = (
            TotpSecret::generate().unwrap(),
            TotpSecret::generate().unwrap(),
        );
        assert_ne!(*one.to_base32(), *other.to_base32());
        let again: TotpSecret = one.to_base32().parse().unwrap();
        assert_eq!(again.code(at(0)), one.code(at(0)));
        assert_eq!(format!("{one:?}"), "TotpSecret(..)");
    }
}
