//! Amounts of money.

use serde_json::Value;

/// The amount in words, as in `123.50 EUR`, if the value is one: an object with `currency` and `amount` and nothing else
/// (RFC 9396 §2 writes it so).
///
/// The number has one spelling: digits, no sign, no exponent, no zeros in front, a point and not more digits behind it
/// than the currency has, so that `1.000 EUR` cannot be taken for a thousand.
pub(super) fn in_words(value: &Value) -> Option<String> {
    let members = value.as_object()?;
    let currency = members.get("currency")?.as_str()?;
    let amount = members.get("amount")?.as_str()?;
    let currency_is_sound =
        currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    let sound = members.len() == 2 && currency_is_sound && is_amount(amount, decimals(currency));
    sound.then(|| format!("{amount} {currency}"))
}

fn is_amount(text: &str, decimals: usize) -> bool {
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let whole_is_sound = (1..=15).contains(&whole.len())
        && digits(whole)
        && (whole == "0" || !whole.starts_with('0'));
    let part_is_sound =
        part.is_none_or(|part| (1..=decimals).contains(&part.len()) && digits(part));
    // Nobody pays nothing.
    whole_is_sound && part_is_sound && text.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

/// Digits of the minor unit (ISO 4217, list one).
fn decimals(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn money(amount: &str, currency: &str) -> Option<String> {
        in_words(&json!({"amount": amount, "currency": currency}))
    }

    #[test]
    fn an_amount_is_shown_as_it_was_sent() {
        for (amount, currency) in [
            ("123.50", "EUR"),
            ("0.01", "EUR"),
            ("5768.2", "EUR"),
            ("1000", "EUR"),
            ("100", "JPY"),
            ("1.125", "KWD"),
            ("999999999999999.99", "USD"),
        ] {
            assert_eq!(
                money(amount, currency),
                Some(format!("{amount} {currency}"))
            );
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_amount() {
        for (amount, currency) in [
            ("", "EUR"),
            ("0", "EUR"),
            ("0.00", "EUR"),
            ("-1.00", "EUR"),
            ("+1.00", "EUR"),
            ("1,50", "EUR"),
            ("1.000", "EUR"),
            ("1.000.000", "EUR"),
            ("1.", "EUR"),
            (".50", "EUR"),
            ("007.50", "EUR"),
            ("1e6", "EUR"),
            (" 1.50", "EUR"),
            ("1.5", "JPY"),
            ("1\u{202e}00", "EUR"),
            ("１", "EUR"),
            ("1000000000000000", "EUR"),
            ("1.00", "eur"),
            ("1.00", "EURO"),
            ("1.00", "€"),
            ("1.00", ""),
        ] {
            assert_eq!(money(amount, currency), None, "{amount} {currency}");
        }
        for value in [
            json!("123.50 EUR"),
            json!({"amount": 123.5, "currency": "EUR"}),
            json!({"amount": "123.50"}),
            json!({"currency": "EUR"}),
            json!({"amount": "123.50", "currency": "EUR", "exchange": "USD"}),
            json!(null),
            json!([]),
        ] {
            assert_eq!(in_words(&value), None, "{value}");
        }
    }
}
