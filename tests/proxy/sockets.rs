//! Other ways of knowing who asks: the server of axum, and a Unix socket.

use std::{env, fs, net::SocketAddr};

use axum::Extension;
use http::HeaderName;
use tokio::net::{TcpListener, UnixListener};
use tower_fapi::{
    mtls::{CertificateHeader, Peer},
    resource_server::TrustedProxies,
};

use crate::{
    certificates::{proxies, site},
    client::{HOST, Pair, outside, send},
    nginx::{Nginx, Site},
    server::Api,
};

const HEADER: &str = "x-client-cert";

fn api(proxies: TrustedProxies) -> Api {
    let header = CertificateHeader::escaped_pem(HeaderName::from_static(HEADER));
    Api::new(|builder| builder.trusted_proxies(proxies.certificate_header(header)))
}

/// What a client with the right certificate is answered through nginx; `None` without nginx.
async fn status(api: &Api, site: &Site) -> Option<u16> {
    let nginx = Nginx::start(site)?;
    let own = Pair::new("client.example");
    let client = outside(nginx.address, &api.front, Some(&own));
    let url = format!(
        "https://{HOST}:{}/open-banking/accounts",
        nginx.address.port()
    );
    Some(
        send(client.get(url).bearer_auth(api.token_for(&own)))
            .await
            .0,
    )
}

#[tokio::test]
async fn the_server_of_axum_tells_the_address_if_it_is_asked_to() {
    for (tells, expected) in [(true, 200), (false, 401)] {
        let api = api(proxies());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let backend = listener.local_addr().unwrap();
        if tells {
            let app = api
                .app()
                .into_make_service_with_connect_info::<SocketAddr>();
            tokio::spawn(async move { axum::serve(listener, app).await });
        } else {
            let app = api.app();
            tokio::spawn(async move { axum::serve(listener, app).await });
        }
        let site = site(&api, backend, &[(HEADER, "$ssl_client_escaped_cert")]);
        if let Some(status) = status(&api, &site).await {
            assert_eq!(status, expected);
        }
    }
}

#[tokio::test]
async fn a_unix_socket_is_trusted_where_settings_and_server_say_so() {
    for (case, proxies, marked, expected) in [
        ("both", proxies().unix_sockets(), true, 200),
        ("the server alone", proxies(), true, 401),
        ("the settings alone", proxies().unix_sockets(), false, 401),
    ] {
        let api = api(proxies);
        let path = env::temp_dir()
            .join(format!("proxy-{}-{case}.sock", std::process::id()).replace(' ', "-"));
        let listener = UnixListener::bind(&path).unwrap();
        let app = if marked {
            api.app().layer(Extension(Peer::UnixSocket))
        } else {
            api.app()
        };
        tokio::spawn(async move { axum::serve(listener, app).await });
        let unused = SocketAddr::from(([127, 0, 0, 1], 1));
        let site = Site {
            pass_to: format!("http://unix:{}:/v1/", path.display()),
            ..site(&api, unused, &[(HEADER, "$ssl_client_escaped_cert")])
        };
        if let Some(status) = status(&api, &site).await {
            assert_eq!(status, expected, "{case}");
        }
        fs::remove_file(&path).unwrap();
    }
}
