//! Proof Key for Code Exchange (RFC 7636), method `S256` only.

use super::secret::{RandomFailure, SecretText};
use crate::jose::{base64url, sha256};

/// The secret that ties a code to the request it answers; made anew for each request (RFC 7636 §4.1).
#[derive(Debug)]
pub(super) struct CodeVerifier(SecretText);

impl CodeVerifier {
    pub(super) fn generate() -> Result<Self, RandomFailure> {
        SecretText::random().map(Self)
    }

    /// Takes back what was stored; 43 to 128 unreserved characters.
    pub(super) fn from_stored(text: String) -> Option<Self> {
        let verifier = SecretText::new(text);
        let fits = (43..=128).contains(&verifier.secret().len())
            && verifier
                .secret()
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        fits.then_some(Self(verifier))
    }

    /// What the authorization server is told first (RFC 7636 §4.2).
    pub(super) fn challenge(&self) -> String {
        base64url::encode(sha256(self.0.secret().as_bytes()))
    }

    pub(super) fn secret(&self) -> &str {
        self.0.secret()
    }

    pub(super) fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 Appendix B.
    #[test]
    fn the_challenge_is_that_of_the_specification() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        assert_eq!(
            CodeVerifier::from_stored(verifier).unwrap().challenge(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn every_request_gets_its_own() {
        let (one, other) = (
            CodeVerifier::generate().unwrap(),
            CodeVerifier::generate().unwrap(),
        );
        assert_ne!(one.challenge(), other.challenge());
        assert!(CodeVerifier::from_stored(one.secret().to_owned()).is_some());
    }

    // RFC 7636 §4.1.
    #[test]
    fn what_is_no_verifier_is_not_taken_back() {
        for (case, text) in [
            ("too short", "a".repeat(42)),
            ("too long", "a".repeat(129)),
            ("reserved", format!("{}+", "a".repeat(43))),
            ("beyond ASCII", format!("{}é", "a".repeat(43))),
        ] {
            assert!(CodeVerifier::from_stored(text).is_none(), "{case}");
        }
    }
}
