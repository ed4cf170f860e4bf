//! Refresh tokens become new access tokens (RFC 6749 §6). They are not rotated (FAPI 2.0 Security Profile §5.3.2.1).

use http::Response;

use super::{
    Issue, confirmation, id_token::Ties, invalid_grant, narrowed_details, narrowed_resources,
    sealing,
};
use crate::{
    authorization_server::{
        direct::DirectRequest,
        refusal::{ErrorCode, Failure, Refusal},
        scope::ScopeSet,
        server::Server,
        store::{Grant, RefreshToken},
    },
    jose::sha256,
    time::Timestamp,
};

const NO_SUCH_TOKEN: &str =
    "The refresh token is not valid, has expired, was revoked or was issued to another client";

pub(super) async fn refresh(
    server: &Server,
    request: &DirectRequest,
    now: Timestamp,
) -> Result<Response<String>, Failure> {
    if !request.client.grants.refresh_token {
        return Err(Refusal::new(
            ErrorCode::UnauthorizedClient,
            "The client is not registered for refresh tokens",
        )
        .into());
    }
    // The key or certificate of this request: a client may change it, for the refresh token is bound to the client
    // itself (RFC 9449 §5).
    let confirmation = confirmation(server, request, now)?;
    let token = request
        .parameters
        .get("refresh_token")
        .ok_or_else(|| Refusal::invalid_request("refresh_token is missing"))?;
    let stored: Option<RefreshToken> = server.records.get(sha256(token.as_bytes()), now).await?;
    let stored = stored
        .filter(|stored| stored.client_id == request.client.id)
        .ok_or_else(|| invalid_grant(NO_SUCH_TOKEN))?;
    let grant: Option<Grant> = server.records.get(stored.grant, now).await?;
    let grant = grant.ok_or_else(|| invalid_grant(NO_SUCH_TOKEN))?;
    let scope = narrowed_scope(request, &grant)?;
    let resources = narrowed_resources(server, request, &grant)?;
    let details = narrowed_details(server, request, &grant, &resources)?;
    let sealing = sealing(server, &resources, now).await?;
    let id_token = server
        .id_token(&request.client, &grant.approval, &scope, now)
        .await?;

    server.record(request, now).await?;
    let issue = Issue {
        grant_id: stored.grant,
        grant: &grant,
        scope: &scope,
        details: &details,
        resources: &resources,
        sealing: sealing.as_ref(),
        confirmation,
        refresh_token: None,
        // Neither `nonce` nor `state` belong to this request (OpenID Connect Core §12.2).
        id_token: id_token.as_ref().map(|maker| (maker, Ties::default())),
    };
    let issued = issue.issue(server, request, now).await?;
    Ok(issued.given_to(request))
}

/// What was approved, or the part of it that is asked for (RFC 6749 §6).
fn narrowed_scope(request: &DirectRequest, grant: &Grant) -> Result<String, Refusal> {
    let refused = |description| Refusal::new(ErrorCode::InvalidScope, description);
    let approval = &grant.approval;
    // What has been taken from the client's registration meanwhile is not given for an old approval, either.
    let registered = |name: &&str| request.client.scopes.contains(name);
    let approved: ScopeSet = approval.scope.split(' ').filter(registered).collect();
    let Some(asked) = request.parameters.get("scope") else {
        let nothing = approved.iter().next().is_none();
        if nothing && approval.authorization_details.is_empty() {
            return Err(refused(
                "nothing that was approved is registered for this client any more",
            ));
        }
        return Ok(approved.to_string());
    };
    let asked: ScopeSet = asked.parse().map_err(|_| refused("scope is malformed"))?;
    if !asked.is_subset(&approved) {
        return Err(refused("scope holds a value that was not approved"));
    }
    Ok(asked.to_string())
}
