//! A person's browser: keeps cookies, follows links, fills in forms and runs no scripts.

use std::collections::BTreeMap;

use axum::{Router, body::Body};
use http::{Request, header};
use scraper::{Html, Selector};
use url::Url;

use crate::world::{ISSUER, Reply, World, form, post, send};

/// A browser with a jar of cookies.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    pub cookies: BTreeMap<String, String>,
}

/// A page with a form.
pub struct Page {
    pub reply: Reply,
    pub path: String,
}

impl Browser {
    pub fn new(world: &World) -> Self {
        Self {
            router: world.router.clone(),
            cookies: BTreeMap::new(),
        }
    }

    /// The same browser, sent to another instance.
    #[cfg(feature = "redis")]
    pub fn at(&self, router: &Router) -> Self {
        Self {
            router: router.clone(),
            cookies: self.cookies.clone(),
        }
    }

    pub async fn send(&mut self, mut request: Request<Body>) -> Reply {
        let line: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !line.is_empty() {
            request
                .headers_mut()
                .insert(header::COOKIE, line.join("; ").parse().unwrap());
        }
        let reply = send(self.router.clone(), request).await;
        for cookie in reply.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let (value, attributes) = rest.split_once("; ").unwrap();
            assert!(name.starts_with("__Host-"), "{name}");
            let always = "Path=/; Secure; HttpOnly; SameSite=Lax";
            if attributes == format!("{always}; Max-Age=0") {
                assert_eq!(value, "");
                self.cookies.remove(name);
                continue;
            }
            assert_eq!(attributes, always);
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        reply
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.send(
            Request::get(format!("{ISSUER}{path}"))
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    /// Opens a request and follows the server to its first page.
    pub async fn open(&mut self, client_id: &str, request_uri: &str) -> Page {
        let reply = self.get(&authorize(client_id, request_uri)).await;
        self.follow(reply).await
    }

    pub async fn follow(&mut self, reply: Reply) -> Page {
        assert_eq!(reply.status, 303, "{reply:?}");
        let path = reply.header("location").unwrap().to_owned();
        assert!(path.starts_with('/'), "{path}");
        Page {
            reply: self.get(&path).await,
            path,
        }
    }

    /// Fills in fields of the form and presses a button.
    pub async fn submit(&mut self, page: &Page, fields: &[(&str, &str)], button: &str) -> Reply {
        let mut filled = form([("csrf", &page.csrf()), (button, "yes")]);
        filled.extend(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        self.send(post(&format!("{ISSUER}{}", page.action()), &filled))
            .await
    }

    pub async fn sign_in(&mut self, page: &Page) -> Reply {
        self.submit(
            page,
            &[("username", "alice"), ("password", "wonderland")],
            "login",
        )
        .await
    }

    /// From the pushed request to the answer for the client.
    pub async fn approve(&mut self, client_id: &str, request_uri: &str) -> Url {
        let mut page = self.open(client_id, request_uri).await;
        if page.path.starts_with("/login") {
            let reply = self.sign_in(&page).await;
            page = self.follow(reply).await;
        }
        assert!(page.path.starts_with("/consent"), "{}", page.path);
        let reply = self.submit(&page, &[], "approve").await;
        landed(&reply)
    }
}

impl Page {
    pub fn html(&self) -> Html {
        Html::parse_document(&self.reply.body)
    }

    pub fn csrf(&self) -> String {
        attribute(&self.html(), "form input[name=csrf]", "value")
    }

    pub fn action(&self) -> String {
        attribute(&self.html(), "form[method=post]", "action")
    }

    pub fn text(&self) -> String {
        self.html().root_element().text().collect()
    }
}

pub fn attribute(html: &Html, selector: &str, name: &str) -> String {
    let selector = Selector::parse(selector).unwrap();
    let found: Vec<_> = html.select(&selector).collect();
    assert_eq!(found.len(), 1, "{}", html.html());
    found[0].attr(name).unwrap().to_owned()
}

/// The path that opens a request.
pub fn authorize(client_id: &str, request_uri: &str) -> String {
    let query = crate::world::encode(&form([
        ("client_id", client_id),
        ("request_uri", request_uri),
    ]));
    format!("/authorize?{query}")
}

/// Where the browser is sent to, outside the server.
#[track_caller]
pub fn landed(reply: &Reply) -> Url {
    assert_eq!(reply.status, 303, "{reply:?}");
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    Url::parse(reply.header("location").unwrap()).unwrap()
}

/// The parameters of an authorization response.
pub fn answer(url: &Url) -> BTreeMap<String, String> {
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    let parameters: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(pairs.len(), parameters.len(), "a parameter twice: {url}");
    parameters
}

/// What is wrong, as the error page says it.
pub fn error_page(reply: &Reply) -> (u16, String) {
    assert!(
        reply.headers.get(header::LOCATION).is_none(),
        "never redirected"
    );
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let html = Html::parse_document(&reply.body);
    let selector = Selector::parse("dl.reference dd code").unwrap();
    let code = html
        .select(&selector)
        .next()
        .expect("an error page")
        .text()
        .collect();
    (reply.status.as_u16(), code)
}
