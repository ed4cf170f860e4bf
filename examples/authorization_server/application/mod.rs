//! The client as a small web application: its user is whoever started the server, and one browser at a time.

mod page;

use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use serde_json::Value;
use tokio::net::TcpListener;
use tower_fapi::{
    authorization_server::{ClientAuthenticationMethod, ClientMetadata},
    client::{
        AuthorizationRequest, AuthorizationResponse, CallbackError, Client, ClientError,
        LogoutRequest, PendingAuthorization, TokenSet, TrustedRoots,
    },
    jose::{JwsAlgorithm, SigningKey},
    time::{Clock as _, SystemClock},
    tls::Server,
};

use self::page::Section;
use super::config::trial::{Trial, TrialKeys};

/// The application. Clones share what is under way.
#[derive(Clone)]
pub struct Application {
    client: Client,
    name: String,
    trial: Trial,
    /// How it talks to the server, in words.
    manners: Vec<String>,
    /// By `state`.
    pending: Arc<Mutex<HashMap<String, PendingAuthorization>>>,
    tokens: Arc<Mutex<Option<Arc<TokenSet>>>>,
}

impl Application {
    /// A client as it is registered. `authorities` is PEM: who vouches for the server.
    pub fn new(
        issuer: &str,
        trial: &Trial,
        registered: &ClientMetadata,
        keys: &TrialKeys,
        authorities: &[u8],
    ) -> Result<Self, Box<dyn Error>> {
        let mut manners = Vec::new();
        let builder = Client::builder(issuer.parse()?, registered.client_id.clone());
        let by_assertion = registered.token_endpoint_auth_method
            == Some(ClientAuthenticationMethod::PrivateKeyJwt);
        let by_certificate = registered.tls_client_certificate_bound_access_tokens == Some(true);
        let proofs = || SigningKey::generate(JwsAlgorithm::Es256);
        let builder = match (by_assertion, by_certificate) {
            (true, false) => builder.private_key_jwt(keys.signing_key()?).dpop(proofs()?),
            (true, true) => builder
                .private_key_jwt(keys.signing_key()?)
                .over_mutual_tls(keys.certificate()?)
                .certificate_bound(),
            (false, true) => builder.mutual_tls(keys.certificate()?).certificate_bound(),
            (false, false) => builder.mutual_tls(keys.certificate()?).dpop(proofs()?),
        };
        manners.push(if by_assertion {
            "It authenticates with assertions signed by its own key (private_key_jwt).".to_owned()
        } else {
            "It authenticates with its certificate (mutual TLS).".to_owned()
        });
        manners.push("What it asks for is pushed to the server, with a PKCE challenge, before the browser goes there.".to_owned());
        let mut builder = builder.trusted_roots(TrustedRoots::from_pem(authorities)?);
        if registered.require_signed_request_object == Some(true) {
            builder = builder.signed_requests(keys.signing_key()?);
            manners.push("The request is signed by it (JAR).".to_owned());
        }
        let modes = registered.response_modes.as_deref().unwrap_or_default();
        if !modes.is_empty() && modes.iter().all(|mode| mode != "query") {
            builder = builder.signed_responses();
            manners.push("The answer is signed by the server (JARM).".to_owned());
        }
        manners.push(if by_certificate {
            "Its access tokens are bound to its certificate.".to_owned()
        } else {
            "Its access tokens are bound to a key that signs a proof for every request (DPoP)."
                .to_owned()
        });
        Ok(Self {
            client: builder.build()?,
            name: registered
                .client_name
                .clone()
                .unwrap_or_else(|| registered.client_id.clone()),
            trial: trial.clone(),
            manners,
            pending: Arc::default(),
            tokens: Arc::default(),
        })
    }

    /// Waits for browsers.
    pub async fn serve(
        self,
        server: Server,
        listener: TcpListener,
        until: impl Future<Output = ()>,
    ) {
        let router = Router::new()
            .route("/", get(home))
            .route("/begin", post(begin))
            .route("/callback", get(callback))
            .route("/connected", get(connected))
            .route("/refresh", post(refresh))
            .route("/revoke", post(revoke))
            .route("/log-out", post(log_out))
            .with_state(self);
        server.serve_until(listener, router, until).await;
    }

    async fn authorize(&self) -> Result<String, Box<dyn Error>> {
        let request =
            AuthorizationRequest::new(self.trial.redirect_uri())?.scope(&*self.trial.scope)?;
        let pending = self.client.authorize(&request).await?;
        let url = pending.url().to_string();
        let now = SystemClock.now();
        let mut under_way = lock(&self.pending);
        under_way.retain(|_, pending| pending.expires() > now);
        under_way.insert(pending.state().to_owned(), pending);
        Ok(url)
    }

