//! The login page: who is this?

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use http::{Response, request::Parts};

use super::{
    Interaction, Purpose,
    cookies::{self, SESSION},
    error::PageError,
};
use crate::{
    authorization_server::{
        direct::is_form,
        endpoints::Endpoint,
        pages::{LoginPage, LoginProblem, field},
        parameters::Parameters,
        people::{Answer, LoginAttempt, Password},
        refusal::Fault,
        server::Server,
    },
    time::Timestamp,
};

/// `GET`: shows the form.
pub(crate) async fn ask(State(server): State<Arc<Server>>, parts: Parts) -> Response<String> {
    let now = server.clock.now();
    match server.resume(&parts, now).await {
        Ok(interaction) => {
            let hint = interaction.request.login_hint.as_deref();
            server.login_page(&interaction, hint.unwrap_or_default(), None)
        }
        Err(error) => error.respond(&server.pages),
    }
}

/// `POST`: looks at what was typed.
pub(crate) async fn sign_in(
    State(server): State<Arc<Server>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response<String> {
    let outcome = match body {
        Ok(body) => attempt(&server, &parts, &body).await,
        Err(_) => Err(PageError::UnreadableForm),
    };
    outcome.unwrap_or_else(|error| error.respond(&server.pages))
}

async fn attempt(
    server: &Server,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<String>, PageError> {
    let now = server.clock.now();
    let interaction = server.resume(parts, now).await?;
    let form = read_form(parts, body)?;
    let username = form.get(field::USERNAME).unwrap_or_default();
    if !interaction.is_csrf(form.get(field::CSRF), Purpose::Login, None) {
        return Ok(server.login_page(&interaction, username, Some(LoginProblem::Expired)));
    }
    if form.has(field::DENY) {
        server.spend(&interaction, now).await?;
        return server.deny(&interaction).await;
    }
    let password = form.get(field::PASSWORD).unwrap_or_default();
    let attempt = LoginAttempt::new(username, Password::from(password.to_owned()));
    let problem = match server.authenticator.authenticate(attempt, now).await {
        Ok(Answer::Authenticated(person)) => {
            return server.signed_in(parts, &interaction, person, now).await;
        }
        Ok(Answer::Refused) => LoginProblem::Refused,
        Ok(Answer::Throttled { retry_after }) => LoginProblem::Throttled { retry_after },
        Err(fault) => {
            tracing::error!(%fault, "a sign-in could not be looked at");
            LoginProblem::Unavailable
        }
    };
    tracing::info!(client = interaction.client.id, ?problem, "sign-in failed");
    Ok(server.login_page(&interaction, username, Some(problem)))
}

impl Server {
    async fn signed_in(
        &self,
        parts: &Parts,
        interaction: &Interaction,
        person: crate::authorization_server::people::Authenticated,
        now: Timestamp,
    ) -> Result<Response<String>, PageError> {
        tracing::info!(
            client = interaction.client.id,
            subject = person.subject,
            "signed in"
        );
        // A token for this person could not be told from one that the client of that name has by itself (RFC 9068 §5).
        if self.acts_alone(&person.subject) {
            return Err(Fault::SharedSubject(person.subject).into());
        }
        let (secret, live) = self
            .start_session(&parts.headers, person, interaction, now)
            .await?;
        let next = self.next(interaction, Some(&live), now);
        let mut response = self.lead_to(interaction, Some(&live), next, now).await?;
        cookies::set(response.headers_mut(), SESSION, &secret);
        Ok(response)
    }

    fn login_page(
        &self,
        interaction: &Interaction,
        username: &str,
        problem: Option<LoginProblem>,
    ) -> Response<String> {
        let action = interaction.page(self, Endpoint::Login);
        let csrf = interaction.csrf(Purpose::Login, None);
        self.pages.login(&LoginPage {
            form: interaction.form(&action, &csrf),
            client_name: &interaction.client.name,
            username,
            problem,
        })
    }
}

/// The fields of a form that was posted.
pub(super) fn read_form(parts: &Parts, body: &[u8]) -> Result<Parameters, PageError> {
    if !is_form(&parts.headers) {
        return Err(PageError::UnreadableForm);
    }
    Parameters::parse(body).map_err(|_| PageError::UnreadableForm)
}
