//! Budget Planner, as a native application that sends its user to the browser and waits on the loopback interface
//! (RFC 8252 §7.3).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{RawQuery, State},
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::get,
};
use http::StatusCode;
use tokio::net::TcpListener;
use tower_fapi::{
    client::{AuthorizationRequest, AuthorizationResponse, Client, PendingAuthorization},
    time::{Clock as _, SystemClock},
    tls::Server,
};
use url::Url;

use crate::{Outcome, jwt, print};

/// The application. Clones share the requests that are under way.
#[derive(Clone)]
pub struct Application {
    client: Client,
    request: AuthorizationRequest,
    resource: String,
    /// By `state`. Its user is whoever started the program, so no browser session is needed to find them again.
    pending: Arc<Mutex<HashMap<String, PendingAuthorization>>>,
}

impl Application {
    /// An application that asks for `request` and then fetches `resource`.
    pub fn new(client: Client, request: AuthorizationRequest, resource: String) -> Self {
        Self {
            client,
            request,
            resource,
            pending: Arc::default(),
        }
    }

    /// Pushes a request, and says where the browser has to go.
    pub async fn begin(&self) -> Outcome<Url> {
        let pending = self.client.authorize(&self.request).await?;
        let url = pending.url().clone();
        let now = SystemClock.now();
        let mut under_way = self.under_way();
        under_way.retain(|_, pending| pending.expires() > now);
        under_way.insert(pending.state().to_owned(), pending);
        Ok(url)
    }

    /// Waits for browsers: `/` sends them off, `/callback` is where they come back to.
    pub async fn serve(self, listener: TcpListener) {
        let router = Router::new()
            .route("/", get(start))
            .route("/callback", get(callback))
            .with_state(self);
        Server::plain_http().serve(listener, router).await;
    }

    /// Redeems the code, calls the API, and returns what it said.
    async fn finish(&self, query: &str) -> Outcome<String> {
        let response = AuthorizationResponse::from_query(query)?;
        let pending = self
            .under_way()
            .remove(response.state().unwrap_or_default());
        let pending = pending.ok_or("this answers no request that is under way")?;
        let tokens = self.client.complete(&pending, &response).await?;
        jwt::show(
            "access_token",
            tokens.access_token().secret(),
            SystemClock.now(),
        );
        let answer = self.client.get(&self.resource, &tokens).await?;
        Ok(String::from_utf8_lossy(answer.body()).into_owned())
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, HashMap<String, PendingAuthorization>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn start(State(application): State<Application>) -> Response {
    // The error is turned into text at once: it cannot be kept across an await.
    let url = application.begin().await.map_err(|error| error.to_string());
    match url {
        Ok(url) => Redirect::to(url.as_str()).into_response(),
        Err(error) => page(StatusCode::BAD_GATEWAY, "This did not work", &error),
    }
}

async fn callback(State(application): State<Application>, RawQuery(query): RawQuery) -> Response {
    let outcome = application.finish(&query.unwrap_or_default()).await;
    match outcome.map_err(|error| error.to_string()) {
        Ok(accounts) => page(
            StatusCode::OK,
            "Budget Planner can see your accounts",
            &format!("{accounts}\n\nThe terminal shows the token it did this with."),
        ),
        Err(error) => {
            print::line(format_args!(
                "  {} {error}",
                print::red("refused by the client:")
            ));
            page(
                StatusCode::BAD_REQUEST,
                "Budget Planner does not believe this",
                &error,
            )
        }
    }
}

fn page(status: StatusCode, heading: &str, text: &str) -> Response {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{heading}</title>\
         <h1>{heading}</h1><pre>{text}</pre>"
    );
    (status, Html(html)).into_response()
}
