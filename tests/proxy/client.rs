//! A client with or without a certificate, asking nginx or, in its place, the server behind.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::{Certificate, Client, ClientBuilder, Identity, RequestBuilder};
use serde_json::Value;
use tower_fapi::mtls::CertificateThumbprint;

/// The name clients know the API by.
pub const HOST: &str = "api.example.com";

/// A certificate and its key, made on the spot.
pub struct Pair {
    pub der: Vec<u8>,
    pub pem: String,
    pub key: String,
}

impl Pair {
    pub fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Self {
            der: made.cert.der().to_vec(),
            pem: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }

    pub fn thumbprint(&self) -> CertificateThumbprint {
        CertificateThumbprint::of_der(&self.der)
    }

    /// The certificate as nginx writes it.
    pub fn escaped(&self) -> String {
        let escape = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        self.pem.bytes().map(escape).collect::<Vec<_>>().concat()
    }
}

/// From this address.
fn client(from: Ipv4Addr) -> ClientBuilder {
    Client::builder()
        .tls_backend_rustls()
        .no_proxy()
        .local_address(IpAddr::from(from))
}

/// A client of the nginx that shows this certificate.
pub fn outside(nginx: SocketAddr, trusted: &Pair, own: Option<&Pair>) -> Client {
    let root = Certificate::from_pem(trusted.pem.as_bytes()).unwrap();
    let mut client = client(Ipv4Addr::LOCALHOST)
        .tls_certs_only([root])
        .resolve(HOST, nginx);
    if let Some(own) = own {
        let pem = format!("{}{}", own.pem, own.key);
        client = client.identity(Identity::from_pem(pem.as_bytes()).unwrap());
    }
    client.build().unwrap()
}

/// A client that asks the server behind itself, from this address.
pub fn inside(from: Ipv4Addr) -> Client {
    client(from).build().unwrap()
}

/// The status, and the body as JSON.
pub async fn send(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// What the answer says of the reason, in words for the client.
pub fn described(answer: &(u16, Value)) -> (u16, &str) {
    (
        answer.0,
        answer.1["error_description"].as_str().unwrap_or_default(),
    )
}
