//! The part of a flow that a person sees: from the authorization endpoint over login and consent back to the client.
//!
//! Opening a request that was pushed stores nothing, and one that comes by value no more than itself, so that both can be
//! opened any number of times, by link previews too, and are spent only when somebody decides (FAPI 2.0 Security Profile
//! §5.3.2.2, Note 3). What the pages need to find each other
//! again is in their URL, authenticated with a key that only the pushed request's record holds, and tied to the browser
//! by a cookie.

mod answer;
mod authorize;
mod by_value;
mod consent;
mod cookies;
mod end_session;
mod error;
mod login;
mod logout;
mod second_factor;
mod session;

use std::sync::Arc;

use aws_lc_rs::hmac;
use http::{Response, request::Parts};
use subtle::ConstantTimeEq as _;

use self::{answer::see_other, cookies::BROWSER, error::PageError, session::Live};
pub(crate) use self::{
    authorize::authorize,
    consent::{ask as ask_consent, decide},
    end_session::end_session,
    login::{ask as ask_login, sign_in},
    logout::{ask as ask_logout, decide as decide_logout},
    second_factor::{ask as ask_second_factor, verify},
};
use super::{
    authentication::Step,
    clients::Client,
    endpoints::Endpoint,
    pages::{Form, ReturnAddress},
    parameters::Parameters,
    refusal::{Fault, UNMET},
    server::Server,
    store::{Pushed, PushedRequest},
};
use crate::{
    jose::{base64url, sha256},
    replay::{Recorded, ReplayKey},
    time::Timestamp,
};

/// A request that has been opened in a browser.
#[derive(Debug)]
pub(super) struct Interaction {
    /// The key of the request's record.
    id: [u8; 32],
    opened: Timestamp,
    /// Hash of the browser's cookie.
    browser: [u8; 32],
    request: Box<PushedRequest>,
    client: Arc<Client>,
    /// Where the browser goes in the end.
    returns_to: Option<ReturnAddress>,
}

/// What a MAC is for, so that one cannot pass for another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Purpose {
    /// The URL of a page.
    Page,
    /// The login form.
    Login,
    /// The form for the second factor.
    SecondFactor,
    /// The consent form.
    Consent,
}

/// The parameter that carries an interaction from page to page.
const PARAMETER: &str = "interaction";

const SIGN_IN: (&str, &str) = ("login_required", "Somebody has to sign in");
const APPROVE: (&str, &str) = ("consent_required", "Somebody has to approve");
const SOMEBODY_ELSE: (&str, &str) = ("login_required", "Somebody else has to sign in");
const CANNOT: (&str, &str) = (UNMET, "The person cannot sign in as it is demanded");

const HANDLE: usize = 32 + 8 + 32;

impl Interaction {
    fn new(
        id: [u8; 32],
        opened: Timestamp,
        browser: [u8; 32],
        request: Box<PushedRequest>,
        client: Arc<Client>,
    ) -> Self {
        Self {
            returns_to: ReturnAddress::new(&request.redirect_uri).ok(),
            id,
            opened,
            browser,
            request,
            client,
        }
    }

    /// What was asked for has to be what the client may ask for now (RFC 9126 §7.4): the server may have been configured anew.
    fn check_registration(&self) -> Result<(), PageError> {
        if self.client.may_still_ask(&self.request) {
            Ok(())
        } else {
            Err(PageError::Changed)
        }
    }

    /// This opening of the request: a sign-in for an earlier one may be as old as a request object (OpenID Connect Core
    /// §3.1.2.1: `max_age` and `prompt=login`).
    fn opening(&self) -> [u8; 32] {
        let mut bytes = self.id.to_vec();
        bytes.extend_from_slice(&self.opened.as_unix().to_be_bytes());
        sha256(&bytes)
    }

    /// The interaction as text for a URL. Of no use in another browser.
    fn handle(&self) -> String {
        let mut bytes = self.id.to_vec();
        bytes.extend_from_slice(&self.opened.as_unix().to_be_bytes());
        bytes.extend_from_slice(self.mac(Purpose::Page, None).as_ref());
        base64url::encode(bytes)
    }

    /// The path and query of one of the pages.
    fn page(&self, server: &Server, endpoint: Endpoint) -> String {
        let path = server.endpoints.path(endpoint);
        format!("{path}?{PARAMETER}={}", self.handle())
    }

    /// The value that proves a form is ours, was made for this browser and, where there is one, for this session.
    fn csrf(&self, purpose: Purpose, session: Option<&[u8; 32]>) -> String {
        base64url::encode(self.mac(purpose, session))
    }

    fn is_csrf(&self, value: Option<&str>, purpose: Purpose, session: Option<&[u8; 32]>) -> bool {
        let expected = self.csrf(purpose, session);
        value.is_some_and(|value| value.as_bytes().ct_eq(expected.as_bytes()).into())
    }

