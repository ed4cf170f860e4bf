//! The binding of a token cannot be skipped (FAPI 2.0 Security Profile §5.3.4).

use crate::{
    mtls::CertificateThumbprint,
    rejection::{AuthScheme, Refusal},
    token::Confirmation,
};

/// How tokens have to be bound to their clients.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Binding {
    /// By DPoP or by certificate, whichever the token says.
    #[default]
    Either,
    /// By DPoP (RFC 9449).
    Dpop,
    /// By client certificate (RFC 8705).
    Certificate,
}

impl Binding {
    pub(super) const fn accepts_dpop(self) -> bool {
        matches!(self, Self::Either | Self::Dpop)
    }

    pub(super) const fn accepts_certificate(self) -> bool {
        matches!(self, Self::Either | Self::Certificate)
    }

    /// Whether whatever `narrower` accepts is accepted here, too.
    pub(super) fn includes(self, narrower: Self) -> bool {
        self == Self::Either || self == narrower
    }

    /// Checks that a request could hold to some binding, whatever its token turns out to be bound to: what cannot be let
    /// through in any case is not worth a question to the issuer, nor the use of a private key.
    pub(super) const fn could_hold(
        self,
        scheme: AuthScheme,
        certificate: Option<CertificateThumbprint>,
        prefer_bound: bool,
    ) -> Result<(), Refusal> {
        match (scheme, certificate) {
            // It may be bound to nothing, which passes.
            (AuthScheme::Bearer, _) if prefer_bound => Ok(()),
            (AuthScheme::Bearer, _) if !self.accepts_certificate() => Err(Refusal::Binding),
            (AuthScheme::Bearer, None) => Err(Refusal::NoCertificate),
            // A certificate would have to hold, and there is none.
            (AuthScheme::Dpop, None) if !self.accepts_dpop() => Err(Refusal::NoCertificate),
            (AuthScheme::Bearer, Some(_)) | (AuthScheme::Dpop, _) => Ok(()),
        }
    }

    /// Checks everything about the binding but the proof itself. Whatever the token is bound to has to hold, all of it,
    /// also where this resource server would be content with less.
    pub(super) fn check(
        self,
        confirmation: &Confirmation,
        scheme: AuthScheme,
        certificate: Option<CertificateThumbprint>,
        prefer_bound: bool,
    ) -> Result<(), Refusal> {
        match (scheme, confirmation.jkt) {
            // RFC 9449 §7.2: a DPoP-bound token must not become a bearer token by another word in front.
            (AuthScheme::Bearer, Some(_)) => return Err(Refusal::DpopTokenAsBearer),
            // RFC 9449 §7.1: the scheme is for DPoP-bound tokens alone.
            (AuthScheme::Dpop, None) => return Err(Refusal::NotDpopBound),
            (AuthScheme::Dpop, Some(_)) | (AuthScheme::Bearer, None) => {}
        }
        if confirmation.is_empty() {
            // While an API migrates, what is not bound yet passes. What is bound is never let off.
            return if prefer_bound {
                Ok(())
            } else {
                Err(Refusal::Unbound)
            };
        }
        let by_dpop = self.accepts_dpop() && confirmation.jkt.is_some();
        let by_certificate = self.accepts_certificate() && confirmation.x5t_s256.is_some();
        if !by_dpop && !by_certificate {
            return Err(Refusal::Binding);
        }
        if let Some(bound) = confirmation.x5t_s256 {
            let certificate = certificate.ok_or(Refusal::NoCertificate)?;
            if certificate != bound {
                return Err(Refusal::CertificateMismatch);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::JwkThumbprint;

    // FAPI 2.0 Security Profile §5.3.4, RFC 9449 §7.1 and §7.2, RFC 8705 §3.
    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases is long")]
    fn whatever_a_token_is_bound_to_has_to_hold() {
        use Binding::{Certificate, Dpop, Either};
        let certificate = CertificateThumbprint::of_der(b"mine");
        let stranger = CertificateThumbprint::of_der(b"other");
        let (key, mine) = (Some(JwkThumbprint::from_bytes([1; 32])), Some(certificate));
        let (none, own, other) = (None, Some(certificate), Some(stranger));
        for (binding, jkt, x5t_s256, scheme, certificate, expected) in [
            (Either, key, None, AuthScheme::Dpop, none, Ok(())),
            (Either, None, mine, AuthScheme::Bearer, own, Ok(())),
            (Either, key, mine, AuthScheme::Dpop, own, Ok(())),
            (Dpop, key, None, AuthScheme::Dpop, other, Ok(())),
            (Certificate, None, mine, AuthScheme::Bearer, own, Ok(())),
            (Certificate, key, mine, AuthScheme::Dpop, own, Ok(())),
            (
                Either,
                None,
                None,
                AuthScheme::Bearer,
                own,
                Err(Refusal::Unbound),
            ),
            (
                Either,
                None,
                None,
                AuthScheme::Dpop,
                own,
                Err(Refusal::NotDpopBound),
            ),
            (
                Either,
                None,
                mine,
                AuthScheme::Dpop,
                own,
                Err(Refusal::NotDpopBound),
            ),
            (
                Either,
                key,
                None,
                AuthScheme::Bearer,
                none,
                Err(Refusal::DpopTokenAsBearer),
            ),
            (
                Either,
                key,
                mine,
                AuthScheme::Bearer,
                own,
                Err(Refusal::DpopTokenAsBearer),
            ),
            (
                Either,
                key,
                mine,
                AuthScheme::Dpop,
                none,
                Err(Refusal::NoCertificate),
            ),
            (
                Dpop,
                key,
                mine,
                AuthScheme::Dpop,
                none,
                Err(Refusal::NoCertificate),
            ),
            (
                Either,
                key,
                mine,
                AuthScheme::Dpop,
                other,
                Err(Refusal::CertificateMismatch),
            ),
            (
                Either,
                None,
                mine,
                AuthScheme::Bearer,
                none,
                Err(Refusal::NoCertificate),
            ),
            (
                Either,
                None,
                mine,
                AuthScheme::Bearer,
                other,
                Err(Refusal::CertificateMismatch),
            ),
            (
                Dpop,
                None,
                mine,
                AuthScheme::Bearer,
                own,
                Err(Refusal::Binding),
            ),
            (
                Certificate,
                key,
                None,
                AuthScheme::Dpop,
                own,
                Err(Refusal::Binding),
            ),
        ] {
            let confirmation = Confirmation { jkt, x5t_s256 };
            let check = |prefer| binding.check(&confirmation, scheme, certificate, prefer);
            let case = format!("{binding:?} {confirmation:?} {scheme:?}");
            assert_eq!(check(false), expected, "{case}");
            // Preferring bound tokens lets those pass that are bound to nothing, and changes nothing else.
            let migrating = expected.or_else(|refusal| match refusal {
                Refusal::Unbound => Ok(()),
                other => Err(other),
            });
            assert_eq!(check(true), migrating, "{case}");
        }
    }
}
