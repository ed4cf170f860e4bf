//! Settings for issuers whose access tokens differ from RFC 9068.

use serde_json::{Map, Value};

use super::{Scope, TokenError, jwt::optional_text};
use crate::jose::JwsHeader;

/// What is taken from one issuer although RFC 9068 has it otherwise.
///
/// Nothing by default. Each setting accepts one known difference and no more, and brings the risk that stands beside it; none
/// makes a claim of RFC 9068 §2.2 dispensable. Which authorization server needs which stands in the guide
/// [to other people's authorization servers](crate::guide::issuers).
///
/// ```
/// use tower_fapi::token::{ClientClaim, Compatibility};
///
/// let same = Compatibility::default().accept_plain_jwt_type().accept_client_in(ClientClaim::Azp);
/// assert_eq!(Compatibility::keycloak(), same);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Compatibility {
    plain_jwt_type: bool,
    client: Option<ClientClaim>,
    scope_array: bool,
    scope_in_scp: bool,
}

/// Where an issuer names the client, if not in `client_id` (RFC 9068 §2.2).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientClaim {
    /// `azp`: Keycloak, Auth0's own token profile, Microsoft Entra ID (v2.0).
    Azp,
    /// `cid`: Okta.
    Cid,
    /// `appid`: Microsoft Entra ID (v1.0).
    Appid,
}

impl ClientClaim {
    /// The claim's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Azp => "azp",
            Self::Cid => "cid",
            Self::Appid => "appid",
        }
    }
}

impl Compatibility {
    /// What Keycloak needs as it is delivered: [`accept_plain_jwt_type`](Self::accept_plain_jwt_type), and the client in
    /// `azp`. From 26.2 a client can be told to write `at+jwt`; the second then suffices.
    #[must_use]
    pub const fn keycloak() -> Self {
        Self {
            plain_jwt_type: true,
            client: Some(ClientClaim::Azp),
            scope_array: false,
            scope_in_scp: false,
        }
    }

    /// Takes `typ` `JWT`, or none, for an access token (against RFC 9068 §2.1 and §4).
    ///
    /// The risk: another JWT of this issuer, an ID token above all, can pass for an access token. What shows itself as something
    /// else stays refused (`at_hash`, `c_hash`, `s_hash`, `events`, `token_introspection`, or a claim `typ` that is neither
    /// `Bearer` nor `DPoP`), but not every ID token does, and one has `azp` like any access token of such an issuer. So make
    /// sure that this issuer's ID tokens have another audience than this resource server.
    #[must_use]
    pub const fn accept_plain_jwt_type(mut self) -> Self {
        self.plain_jwt_type = true;
        self
    }

    /// Takes the client's identifier from this claim where there is no `client_id` (against RFC 9068 §2.2). Where there are
    /// both, they have to agree.
    ///
    /// The risk: the claim is not registered with this meaning for access tokens. If the issuer, or whoever may configure its
    /// claims, writes something else into it, that is the client that handlers and logs see.
    #[must_use]
    pub const fn accept_client_in(mut self, claim: ClientClaim) -> Self {
        self.client = Some(claim);
        self
    }

    /// Takes an array of strings for a scope, each one value (against RFC 9068 §2.2.3 and RFC 8693 §4.2).
    ///
    /// The risk: an issuer that lets users or clients choose the text of an element. A value with a space in it is refused, since
    /// it would count as several.
    #[must_use]
    pub const fn accept_scope_array(mut self) -> Self {
        self.scope_array = true;
        self
    }

    /// Takes the scope from `scp` where there is no `scope` (against RFC 9068 §2.2.3). Where there are both, they have to hold
    /// the same values.
    ///
    /// The risk: under an issuer that uses `scp` for something else, say for what a client may ask for at all, these would count
    /// as granted.
    #[must_use]
    pub const fn accept_scope_in_scp(mut self) -> Self {
        self.scope_in_scp = true;
        self
    }

    /// Whether `typ` `JWT`, or none, is taken.
    #[must_use]
    pub const fn accepts_plain_jwt_type(&self) -> bool {
        self.plain_jwt_type
    }

