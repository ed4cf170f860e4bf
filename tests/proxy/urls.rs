//! The URL as seen from outside (RFC 9449 §4.3 check 9) behind nginx.

use std::net::Ipv4Addr;

use serde_json::Value;
use tower_fapi::resource_server::{ForwardedUrl, PublicUrl, ResourceServerBuilder, XForwarded};

use crate::{
    certificates::{proxies, site},
    client::{HOST, described, inside, outside, send},
    nginx::Nginx,
    server::Api,
};

const WRONG_URL: (u16, &str) = (401, "htu of the DPoP proof is not the URL of the request");
const BAD_HEADERS: (u16, &str) = (
    400,
    "the forwarding headers of the request are missing or malformed",
);
const WRONG_HOST: (u16, &str) = (400, "the request is for a host that is not served here");

const X_FORWARDED: [(&str, &str); 4] = [
    ("X-Forwarded-Proto", "$scheme"),
    ("X-Forwarded-Host", "$host"),
    ("X-Forwarded-Port", "$server_port"),
    ("X-Forwarded-Prefix", "/open-banking"),
];

fn all_x_headers() -> ForwardedUrl {
    ForwardedUrl::x_forwarded(XForwarded::new().with_port().with_prefix())
}

fn told(builder: ResourceServerBuilder, url: ForwardedUrl) -> ResourceServerBuilder {
    builder
        .trusted_proxies(proxies().url(url))
        .internal_prefix("/v1".parse().unwrap())
}

/// An API behind an nginx that sets these headers.
struct Proxied {
    api: Api,
    nginx: Nginx,
    backend: String,
}

impl Proxied {
    async fn start(
        headers: &[(&'static str, &'static str)],
        set: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder,
    ) -> Option<Self> {
        let api = Api::new(set);
        let backend = api.listen().await;
        Some(Self {
            nginx: Nginx::start(&site(&api, backend, headers))?,
            backend: format!("http://{backend}/v1/accounts"),
            api,
        })
    }

    fn outside(&self) -> String {
        format!(
            "https://{HOST}:{}/open-banking/accounts",
            self.nginx.address.port()
        )
    }

    /// Asks through nginx with a proof for this URL and these headers.
    async fn ask(&self, htu: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let client = outside(self.nginx.address, &self.api.front, None);
        self.send(client.get(self.outside()), htu, headers).await
    }

    async fn send(
        &self,
        mut request: reqwest::RequestBuilder,
        htu: &str,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let (token, proof) = self.api.token_and_proof(htu);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let authorization = format!("DPoP {token}");
        send(
            request
                .header("authorization", authorization)
                .header("dpop", proof),
        )
        .await
    }

    /// The URL from outside is good, those from inside and those of others are not, whatever the client adds.
    async fn accepts_what_clients_see_alone(&self, spoofs: &[(&str, &str)]) {
        let good = self.outside();
        assert_eq!(self.ask(&good, &[]).await.0, 200);
        let port = self.nginx.address.port();
        for wrong in [
            &*self.backend,
            &format!("https://{HOST}:{port}/v1/accounts"),
            &format!("https://{HOST}:{port}/accounts"),
            &format!("https://{HOST}/open-banking/accounts"),
            &format!("http://{HOST}:{port}/open-banking/accounts"),
            &format!("https://evil.example:{port}/open-banking/accounts"),
        ] {
            assert_eq!(described(&self.ask(wrong, &[]).await), WRONG_URL, "{wrong}");
        }
        let evil = format!("https://evil.example:{port}/open-banking/accounts");
        for spoof in spoofs {
            assert_eq!(self.ask(&good, &[*spoof]).await.0, 200, "{spoof:?}");
            assert_eq!(
                described(&self.ask(&evil, &[*spoof]).await),
                WRONG_URL,
                "{spoof:?}"
            );
        }
    }
}

const SPOOFS: [(&str, &str); 6] = [
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-port", "1"),
    ("x-forwarded-prefix", "/evil"),
    ("forwarded", "host=evil.example;proto=https"),
    ("x-forwarded-for", "127.0.0.1"),
];

