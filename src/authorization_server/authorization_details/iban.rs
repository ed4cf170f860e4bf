//! Account numbers (ISO 13616).

/// Whether the text is an IBAN in its electronic form: no spaces, upper case, and the check digits are right.
///
/// A recipient's account with a mistyped digit is nobody's, or somebody else's.
pub(super) fn is_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((head, rest)) = bytes.split_at_checked(4) else {
        return false;
    };
    let [country_1, country_2, check_1, check_2] = head else {
        return false;
    };
    let letters = country_1.is_ascii_uppercase() && country_2.is_ascii_uppercase();
    let digits = check_1.is_ascii_digit() && check_2.is_ascii_digit();
    let sound = (15..=34).contains(&bytes.len())
        && letters
        && digits
        && rest
            .iter()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    sound && rest.iter().chain(head).copied().fold(0, remainder) == 1
}

/// In groups of four, as it is printed.
pub(super) fn in_groups(iban: &str) -> String {
    let mut grouped = String::with_capacity(iban.len() * 5 / 4);
    for (position, character) in iban.chars().enumerate() {
        if position > 0 && position % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(character);
    }
    grouped
}

/// ISO 7064 MOD 97-10, letters counting from 10.
fn remainder(so_far: u32, byte: u8) -> u32 {
    let value = char::from(byte).to_digit(36).unwrap_or_default();
    let shifted = if value < 10 {
        so_far * 10
    } else {
        so_far * 100
    };
    (shifted + value) % 97
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_length_and_letters_have_to_be_right() {
        for good in [
            "DE02100100109307118603",
            "GB82WEST12345698765432",
            "NO9386011117947",
        ] {
            assert!(is_iban(good), "{good}");
        }
        for bad in [
            "",
            "DE0",
            "DE02100100109307118604",
            "DE03100100109307118603",
            "ED02100100109307118603",
            "de02100100109307118603",
            "DE02 1001 0010 9307 1186 03",
            "DE0210010010930711860３",
            "0202100100109307118603",
            "DEXX100100109307118603",
            "NO93860111179",
            "GB82WEST123456987654321234567890123",
        ] {
            assert!(!is_iban(bad), "{bad}");
        }
        assert_eq!(
            in_groups("DE02100100109307118603"),
            "DE02 1001 0010 9307 1186 03"
        );
    }
}
