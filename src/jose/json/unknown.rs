//! What a typed reader ignores, and still judges.

use std::{borrow::Cow, cell::Cell, collections::HashSet, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

use super::{Digits, FEW_VALUES, NUMBER, RAW_VALUE, StrictVisitor, Text, without_nul};

/// Names seen in one object. For typed readers that must notice duplicates among the members they ignore.
pub(crate) struct UnknownNames<'a> {
    names: HashSet<Cow<'a, str>>,
    /// How many values may still be ignored.
    left: Cell<usize>,
}

impl Default for UnknownNames<'_> {
    fn default() -> Self {
        Self {
            names: HashSet::new(),
            left: Cell::new(FEW_VALUES),
        }
    }
}

impl<'a> UnknownNames<'a> {
    /// Takes a name that the reader does not know and the value that goes with it, unless there are a multitude of them.
    pub(crate) fn skip<'de: 'a, A: MapAccess<'de>>(
        &mut self,
        name: Text<'a>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        if !self.names.insert(name.0) {
            return Err(A::Error::custom("a member name occurs twice"));
        }
        map.next_value_seed(Skipped(&self.left))
    }
}

/// Any value, as strictly read as others and then forgotten.
struct Skipped<'b>(&'b Cell<usize>);

impl<'de> DeserializeSeed<'de> for Skipped<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let left = self.0.get().checked_sub(1);
        let left = left.ok_or_else(|| D::Error::custom("too many members to ignore"))?;
        self.0.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skipped<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        StrictVisitor.visit_f64(value).map(drop)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        without_nul(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Skipped(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(Text(name)) = map.next_key()? {
            if name == NUMBER {
                let Digits(digits) = map.next_value()?;
                let number: Result<Number, _> = digits.parse();
                return number.map(drop).map_err(A::Error::custom);
            }
            if name == RAW_VALUE {
                return Err(A::Error::custom("another name for this member"));
            }
            without_nul(&name)?;
            if !names.insert(name) {
                return Err(A::Error::custom("a member name occurs twice"));
            }
            map.next_value_seed(Skipped(self.0))?;
        }
        Ok(())
    }
}
