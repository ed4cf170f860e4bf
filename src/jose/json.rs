//! JSON with one meaning only.
//!
//! Two parsers that read the same bytes differently are how signed documents get forged without breaking a signature, so
//! everything ambiguous is refused, at every depth: a member name twice in one object (RFC 7515 §4, RFC 7519 §4), anything
//! but white space after the value, lone surrogates, numbers out of range, and (except where any text is allowed on
//! purpose) NUL in a string.

mod unknown;

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

pub(crate) use self::unknown::UnknownNames;

/// The bytes are not JSON, are ambiguous, or have not the shape that was asked for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidJson(String);

/// Longest complaint, in characters: some repeat what they complain of, and end up in logs.
const LONGEST: usize = 300;

impl From<serde_json::Error> for InvalidJson {
    fn from(error: serde_json::Error) -> Self {
        let text = error.to_string();
        let mut letters = text.chars();
        let mut kept: String = letters.by_ref().take(LONGEST).collect();
        if letters.next().is_some() {
            kept.push('…');
        }
        Self(kept)
    }
}

impl InvalidJson {
    /// The same without the string it complains of, which may be a token, or say something of a person.
    #[must_use]
    #[cfg(feature = "client")]
    pub(crate) fn without_text(self) -> Self {
        let Some((before, text)) = self.0.split_once("string \"") else {
            return self;
        };
        let mut escaped = false;
        let end = text.find(|letter| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            ends
        });
        // One that is cut off ends nowhere.
        let rest = end.and_then(|end| text.get(end + 1..)).unwrap_or_default();
        Self(format!("{before}string{rest}"))
    }
}

/// Reads one object, strictly.
///
/// # Errors
///
/// [`InvalidJson`] if the bytes are not exactly one unambiguous JSON object.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, InvalidJson> {
    match serde_json::from_slice::<Strict>(bytes)?.0 {
        Value::Object(members) => Ok(members),
        _ => Err(InvalidJson("not a JSON object".to_owned())),
    }
}

/// How many values a document may hold that anybody can send and that has to be read before anything about it is known.
///
/// It takes half a microsecond to read one into memory, however short it is: thousands fit into what a header may hold, and
/// would cost more than several signatures.
pub(crate) const FEW_VALUES: usize = 64;

/// Whether a document surely holds no more than [`FEW_VALUES`].
pub(crate) fn has_few_values(bytes: &[u8]) -> bool {
    // Each value but the outermost comes after a comma, or first in an array or an object.
    let before_value = |byte: &&u8| matches!(byte, b',' | b'[' | b'{');
    bytes.iter().filter(before_value).count() <= FEW_VALUES
}

/// Reads one object, strictly, unless it holds a multitude of values.
///
/// # Errors
///
/// [`InvalidJson`] if it may hold more than [`FEW_VALUES`], or is not exactly one unambiguous JSON object.
pub(crate) fn small_object(bytes: &[u8]) -> Result<Map<String, Value>, InvalidJson> {
    if has_few_values(bytes) {
        object(bytes)
    } else {
        Err(InvalidJson(format!("more than {FEW_VALUES} values")))
    }
}

