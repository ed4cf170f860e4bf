//! What stands in the configuration file, as it stands there.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;
use toml::Spanned;
use tower_fapi::resource_server::Binding;

/// A list whose entries are judged one by one.
pub(super) type Texts = Spanned<Vec<Spanned<String>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Spanned<Listen>,
    pub(super) public_url: Option<Spanned<String>>,
    pub(super) audiences: Texts,
    pub(super) binding: Option<Spanned<BindingName>>,
    pub(super) clock_skew_seconds: Option<Spanned<u64>>,
    #[serde(default)]
    pub(super) dpop: Dpop,
    pub(super) issuer: Spanned<Vec<Issuer>>,
    pub(super) route: Spanned<Vec<Route>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listen {
    pub(super) address: Spanned<SocketAddr>,
    pub(super) certificate: Option<Spanned<PathBuf>>,
    pub(super) key: Option<Spanned<PathBuf>>,
    pub(super) client_certificates: Option<Spanned<bool>>,
    pub(super) client_authorities: Option<Spanned<PathBuf>>,
    pub(super) plain_http: Option<Spanned<bool>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BindingName {
    Either,
    Dpop,
    Certificate,
}

impl From<BindingName> for Binding {
    fn from(name: BindingName) -> Self {
        match name {
            BindingName::Either => Self::Either,
            BindingName::Dpop => Self::Dpop,
            BindingName::Certificate => Self::Certificate,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Dpop {
    pub(super) algorithms: Option<Texts>,
    pub(super) proof_age_seconds: Option<Spanned<u64>>,
    pub(super) proof_ahead_seconds: Option<Spanned<u64>>,
    pub(super) nonces: Option<Spanned<bool>>,
    pub(super) nonce_seconds: Option<Spanned<u64>>,
    pub(super) replay_capacity: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the name OAuth has for it")]
pub(super) struct Issuer {
    pub(super) issuer: Spanned<String>,
    pub(super) jwks_uri: Option<Spanned<String>>,
    pub(super) jwks_file: Option<Spanned<PathBuf>>,
    pub(super) root_certificates: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) accept_plain_jwt_type: bool,
    pub(super) algorithms: Option<Texts>,
    #[serde(default)]
    pub(super) dangerous_http_on_loopback: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) path: Spanned<String>,
    pub(super) methods: Texts,
    pub(super) scopes_all: Option<Texts>,
    pub(super) scopes_any: Option<Texts>,
}
