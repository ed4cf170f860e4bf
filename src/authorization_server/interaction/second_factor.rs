//! The page for the second factor: is it really you?

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
    login::read_form,
    session::Live,
};
use crate::{
    authorization_server::{
        authentication::{SecondFactorUse, Step},
        endpoints::Endpoint,
        pages::{LoginProblem, SecondFactorPage, field},
        people::{Password, SecondFactorAnswer, SecondFactorAttempt, UsedCode},
        server::Server,
        store::Session,
    },
    jose::sha256,
    replay::{Recorded, ReplayKey},
    time::Timestamp,
};

/// `GET`: shows the form.
pub(crate) async fn ask(State(server): State<Arc<Server>>, parts: Parts) -> Response<String> {
    let now = server.clock.now();
    let shown = async {
        let interaction = server.resume(&parts, now).await?;
        let live = server.session(&parts.headers, now).await?;
        match (server.next(&interaction, live.as_ref(), now), live) {
            (Step::SecondFactor, Some(live)) => {
                Ok(server.second_factor_page(&interaction, &live, None))
            }
            (next, live) => server.lead_to(&interaction, live.as_ref(), next, now).await,
        }
    };
    shown
        .await
        .unwrap_or_else(|error: PageError| error.respond(&server.pages))
}

/// `POST`: looks at the code.
pub(crate) async fn verify(
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
    let live = server.session(&parts.headers, now).await?;
    let live = match (server.next(&interaction, live.as_ref(), now), live) {
        (Step::SecondFactor, Some(live)) => live,
        (next, live) => return server.lead_to(&interaction, live.as_ref(), next, now).await,
    };
    let form = read_form(parts, body)?;
    if !interaction.is_csrf(form.get(field::CSRF), Purpose::SecondFactor, Some(&live.id)) {
        let problem = Some(LoginProblem::Expired);
        return Ok(server.second_factor_page(&interaction, &live, problem));
    }
    if form.has(field::DENY) {
        server.spend(&interaction, now).await?;
        if server.authentication.second_factor == SecondFactorUse::Always {
            // Half a sign-in is good for nothing; somebody else may want to begin one.
            let _: Option<Session> = server.records.take(live.id, now).await?;
        }
        return server.deny(&interaction).await;
    }
    let code = Password::from(form.get(field::OTP).unwrap_or_default().to_owned());
    let attempt = SecondFactorAttempt::new(&live.session.subject, code);
    let problem = match server.authenticator.second_factor(attempt, now).await {
        Ok(SecondFactorAnswer::Accepted(used)) => {
            match server.is_first_use(&live.session.subject, &used, now).await {
                Ok(true) => {
                    let subject = &live.session.subject;
                    server.authenticator.second_factor_proved(subject);
                    return server.proved(parts, &interaction, live, now).await;
                }
                Ok(false) => LoginProblem::Refused,
                Err(problem) => problem,
            }
        }
        Ok(SecondFactorAnswer::Refused) => LoginProblem::Refused,
        Ok(SecondFactorAnswer::Throttled { retry_after }) => {
            LoginProblem::Throttled { retry_after }
        }
        Err(fault) => {
            tracing::error!(%fault, "a second factor could not be looked at");
            LoginProblem::Unavailable
        }
    };
    tracing::info!(
        client = interaction.client.id,
        subject = live.session.subject,
        ?problem,
        "second factor failed"
    );
    Ok(server.second_factor_page(&interaction, &live, Some(problem)))
}

impl Server {
    /// Whether this code was not used before, at this instance or another (RFC 6238 §5.2).
    async fn is_first_use(
        &self,
        subject: &str,
        used: &UsedCode,
        now: Timestamp,
    ) -> Result<bool, LoginProblem> {
        let key = ReplayKey::new(&self.realms.codes, &sha256(subject.as_bytes()), &used.id);
        match self.replay.record(key, used.until, now).await {
            Ok(Recorded::First) => Ok(true),
            Ok(Recorded::Replayed) => Ok(false),
            Err(fault) => {
                tracing::error!(%fault, "a second factor could not be recorded");
                Err(LoginProblem::Unavailable)
            }
        }
    }

    async fn proved(
        &self,
        parts: &Parts,
        interaction: &Interaction,
        live: Live,
        now: Timestamp,
    ) -> Result<Response<String>, PageError> {
        tracing::info!(
            client = interaction.client.id,
            subject = live.session.subject,
            "second factor proved"
        );
        let (secret, live) = self.strengthen_session(&parts.headers, live, now).await?;
        let next = self.next(interaction, Some(&live), now);
        let mut response = self.lead_to(interaction, Some(&live), next, now).await?;
        cookies::set(response.headers_mut(), SESSION, &secret);
        Ok(response)
    }

    fn second_factor_page(
        &self,
        interaction: &Interaction,
        live: &Live,
        problem: Option<LoginProblem>,
    ) -> Response<String> {
        let action = interaction.page(self, Endpoint::SecondFactor);
        let csrf = interaction.csrf(Purpose::SecondFactor, Some(&live.id));
        self.pages.second_factor(&SecondFactorPage {
            form: interaction.form(&action, &csrf),
            client_name: &interaction.client.name,
            user_name: &live.session.display_name,
            problem,
        })
    }
}
