//! The client's certificate as a proxy in front passes it on, in a request header.
//!
//! Whoever can send such a header can be anybody, so it counts only from a trusted proxy: see
//! [`TrustedProxies`](crate::resource_server::TrustedProxies). Each proxy has its own way of writing a certificate, and each
//! way has its file here. What has been read is a certificate by its outward form alone: who issued it, whether it is in
//! date and whether the client holds its key is for the proxy to find out, which has seen the handshake.

mod alb;
mod base64_der;
mod der;
mod envoy;
mod error;
mod escaped_pem;
mod pem;
mod percent;
mod rfc9440;
#[cfg(test)]
mod tests;
mod traefik;

use http::{HeaderMap, HeaderName};

pub use self::error::{CertificateHeaderError, CertificateHeaderFlaw};
use super::{CertificateThumbprint, PeerCertificate};

type Flaw = CertificateHeaderFlaw;

/// The header in which a trusted proxy passes the client's certificate on, and how the certificate is written there.
///
/// ```
/// use http::{HeaderMap, HeaderName};
/// use tower_fapi::mtls::CertificateHeader;
///
/// let header = CertificateHeader::escaped_pem(HeaderName::from_static("x-client-cert"));
/// assert!(header.read(&HeaderMap::new())?.is_none());
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-client-cert", "not%20a%20certificate".parse()?);
/// assert_eq!(header.read(&headers).unwrap_err().to_string(), "x-client-cert: no PEM certificate");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateHeader {
    name: HeaderName,
    form: Form,
    verdict: Option<HeaderName>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Rfc9440,
    Envoy,
    EscapedPem,
    Base64Der,
    Traefik,
    Alb,
}

/// Longest header value that is read, in bytes: room for a chain of several RSA-4096 certificates with every `+`, `/` and
/// line break escaped.
const MAX_BYTES: usize = 32 * 1024;

/// Longest chain that is read, leaf included.
const MAX_CHAIN: usize = 10;

impl CertificateHeader {
    /// `Client-Cert`, with `Client-Cert-Chain` where there is one (RFC 9440 §2).
    #[must_use]
    pub const fn rfc9440() -> Self {
        Self::new(rfc9440::CLIENT_CERT, Form::Rfc9440)
    }

    /// `X-Forwarded-Client-Cert` of
    /// [Envoy](https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert),
    /// with `forward_client_cert_details: SANITIZE_SET`.
    ///
    /// There must be exactly one element, with `Hash`; `Cert` and `Chain` must agree with it where they stand beside it.
    /// Several elements are refused, even though the last would be that of the proxy that sent the request: a client whose
    /// certificate has a comma in its alternative names could make it look as if there were one more.
    #[must_use]
    pub const fn envoy() -> Self {
        Self::new(envoy::X_FORWARDED_CLIENT_CERT, Form::Envoy)
    }

    /// One percent-encoded PEM certificate under a name of your choice:
    /// [`$ssl_client_escaped_cert`](https://nginx.org/en/docs/http/ngx_http_ssl_module.html#var_ssl_client_escaped_cert) of
    /// nginx. An empty value says that there is none.
    #[must_use]
    pub const fn escaped_pem(name: HeaderName) -> Self {
        Self::new(name, Form::EscapedPem)
    }

    /// One DER certificate in base64 under a name of your choice: `ssl_c_der,base64` of
    /// [HAProxy](https://docs.haproxy.org/3.0/configuration.html#7.3.4-ssl_c_der), and
    /// `{http.request.tls.client.certificate_der_base64}` of
    /// [Caddy](https://caddyserver.com/docs/json/apps/http/). An empty value says that there is none.
    #[must_use]
    pub const fn base64_der(name: HeaderName) -> Self {
        Self::new(name, Form::Base64Der)
    }

    /// `X-Forwarded-Tls-Client-Cert` of
    /// [Traefik](https://doc.traefik.io/traefik/middlewares/http/passtlsclientcert/) with `pem: true`: PEM without delimiters
    /// and line breaks, escaped by old versions; the chain stands behind commas.
    #[must_use]
    pub const fn traefik() -> Self {
        Self::new(traefik::X_FORWARDED_TLS_CLIENT_CERT, Form::Traefik)
    }

    /// `X-Amzn-Mtls-Clientcert` of an
    /// [AWS Application Load Balancer](https://docs.aws.amazon.com/elasticloadbalancing/latest/application/mutual-authentication.html)
    /// in passthrough mode: the whole chain, leaf first, as percent-encoded PEM in which `+`, `=` and `/` stand for themselves.
    #[must_use]
    pub const fn aws_alb() -> Self {
        Self::new(alb::X_AMZN_MTLS_CLIENTCERT, Form::Alb)
    }

    /// `X-Amzn-Mtls-Clientcert-Leaf` of an AWS Application Load Balancer in verify mode: the leaf alone, written in the same
    /// way.
    #[must_use]
    pub const fn aws_alb_leaf() -> Self {
        Self::new(alb::X_AMZN_MTLS_CLIENTCERT_LEAF, Form::EscapedPem)
    }

    /// Demands that a second header says `SUCCESS` wherever there is a certificate:
    /// [`$ssl_client_verify`](https://nginx.org/en/docs/http/ngx_http_ssl_module.html#var_ssl_client_verify) of nginx.
    ///
    /// For proxies that verify the chain but let the request pass whatever comes of it. Certificate-bound tokens do not need
    /// it: the token says which certificate it must be (RFC 8705 §3).
    #[must_use]
    pub fn verified_by(mut self, name: HeaderName) -> Self {
        self.verdict = Some(name);
        self
    }

