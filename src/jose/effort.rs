//! For tests of what a request costs: how many operations with keys it brings about.

use std::cell::Cell;

/// Operations with keys, each of which costs more than all the reading around it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Effort {
    /// Signatures verified.
    pub(crate) verifications: u32,
    /// Private keys used to decrypt.
    pub(crate) decryptions: u32,
}

thread_local!(static SO_FAR: Cell<Effort> = const { Cell::new(Effort { verifications: 0, decryptions: 0 }) });

impl Effort {
    /// What this thread goes to while it runs this.
    pub(crate) fn of<O>(run: impl FnOnce() -> O) -> (O, Self) {
        let before = SO_FAR.replace(Self::default());
        let output = run();
        let effort = SO_FAR.replace(before);
        (output, effort)
    }

    pub(super) fn verified() {
        let mut effort = SO_FAR.get();
        effort.verifications += 1;
        SO_FAR.set(effort);
    }

    pub(super) fn decrypted() {
        let mut effort = SO_FAR.get();
        effort.decryptions += 1;
        SO_FAR.set(effort);
    }
}