    fn form<'a>(&'a self, action: &'a str, csrf: &'a str) -> Form<'a> {
        Form {
            action,
            csrf,
            returns_to: self.returns_to.as_ref(),
        }
    }

    fn mac(&self, purpose: Purpose, session: Option<&[u8; 32]>) -> hmac::Tag {
        let purpose: u8 = match purpose {
            Purpose::Page => 1,
            Purpose::Login => 2,
            Purpose::Consent => 3,
            Purpose::SecondFactor => 4,
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.request.page_key);
        // Every part has a fixed length, and the last says by its presence whether it is there.
        let mut context = hmac::Context::with_key(&key);
        context.update(&[purpose]);
        context.update(&self.id);
        context.update(&self.opened.as_unix().to_be_bytes());
        context.update(&self.browser);
        context.update(&self.request.asked_for());
        if let Some(session) = session {
            context.update(session);
        }
        context.sign()
    }
}

impl Server {
    /// Finds the interaction that a page was asked for.
    async fn resume(&self, parts: &Parts, now: Timestamp) -> Result<Interaction, PageError> {
        let query = parts.uri.query().unwrap_or_default();
        let parameters = Parameters::parse(query.as_bytes()).map_err(|_| PageError::Lost)?;
        let handle: [u8; HANDLE] = parameters
            .get(PARAMETER)
            .and_then(|handle| base64url::decode_array(handle).ok())
            .ok_or(PageError::Lost)?;
        let (id, rest) = handle.split_first_chunk::<32>().ok_or(PageError::Lost)?;
        let (opened, mac) = rest.split_first_chunk::<8>().ok_or(PageError::Lost)?;
        let opened = Timestamp::from_unix(i64::from_be_bytes(*opened));
        let browser = cookies::read(&parts.headers, BROWSER).ok_or(PageError::Lost)?;

        let request = match self.records.get(*id, now).await? {
            Some(Pushed::Waiting(request)) => request,
            Some(Pushed::Spent) => return Err(PageError::Spent),
            None => return Err(PageError::Lost),
        };
        let client = self.client_of(&request).ok_or(PageError::Lost)?;
        let browser = sha256(browser.as_bytes());
        let interaction = Interaction::new(*id, opened, browser, request, client);
        let genuine: bool = interaction
            .mac(Purpose::Page, None)
            .as_ref()
            .ct_eq(mac)
            .into();
        if !genuine || now.since(opened) >= self.lifetimes.interaction {
            return Err(PageError::Lost);
        }
        interaction.check_registration()?;
        Ok(interaction)
    }

    fn client_of(&self, request: &PushedRequest) -> Option<Arc<Client>> {
        self.clients.clients().get(&request.client_id).cloned()
    }

    /// What has to happen before this session can approve the request.
    fn next(&self, interaction: &Interaction, live: Option<&Live>, now: Timestamp) -> Step {
        let session = live.map(|live| &live.session);
        let demands = &interaction.request.demands;
        demands.next(&self.authentication, session, &interaction.opening(), now)
    }

    /// Sends the browser there, or back to the client where nothing of it may happen.
    async fn lead_to(
        &self,
        interaction: &Interaction,
        live: Option<&Live>,
        next: Step,
        now: Timestamp,
    ) -> Result<Response<String>, PageError> {
        // OpenID Connect Core §3.1.2.6: the client asked that no page be shown, and a page there always is.
        let silent = interaction.request.demands.silent;
        let (endpoint, refused) = match next {
            Step::SignIn => (Endpoint::Login, silent.then_some(SIGN_IN)),
            Step::SecondFactor => (Endpoint::SecondFactor, silent.then_some(SIGN_IN)),
            Step::Consent { .. } => (Endpoint::Consent, silent.then_some(APPROVE)),
            Step::Unmet => (Endpoint::Login, Some(CANNOT)),
            Step::SomebodyElse => (Endpoint::Login, Some(SOMEBODY_ELSE)),
        };
        let Some((error, description)) = refused else {
            return see_other(&interaction.page(self, endpoint));
        };
        tracing::info!(
            client = interaction.client.id,
            subject = live.map(|live| live.session.subject.as_str()),
            error,
            "authorization refused"
        );
        self.spend(interaction, now).await?;
        let parameters = [("error", error), ("error_description", description)];
        self.return_to_client(interaction, parameters).await
    }

    /// Spends the request: of all the windows it is open in, one can complete it (RFC 9126 §4).
    async fn spend(&self, interaction: &Interaction, now: Timestamp) -> Result<(), PageError> {
        let until = interaction
            .request
            .opens_until
            .max(now)
            .plus(self.lifetimes.interaction);
        let seen = self
            .records
            .replace(interaction.id, &Pushed::Spent, until, now)
            .await?;
        match seen {
            Some(Pushed::Waiting(_)) if interaction.request.by_value => {
                self.spend_for_good(interaction, until, now).await
            }
            Some(Pushed::Waiting(_)) => Ok(()),
            Some(Pushed::Spent) | None => Err(PageError::Spent),
        }
    }

    /// Spends a request that can be opened again and again. Whoever opens it for the first time may, if somebody else does at
    /// the same moment, put it back after that one has spent it: what was recorded here nobody takes back.
    async fn spend_for_good(
        &self,
        interaction: &Interaction,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), PageError> {
        let key = ReplayKey::new(&self.realms.requests, &interaction.id, "");
        let recorded = self.replay.record(key, until, now).await;
        match recorded.map_err(Fault::from)? {
            Recorded::First => Ok(()),
            Recorded::Replayed => Err(PageError::Spent),
        }
    }
}