/// The text under one name of an object that is read as strictly as this takes, and no more: for what has to be known before
/// it is worth while to read the rest.
///
/// # Errors
///
/// [`InvalidJson`] if the bytes are no JSON object, or the member is no string or occurs twice.
pub(crate) fn text_member<'a>(
    bytes: &'a [u8],
    name: &'static str,
) -> Result<Option<Cow<'a, str>>, InvalidJson> {
    struct Member(&'static str);
    impl<'de> Visitor<'de> for Member {
        type Value = Option<Text<'de>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(Text(name)) = map.next_key()? {
                if name == self.0 {
                    once(&mut found, &mut map)?;
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let found = reader.deserialize_map(Member(name))?;
    reader.end()?;
    Ok(found.map(|text: Text<'a>| text.0))
}

/// Reads one array, strictly.
///
/// # Errors
///
/// [`InvalidJson`] if the bytes are not exactly one unambiguous JSON array.
pub fn array(bytes: &[u8]) -> Result<Vec<Value>, InvalidJson> {
    match serde_json::from_slice::<Strict>(bytes)?.0 {
        Value::Array(items) => Ok(items),
        _ => Err(InvalidJson("not a JSON array".to_owned())),
    }
}

/// Reads one object strictly into a type.
///
/// # Errors
///
/// [`InvalidJson`] if the bytes are not exactly one unambiguous JSON object, or do not fit the type.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, InvalidJson> {
    Ok(T::deserialize(Value::Object(object(bytes)?))?)
}

/// Reads one object, as strictly, from whatever format `deserializer` reads.
///
/// Nothing that was read stands in the error: the object may be a private key.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    match Strict::deserialize(deserializer)?.0 {
        Value::Object(members) => Ok(members),
        _ => Err(D::Error::custom("not an object")),
    }
}

/// A string, borrowed from the input where it holds no escapes.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// Takes the value of a known member, refusing the second of the name.
pub(crate) fn once<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    slot: &mut Option<T>,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(A::Error::custom("a member name occurs twice"));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}

/// Any value, strictly read.
struct Strict(Value);

/// How `serde_json`'s `arbitrary_precision` hands over a number. Another crate of the same build may have switched it on.
const NUMBER: &str = "$serde_json::private::Number";

/// How `serde_json`'s `raw_value` hands over a piece of text.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        without_nul(text).map(|()| Value::String(text.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        without_nul(&text).map(|()| Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == NUMBER {
                let Digits(digits) = map.next_value()?;
                return digits.parse().map(Value::Number).map_err(A::Error::custom);
            }
            // Whoever reads this value again with `serde_json` would take the text in there for the value.
            if name == RAW_VALUE {
                return Err(A::Error::custom("another name for this member"));
            }
            without_nul(&name)?;
            let Strict(value) = map.next_value()?;
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member name occurs twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

/// The digits of a number in its other guise. `serde_json` hands them over as a string of its own; from a document they
/// would come as a piece of the text, and an object that only looks like a number must not become one.
struct Digits(String);

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DigitsVisitor;
        impl Visitor<'_> for DigitsVisitor {
            type Value = Digits;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("another name for this member")
            }
            fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Digits, E> {
                Err(E::custom("an object in the guise of a number"))
            }
            fn visit_string<E>(self, digits: String) -> Result<Digits, E> {
                Ok(Digits(digits))
            }
        }
        deserializer.deserialize_string(DigitsVisitor)
    }
}

