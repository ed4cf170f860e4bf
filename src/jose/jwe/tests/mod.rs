//! The single steps, against published vectors. The whole is tested from outside, in `tests/jose`.

mod derivation;
mod wycheproof;
