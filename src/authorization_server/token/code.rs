//! Authorization codes become tokens, once (RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 9449 §10).

use std::time::Duration;

use http::Response;
use subtle::ConstantTimeEq as _;

use super::{
    Confirmation, Issue, Issued, confirmation,
    id_token::{IdTokenMaker, Ties},
    invalid_grant, narrowed_details, narrowed_resources, sealing,
};
use crate::{
    authorization_server::{
        authorization_details::DetailEntry,
        direct::DirectRequest,
        refusal::{ErrorCode, Failure, Refusal},
        sealing::Sealing,
        secret::Secret,
        server::Server,
        store::{Code, CodeRequest, Grant, RefreshToken},
    },
    jose::{base64url, sha256},
    time::Timestamp,
};

/// For so long a redeemed code is remembered, so that its second use can be told from a made-up one.
const REMEMBERED: Duration = Duration::from_secs(10 * 60);

/// What is said whenever a code does not fit: which part did not is not for a stranger with a stolen code.
const NO_SUCH_CODE: &str =
    "The authorization code is not valid, has expired or was issued to another client";

pub(super) async fn redeem(
    server: &Server,
    request: &DirectRequest,
    now: Timestamp,
) -> Result<Response<String>, Failure> {
    if !request.client.grants.authorization_code {
        return Err(Refusal::new(
            ErrorCode::UnauthorizedClient,
            "The client is not registered for authorization codes",
        )
        .into());
    }
    let confirmation = confirmation(server, request, now)?;
    let code = request
        .parameters
        .get("code")
        .ok_or_else(|| Refusal::invalid_request("code is missing"))?;
    let code = sha256(code.as_bytes());
    let stored: Option<Code> = server.records.get(code, now).await?;
    let (client_id, grant_id) = match stored.as_ref() {
        None => return Err(invalid_grant(NO_SUCH_CODE).into()),
        Some(Code::Fresh(fresh)) => (&fresh.client_id, fresh.grant),
        Some(Code::Spent { client_id, grant }) => (client_id, *grant),
    };
    // Whoever it was not issued to can neither use it nor, by trying, end what the true client has.
    if *client_id != request.client.id {
        return Err(invalid_grant(NO_SUCH_CODE).into());
    }
    let grant: Option<Grant> = server.records.get(grant_id, now).await?;
    let redemption = match (&stored, &grant) {
        (Some(Code::Fresh(fresh)), Some(grant)) => {
            check(fresh, request, confirmation)?;
            Some(Redemption::prepare(server, request, fresh, grant, now).await?)
        }
        // It will be refused, but by nobody whose assertion or proof is itself a replay.
        (_, Some(_) | None) => None,
    };

    server.record(request, now).await?;
    // Before the code is spent: a store that fails half-way leaves a code that can still be redeemed.
    let issued = match &redemption {
        Some(redemption) => Some(redemption.issue(server, request, confirmation, now).await?),
        None => None,
    };
    let spent = Code::Spent {
        client_id: request.client.id.clone(),
        grant: grant_id,
    };
    // Of several that come at once, one sees the fresh code (RFC 6749 §4.1.2, FAPI 2.0 Security Profile §5.3.2.2).
    let seen = server
        .records
        .replace(code, &spent, now.plus(REMEMBERED), now)
        .await?;
    match seen {
        Some(Code::Fresh(_)) => {}
        Some(Code::Spent { .. }) => {
            let _: Option<Grant> = server.records.take(grant_id, now).await?;
            tracing::warn!(client = request.client.id, "code used twice: grant revoked");
            return Err(invalid_grant("The authorization code has been used before").into());
        }
        None => return Err(invalid_grant(NO_SUCH_CODE).into()),
    }
    let issued = issued.ok_or_else(|| invalid_grant(NO_SUCH_CODE))?;
    Ok(issued.given_to(request))
}

/// A code that fits, and what it takes to issue what it stands for.
struct Redemption<'a> {
    code: &'a CodeRequest,
    grant: &'a Grant,
    resources: Vec<String>,
    details: Vec<DetailEntry>,
    sealing: Option<Sealing>,
    id_token: Option<IdTokenMaker<'a>>,
}

