//! JWT access tokens: what they must say (RFC 9068), and what a handler sees of them.
//!
//! [`AccessToken`] is the type handlers work with. The rest is what a resource server's verdict is made of.

mod access_token;
mod authorization_detail;
mod confirmation;
mod error;
mod jwt;
mod scope;
#[cfg(test)]
mod tests;

pub use self::{
    access_token::AccessToken,
    authorization_detail::AuthorizationDetail,
    confirmation::Confirmation,
    error::TokenError,
    jwt::{TokenRules, UnverifiedToken, check_time},
    scope::{InvalidScope, Scope},
};
