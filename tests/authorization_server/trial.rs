//! The sample configurations, as somebody new would use them: start, open the page that is named, and go on from there.

#[path = "../../examples/authorization_server/application/mod.rs"]
mod application;

use std::{
    collections::BTreeMap,
    fs,
    net::{SocketAddr, TcpListener as StdListener},
    path::PathBuf,
};

use http::{
    Method, StatusCode,
    header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE},
};
use scraper::{Html, Selector};
use tokio::net::TcpListener;
use tower_fapi::tls::{ClientCertificates, Server, ServerIdentity, ServerTls};
use url::{Url, form_urlencoded};

use self::application::Application;
use crate::sample::config::{self, Config};

const PASSWORD: &str = "correct horse battery staple";

/// A sample that has been started on free ports.
struct Started {
    home: Url,
    browser: Browser,
    directory: PathBuf,
}

impl Started {
    fn new(sample: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("tower-fapi-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&directory).unwrap();
        let listeners: [StdListener; 3] =
            std::array::from_fn(|_| StdListener::bind("127.0.0.1:0").unwrap());
        let [people, clients, trial] = listeners.map(|listener| {
            listener.set_nonblocking(true).unwrap();
            TcpListener::from_std(listener).unwrap()
        });
        let mut text = sample.to_owned();
        for (port, listener) in [("8443", &people), ("8444", &clients), ("7080", &trial)] {
            text = text.replace(port, &port_of(listener));
        }
        let config = Config::read(&directory.join("sample.toml"), text).unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.pem();
        let key = made.signing_key.serialize_pem();
        let identity = ServerIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let router = config.server().unwrap().router();
        for (listener, asked) in [
            (people, ClientCertificates::NotRequested),
            (clients, ClientCertificates::AnyRequested),
        ] {
            let tls = ServerTls::new(&identity, &asked).unwrap();
            tokio::spawn(Server::https(tls).serve(listener, router.clone()));
        }
        let (settings, client, keys) = config.trial().unwrap().unwrap();
        let issuer = config.settings.issuer.get_ref();
        let authorities = certificate.as_bytes();
        let application = Application::new(issuer, settings, &client, &keys, authorities).unwrap();
        let home = settings.home().parse().unwrap();
        let server = if settings.https {
            Server::https(ServerTls::new(&identity, &ClientCertificates::NotRequested).unwrap())
        } else {
            Server::plain_http()
        };
        tokio::spawn(application.serve(server, trial, std::future::pending()));
        Self {
            home,
            browser: Browser::new(authorities),
            directory,
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn port_of(listener: &TcpListener) -> String {
    let address: SocketAddr = listener.local_addr().unwrap();
    address.port().to_string()
}

/// Follows redirects from site to site, and keeps the cookies of each.
struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<(String, String), String>,
}

/// Where a browser has arrived.
struct Page {
    url: Url,
    status: StatusCode,
    html: String,
}

impl Browser {
    fn new(authorities: &[u8]) -> Self {
        let roots = reqwest::Certificate::from_pem_bundle(authorities).unwrap();
        let http = reqwest::Client::builder()
            .tls_certs_only(roots)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        Self {
            http: http.build().unwrap(),
            cookies: BTreeMap::new(),
        }
    }

    async fn go(&mut self, mut method: Method, mut url: Url, mut body: String) -> Page {
        for _ in 0..10 {
            let site = url.origin().ascii_serialization();
            let cookies: Vec<_> = self
                .cookies
                .iter()
                .filter(|((of, _), _)| *of == site)
                .map(|((_, name), value)| format!("{name}={value}"))
                .collect();
            let request = self
                .http
                .request(method.clone(), url.clone())
                .header(COOKIE, cookies.join("; "))
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body);
            let answer = request.send().await.unwrap();
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = cookie.split_once('=').unwrap();
                let key = (site.clone(), name.to_owned());
                self.cookies.insert(key, value.to_owned());
            }
            let Some(location) = answer.headers().get(LOCATION) else {
                return Page {
                    status: answer.status(),
                    html: answer.text().await.unwrap(),
                    url,
                };
            };
            assert_eq!(answer.status(), StatusCode::SEE_OTHER);
            url = url.join(location.to_str().unwrap()).unwrap();
            (method, body) = (Method::GET, String::new());
        }
        panic!("round in circles: {url}");
    }

    /// Fills in the form whose button has this name or id, and presses it.
    async fn press(&mut self, page: &Page, button: &str, fields: &[(&str, &str)]) -> Page {
        let (action, body) = page.form(button, fields);
        self.go(Method::POST, action, body).await
    }
}

impl Page {
    fn form(&self, button: &str, fields: &[(&str, &str)]) -> (Url, String) {
        let html = Html::parse_document(&self.html);
        let found = Selector::parse("form").unwrap();
        let pressed = format!("button[name={button}], button#{button}");
        let pressed = Selector::parse(&pressed).unwrap();
        let form = html
            .select(&found)
            .find(|form| form.select(&pressed).next().is_some())
            .unwrap_or_else(|| panic!("no button {button}: {}", self.html));
        let mut body = form_urlencoded::Serializer::new(String::new());
        for input in form.select(&Selector::parse("input[type=hidden]").unwrap()) {
            let (name, value) = (input.attr("name").unwrap(), input.attr("value").unwrap());
            body.append_pair(name, value);
        }
        body.extend_pairs(fields);
        let button = form.select(&pressed).next().unwrap();
        if let (Some(name), Some(value)) = (button.attr("name"), button.attr("value")) {
            body.append_pair(name, value);
        }
        let action = self.url.join(form.attr("action").unwrap()).unwrap();
        (action, body.finish())
    }

