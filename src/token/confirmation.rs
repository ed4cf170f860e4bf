//! What a token is bound to (RFC 7800 §3.1).

use serde_json::Value;

use super::TokenError;
use crate::jose::{CertificateThumbprint, JwkThumbprint};

/// The `cnf` claim: the keys a presenter has to prove possession of, all of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Confirmation {
    /// `jkt`: a DPoP key (RFC 9449 §6.1).
    pub jkt: Option<JwkThumbprint>,
    /// `x5t#S256`: a client certificate (RFC 8705 §3.1).
    pub x5t_s256: Option<CertificateThumbprint>,
}

impl Confirmation {
    /// Reads the claim. Methods we do not know are passed over beside one we know, and refused alone: a token whose binding
    /// cannot be checked is not a token without a binding.
    pub(super) fn read(cnf: Option<&Value>) -> Result<Self, TokenError> {
        let Some(cnf) = cnf else {
            return Ok(Self::default());
        };
        let members = cnf.as_object().ok_or(TokenError::MalformedClaim("cnf"))?;
        let confirmation = Self {
            jkt: thumbprint(members.get("jkt"), "cnf.jkt")?,
            x5t_s256: thumbprint(members.get("x5t#S256"), "cnf.x5t#S256")?,
        };
        if confirmation.is_empty() {
            Err(TokenError::UnknownConfirmation)
        } else {
            Ok(confirmation)
        }
    }

    /// Whether the token is bound to nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.jkt.is_none() && self.x5t_s256.is_none()
    }
}

fn thumbprint<T: std::str::FromStr>(
    value: Option<&Value>,
    name: &'static str,
) -> Result<Option<T>, TokenError> {
    let Some(value) = value else { return Ok(None) };
    let text = value.as_str().ok_or(TokenError::MalformedClaim(name))?;
    text.parse()
        .map(Some)
        .map_err(|_| TokenError::MalformedClaim(name))
}
