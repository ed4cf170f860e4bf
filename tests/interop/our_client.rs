//! This crate's client at `oidc-provider`, and with its tokens at this crate's resource server.

use std::collections::BTreeMap;

use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect;
use scraper::{Html, Selector};
use serde_json::{Value, json};
use tower_fapi::{
    client::{
        AuthorizationRequest, AuthorizationResponse, CallbackError, Client, ClientBuilder,
        ClientCertificate, ClientCredentialsRequest, ClientError, LogoutRequest, PendingLogout,
        TokenSet, step,
    },
    issuer::Discovery,
    jose::{
        JwsAlgorithm, PrivateJwk, SigningKey,
        jwe::{DecryptionKey, DecryptionKeys, JweAlgorithm},
    },
    tls::ClientCertificates,
};
use url::Url;

use crate::{
    authority::Certificate,
    node,
    provider::{Apis, Cast, Provider},
    registrations::{CALLBACK, SIGNED_OUT, private_key, public},
    world::{bind, serve},
};

/// A client with each way of signing and encrypting that there is, and one with as few as FAPI 2.0 lets it.
struct Clients {
    keys: Keys,
    certificate: Certificate,
}

struct Keys {
    assertions: PrivateJwk,
    decryption: PrivateJwk,
}

impl Clients {
    fn registrations(&self) -> [Value; 2] {
        let Keys {
            assertions,
            decryption,
        } = &self.keys;
        let usual = json!({
            "redirect_uris": [CALLBACK],
            "post_logout_redirect_uris": [SIGNED_OUT],
            "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        });
        let elaborate = json!({
            "client_id": "elaborate",
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
            "jwks": { "keys": [public(assertions), public(decryption)] },
            "dpop_bound_access_tokens": true,
            "require_signed_request_object": true,
            "request_object_signing_alg": "ES256",
            "authorization_signed_response_alg": "EdDSA",
            "authorization_encrypted_response_alg": "ECDH-ES",
            "authorization_encrypted_response_enc": "A128CBC-HS256",
            "id_token_signed_response_alg": "PS256",
            "id_token_encrypted_response_alg": "ECDH-ES",
            "id_token_encrypted_response_enc": "A128CBC-HS256",
            "userinfo_signed_response_alg": "ES256",
            "introspection_signed_response_alg": "ES256",
        });
        let simple = json!({
            "client_id": "simple",
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=simple",
            "tls_client_certificate_bound_access_tokens": true,
            "id_token_signed_response_alg": "ES256",
        });
        [elaborate, simple].map(|mut client| {
            for (name, value) in usual.as_object().unwrap() {
                client[name] = value.clone();
            }
            client
        })
    }

    fn elaborate(&self, builder: ClientBuilder<step::Unauthenticated>) -> Client {
        let key = || SigningKey::new(&self.keys.assertions).unwrap();
        let decryption =
            || DecryptionKeys::new([DecryptionKey::new(&self.keys.decryption).unwrap()]);
        builder
            .private_key_jwt(key())
            .dpop(SigningKey::generate(JwsAlgorithm::Es256).unwrap())
            .signed_requests(key())
            .encrypted_responses(decryption())
            .encrypted_id_tokens(decryption())
            .id_token_algorithm(JwsAlgorithm::Ps256)
            .signed_userinfo()
            .signed_introspection()
            .build()
            .unwrap()
    }

    fn simple(&self, builder: ClientBuilder<step::Unauthenticated>) -> Client {
        let pem = self.certificate.pem.clone() + &self.certificate.key_pem;
        let certificate = ClientCertificate::from_pem(pem.as_bytes()).unwrap();
        builder
            .mutual_tls(certificate)
            .certificate_bound()
            .build()
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_at_oidc_provider() {
    crate::emitted::watch();
    let (listener, base) = bind().await;
    let cast = Cast::new(base);
    let clients = Clients {
        keys: Keys {
            assertions: private_key(JwsAlgorithm::Es256),
            decryption: PrivateJwk::generate_for_decryption(JweAlgorithm::EcdhEs).unwrap(),
        },
        certificate: cast.authority.client("simple"),
    };
    let mut configuration = cast.configuration();
    let registered = configuration["registrations"].as_array_mut().unwrap();
    registered.extend(clients.registrations());
    let Some(provider) = Provider::start(&configuration) else {
        return;
    };
    let discovery = Discovery::new(provider.issuer.parse().unwrap());
    let keys = discovery.fetcher(cast.authority.fetcher()).connect().await;
    let apis = Apis {
        cast,
        issuer: provider.issuer.clone(),
        keys: keys.unwrap(),
    };
    let authority = &apis.cast.authority;
    let any = ClientCertificates::AnyRequested;
    serve(listener, authority, &any, apis.router());

    let builder = |id: &str| {
        let issuer = provider.issuer.parse().unwrap();
        Client::builder(issuer, id).trusted_roots(authority.roots())
    };
    let elaborate = clients.elaborate(builder("elaborate"));
    let simple = clients.simple(builder("simple"));
    let mut browser = Browser::new(&authority.pem());
    for (name, client) in [
        ("assertions, DPoP, and all signed and encrypted", &elaborate),
        ("a certificate and a token bound to it", &simple),
    ] {
        let ok = |what: &str| node::say(&format!("our client: ok {what}: {name}"));
        let tokens = log_in(client, &mut browser).await;
        assert_eq!(tokens.id_token().unwrap().subject(), "alice");
        let person = client.userinfo(&tokens).await.unwrap();
        assert_eq!(person.subject(), "alice");
        ok("sign-in, ID token, userinfo");
        let again = client.refresh(&tokens).await.unwrap();
        client.userinfo(&again).await.unwrap();
        ok("refresh");

        let api = format!("{}/jwt", apis.cast.base);
        let request = ClientCredentialsRequest::new().scope("accounts").unwrap();
        let request = request.resource(&api).unwrap();
        let own = client.client_credentials(&request).await.unwrap();
        let answer = client.get(&format!("{api}/accounts"), &own).await.unwrap();
        assert_eq!(answer.status(), 200);
        ok("a token of its own, and our API");
        client.revoke(&again).await.unwrap();
        assert!(client.refresh(&again).await.is_err());
        ok("revocation");
        log_out(client, &mut browser, &tokens).await;
        ok("logout");
    }

    let tokens = log_in(&elaborate, &mut browser).await;
    let token = tokens.access_token().secret();
    assert!(elaborate.introspect(token).await.unwrap().is_active());
    elaborate.revoke(&tokens).await.unwrap();
    assert!(!elaborate.introspect(token).await.unwrap().is_active());
    denied(&elaborate, &mut browser).await;
    node::say("our client: ok signed introspection, and a denial");
}

async fn log_in(client: &Client, browser: &mut Browser) -> TokenSet {
    let request = AuthorizationRequest::new(CALLBACK).unwrap();
    let pending = client
        .authorize(&request.scope("openid").unwrap())
        .await
        .unwrap();
    let back = browser.visit(pending.url(), "submit").await;
    let response = AuthorizationResponse::from_url(back.as_str()).unwrap();
    client.complete(&pending, &response).await.unwrap()
}

/// RP-Initiated Logout, with the page that asks.
async fn log_out(client: &Client, browser: &mut Browser, tokens: &TokenSet) {
    let request = LogoutRequest::of(tokens).post_logout_redirect_uri(SIGNED_OUT);
    let pending = client.log_out(&request.unwrap()).await.unwrap();
    let back = browser.visit(pending.url(), "submit").await;
    assert!(back.as_str().starts_with(SIGNED_OUT), "{back}");
    PendingLogout::check_return(pending.state().unwrap(), back.query().unwrap()).unwrap();
}

async fn denied(client: &Client, browser: &mut Browser) {
    let request = AuthorizationRequest::new(CALLBACK).unwrap();
    let pending = client
        .authorize(&request.scope("openid").unwrap())
        .await
        .unwrap();
    let back = browser.visit(pending.url(), "abort").await;
    let response = AuthorizationResponse::from_url(back.as_str()).unwrap();
    match client.complete(&pending, &response).await {
        Err(ClientError::Callback(CallbackError::Refused(error))) => {
            assert_eq!(error.code(), "access_denied");
        }
        other => panic!("{other:?}"),
    }
}

/// A person's browser at the pages that `oidc-provider` has for developers.
struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn new(authority: &str) -> Self {
        let roots = reqwest::Certificate::from_pem_bundle(authority.as_bytes()).unwrap();
        let http = reqwest::Client::builder()
            .tls_certs_only(roots)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            http,
            cookies: BTreeMap::new(),
        }
    }

    /// From the address somebody is sent to, to the address they are sent back to; with each form submitted or left.
    async fn visit(&mut self, url: &Url, decision: &str) -> Url {
        let (mut url, mut form) = (url.clone(), None::<String>);
        let site = url.origin();
        for _ in 0..12 {
            let mut request = match form.take() {
                Some(form) => self
                    .http
                    .post(url.clone())
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form),
                None => self.http.get(url.clone()),
            };
            let cookies = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let cookies: Vec<_> = cookies.collect();
            if !cookies.is_empty() {
                request = request.header(COOKIE, cookies.join("; "));
            }
            let answer = request.send().await.unwrap();
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
                let value = rest.split(';').next().unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            if let Some(to) = answer.headers().get(LOCATION) {
                url = url.join(to.to_str().unwrap()).unwrap();
                if url.origin() != site {
                    return url;
                }
                continue;
            }
            (url, form) = next(&url, &answer.text().await.unwrap(), decision);
        }
        panic!("the pages go round in circles");
    }
}

/// Where the page leads, and what is posted there.
fn next(page: &Url, text: &str, decision: &str) -> (Url, Option<String>) {
    let html = Html::parse_document(text);
    let one = |selector: &str| Selector::parse(selector).unwrap();
    let abort = html
        .select(&one("a[href$='/abort']"))
        .next()
        .and_then(|link| link.attr("href"));
    if let (Some(abort), "abort") = (abort, decision) {
        return (page.join(abort).unwrap(), None);
    }
    let form = html.select(&one("form")).next().expect(text);
    let action = page.join(form.attr("action").unwrap()).unwrap();
    let mut fields = form_urlencoded::Serializer::new(String::new());
    for input in form.select(&one("input[name]")) {
        let value = input.attr("value").unwrap_or("alice");
        fields.append_pair(input.attr("name").unwrap(), value);
    }
    if let Some(button) = html.select(&one("button[name]")).next() {
        let value = button.attr("value").unwrap_or_default();
        fields.append_pair(button.attr("name").unwrap(), value);
    }
    (action, Some(fields.finish()))
}