#[tokio::test]
async fn a_public_url_is_what_proofs_are_made_for() {
    // The port is known only once nginx has one, so there is one server for the settings and another for the port.
    let Some(first) = Proxied::start(&[], |builder| builder).await else {
        return;
    };
    let public = format!("https://{HOST}:{}/open-banking", first.nginx.address.port());
    let public: PublicUrl = public.parse().unwrap();
    let Proxied { nginx, .. } = first;
    let address = nginx.address;
    let api = Api::new(|builder| {
        builder
            .public_url(public)
            .internal_prefix("/v1".parse().unwrap())
    });
    drop(nginx);
    let backend = api.listen().await;
    let Some(nginx) = Nginx::start_at(&site(&api, backend, &[]), address) else {
        return; // the port has been taken by somebody else meanwhile
    };
    let proxied = Proxied {
        api,
        nginx,
        backend: format!("http://{backend}/v1/accounts"),
    };
    proxied.accepts_what_clients_see_alone(&SPOOFS).await;
}

#[tokio::test]
async fn what_nginx_tells_by_x_forwarded_is_what_proofs_are_made_for() {
    let Some(proxied) =
        Proxied::start(&X_FORWARDED, |builder| told(builder, all_x_headers())).await
    else {
        return;
    };
    proxied.accepts_what_clients_see_alone(&SPOOFS).await;
}

// RFC 7239 §4.
#[tokio::test]
async fn what_nginx_tells_by_forwarded_is_what_proofs_are_made_for() {
    let prefix = || "/open-banking".parse().unwrap();
    let set = |builder| told(builder, ForwardedUrl::forwarded().public_prefix(prefix()));
    let overwriting = [("Forwarded", r#"'proto=$scheme;host="$http_host"'"#)];
    let Some(proxied) = Proxied::start(&overwriting, set).await else {
        return;
    };
    proxied.accepts_what_clients_see_alone(&SPOOFS).await;

    // A proxy that appends leaves what the client wrote, to the left of what counts.
    let appending = [(
        "Forwarded",
        r#"'$http_forwarded, proto=$scheme;host="$http_host"'"#,
    )];
    let Some(proxied) = Proxied::start(&appending, set).await else {
        return;
    };
    proxied.accepts_what_clients_see_alone(&SPOOFS).await;
    // An element that does not end would swallow that of the proxy.
    let unbalanced = [("forwarded", r#"host="evil.example"#)];
    let good = proxied.outside();
    assert_eq!(
        described(&proxied.ask(&good, &unbalanced).await),
        BAD_HEADERS
    );
}

#[tokio::test]
async fn a_header_that_nginx_leaves_to_the_client_is_believed_up_to_the_list_of_hosts() {
    let proto_alone = [("X-Forwarded-Proto", "$scheme")];
    let url = || {
        ForwardedUrl::x_forwarded(XForwarded::new()).public_prefix("/open-banking".parse().unwrap())
    };
    let set = |builder| told(builder, url()).hosts([HOST.parse().unwrap()]);
    let Some(proxied) = Proxied::start(&proto_alone, set).await else {
        return;
    };
    let good = format!("https://{HOST}/open-banking/accounts");
    let evil = "https://evil.example/open-banking/accounts";
    let by = |host| [("x-forwarded-host", host)];
    assert_eq!(proxied.ask(&good, &by(HOST)).await.0, 200);
    assert_eq!(
        described(&proxied.ask(evil, &by("evil.example")).await),
        WRONG_HOST
    );
    assert_eq!(described(&proxied.ask(&good, &[]).await), BAD_HEADERS);
}

#[tokio::test]
async fn who_asks_past_nginx_tells_nothing_of_the_url() {
    let Some(proxied) =
        Proxied::start(&X_FORWARDED, |builder| told(builder, all_x_headers())).await
    else {
        return;
    };
    let stranger = inside(Ipv4Addr::new(127, 0, 0, 2));
    let headers = [
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", HOST),
        ("x-forwarded-port", "443"),
        ("x-forwarded-prefix", "/open-banking"),
    ];
    let claimed = format!("https://{HOST}/open-banking/accounts");
    let ask = |htu: String| {
        let request = stranger.get(&proxied.backend);
        let proxied = &proxied;
        async move { proxied.send(request, &htu, &headers).await }
    };
    assert_eq!(described(&ask(claimed).await), WRONG_URL);
    // The server speaks for itself there: https, its own host, and the path without what proxies put in front.
    let own = proxied
        .backend
        .replace("http://", "https://")
        .replace("/v1/", "/");
    let (status, seen) = ask(own).await;
    assert_eq!(status, 200);
    for (name, _) in headers {
        assert!(seen["headers"].get(name).is_none(), "{name} in {seen}");
    }
}
