//! Certificate-bound tokens behind nginx (RFC 8705 §3, RFC 9440 §4).

use std::net::{Ipv4Addr, SocketAddr};

use http::HeaderName;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tower_fapi::{
    mtls::CertificateHeader,
    resource_server::{IpNet, TrustedProxies},
};

use crate::{
    client::{HOST, Pair, described, inside, outside, send},
    nginx::{Nginx, Site},
    server::Api,
};

const HEADER: &str = "x-client-cert";
const NONE: (u16, &str) = (
    401,
    "the access token needs a client certificate here and none was presented",
);
const OTHER: (u16, &str) = (
    401,
    "the access token is bound to another client certificate",
);
const MALFORMED: (u16, &str) = (400, "the client certificate in the request is malformed");

/// Trusts 127.0.0.1 alone; 127.0.0.2 is another machine, for all that the server can know.
pub fn proxies() -> TrustedProxies {
    TrustedProxies::new(["127.0.0.1/32".parse::<IpNet>().unwrap()])
}

fn header() -> CertificateHeader {
    CertificateHeader::escaped_pem(HeaderName::from_static(HEADER))
}

pub fn site(api: &Api, backend: SocketAddr, headers: &[(&'static str, &'static str)]) -> Site {
    Site {
        certificate: api.front.pem.clone(),
        key: api.front.key.clone(),
        location: "/open-banking/",
        pass_to: format!("http://{backend}/v1/"),
        client_authorities: None,
        headers: headers.to_vec(),
    }
}

fn url(nginx: &Nginx) -> String {
    format!(
        "https://{HOST}:{}/open-banking/accounts",
        nginx.address.port()
    )
}

#[tokio::test]
async fn the_certificate_shown_to_nginx_is_the_one_that_counts() {
    let api = Api::new(|builder| builder.trusted_proxies(proxies().certificate_header(header())));
    let backend = api.listen().await;
    let headers = [(HEADER, "$ssl_client_escaped_cert")];
    let Some(nginx) = Nginx::start(&site(&api, backend, &headers)) else {
        return;
    };
    let (own, other) = (Pair::new("client.example"), Pair::new("thief.example"));
    let token = api.token_for(&own);
    let spoofed = own.escaped();
    let rfc9440 = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &own.der);
    let rfc9440 = format!(":{rfc9440}:");
    let ask = async |shown: Option<&Pair>, headers: &[(&str, &str)]| {
        let client = outside(nginx.address, &api.front, shown);
        let mut request = client.get(url(&nginx)).bearer_auth(&token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request).await
    };

    let (status, seen) = ask(Some(&own), &[]).await;
    assert_eq!(
        (status, &seen["certificate"]),
        (200, &own.thumbprint().to_string().into())
    );
    assert!(
        seen["headers"][HEADER].is_string(),
        "what the proxy writes may be seen: {seen}"
    );

    assert_eq!(described(&ask(Some(&other), &[]).await), OTHER);
    assert_eq!(described(&ask(None, &[]).await), NONE);
    // nginx writes over what the client sends, and where it has nothing to write it takes it out.
    let spoof = [(HEADER, &*spoofed)];
    assert_eq!(described(&ask(None, &spoof).await), NONE);
    assert_eq!(described(&ask(Some(&other), &spoof).await), OTHER);
    assert_eq!(described(&ask(None, &[spoof[0], spoof[0]]).await), NONE);
    // What nginx lets through, because it knows nothing of it, is not what is configured here.
    let elsewhere = [("client-cert", &*rfc9440), ("ssl-client-cert", &spoofed)];
    assert_eq!(described(&ask(None, &elsewhere).await), NONE);
    let (status, seen) = ask(Some(&own), &elsewhere).await;
    assert_eq!(status, 200);
    for (name, _) in elsewhere {
        assert!(seen["headers"].get(name).is_none(), "{name} in {seen}");
    }
}