    /// The header's name.
    #[must_use]
    pub const fn name(&self) -> &HeaderName {
        &self.name
    }

    /// Whether this proxy writes a header of this name: the certificate or what goes with it.
    #[must_use]
    pub fn writes(&self, name: &HeaderName) -> bool {
        *name == self.name
            || self.verdict.as_ref() == Some(name)
            || match self.form {
                Form::Rfc9440 => *name == rfc9440::CLIENT_CERT_CHAIN,
                Form::Traefik => name.as_str() == "x-forwarded-tls-client-cert-info",
                Form::Alb => alb::is_of_alb(name),
                Form::EscapedPem => alb::is_of_alb(&self.name) && alb::is_of_alb(name),
                Form::Envoy | Form::Base64Der => false,
            }
    }

    /// Reads the certificate from a request's headers, which must have come from a trusted proxy; `None` if it sent none.
    ///
    /// # Errors
    ///
    /// [`CertificateHeaderError`] if the header stands there twice, is longer than 32 KiB, or does not hold what it should.
    pub fn read(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<ForwardedCertificate>, CertificateHeaderError> {
        self.parse(headers)
            .map_err(|flaw| CertificateHeaderError::new(self.name.clone(), flaw))
    }

    /// The names that the operator has chosen.
    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        std::iter::once(&self.name).chain(&self.verdict)
    }

    const fn new(name: HeaderName, form: Form) -> Self {
        Self {
            name,
            form,
            verdict: None,
        }
    }

    fn parse(&self, headers: &HeaderMap) -> Result<Option<ForwardedCertificate>, Flaw> {
        let value = single(headers, &self.name)?;
        let certificate = match (self.form, value) {
            (Form::Rfc9440, value) => rfc9440::read(value, headers)?,
            (Form::EscapedPem | Form::Base64Der, None | Some("")) | (_, None) => None,
            (Form::EscapedPem, Some(value)) => Some(escaped_pem::read(value)?),
            (Form::Base64Der, Some(value)) => Some(base64_der::read(value)?),
            (Form::Envoy, Some(value)) => Some(envoy::read(value)?),
            (Form::Traefik, Some(value)) => Some(traefik::read(value)?),
            (Form::Alb, Some(value)) => Some(alb::read(value)?),
        };
        if certificate.is_some()
            && let Some(name) = &self.verdict
            && single(headers, name)? != Some("SUCCESS")
        {
            return Err(Flaw::NotVerified);
        }
        Ok(certificate)
    }
}

/// Whether a header of this name is commonly used to pass a client certificate on, or what a proxy has found out about one.
///
/// Such headers are hidden from the service behind, unless a trusted proxy writes them.
#[must_use]
pub fn is_certificate_header(name: &HeaderName) -> bool {
    CERTIFICATE_HEADERS.contains(&name.as_str())
        || CERTIFICATE_HEADER_FAMILIES
            .iter()
            .any(|prefix| name.as_str().starts_with(prefix))
        || alb::is_of_alb(name)
}

pub(crate) const CERTIFICATE_HEADERS: [&str; 11] = [
    "client-cert",
    "client-cert-chain",
    "x-forwarded-client-cert",
    "x-forwarded-tls-client-cert",
    "x-forwarded-tls-client-cert-info",
    // The names that are usual where the operator chooses: nginx and its ingress controller, HAProxy, Apache, Azure.
    "x-arr-clientcert",
    "x-client-cert",
    "x-client-certificate",
    "x-client-verify",
    "x-ssl-cert",
    "x-tls-client-cert",
];

/// And what is written beside them: subject, serial number, fingerprint.
pub(crate) const CERTIFICATE_HEADER_FAMILIES: [&str; 4] = [
    "ssl-client-",
    "x-ssl-client-",
    "x-client-cert-",
    "cf-client-cert-",
];

/// A client certificate that a trusted proxy passed on, or at least its hash.
#[derive(Clone, Debug)]
pub struct ForwardedCertificate {
    thumbprint: CertificateThumbprint,
    certificate: Option<PeerCertificate>,
}

impl ForwardedCertificate {
    /// SHA-256 of the client's own certificate: what a token bound to it holds in `cnf.x5t#S256` (RFC 8705 §3.1).
    #[must_use]
    pub const fn thumbprint(&self) -> CertificateThumbprint {
        self.thumbprint
    }

    /// The certificate itself, with those behind it; absent where Envoy passes on its hash alone.
    #[must_use]
    pub const fn certificate(&self) -> Option<&PeerCertificate> {
        self.certificate.as_ref()
    }

    /// The leaf and what came with it, each of which has to be a certificate by its outward form.
    fn from_chain(chain: Vec<Vec<u8>>) -> Result<Self, Flaw> {
        if chain.len() > MAX_CHAIN {
            return Err(Flaw::TooManyCertificates(chain.len()));
        }
        if !chain.iter().all(|der| der::is_certificate(der)) {
            return Err(Flaw::Der);
        }
        let certificate = PeerCertificate::from_chain(chain).ok_or(Flaw::Pem)?;
        Ok(Self {
            thumbprint: certificate.thumbprint(),
            certificate: Some(certificate),
        })
    }
}

/// The one value under this name, without the white space around it.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Flaw> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match values.count() {
        0 => text(value.as_bytes()).map(Some),
        more => Err(Flaw::Several(more + 1)),
    }
}

fn text(value: &[u8]) -> Result<&str, Flaw> {
    if value.len() > MAX_BYTES {
        return Err(Flaw::TooLarge(value.len()));
    }
    let text = std::str::from_utf8(value).map_err(|_| Flaw::Syntax)?;
    Ok(text.trim_matches([' ', '\t']))
}
