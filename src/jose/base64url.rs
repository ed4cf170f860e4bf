//! base64url as JOSE wants it: the URL-safe alphabet, no padding, one spelling for each value (RFC 7515 §2).
//!
//! Padding, white space, line breaks, the standard alphabet's `+` and `/`, and trailing bits that are not zero are all
//! refused, so that two different texts never decode to the same bytes.

use std::mem;

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

const STRICT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The text is not canonical, unpadded base64url, or has not the length that was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not canonical unpadded base64url of the expected length")]
pub struct InvalidBase64Url;

/// Encodes without padding.
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    STRICT.encode(bytes)
}

/// Decodes canonical, unpadded text.
///
/// # Errors
///
/// [`InvalidBase64Url`] if there is any other spelling of the same bytes.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, InvalidBase64Url> {
    let text = text.as_ref();
    let mut bytes = Vec::with_capacity(base64::decoded_len_estimate(text.len()));
    decode_into(text, &mut bytes)?;
    Ok(bytes)
}

/// Decodes to exactly `N` bytes, without allocating.
///
/// # Errors
///
/// [`InvalidBase64Url`] if the text is not canonical or holds more or fewer bytes.
pub fn decode_array<const N: usize>(text: impl AsRef<[u8]>) -> Result<[u8; N], InvalidBase64Url> {
    let mut bytes = [0; N];
    let text = text.as_ref();
    // The decoder wants room for whole groups of four characters, so the exact length is judged first.
    if text.len() != encoded_len(N) {
        return Err(InvalidBase64Url);
    }
    match STRICT.decode_slice(text, &mut bytes) {
        Ok(length) if length == N => Ok(bytes),
        Ok(_) | Err(_) => Err(InvalidBase64Url),
    }
}

/// Decodes into `buffer`, replacing what it held and keeping its allocation.
///
/// # Errors
///
/// [`InvalidBase64Url`] if the text is not canonical.
pub fn decode_into(text: impl AsRef<[u8]>, buffer: &mut Vec<u8>) -> Result<(), InvalidBase64Url> {
    buffer.clear();
    STRICT
        .decode_vec(text, buffer)
        .map_err(|_| InvalidBase64Url)
}

/// Where a text is decoded: on the stack if it is short, as nearly all are, and otherwise on the heap.
pub(crate) struct Room {
    near: [u8; NEAR],
    far: Vec<u8>,
}

/// The claims of a proof take some 250 bytes.
const NEAR: usize = 512;

impl Room {
    pub(crate) const fn new() -> Self {
        Self {
            near: [0; NEAR],
            far: Vec::new(),
        }
    }

    /// Decodes canonical, unpadded text.
    ///
    /// # Errors
    ///
    /// [`InvalidBase64Url`] if there is any other spelling of the same bytes.
    pub(crate) fn decode(&mut self, text: &str) -> Result<&[u8], InvalidBase64Url> {
        // The decoder wants room for whole groups of characters.
        if base64::decoded_len_estimate(text.len()) > NEAR {
            decode_into(text, &mut self.far)?;
            return Ok(&self.far);
        }
        let length = STRICT.decode_slice(text, &mut self.near);
        let length = length.map_err(|_| InvalidBase64Url)?;
        self.near.get(..length).ok_or(InvalidBase64Url)
    }
}

/// Encodes exactly 32 bytes into a buffer on the stack: a hash as it stands in a claim.
#[must_use]
pub fn encode_hash(hash: &[u8; 32]) -> [u8; 43] {
    let mut text = [0; 43];
    // 32 bytes always make 43 characters, so the answer is not interesting.
    let _ = STRICT.encode_slice(hash, &mut text);
    text
}

/// Encodes a secret: the text is written once, where it stays, and wiped when dropped.
pub(super) fn encode_secret(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(vec![0; encoded_len(bytes.len())]);
    // The room is exactly what is needed, and the alphabet is ASCII.
    let _ = STRICT.encode_slice(bytes, &mut text);
    Zeroizing::new(String::from_utf8(mem::take(&mut text)).unwrap_or_default())
}

const fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // RFC 7515 §2 and Appendix C; RFC 4648 §3.5 for the trailing bits.
    #[test]
    fn only_one_spelling_of_a_value_is_accepted() {
        assert_eq!(decode("A-z_4ME"), Ok(vec![3, 236, 255, 224, 193]));
        for (case, text) in [
            ("padding", "A-z_4ME="),
            ("standard alphabet", "A+z/4ME"),
            ("trailing bits", "A-z_4MF"),
            ("one character left over", "A-z_4"),
            ("line break", "A-z_\n4ME"),
            ("space", " A-z_4ME"),
            ("NUL", "A-z_4ME\0"),
            ("beyond ASCII", "A-z_4MÉ"),
        ] {
            assert_eq!(decode(text), Err(InvalidBase64Url), "{case}");
        }
    }

    #[test]
    fn an_array_takes_exactly_its_length() {
        let text = encode([7; 32]);
        assert_eq!(decode_array::<32>(&text), Ok([7; 32]));
        assert_eq!(decode_array::<31>(&text), Err(InvalidBase64Url));
        assert_eq!(decode_array::<33>(&text), Err(InvalidBase64Url));
        assert_eq!(decode_array::<32>(""), Err(InvalidBase64Url));
        assert_eq!(decode_array::<0>(""), Ok([]));
    }

    #[test]
    fn there_is_room_for_any_length() {
        let mut room = Room::new();
        for length in (NEAR - 5..NEAR + 5).chain([0, 1, 10_000, 3]) {
            let bytes = vec![7; length];
            assert_eq!(room.decode(&encode(&bytes)), Ok(&*bytes), "{length}");
        }
        for text in ["A-z_4MF".to_owned(), format!("{}MF", "A".repeat(1000))] {
            assert_eq!(room.decode(&text), Err(InvalidBase64Url), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(bytes: Vec<u8>, hash: [u8; 32]) {
            prop_assert_eq!(&*encode_secret(&bytes), &encode(&bytes));
            let mut room = Room::new();
            prop_assert_eq!(room.decode(&encode(&bytes)), Ok(&*bytes));
            prop_assert_eq!(decode(encode(&bytes)), Ok(bytes));
            let on_stack = encode_hash(&hash);
            prop_assert_eq!(encode(hash).into_bytes(), on_stack.to_vec());
            prop_assert_eq!(decode_array::<32>(on_stack), Ok(hash));
        }

        #[test]
        fn what_decodes_encodes_to_the_same_text(text in "[A-Za-z0-9_=+/-]{0,12}") {
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(bytes), text);
            }
        }
    }
}
