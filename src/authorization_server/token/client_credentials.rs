//! Tokens for a client on its own behalf (RFC 6749 §4.4): nobody approves, so nothing that belongs to a person is in them.

use http::Response;

use super::{Issue, confirmation, sealing};
use crate::{
    authorization_server::{
        authorization_details::DetailEntry,
        claims::ClaimsRequest,
        direct::DirectRequest,
        pushed_request::requested_scope,
        refusal::{ErrorCode, Failure, Refusal},
        secret::random,
        server::Server,
        store::{Approval, ClientGrant, Grant},
    },
    time::Timestamp,
};

pub(super) async fn give(
    server: &Server,
    request: &DirectRequest,
    now: Timestamp,
) -> Result<Response<String>, Failure> {
    let client = &request.client;
    if !client.grants.client_credentials {
        return Err(Refusal::new(
            ErrorCode::UnauthorizedClient,
            "The client is not registered for tokens on its own behalf",
        )
        .into());
    }
    let confirmation = confirmation(server, request, now)?;
    // As where a person is asked: within what is registered, and one of the two is required.
    let details = server.requested_details(&request.client, &request.parameters)?;
    let scope = requested_scope(client, request.parameters.get("scope"), &details)?;
    check_nobody_is_needed(server, &scope, &details)?;
    let named = request.parameters.get_all("resource");
    let resources = server.requested_resources(named, &scope, &details)?;
    let sealing = sealing(server, &resources, now).await?;
    let grant_id = random()?;

    server.record(request, now).await?;
    let grant = Grant {
        client_id: client.id.clone(),
        approval: Approval {
            scope,
            authorization_details: details,
            resources,
            nonce: None,
            // RFC 9068 §2.2.
            subject: client.id.clone(),
            auth_time: None,
            acr: None,
            amr: Vec::new(),
            claims: ClaimsRequest::default(),
        },
    };
    // Without its grant a token would be revoked from the beginning: the grant is there first.
    let until = now.plus(server.lifetimes.access_token);
    let record = ClientGrant {};
    server.records.put(grant_id, &record, until, now).await?;
    let issue = Issue {
        grant_id,
        grant: &grant,
        scope: &grant.approval.scope,
        details: &grant.approval.authorization_details,
        resources: &grant.approval.resources,
        sealing: sealing.as_ref(),
        confirmation,
        // RFC 6749 §4.4.3.
        refresh_token: None,
        id_token: None,
    };
    let issued = issue.issue(server, request, now).await?;
    Ok(issued.given_to(request))
}

/// Only what the configuration says no person has to approve.
fn check_nobody_is_needed(
    server: &Server,
    scope: &str,
    details: &[DetailEntry],
) -> Result<(), Refusal> {
    let free = |name: &str| {
        let mut scopes = server.scopes.iter();
        scopes.any(|scope| scope.name == name && scope.without_person)
    };
    if !scope.split(' ').filter(|name| !name.is_empty()).all(free) {
        return Err(Refusal::new(
            ErrorCode::InvalidScope,
            "scope holds a value that only a person can approve",
        ));
    }
    if !details
        .iter()
        .all(|entry| server.details_types.is_without_person(entry.kind()))
    {
        return Err(Refusal::new(
            ErrorCode::InvalidAuthorizationDetails,
            "authorization_details hold an entry of a type that only a person can approve",
        ));
    }
    Ok(())
}
