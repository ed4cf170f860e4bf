//! The token endpoint (RFC 6749 §3.2).

mod access_token;
mod client_credentials;
mod code;
mod id_token;
mod refresh;

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use http::{Response, StatusCode, request::Parts};
use serde_json::{Map, Value, json};

pub(crate) use self::id_token::Ties;
use self::{access_token::Confirmation, id_token::IdTokenMaker};
use super::{
    authorization_details::{DetailEntry, for_resources, narrowed},
    clients::Binding,
    direct::DirectRequest,
    endpoints::Endpoint,
    refusal::{self, ErrorCode, Failure, Fault, Refusal},
    sealing::Sealing,
    secret::Secret,
    server::Server,
    store::Grant,
};
use crate::{dpop::ProofError, time::Timestamp};

/// `POST` to the endpoint.
pub(crate) async fn handle(
    State(server): State<Arc<Server>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response<String> {
    match token(&server, &parts, body).await {
        Ok(response) => response,
        Err(failure) => failure.respond(),
    }
}

/// The grants there are (RFC 6749 §4.1, §4.4, §6).
pub(crate) const GRANT_TYPES: [&str; 3] =
    ["authorization_code", "refresh_token", "client_credentials"];

async fn token(
    server: &Server,
    parts: &Parts,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<String>, Failure> {
    let body = body.map_err(Refusal::from)?;
    let request = server.read(Endpoint::Token, parts, &body).await?;
    let now = request.now;
    match request.parameters.get("grant_type") {
        Some("authorization_code") => code::redeem(server, &request, now).await,
        Some("refresh_token") => refresh::refresh(server, &request, now).await,
        Some("client_credentials") => client_credentials::give(server, &request, now).await,
        Some(_) => Err(Refusal::new(
            ErrorCode::UnsupportedGrantType,
            "grant_type must be authorization_code, refresh_token or client_credentials",
        )
        .into()),
        None => Err(Refusal::invalid_request("grant_type is missing").into()),
    }
}

/// What the access token will be bound to: every token is (FAPI 2.0 Security Profile §5.3.2.1).
fn confirmation(
    server: &Server,
    request: &DirectRequest,
    now: Timestamp,
) -> Result<Confirmation, Failure> {
    match request.client.binding {
        Binding::Dpop => match &request.proof {
            Some(proof) => Ok(Confirmation::Key(proof.thumbprint())),
            None => Err(server.refuse_proof(&ProofError::Missing, now)),
        },
        Binding::Certificate => request.certificate.map(Confirmation::Certificate).ok_or_else(|| {
            Refusal::invalid_request(
                "The tokens of this client are bound to its certificate, and this connection has none",
            )
            .into()
        }),
    }
}

/// What is about to be issued.
struct Issue<'a> {
    grant_id: [u8; 32],
    grant: &'a Grant,
    /// Not more than what was approved. Empty if none was.
    scope: &'a str,
    /// Not more than was approved, for these resources.
    details: &'a [DetailEntry],
    resources: &'a [String],
    /// The key of the resource server that the token is encrypted to, if it is.
    sealing: Option<&'a Sealing>,
    confirmation: Confirmation,
    refresh_token: Option<&'a Secret>,
    /// What makes the ID token, if there is to be one, and what it is tied to beside the access token.
    id_token: Option<(&'a IdTokenMaker<'a>, Ties<'a>)>,
}

/// What was issued. Nobody has it yet.
struct Issued {
    response: Response<String>,
    subject: String,
    scope: String,
    confirmation: Confirmation,
    with_id_token: bool,
}

impl Issue<'_> {
    /// Makes everything that the answer holds, and the answer (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
    async fn issue(
        &self,
        server: &Server,
        request: &DirectRequest,
        now: Timestamp,
    ) -> Result<Issued, Failure> {
        let access_token = access_token::mint(server, &request.client, self, now).await?;
        let id_token = self.id_token.map(|(maker, ties)| {
            let access_token = Some(access_token.as_str());
            maker.make(
                Ties {
                    access_token,
                    ..ties
                },
                now,
            )
        });
        let id_token = id_token.transpose()?;
        let nonce = server.next_nonce(request, now)?;
        let with_id_token = id_token.is_some();
        let mut response =
            refusal::json(StatusCode::OK, &self.body(server, access_token, id_token));
        if let Some(nonce) = nonce {
            refusal::set_nonce(&mut response, &nonce);
        }
        Ok(Issued {
            response,
            subject: self.grant.approval.subject.clone(),
            scope: self.scope.to_owned(),
            confirmation: self.confirmation,
            with_id_token,
        })
    }

    fn body(&self, server: &Server, access_token: String, id_token: Option<String>) -> Value {
        let mut body = Map::new();
        for (name, value) in [
            ("access_token", Value::from(access_token)),
            ("token_type", self.confirmation.token_type().into()),
            ("expires_in", server.lifetimes.access_token.as_secs().into()),
        ] {
            body.insert(name.to_owned(), value);
        }
        if !self.scope.is_empty() {
            body.insert("scope".to_owned(), self.scope.into());
        }
        // As assigned to this very token (RFC 9396 §7).
        if !self.details.is_empty() {
            body.insert("authorization_details".to_owned(), json!(self.details));
        }
        if let Some(refresh_token) = self.refresh_token {
            body.insert("refresh_token".to_owned(), json!(refresh_token.secret()));
        }
        if let Some(id_token) = id_token {
            body.insert("id_token".to_owned(), id_token.into());
        }
        Value::Object(body)
    }
}

impl Issued {
    /// The answer, which goes out now.
    fn given_to(self, request: &DirectRequest) -> Response<String> {
        tracing::info!(
            client = request.client.id,
            subject = self.subject,
            scope = self.scope,
            bound_to = %self.confirmation,
            id_token = self.with_id_token,
            "access token issued"
        );
        self.response
    }
}

/// The resource servers a token is for: those of the grant, or those of them that are asked for (RFC 8707 §2.2).
fn narrowed_resources(
    server: &Server,
    request: &DirectRequest,
    grant: &Grant,
) -> Result<Vec<String>, Refusal> {
    let granted = &grant.approval.resources;
    let mut asked: Vec<String> = Vec::new();
    for resource in request.parameters.get_all("resource") {
        if !granted.iter().any(|known| known == resource) {
            return Err(Refusal::new(
                ErrorCode::InvalidTarget,
                "resource is not one that was approved",
            ));
        }
        if !asked.iter().any(|known| known == resource) {
            asked.push(resource.to_owned());
        }
    }
    let resources = if asked.is_empty() {
        granted.clone()
    } else {
        asked
    };
    // One that was withdrawn since: nobody knows here whether its tokens have to be encrypted.
    if resources
        .iter()
        .any(|name| !server.resources.contains(name))
    {
        return Err(Refusal::new(
            ErrorCode::InvalidTarget,
            "a resource that was approved is not served any more",
        ));
    }
    Ok(resources)
}

/// The key that a token for these resource servers is encrypted to, if it is. Asked for before anything is consumed.
async fn sealing(
    server: &Server,
    resources: &[String],
    now: Timestamp,
) -> Result<Option<Sealing>, Failure> {
    let mut recipients = resources.iter().filter_map(|resource| {
        let recipient = server.resources.recipient(resource)?;
        Some((resource, recipient))
    });
    let Some((resource, recipient)) = recipients.next() else {
        return Ok(None);
    };
    if resources.len() > 1 {
        return Err(Refusal::new(
            ErrorCode::InvalidTarget,
            "Tokens for one of the resources are encrypted to it alone: name one resource",
        )
        .into());
    }
    match recipient.key(now).await {
        Ok(Some(sealing)) => Ok(Some(sealing)),
        Ok(None) => Err(Fault::NoResourceKey(resource.clone()).into()),
        Err(error) => Err(Fault::ResourceKeys(resource.clone(), error).into()),
    }
}

/// What exactly a token allows: what was approved, or the part of it that is asked for (RFC 9396 §6), and of that what
/// these resource servers have to know (RFC 9396 §9.1).
fn narrowed_details(
    server: &Server,
    request: &DirectRequest,
    grant: &Grant,
    resources: &[String],
) -> Result<Vec<DetailEntry>, Refusal> {
    let approved = &grant.approval.authorization_details;
    // What a type that was withdrawn since allows is for nobody to say.
    let known = |entry: &DetailEntry| {
        server
            .details_types
            .names()
            .any(|name| name == entry.kind())
    };
    if !approved.iter().all(known) {
        return Err(Refusal::new(
            ErrorCode::InvalidAuthorizationDetails,
            "authorization_details of a type that was approved are not served any more",
        ));
    }
    let Some(text) = request.parameters.get("authorization_details") else {
        return Ok(for_resources(approved.clone(), resources));
    };
    let types = &server.details_types;
    let asked = types.read(text, &request.client.details_types, &server.resources)?;
    let asked = narrowed(types, asked, approved).ok_or_else(|| {
        Refusal::new(
            ErrorCode::InvalidAuthorizationDetails,
            "authorization_details hold an entry that was not approved",
        )
    })?;
    let count = asked.len();
    let details = for_resources(asked, resources);
    if details.len() < count {
        return Err(Refusal::new(
            ErrorCode::InvalidTarget,
            "authorization_details hold an entry for none of the resources",
        ));
    }
    Ok(details)
}

fn invalid_grant(description: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidGrant, description)
}