    /// The claim that may name the client.
    #[must_use]
    pub const fn accepts_client_in(&self) -> Option<ClientClaim> {
        self.client
    }

    /// Whether a scope may be an array.
    #[must_use]
    pub const fn accepts_scope_array(&self) -> bool {
        self.scope_array
    }

    /// Whether `scp` may stand for `scope`.
    #[must_use]
    pub const fn accepts_scope_in_scp(&self) -> bool {
        self.scope_in_scp
    }

    /// Whether this may be an access token at all (RFC 9068 §4, RFC 8725 §3.11 and §3.12).
    pub(super) fn check_type(
        self,
        header: &JwsHeader,
        claims: &Map<String, Value>,
    ) -> Result<(), TokenError> {
        if header.is_typ("at+jwt") {
            return Ok(());
        }
        let plain = header.typ().is_none() || header.is_typ("JWT");
        if !(plain && self.plain_jwt_type) {
            return Err(TokenError::Type(header.typ().map(super::shortened)));
        }
        match TELLTALE.into_iter().find(|name| claims.contains_key(*name)) {
            Some(name) => Err(TokenError::OtherKind(name)),
            None if is_token_type(claims.get("typ")) => Ok(()),
            None => Err(TokenError::OtherKind("typ")),
        }
    }

    /// `client_id`, or what stands for it.
    pub(super) fn client_id(self, claims: &mut Map<String, Value>) -> Result<String, TokenError> {
        let client_id = optional_text(claims, "client_id")?;
        let other = match self.client {
            Some(claim) => named_text(claims, claim.as_str())?,
            None => None,
        };
        match (client_id, other) {
            (Some(client_id), Some((name, other))) if client_id != other => {
                Err(TokenError::Contradiction(name, "client_id"))
            }
            (Some(client), _) | (None, Some((_, client))) => Ok(client),
            (None, None) => Err(TokenError::MissingClaim("client_id")),
        }
    }

    /// `scope`, or what stands for it; empty if there is none.
    pub(super) fn scope(self, claims: &mut Map<String, Value>) -> Result<Scope, TokenError> {
        let scope = self.read_scope("scope", claims.remove("scope").as_ref())?;
        let scp = claims.get("scp").filter(|_| self.scope_in_scp);
        let scp = self.read_scope("scp", scp)?;
        match (scope, scp) {
            (Some(scope), Some(scp)) if !scope.same_values(&scp) => {
                Err(TokenError::Contradiction("scp", "scope"))
            }
            (scope, scp) => Ok(scope.or(scp).unwrap_or_default()),
        }
    }

    fn read_scope(
        self,
        name: &'static str,
        value: Option<&Value>,
    ) -> Result<Option<Scope>, TokenError> {
        let malformed = || TokenError::MalformedClaim(name);
        let Some(value) = value else { return Ok(None) };
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(values) if self.scope_array => {
                let values = values.iter().map(|value| {
                    let value = value.as_str().ok_or_else(malformed)?;
                    let alone = !value.is_empty() && !value.contains(' ');
                    alone.then_some(value).ok_or_else(malformed)
                });
                values.collect::<Result<Vec<_>, _>>()?.join(" ")
            }
            _ => return Err(malformed()),
        };
        text.parse().map(Some).map_err(|_| malformed())
    }
}

/// What stands in ID tokens (OpenID Connect Core §3.3.2.11), security events (RFC 8417 §2.2) and introspection answers
/// (RFC 9701 §5), and in no access token.
const TELLTALE: [&str; 5] = [
    "at_hash",
    "c_hash",
    "s_hash",
    "events",
    "token_introspection",
];

/// The text of a claim that handlers can go on reading by its name, and that name.
fn named_text(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<(&'static str, String)>, TokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some((name, text.clone()))),
        Some(_) => Err(TokenError::MalformedClaim(name)),
    }
}

/// A claim `typ`, as Keycloak writes it, says for an access token which type it has at the token endpoint (RFC 6749 §7.1).
fn is_token_type(typ: Option<&Value>) -> bool {
    typ.is_none_or(|typ| {
        let typ = typ.as_str().unwrap_or_default();
        typ.eq_ignore_ascii_case("Bearer") || typ.eq_ignore_ascii_case("DPoP")
    })
}
