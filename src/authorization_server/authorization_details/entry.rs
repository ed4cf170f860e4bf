//! Entries that have been checked, and less of them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::types::DetailsTypes;

/// One entry of `authorization_details` that fits its type (RFC 9396 §2). Made by
/// [`DetailsTypes::read`], or read back from the store.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct DetailEntry(pub(super) Map<String, Value>);

impl DetailEntry {
    pub(crate) fn kind(&self) -> &str {
        self.0
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The resource servers it is for, if it names any (RFC 9396 §2.2).
    pub(crate) fn locations(&self) -> Option<impl Iterator<Item = &str>> {
        let locations = self.0.get("locations")?.as_array()?;
        Some(locations.iter().filter_map(Value::as_str))
    }

    fn is_for(&self, resources: &[String]) -> bool {
        self.locations().is_none_or(|mut locations| {
            locations.any(|location| resources.iter().any(|resource| resource == location))
        })
    }
}

/// Those entries that mean one of these resource servers: no other needs to know of them (RFC 9396 §9.1).
pub(crate) fn for_resources(entries: Vec<DetailEntry>, resources: &[String]) -> Vec<DetailEntry> {
    let mut entries = entries;
    entries.retain(|entry| entry.is_for(resources));
    entries
}

/// What is asked for, if it is not more than what was approved (RFC 9396 §6).
///
/// Each entry that is asked for needs an approved one of its own: of one payment that was approved, no token says two.
pub(crate) fn narrowed(
    types: &DetailsTypes,
    asked: Vec<DetailEntry>,
    approved: &[DetailEntry],
) -> Option<Vec<DetailEntry>> {
    let mut left: Vec<&DetailEntry> = approved.iter().collect();
    // Those that are asked for unchanged first, lest a narrower one takes their place.
    let mut narrower: Vec<&DetailEntry> = Vec::new();
    for entry in &asked {
        match left.iter().position(|approved| *approved == entry) {
            Some(position) => drop(left.swap_remove(position)),
            None => narrower.push(entry),
        }
    }
    for entry in narrower {
        let position = left
            .iter()
            .position(|approved| is_within(types, entry, approved))?;
        left.swap_remove(position);
    }
    Some(asked)
}

/// The same members with the same values, but for lists that may have fewer elements.
fn is_within(types: &DetailsTypes, entry: &DetailEntry, approved: &DetailEntry) -> bool {
    entry.0.len() == approved.0.len()
        && entry.0.iter().all(|(name, value)| {
            approved.0.get(name).is_some_and(|former| {
                former == value
                    || (types.can_narrow(approved.kind(), name) && is_part_of(value, former))
            })
        })
}

fn is_part_of(value: &Value, of: &Value) -> bool {
    match (value.as_array(), of.as_array()) {
        (Some(elements), Some(of)) => elements.iter().all(|element| of.contains(element)),
        (_, Some(_) | None) => false,
    }
}