    async fn complete(&self, query: &str) -> Result<TokenSet, Box<dyn Error>> {
        // A signed answer is verified before anything in it is believed, its `state` among it.
        let response = AuthorizationResponse::from_query(query)?;
        let response = self.client.open_response(&response).await?;
        let pending = lock(&self.pending).remove(response.state().unwrap_or_default());
        let pending = pending.ok_or("this answers no request that is under way")?;
        Ok(self.client.complete(&pending, &response).await?)
    }

    fn keep(&self, tokens: TokenSet) -> Arc<TokenSet> {
        let tokens = Arc::new(tokens);
        *lock(&self.tokens) = Some(Arc::clone(&tokens));
        tokens
    }

    fn tokens(&self) -> Option<Arc<TokenSet>> {
        lock(&self.tokens).clone()
    }

    /// What it knows now, and what can be done next.
    async fn result(&self, heading: &str, tokens: &TokenSet) -> Response {
        let mut sections = vec![page::token(
            "Access token",
            "What a resource server gets, with a proof or over the client's certificate.",
            tokens.access_token().secret(),
        )];
        if let Some(id_token) = tokens.id_token() {
            sections.push(Section::json(
                "ID token",
                "Who signed in, when and how. It was verified: issuer, audience, nonce, signature, hashes.",
                &Value::Object(id_token.claims().clone()),
            ));
            sections.push(match self.client.userinfo(tokens).await {
                Ok(info) => Section::json(
                    "Userinfo",
                    "Asked for with the access token, as any resource is.",
                    &Value::Object(info.claims().clone()),
                ),
                Err(error) => Section::text("Userinfo", "It was not given.", &with_causes(&error)),
            });
        }
        let mut actions = Vec::new();
        if tokens.refresh_token().is_some() {
            actions.push(("refresh", "Get a fresh access token"));
        }
        actions.push(("revoke", "Give the tokens back"));
        actions.push(("log-out", "Log out"));
        page::page(StatusCode::OK, heading, &sections, &actions)
    }
}

async fn home(State(application): State<Application>) -> Response {
    let (name, manners) = (&application.name, &application.manners);
    let heading = format!("{name} wants to see what you let it");
    let sections = [Section::list("How it asks", manners)];
    page::page(StatusCode::OK, &heading, &sections, &[("begin", "Connect")])
}

async fn begin(State(application): State<Application>) -> Response {
    let url = application
        .authorize()
        .await
        .map_err(|error| with_causes(&*error));
    match url {
        Ok(url) => Redirect::to(&url).into_response(),
        Err(error) => page::failure("The request was not accepted", &error),
    }
}

async fn callback(State(application): State<Application>, RawQuery(query): RawQuery) -> Response {
    let tokens = application.complete(&query.unwrap_or_default()).await;
    match tokens.map_err(|error| (is_denial(&*error), with_causes(&*error))) {
        Ok(tokens) => {
            application.keep(tokens);
            // A code is good once: the page can be loaded again where there is none in its address.
            Redirect::to("/connected").into_response()
        }
        Err((true, _)) => page::declined(),
        Err((false, error)) => page::failure("Nothing came of it", &error),
    }
}

/// Somebody has said no, which is no failure (RFC 6749 §4.1.2.1).
fn is_denial(error: &(dyn Error + 'static)) -> bool {
    matches!(
        error.downcast_ref(),
        Some(ClientError::Callback(CallbackError::Refused(refused))) if refused.code() == "access_denied"
    )
}

async fn connected(State(application): State<Application>) -> Response {
    let Some(tokens) = application.tokens() else {
        return Redirect::to("/").into_response();
    };
    let heading = format!("{} is connected", application.name);
    application.result(&heading, &tokens).await
}

async fn refresh(State(application): State<Application>) -> Response {
    let Some(tokens) = application.tokens() else {
        return Redirect::to("/").into_response();
    };
    match application.client.refresh(&tokens).await {
        Ok(tokens) => {
            let tokens = application.keep(tokens);
            application.result("Here is a fresh one", &tokens).await
        }
        Err(error) => page::failure("There is no fresh one", &with_causes(&error)),
    }
}

async fn revoke(State(application): State<Application>) -> Response {
    let Some(tokens) = application.tokens() else {
        return Redirect::to("/").into_response();
    };
    match application.client.revoke(&tokens).await {
        // They are kept, to show that they are worth nothing now.
        Ok(()) => application.result("The tokens are revoked", &tokens).await,
        Err(error) => page::failure("They could not be revoked", &with_causes(&error)),
    }
}

async fn log_out(State(application): State<Application>) -> Response {
    let tokens = lock(&application.tokens).take();
    let request = tokens.map_or_else(LogoutRequest::new, |tokens| LogoutRequest::of(&tokens));
    let request = match request.post_logout_redirect_uri(application.trial.home()) {
        Ok(request) => request,
        Err(error) => return page::failure("This did not work", &with_causes(&error)),
    };
    match application.client.log_out(&request).await {
        Ok(logout) => Redirect::to(logout.url().as_str()).into_response(),
        Err(error) => page::failure("This did not work", &with_causes(&error)),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