impl<'a> Redemption<'a> {
    async fn prepare(
        server: &'a Server,
        request: &'a DirectRequest,
        code: &'a CodeRequest,
        grant: &'a Grant,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let resources = narrowed_resources(server, request, grant)?;
        let approval = &grant.approval;
        Ok(Self {
            details: narrowed_details(server, request, grant, &resources)?,
            sealing: sealing(server, &resources, now).await?,
            id_token: server
                .id_token(&request.client, approval, &approval.scope, now)
                .await?,
            code,
            grant,
            resources,
        })
    }

    async fn issue(
        &self,
        server: &Server,
        request: &DirectRequest,
        confirmation: Confirmation,
        now: Timestamp,
    ) -> Result<Issued, Failure> {
        let grant_id = self.code.grant;
        let refresh_token = keep(server, request, grant_id, self.grant, now).await?;
        let approval = &self.grant.approval;
        let ties = Ties {
            nonce: approval.nonce.as_deref(),
            state: self.code.state.as_deref(),
            ..Ties::default()
        };
        let issue = Issue {
            grant_id,
            grant: self.grant,
            scope: &approval.scope,
            details: &self.details,
            resources: &self.resources,
            sealing: self.sealing.as_ref(),
            confirmation,
            refresh_token: refresh_token.as_ref(),
            id_token: self.id_token.as_ref().map(|maker| (maker, ties)),
        };
        issue.issue(server, request, now).await
    }
}

/// Everything a code is bound to.
fn check(
    code: &CodeRequest,
    request: &DirectRequest,
    confirmation: Confirmation,
) -> Result<(), Refusal> {
    match request.parameters.get("redirect_uri") {
        Some(redirect_uri) if redirect_uri == code.redirect_uri => {}
        Some(_) => {
            return Err(invalid_grant(
                "redirect_uri is not that of the authorization request",
            ));
        }
        None => return Err(Refusal::invalid_request("redirect_uri is missing")),
    }
    check_verifier(
        request.parameters.get("code_verifier"),
        code.code_challenge.as_deref(),
    )?;
    match (code.dpop_jkt, confirmation) {
        (Some(bound), Confirmation::Key(key)) if bound == key => Ok(()),
        (Some(_), _) => Err(invalid_grant(
            "The authorization code is bound to another DPoP key",
        )),
        (None, _) => Ok(()),
    }
}

/// Every code that came of a challenge needs its verifier (RFC 7636 §4.6).
fn check_verifier(verifier: Option<&str>, challenge: Option<&str>) -> Result<(), Refusal> {
    match (verifier, challenge) {
        (None, None) => Ok(()),
        (verifier, Some(challenge)) => {
            let verifier = verifier.unwrap_or_default();
            if is_verifier(verifier) && answers(verifier, challenge) {
                Ok(())
            } else {
                Err(invalid_grant(
                    "code_verifier is missing or does not answer the code_challenge",
                ))
            }
        }
        // Somebody may have taken the challenge out of the request (RFC 9700 §4.8.2).
        (Some(_), None) => Err(invalid_grant(
            "There is a code_verifier, but there was no code_challenge",
        )),
    }
}

/// 43 to 128 unreserved characters (RFC 7636 §4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

fn answers(verifier: &str, challenge: &str) -> bool {
    let hash = base64url::encode_hash(&sha256(verifier.as_bytes()));
    hash.ct_eq(challenge.as_bytes()).into()
}

/// Lets the grant live as long as what comes of it, and makes a refresh token if the client may have one. Whoever loses
/// the race for the code leaves a refresh token that nobody knows, of a grant that has ended.
async fn keep(
    server: &Server,
    request: &DirectRequest,
    grant_id: [u8; 32],
    grant: &Grant,
    now: Timestamp,
) -> Result<Option<Secret>, Failure> {
    let lifetimes = &server.lifetimes;
    let until = now.plus(if request.client.grants.refresh_token {
        // A token of the last moment lives for its whole time.
        lifetimes.refresh_token + lifetimes.access_token
    } else {
        lifetimes.access_token
    });
    // Only replaced, never put back: the second use of the code may have ended it a moment ago.
    let kept = server.records.replace(grant_id, grant, until, now).await?;
    if kept.is_none() {
        return Err(invalid_grant("The authorization code has been used before").into());
    }
    if !request.client.grants.refresh_token {
        return Ok(None);
    }
    let secret = Secret::generate()?;
    let record = RefreshToken {
        client_id: request.client.id.clone(),
        grant: grant_id,
    };
    let until = now.plus(lifetimes.refresh_token);
    server
        .records
        .put(secret.hash(), &record, until, now)
        .await?;
    Ok(Some(secret))
}
