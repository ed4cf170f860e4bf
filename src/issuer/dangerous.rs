//! The gate in front of every setting of this room that weakens something.

/// Settings that no production system should need.
///
/// They are reached only through `.dangerous()`, so that one search over a code base finds every use.
#[derive(Debug)]
#[must_use = "choose a setting, which gives the builder back"]
pub struct Dangerous<B>(pub(super) B);
