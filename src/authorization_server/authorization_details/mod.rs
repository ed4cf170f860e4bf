//! Rich authorization requests (RFC 9396): what exactly is asked for, in objects whose types are configured.
//!
//! What a client pushes is checked against its type, kept, shown to the person in the words of the configuration, and put
//! into the token as it was pushed. Nothing of it passes through the browser, so what is approved is what was shown, and
//! what was shown is what the token says: dynamic linking.

mod entry;
mod iban;
mod kind;
mod money;
mod types;
mod value;

pub use self::kind::{
    AuthorizationDetailsType, Choice, DetailMember, DetailValue, DetailsTypeProblem,
    InvalidDetailsType,
};
pub(crate) use self::{
    entry::{DetailEntry, for_resources, narrowed},
    types::{DetailsProblem, DetailsTypes},
};
