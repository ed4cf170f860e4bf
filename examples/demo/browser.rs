//! A browser without a screen: follows redirects and fills in forms, keeps cookies, and leaves when it is sent away.

use std::collections::BTreeMap;

use http::{
    Method, StatusCode,
    header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE},
};
use tower_fapi::time::{Clock as _, SystemClock};
use url::Url;

use crate::{Outcome, cast::Person, page::Page};

/// One person's browser at one site.
pub struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    /// Every request that was made, in order.
    pub visits: Vec<Visit>,
}

/// A request the browser made, and what came of it.
pub struct Visit {
    pub method: Method,
    pub url: Url,
    /// The form that was posted.
    pub fields: Vec<(String, String)>,
    pub status: StatusCode,
    /// What the answer did with cookies, and their names.
    pub cookies: Vec<(&'static str, String)>,
    pub view: View,
}

/// What an answer holds for the person in front of the browser.
pub enum View {
    Nothing,
    /// It leads elsewhere.
    Redirect(Url),
    Page {
        heading: String,
        points: Vec<String>,
    },
}

/// Where the browser has ended up.
pub enum Arrival {
    Page(Page),
    /// It was sent to another site, of which it has not asked anything yet.
    Elsewhere(Url),
}

/// More redirects or pages than any flow has.
const TOO_MANY: usize = 8;

impl Browser {
    pub fn new(http: reqwest::Client) -> Self {
        Self {
            http,
            cookies: BTreeMap::new(),
            visits: Vec::new(),
        }
    }

    /// Goes to an address that somebody typed in or clicked on.
    pub async fn open(&mut self, url: &Url) -> Outcome<Arrival> {
        self.go(Method::GET, url.clone(), Vec::new()).await
    }

    /// Goes where a form is posted to.
    pub async fn post(&mut self, url: &Url, fields: Vec<(String, String)>) -> Outcome<Arrival> {
        self.go(Method::POST, url.clone(), fields).await
    }

    /// What a person does who wants to: signs in where asked to, approves where asked to, and is sent away.
    pub async fn approve(&mut self, url: &Url, person: &Person) -> Outcome<Url> {
        let mut arrival = self.open(url).await?;
        for _ in 0..TOO_MANY {
            let page = match arrival {
                Arrival::Elsewhere(url) => return Ok(url),
                Arrival::Page(page) => page,
            };
            let mut form = page.form.ok_or(page.text)?;
            let button = if form.has("password") {
                form.fill("username", person.username)?;
                form.fill("password", person.password)?;
                "login"
            } else if form.has("otp") {
                form.fill("otp", &person.code(SystemClock.now()))?;
                "verify"
            } else {
                "approve"
            };
            arrival = self.post(&form.action, form.press(button)?).await?;
        }
        Err("the pages go round in circles".into())
    }

    async fn go(
        &mut self,
        mut method: Method,
        mut url: Url,
        mut fields: Vec<(String, String)>,
    ) -> Outcome<Arrival> {
        let site = url.origin();
        for _ in 0..TOO_MANY {
            let answer = self.send(&method, &url, &fields).await?;
            let mut visit = Visit {
                status: answer.status(),
                cookies: self.keep_cookies(&answer)?,
                method,
                url: url.clone(),
                fields,
                view: View::Nothing,
            };
            let Some(location) = answer.headers().get(LOCATION) else {
                let page = Page::read(&url, visit.status, &answer.text().await?)?;
                visit.view = View::Page {
                    heading: page.heading.clone(),
                    points: page.points.clone(),
                };
                self.visits.push(visit);
                return Ok(Arrival::Page(page));
            };
            url = url.join(location.to_str()?)?;
            visit.view = View::Redirect(url.clone());
            self.visits.push(visit);
            if url.origin() != site {
                return Ok(Arrival::Elsewhere(url));
            }
            // 303: whatever it was, it goes on with a GET (RFC 9110 §15.4.4).
            (method, fields) = (Method::GET, Vec::new());
        }
        Err("redirected too often".into())
    }

    async fn send(
        &self,
        method: &Method,
        url: &Url,
        fields: &[(String, String)],
    ) -> Outcome<reqwest::Response> {
        let mut request = self.http.request(method.clone(), url.clone());
        if !self.cookies.is_empty() {
            let pairs = self.cookies.iter();
            let pairs: Vec<_> = pairs
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        if *method == Method::POST {
            let form = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish();
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form);
        }
        Ok(request.send().await?)
    }

    /// Keeps the cookies a browser would keep: `__Host-` is one only with `Secure`, `Path=/` and without `Domain`.
    fn keep_cookies(&mut self, answer: &reqwest::Response) -> Outcome<Vec<(&'static str, String)>> {
        let mut names = Vec::new();
        for header in answer.headers().get_all(SET_COOKIE) {
            let mut parts = header.to_str()?.split(';').map(str::trim);
            let pair = parts.next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.ok_or("a cookie without a name")?;
            let attributes: Vec<_> = parts.map(str::to_ascii_lowercase).collect();
            let has = |start: &str| attributes.iter().any(|text| text.starts_with(start));
            let of_one_host = has("secure") && has("path=/") && !has("domain");
            if name.starts_with("__Host-") && !of_one_host {
                return Err(format!("no browser would keep the cookie {name}").into());
            }
            names.push(if has("max-age=0") {
                self.cookies.remove(name);
                ("removes cookie", name.to_owned())
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
                ("sets cookie", name.to_owned())
            });
        }
        Ok(names)
    }
}
