//! The consent page: may the client do this? And what follows from the answer.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use http::{Response, request::Parts};

use super::{
    Interaction, Purpose,
    answer::see_other,
    cookies::{self, SESSION},
    error::PageError,
    login::read_form,
    session::Live,
};
use crate::{
    authorization_server::{
        authentication::Step,
        claims::in_words,
        endpoints::Endpoint,
        pages::{ConsentPage, Detail, Scope, field},
        secret::{Secret, random},
        server::Server,
        store::{Approval, Code, CodeRequest, Grant},
        token::Ties,
    },
    time::Timestamp,
};

/// `GET`: shows what is asked for.
pub(crate) async fn ask(State(server): State<Arc<Server>>, parts: Parts) -> Response<String> {
    let now = server.clock.now();
    let shown = async {
        let interaction = server.resume(&parts, now).await?;
        let live = server.session(&parts.headers, now).await?;
        match (server.next(&interaction, live.as_ref(), now), live) {
            (Step::Consent { .. }, Some(live)) => server.consent_page(&interaction, &live),
            (next, live) => server.lead_to(&interaction, live.as_ref(), next, now).await,
        }
    };
    shown
        .await
        .unwrap_or_else(|error: PageError| error.respond(&server.pages))
}

/// `POST`: does what the person decided.
pub(crate) async fn decide(
    State(server): State<Arc<Server>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response<String> {
    let outcome = match body {
        Ok(body) => decision(&server, &parts, &body).await,
        Err(_) => Err(PageError::UnreadableForm),
    };
    outcome.unwrap_or_else(|error| error.respond(&server.pages))
}

async fn decision(
    server: &Server,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<String>, PageError> {
    let now = server.clock.now();
    let interaction = server.resume(parts, now).await?;
    let live = server.session(&parts.headers, now).await?;
    let (acr, live) = match (server.next(&interaction, live.as_ref(), now), live) {
        (Step::Consent { acr }, Some(live)) => (acr, live),
        (next, live) => return server.lead_to(&interaction, live.as_ref(), next, now).await,
    };
    let form = read_form(parts, body)?;
    // The session is in it: who approves is who was shown the page.
    if !interaction.is_csrf(form.get(field::CSRF), Purpose::Consent, Some(&live.id)) {
        return Err(PageError::Forged);
    }
    if form.has(field::SWITCH) && !form.has(field::APPROVE) && !form.has(field::DENY) {
        return server.sign_in_anew(&interaction, &live, now).await;
    }
    match (form.has(field::APPROVE), form.has(field::DENY)) {
        // What cannot be shown cannot have been approved.
        _ if form.has(field::SWITCH) => Err(PageError::UnreadableForm),
        (true, false)
            if server.details_in_words(&interaction).is_none()
                || server.scopes_in_words(&interaction).is_none() =>
        {
            Err(PageError::Changed)
        }
        (true, false) => approve(server, &interaction, live, acr, now).await,
        (false, true) => {
            server.spend(&interaction, now).await?;
            server.deny(&interaction).await
        }
        (true, true) | (false, false) => Err(PageError::UnreadableForm),
    }
}

async fn approve(
    server: &Server,
    interaction: &Interaction,
    live: Live,
    acr: String,
    now: Timestamp,
) -> Result<Response<String>, PageError> {
    let (code, grant_id) = (Secret::generate()?, random()?);
    let request = &interaction.request;
    let grant = Grant {
        client_id: request.client_id.clone(),
        approval: Approval {
            scope: request.scope.clone(),
            authorization_details: request.authorization_details.clone(),
            resources: request.resources.clone(),
            nonce: request.nonce.clone(),
            subject: live.session.subject,
            auth_time: Some(live.session.auth_time),
            acr: Some(acr),
            amr: live.session.amr,
            claims: request.claims.clone(),
        },
    };
    let fresh = Code::Fresh(Box::new(CodeRequest {
        client_id: request.client_id.clone(),
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge.clone(),
        dpop_jkt: request.dpop_jkt,
        state: request.state.clone(),
        grant: grant_id,
    }));
    let id_token = detached_signature(server, interaction, &grant.approval, &code, now).await?;
    let until = now.plus(server.lifetimes.code);
    server.records.put(grant_id, &grant, until, now).await?;
    server.records.put(code.hash(), &fresh, until, now).await?;
    // Last, so that a store that fails half-way leaves a request that can still be approved. Of two windows that get so
    // far, one spends the request; the other's code is known to nobody and soon gone.
    server.spend(interaction, now).await?;
    tracing::info!(
        client = grant.client_id,
        subject = grant.approval.subject,
        scope = grant.approval.scope,
        details = grant.approval.authorization_details.len(),
        "authorization approved"
    );
    let mut parameters = vec![("code", code.secret())];
    parameters.extend(id_token.as_ref().map(|it| ("id_token", it.as_str())));
    server.return_to_client(interaction, parameters).await
}

/// The ID token that signs the response, if one is to: made before anything is stored, for it may fail (FAPI 1.0 Part 2
/// §5.2.2.1, OpenID Connect Core §3.3.2.11).
async fn detached_signature(
    server: &Server,
    interaction: &Interaction,
    approval: &Approval,
    code: &Secret,
    now: Timestamp,
) -> Result<Option<String>, PageError> {
    let request = &interaction.request;
    if !request.response_type.has_id_token() {
        return Ok(None);
    }
    let (client, scope) = (&interaction.client, &request.scope);
    let maker = server.id_token(client, approval, scope, now).await?;
    // There is no OpenID Connect here any more.
    let maker = maker.ok_or(PageError::Changed)?;
    let ties = Ties {
        nonce: request.nonce.as_deref(),
        access_token: None,
        code: Some(code.secret()),
        state: request.state.as_deref(),
    };
    Ok(Some(maker.make(ties, now)?))
}

impl Server {
    /// Signs whoever was shown the page out, and lets somebody else sign in for the same request.
    async fn sign_in_anew(
        &self,
        interaction: &Interaction,
        live: &Live,
        now: Timestamp,
    ) -> Result<Response<String>, PageError> {
        self.end_live(live, now).await?;
        let mut response = see_other(&interaction.page(self, Endpoint::Login))?;
        cookies::clear(response.headers_mut(), SESSION);
        Ok(response)
    }

    fn consent_page(
        &self,
        interaction: &Interaction,
        live: &Live,
    ) -> Result<Response<String>, PageError> {
        let details = self
            .details_in_words(interaction)
            .ok_or(PageError::Changed)?;
        let action = interaction.page(self, Endpoint::Consent);
        let csrf = interaction.csrf(Purpose::Consent, Some(&live.id));
        let mut scopes = self
            .scopes_in_words(interaction)
            .ok_or(PageError::Changed)?;
        let request = &interaction.request;
        let claims = in_words(request.claims.beyond(&request.scope));
        if !claims.is_empty() {
            scopes.push(Scope {
                title: "See details about you",
                allows: &claims,
            });
        }
        Ok(self.pages.consent(&ConsentPage {
            form: interaction.form(&action, &csrf),
            client_name: &interaction.client.name,
            user_name: &live.session.display_name,
            scopes: &scopes,
            details: &details,
        }))
    }

    /// Every scope that is asked for; `None` if one of them is not known here any more, and so cannot be shown.
    fn scopes_in_words(&self, interaction: &Interaction) -> Option<Vec<Scope<'_>>> {
        let asked = interaction.request.scope.split(' ');
        let known = |name: &str| {
            let scope = self.scopes.iter().find(|scope| scope.name == name)?;
            Some(Scope {
                title: &scope.title,
                allows: &scope.allows,
            })
        };
        asked.filter(|name| !name.is_empty()).map(known).collect()
    }

    /// Each of the authorization details as the page shows it.
    fn details_in_words(&self, interaction: &Interaction) -> Option<Vec<Detail<'_>>> {
        let entries = &interaction.request.authorization_details;
        self.details_types.in_words(entries, &self.resources)
    }
}
