//! What stands in the configuration file, as it stands there.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;
use toml::Spanned;
use tower_fapi::{
    issuer::IntrospectedTokens,
    resource_server::Binding,
    token::{ClientClaim, Compatibility},
};

/// A list whose entries are judged one by one.
pub(super) type Texts = Spanned<Vec<Spanned<String>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Spanned<Listen>,
    pub(super) public_url: Option<Spanned<String>>,
    pub(super) internal_prefix: Option<Spanned<String>>,
    pub(super) hosts: Option<Texts>,
    pub(super) proxies: Option<Spanned<Proxies>>,
    pub(super) audiences: Texts,
    pub(super) binding: Option<Spanned<BindingName>>,
    pub(super) clock_skew_seconds: Option<Spanned<u64>>,
    #[serde(default)]
    pub(super) dpop: Dpop,
    pub(super) replay: Option<Replay>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proxies {
    pub(super) networks: Texts,
    pub(super) certificate: Option<Spanned<CertificateForm>>,
    pub(super) certificate_header: Option<Spanned<String>>,
    pub(super) url: Option<Spanned<UrlHeaders>>,
    pub(super) hops: Option<Spanned<usize>>,
    pub(super) public_prefix: Option<Spanned<String>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CertificateForm {
    Rfc9440,
    Envoy,
    EscapedPem,
    Base64Der,
    Traefik,
    AwsAlb,
    AwsAlbLeaf,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UrlHeaders {
    Forwarded,
    XForwarded,
    XForwardedProto,
    XForwardedWithPort,
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

/// Authorization servers whose differences from RFC 9068 are known as a whole.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Vendor {
    Keycloak,
}

impl From<Vendor> for Compatibility {
    fn from(vendor: Vendor) -> Self {
        match vendor {
            Vendor::Keycloak => Self::keycloak(),
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClientClaimName {
    Azp,
    Cid,
    Appid,
}

impl From<ClientClaimName> for ClientClaim {
    fn from(name: ClientClaimName) -> Self {
        match name {
            ClientClaimName::Azp => Self::Azp,
            ClientClaimName::Cid => Self::Cid,
            ClientClaimName::Appid => Self::Appid,
        }
    }
}

impl Issuer {
    /// The named settings, together.
    pub(super) fn compatibility(&self) -> Compatibility {
        let mut settings = Compatibility::default();
        if let Some(vendor) = &self.compatibility {
            settings = (*vendor.get_ref()).into();
        }
        if self.accept_plain_jwt_type {
            settings = settings.accept_plain_jwt_type();
        }
        if let Some(claim) = &self.accept_client_in {
            settings = settings.accept_client_in((*claim.get_ref()).into());
        }
        if self.accept_scope_array {
            settings = settings.accept_scope_array();
        }
        if self.accept_scope_in_scp {
            settings = settings.accept_scope_in_scp();
        }
        settings
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
    pub(super) nonce_secrets: Option<Spanned<PathBuf>>,
    pub(super) replay_capacity: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    pub(super) redis: Spanned<String>,
    pub(super) key_prefix: Option<Spanned<String>>,
    pub(super) response_milliseconds: Option<Spanned<u64>>,
    pub(super) root_certificates: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the name OAuth has for it")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "settings that are each on or off"
)]
pub(super) struct Issuer {
    pub(super) issuer: Spanned<String>,
    pub(super) jwks_uri: Option<Spanned<String>>,
    pub(super) jwks_file: Option<Spanned<PathBuf>>,
    pub(super) root_certificates: Option<Spanned<PathBuf>>,
    pub(super) compatibility: Option<Spanned<Vendor>>,
    #[serde(default)]
    pub(super) accept_plain_jwt_type: bool,
    pub(super) accept_client_in: Option<Spanned<ClientClaimName>>,
    #[serde(default)]
    pub(super) accept_scope_array: bool,
    #[serde(default)]
    pub(super) accept_scope_in_scp: bool,
    pub(super) algorithms: Option<Texts>,
    #[serde(default)]
    pub(super) dangerous_http_on_loopback: bool,
    pub(super) introspection: Option<Spanned<Introspection>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Introspection {
    pub(super) client_id: Spanned<String>,
    pub(super) key: Option<Spanned<PathBuf>>,
    pub(super) certificate: Option<Spanned<PathBuf>>,
    pub(super) endpoint: Option<Spanned<String>>,
    pub(super) tokens: Option<Spanned<TokensName>>,
    #[serde(default)]
    pub(super) signed_answers: bool,
    #[serde(default)]
    pub(super) accept_missing_audience: bool,
    #[serde(default)]
    pub(super) accept_missing_subject: bool,
    pub(super) remember_active_seconds: Option<Spanned<u64>>,
    pub(super) remember_refused_seconds: Option<Spanned<u64>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TokensName {
    All,
    Opaque,
    Jwts,
}

impl From<TokensName> for IntrospectedTokens {
    fn from(name: TokensName) -> Self {
        match name {
            TokensName::All => Self::All,
            TokensName::Opaque => Self::Opaque,
            TokensName::Jwts => Self::Jwts,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) path: Spanned<String>,
    pub(super) methods: Texts,
    pub(super) scopes_all: Option<Texts>,
    pub(super) scopes_any: Option<Texts>,
    pub(super) acr_values: Option<Texts>,
    pub(super) max_age_seconds: Option<Spanned<u64>>,
    pub(super) authorization_details_type: Option<Spanned<String>>,
}