fn without_nul<E: serde::de::Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') {
        Err(E::custom("NUL in a string"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::value::MapDeserializer;

    /// An error that complains of this text.
    fn complaint(text: &str) -> InvalidJson {
        #[derive(Debug, Deserialize)]
        struct Number {
            #[expect(dead_code, reason = "nobody reads it")]
            n: u64,
        }
        let json = serde_json::json!({ "n": text }).to_string();
        from_slice::<Number>(json.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_complaint_floods_no_log() {
        let long = complaint(&"x".repeat(100_000)).to_string();
        assert!(long.chars().count() <= 301, "{}", long.len());
    }

    #[cfg(feature = "client")]
    #[test]
    fn a_complaint_can_do_without_what_it_is_about() {
        for text in [
            "hunter2",
            "",
            "a\"hunter2",
            "hunter2\\",
            "\\\"hunter2",
            "é\nhunter2\"",
        ] {
            let told = complaint(text).without_text().to_string();
            assert_eq!(told, "invalid type: string, expected u64", "{text}");
        }
        let long = format!("{}\"", "\"hunter2".repeat(100));
        let told = complaint(&long).without_text().to_string();
        assert_eq!(told, "invalid type: string");
        let other = object(b"{").unwrap_err();
        assert_eq!(other.clone().without_text(), other);
    }

    // RFC 8725 §2.6 and §3.4, RFC 7515 §4, RFC 7519 §4, RFC 8259 §4 and §8.2.
    #[test]
    fn ambiguous_documents_are_refused() {
        for (case, text) in [
            ("duplicate", r#"{"a":1,"a":1}"#),
            ("duplicate by escape", r#"{"a":1,"\u0061":2}"#),
            ("duplicate, nested", r#"{"a":[{"b":{"c":1,"c":2}}]}"#),
            ("trailing value", r#"{"a":1}{}"#),
            ("trailing NUL", "{\"a\":1}\0"),
            ("raw NUL in a string", "{\"a\":\"x\0\"}"),
            ("escaped NUL in a string", r#"{"a":"x\u0000y"}"#),
            ("escaped NUL in a name", r#"{"a\u0000":1}"#),
            ("lone high surrogate", r#"{"a":"\ud800"}"#),
            ("lone low surrogate", r#"{"a":"\udc00x"}"#),
            ("number out of range", r#"{"a":1e999}"#),
            ("not a number", r#"{"a":NaN}"#),
            ("leading zero", r#"{"a":01}"#),
            ("single quotes", "{'a':1}"),
            ("comment", r#"{"a":1}/**/"#),
            ("trailing comma", r#"{"a":1,}"#),
            ("byte order mark", "\u{feff}{}"),
            ("array", "[1]"),
            ("string", r#""{}""#),
            ("empty", ""),
        ] {
            assert!(object(text.as_bytes()).is_err(), "{case}");
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_err(), "not UTF-8");
        let deep = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
        assert!(object(deep.as_bytes()).is_err(), "too deep");
    }

    /// Documents with so many values beside the outermost object, however they are written.
    fn documents_of(values: usize) -> [String; 4] {
        let list = |item: &str, count| vec![item; count].join(",");
        let names: Vec<String> = (0..values).map(|name| format!(r#""{name}":[]"#)).collect();
        [
            format!(r#"{{"a":[{}]}}"#, list("1", values - 1)),
            format!(r#"{{"a":[{}]}}"#, list("[]", values - 1)),
            format!(r#"{{"a":[{}]}}"#, list(r#"{"b":1}"#, (values - 1) / 2)),
            format!("{{{}}}", names.join(",")),
        ]
    }

    #[test]
    fn a_multitude_of_values_is_not_read_for_just_anybody() {
        for text in documents_of(500) {
            assert!(small_object(text.as_bytes()).is_err(), "{text}");
            assert!(object(text.as_bytes()).is_ok(), "{text}");
        }
        for text in documents_of(31) {
            let read = object(text.as_bytes());
            assert_eq!(small_object(text.as_bytes()), read, "{text}");
        }
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(10_000));
        assert!(small_object(long.as_bytes()).is_ok());
    }

    /// Reads a document of which it knows no member.
    struct Ignoring;

    impl<'de> Deserialize<'de> for Ignoring {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Names;
            impl<'de> Visitor<'de> for Names {
                type Value = Ignoring;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ignoring, A::Error> {
                    let mut unknown = UnknownNames::default();
                    while let Some(name) = map.next_key::<Text<'de>>()? {
                        unknown.skip(name, &mut map)?;
                    }
                    Ok(Ignoring)
                }
            }
            deserializer.deserialize_map(Names)
        }
    }

    #[test]
    fn what_is_ignored_is_bounded() {
        let ignored = |text: &str| serde_json::from_str::<Ignoring>(text).is_ok();
        for text in documents_of(FEW_VALUES) {
            assert!(ignored(&text), "{text}");
        }
        for text in documents_of(FEW_VALUES + 2) {
            assert!(!ignored(&text), "{text}");
        }
        assert!(!ignored(&format!(
            r#"{{"a":{}{}}}"#,
            "[".repeat(100),
            "]".repeat(100)
        )));
    }

    // RFC 7519 §4: a name that occurs twice is no less ambiguous for coming before others.
    #[test]
    fn one_member_is_found_without_reading_the_others() {
        let found =
            |text: &str| text_member(text.as_bytes(), "iss").map(|text| text.map(Cow::into_owned));
        for (text, expected) in [
            (r#"{"a":[{"iss":"x"}],"iss":"y","b":{}}"#, Some("y")),
            (r#"{"\u0069ss":"y"}"#, Some("y")),
            (r#"{"sub":"y"}"#, None),
        ] {
            assert_eq!(found(text).unwrap().as_deref(), expected, "{text}");
        }
        for text in [
            r#"{"iss":"x","iss":"y"}"#,
            r#"{"iss":"x","\u0069ss":"x"}"#,
            r#"{"iss":5}"#,
            r#"{"iss":["x"]}"#,
            r#"{"iss":"x"}{}"#,
            r#"["iss"]"#,
            r#"{"iss":"x""#,
        ] {
            assert!(found(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_plain_document_is_read_as_it_stands() {
        let read = object(br#" {"a":[1,-2,2.5,true,null,"\ud83d\ude00"],"b":{}} "#).unwrap();
        let same: Value =
            serde_json::from_str(r#"{"a":[1,-2,2.5,true,null,"😀"],"b":{}}"#).unwrap();
        assert_eq!(Value::Object(read), same);
    }

    // What serde_json hands over when another crate of the build asks for `arbitrary_precision`.
    #[test]
    fn a_number_in_its_other_guise_is_a_number_and_an_object_is_none() {
        let guise = [(NUMBER, "12".to_owned())].into_iter();
        let read = Strict::deserialize(MapDeserializer::<_, serde_json::Error>::new(guise));
        assert_eq!(read.unwrap().0, Value::from(12));
        for text in [
            r#"{"a":{"$serde_json::private::Number":"12"}}"#,
            r#"{"a":{"$serde_json::private::Number":"\u0031"}}"#,
            r#"{"a":{"\u0024serde_json::private::Number":"12"}}"#,
            r#"{"a":{"b":1,"$serde_json::private::Number":"12"}}"#,
            r#"{"a":{"$serde_json::private::Number":12}}"#,
        ] {
            assert!(object(text.as_bytes()).is_err(), "{text}");
        }
    }

    // RFC 8725 §2.6: what stands in a text must not become members that nobody has seen.
    #[test]
    fn a_text_in_the_guise_of_a_value_is_refused() {
        for text in [
            r#"{"a":{"$serde_json::private::RawValue":"{\"b\":1}"}}"#,
            r#"{"a":[{"\u0024serde_json::private::RawValue":"1"}]}"#,
            r#"{"$serde_json::private::RawValue":"{}"}"#,
        ] {
            assert!(object(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_error_or_a_value_and_never_a_panic(bytes: Vec<u8>) {
            let _ = object(&bytes);
        }

        // What is ignored is judged like what is read.
        #[test]
        fn what_strict_refuses_is_not_ignored_either(text in r#"\{("a"|"b"|"\\u0000"|"\\u0061"|:|,|1|1e999|\[|\]|\{|\}|null|true){0,14}\}"#) {
            let ignored = serde_json::from_str::<Ignoring>(&text).is_ok();
            if let Ok(read) = object(text.as_bytes()) {
                prop_assert!(ignored, "{:?}", read);
            } else if !text.contains(r#""\u0000""#) {
                prop_assert!(!ignored);
            }
        }

        #[test]
        fn what_strict_accepts_serde_json_reads_the_same(text in r#"(\{|\}|"a"|"b"|:|,|1|\[|\]|null){0,14}"#) {
            if let Ok(strict) = object(text.as_bytes()) {
                prop_assert_eq!(Value::Object(strict), serde_json::from_str::<Value>(&text).unwrap());
            }
        }
    }
}