#[tokio::test]
async fn whoever_does_not_ask_from_a_proxys_address_is_not_believed() {
    let api = Api::new(|builder| builder.trusted_proxies(proxies().certificate_header(header())));
    let backend = api.listen().await;
    let own = Pair::new("client.example");
    let (token, certificate) = (api.token_for(&own), own.escaped());
    let ask = async |from: Ipv4Addr, certificates: &[&str]| {
        let url = format!("http://{backend}/v1/accounts");
        let mut request = inside(from).get(url).bearer_auth(&token);
        for certificate in certificates {
            request = request.header(HEADER, *certificate);
        }
        send(request).await
    };
    let half: String = certificate.chars().take(certificate.len() / 2).collect();
    let (proxy, stranger) = (Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2));
    assert_eq!(described(&ask(stranger, &[&certificate]).await), NONE);
    assert_eq!(described(&ask(stranger, &["nonsense"]).await), NONE);
    assert_eq!(described(&ask(stranger, &[]).await), NONE);
    // From there, everything is believed: that is why nobody else may be there.
    assert_eq!(ask(proxy, &[&certificate]).await.0, 200);
    assert_eq!(
        described(&ask(proxy, &[&certificate, &certificate]).await),
        MALFORMED
    );
    assert_eq!(described(&ask(proxy, &["nonsense"]).await), MALFORMED);
    assert_eq!(described(&ask(proxy, &[&half]).await), MALFORMED);
    assert_eq!(described(&ask(proxy, &[""]).await), NONE);
}

#[tokio::test]
async fn a_proxy_that_adds_its_header_to_another_is_misconfigured() {
    let api = Api::new(|builder| builder.trusted_proxies(proxies().certificate_header(header())));
    let backend = api.listen().await;
    let twice = [(HEADER, "$ssl_client_escaped_cert"); 2];
    let Some(nginx) = Nginx::start(&site(&api, backend, &twice)) else {
        return;
    };
    let own = Pair::new("client.example");
    let client = outside(nginx.address, &api.front, Some(&own));
    let request = client.get(url(&nginx)).bearer_auth(api.token_for(&own));
    assert_eq!(described(&send(request).await), MALFORMED);
}

// What goes wrong where the proxy does not do its part: nothing here can tell.
#[tokio::test]
async fn a_header_that_nginx_does_not_write_is_the_clients_to_write() {
    let api = Api::new(|builder| builder.trusted_proxies(proxies().certificate_header(header())));
    let backend = api.listen().await;
    let Some(nginx) = Nginx::start(&site(&api, backend, &[])) else {
        return;
    };
    let own = Pair::new("client.example");
    let ask = async |shown: Option<&Pair>, claimed: Option<String>| {
        let client = outside(nginx.address, &api.front, shown);
        let mut request = client.get(url(&nginx)).bearer_auth(api.token_for(&own));
        if let Some(claimed) = claimed {
            request = request.header(HEADER, claimed);
        }
        send(request).await
    };
    assert_eq!(described(&ask(Some(&own), None).await), NONE);
    assert_eq!(ask(None, Some(own.escaped())).await.0, 200);
}

#[tokio::test]
async fn a_verdict_of_nginx_on_the_chain_can_be_demanded() {
    let verdict = HeaderName::from_static("x-client-verify");
    let header = header().verified_by(verdict);
    let api = Api::new(|builder| builder.trusted_proxies(proxies().certificate_header(header)));
    let backend = api.listen().await;
    let headers = [
        (HEADER, "$ssl_client_escaped_cert"),
        ("x-client-verify", "$ssl_client_verify"),
    ];
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // What bears the name of its issuer counts as self-signed.
    let names = &mut params.distinguished_name;
    names.push(DnType::CommonName, "authority");
    let authority = params.self_signed(&key).unwrap().pem();
    let authorities = Issuer::new(params, key);
    let site = Site {
        client_authorities: Some(authority),
        ..site(&api, backend, &headers)
    };
    let Some(nginx) = Nginx::start(&site) else {
        return;
    };
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["client.example".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authorities).unwrap();
    let issued = Pair {
        der: certificate.der().to_vec(),
        pem: certificate.pem(),
        key: key.serialize_pem(),
    };
    let ask = async |shown: Option<&Pair>, bound: &Pair| {
        let client = outside(nginx.address, &api.front, shown);
        let request = client.get(url(&nginx)).bearer_auth(api.token_for(bound));
        // nginx writes over this one, too.
        send(request.header("x-client-verify", "SUCCESS")).await
    };
    let own = Pair::new("client.example");
    assert_eq!(ask(Some(&issued), &issued).await.0, 200);
    assert_eq!(described(&ask(Some(&own), &own).await), MALFORMED);
    assert_eq!(described(&ask(None, &issued).await), NONE);
}