    #[track_caller]
    fn says(&self, text: &str) {
        assert!(self.html.contains(text), "{text}: {}", self.html);
    }
}

/// Everything that the page of the application offers, one after the other.
async fn try_everything(sample: &str, manners: &[&str]) {
    let mut started = Started::new(sample);
    let (home, browser) = (started.home.clone(), &mut started.browser);
    let page = browser.go(Method::GET, home.clone(), String::new()).await;
    for manner in manners {
        page.says(manner);
    }

    let page = browser.press(&page, "begin", &[]).await;
    let credentials = [("username", "alice"), ("password", PASSWORD)];
    let page = browser.press(&page, "login", &credentials).await;
    page.says("Budget Planner");
    let page = browser.press(&page, "deny", &[]).await;
    page.says("You have declined");
    let page = browser.press(&page, "begin", &[]).await;
    let page = browser.press(&page, "approve", &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    page.says("Budget Planner is connected");
    page.says("ID token");
    page.says("2f0c6d1e");
    page.says("Asked for with the access token");
    // The code is not in the address any more.
    let page = browser.go(Method::GET, page.url, String::new()).await;
    page.says("Budget Planner is connected");

    let page = browser.press(&page, "refresh", &[]).await;
    page.says("Here is a fresh one");
    page.says("Asked for with the access token");

    let page = browser.press(&page, "revoke", &[]).await;
    page.says("The tokens are revoked");
    page.says("It was not given.");

    let page = browser.press(&page, "log-out", &[]).await;
    assert_eq!(page.url.scheme(), "https", "the server asks first");
    let page = browser.press(&page, "logout", &[]).await;
    assert_eq!(page.url.origin(), home.origin());
    // Nobody is signed in any more.
    let page = browser.press(&page, "begin", &[]).await;
    page.says("password");
}

#[tokio::test]
async fn with_keys() {
    let sample =
        include_str!("../../examples/authorization_server/samples/private_key_jwt_dpop.toml");
    try_everything(sample, &["private_key_jwt", "DPoP"]).await;
}

#[tokio::test]
async fn with_certificates() {
    let sample = include_str!("../../examples/authorization_server/samples/mutual_tls.toml");
    try_everything(sample, &["mutual TLS", "bound to its certificate"]).await;
}

#[tokio::test]
async fn with_signed_messages() {
    let sample = include_str!("../../examples/authorization_server/samples/message_signing.toml");
    try_everything(sample, &["JAR", "JARM", "DPoP"]).await;
}

#[tokio::test]
async fn after_fapi_1() {
    let sample = include_str!("../../examples/authorization_server/samples/fapi1_advanced.toml");
    try_everything(sample, &["JAR", "JARM", "bound to its certificate"]).await;
}

#[test]
fn a_trial_that_cannot_work_is_a_mistake_in_the_file() {
    let sample =
        include_str!("../../examples/authorization_server/samples/private_key_jwt_dpop.toml");
    for (right, wrong, reason) in [
        (
            "[trial]\nclient_id = \"budget-planner\"",
            "[trial]\nclient_id = \"nobody\"",
            "there is no client",
        ),
        (
            "address = \"127.0.0.1:7080\"",
            "address = \"0.0.0.0:7080\"",
            "this machine alone",
        ),
        (
            "address = \"127.0.0.1:7080\"",
            "address = \"127.0.0.1:7081\"",
            "not among the redirect_uris",
        ),
        (
            "dpop_bound_access_tokens",
            "jwks_uri = \"https://client.example/jwks\"\ndpop_bound_access_tokens",
            "keys of its own",
        ),
    ] {
        assert!(sample.contains(right), "{right}");
        let file = PathBuf::from("sample.toml");
        let config = Config::read(&file, sample.replacen(right, wrong, 1)).unwrap();
        let mistake = config.trial().unwrap_err().to_string();
        assert!(mistake.contains(reason), "{wrong}: {mistake}");
    }
}
