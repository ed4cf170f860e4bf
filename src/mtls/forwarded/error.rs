//! Why a certificate header was refused.

use http::HeaderName;

/// A trusted proxy sent a certificate header that does not hold what it should. Nothing of its content is shown.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{header}: {flaw}")]
pub struct CertificateHeaderError {
    header: HeaderName,
    flaw: CertificateHeaderFlaw,
}

impl CertificateHeaderError {
    pub(super) const fn new(header: HeaderName, flaw: CertificateHeaderFlaw) -> Self {
        Self { header, flaw }
    }

    /// The header's name.
    #[must_use]
    pub const fn header(&self) -> &HeaderName {
        &self.header
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn flaw(&self) -> CertificateHeaderFlaw {
        self.flaw
    }
}

/// What is wrong with a certificate header.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CertificateHeaderFlaw {
    /// It stands there this many times: the proxy has added its own to what the client sent.
    #[error("sent {0} times")]
    Several(usize),
    /// It has this many bytes.
    #[error("{0} bytes are too many")]
    TooLarge(usize),
    /// A percent sign without two hexadecimal digits, or a character that is never written as it is.
    #[error("not percent-encoded text")]
    Escape,
    /// Not the canonical base64 of anything, with its padding (RFC 4648 §4).
    #[error("not canonical base64")]
    Base64,
    /// Not one or more PEM certificates and nothing else (RFC 7468 §5).
    #[error("no PEM certificate")]
    Pem,
    /// Not one DER certificate from the first byte to the last.
    #[error("no DER certificate")]
    Der,
    /// More certificates than there can be, this many.
    #[error("{0} certificates are too many")]
    TooManyCertificates(usize),
    /// Not what the header's grammar allows: the colons of RFC 9440, the elements and pairs of Envoy.
    #[error("malformed")]
    Syntax,
    /// Not exactly one element, or one without `Hash` (Envoy).
    #[error("not exactly one element with Hash")]
    Element,
    /// `Hash`, `Cert` and `Chain` do not speak of the same certificate (Envoy).
    #[error("Hash, Cert and Chain contradict each other")]
    Contradiction,
    /// There is a chain and no certificate it belongs to (RFC 9440 §2.3).
    #[error("missing beside a chain")]
    ChainAlone,
    /// The proxy has not found the certificate good.
    #[error("the proxy did not verify the certificate")]
    NotVerified,
}
