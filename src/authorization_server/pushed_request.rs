//! The pushed authorization request endpoint (RFC 9126): where every authorization begins.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use http::{Response, StatusCode, request::Parts};
use serde_json::json;

use super::{
    authentication::Demands,
    authorization_details::{DetailEntry, for_resources},
    claims::ClaimsRequest,
    clients::{Binding, Client},
    endpoints::Endpoint,
    parameters::Parameters,
    refusal::{self, ErrorCode, Failure, Refusal},
    response_mode::ResponseMode,
    response_type::ResponseType,
    scope::{OPENID, ScopeSet},
    secret::{Secret, random},
    server::Server,
    store::{Pushed, PushedRequest},
};
use crate::{
    dpop::VerifiedProof,
    jose::{JwkThumbprint, base64url},
    time::Timestamp,
};

/// What a `request_uri` begins with (RFC 9126 §2.2).
pub(crate) const REQUEST_URI: &str = "urn:ietf:params:oauth:request_uri:";

/// `POST` to the endpoint.
pub(crate) async fn handle(
    State(server): State<Arc<Server>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response<String> {
    match push(&server, &parts, body).await {
        Ok(response) => response,
        Err(failure) => failure.respond(),
    }
}

async fn push(
    server: &Server,
    parts: &Parts,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<String>, Failure> {
    let body = body.map_err(Refusal::from)?;
    let mut request = server.read(Endpoint::PushedRequests, parts, &body).await?;
    server.open_request_object(&mut request).await?;
    let now = request.now;
    let asked = AuthorizationRequest {
        client: &request.client,
        parameters: &request.parameters,
        proof: request.proof.as_ref(),
        pushed: true,
        opens_until: now.plus(server.lifetimes.pushed_request),
    };
    let pushed = server.check_request(&asked, random()?)?;
    server.check_response(&request.client, &pushed, now).await?;
    let nonce = server.next_nonce(&request, now)?;
    let secret = Secret::generate()?;
    server.record(&request, now).await?;

    // A person who opens the request at the last moment still has the time to sign in and decide.
    let kept_until = pushed.opens_until.plus(server.lifetimes.interaction);
    let pushed = Pushed::Waiting(Box::new(pushed));
    server
        .records
        .put(secret.hash(), &pushed, kept_until, now)
        .await?;
    tracing::info!(client = request.client.id, "authorization request pushed");

    let mut response = refusal::json(
        StatusCode::CREATED,
        &json!({
            "request_uri": format!("{REQUEST_URI}{}", secret.secret()),
            "expires_in": server.lifetimes.pushed_request.as_secs(),
        }),
    );
    if let Some(nonce) = nonce {
        refusal::set_nonce(&mut response, &nonce);
    }
    Ok(response)
}

/// What a client asks for, wherever it does.
pub(crate) struct AuthorizationRequest<'a> {
    pub(crate) client: &'a Client,
    pub(crate) parameters: &'a Parameters,
    pub(crate) proof: Option<&'a VerifiedProof>,
    /// Whether it comes from the client itself, and not through the browser.
    pub(crate) pushed: bool,
    pub(crate) opens_until: Timestamp,
}

impl Server {
    /// Checks what is asked for: the same where it is pushed as at the authorization endpoint (RFC 9126 §2.1 step 3).
    pub(crate) fn check_request(
        &self,
        request: &AuthorizationRequest<'_>,
        page_key: [u8; 32],
    ) -> Result<PushedRequest, Refusal> {
        let (client, parameters) = (request.client, request.parameters);
        let owned = |name| parameters.get(name).map(str::to_owned);
        if !client.grants.authorization_code {
            return Err(Refusal::new(
                ErrorCode::UnauthorizedClient,
                "The client is not registered for the authorization code grant",
            ));
        }
        let response_type = ResponseType::read(parameters.get("response_type"), client)?;
        let details = self.requested_details(client, parameters)?;
        let scope = requested_scope(client, parameters.get("scope"), &details)?;
        check_context(client, parameters, &scope)?;
        // OpenID Connect Core §3.3.2.1.
        if response_type.has_id_token() && !self.has_openid(&scope) {
            return Err(Refusal::invalid_request(format!(
                "response_type {} goes with the scope openid only",
                response_type.as_str()
            )));
        }
        let (demands, claims) = self.demanded(client, parameters, &scope)?;
        Ok(PushedRequest {
            client_id: client.id.clone(),
            response_type,
            response_mode: ResponseMode::read(
                parameters.get("response_mode"),
                response_type,
                client,
            )?,
            redirect_uri: redirect_uri(client, parameters.get("redirect_uri"))?,
            resources: self.requested_resources(
                parameters.get_all("resource"),
                &scope,
                &details,
            )?,
            scope,
            authorization_details: details,
            demands,
            claims,
            login_hint: parameters.get("login_hint").and_then(hint),
            state: owned("state"),
            nonce: owned("nonce"),
            code_challenge: code_challenge(
                client.profile.requires_pkce(request.pushed),
                parameters.get("code_challenge"),
                parameters.get("code_challenge_method"),
            )?,
            dpop_jkt: bound_key(request)?,
            by_value: !request.pushed,
            opens_until: request.opens_until,
            page_key,
        })
    }

    /// How somebody has to sign in, who, and what the client is to be told about them (OpenID Connect Core §3.1.2.1).
    fn demanded(
        &self,
        client: &Client,
        parameters: &Parameters,
        scope: &str,
    ) -> Result<(Demands, ClaimsRequest), Refusal> {
        let now = self.clock.now();
        let supported = self.acr_values();
        let mut demands = Demands::read(parameters, client, &supported)?;
        // Without `openid` these parameters mean nothing here.
        if !self.has_openid(scope) {
            return Ok((demands, ClaimsRequest::default()));
        }
        let asked = ClaimsRequest::read(parameters.get("claims"))?;
        demands.demand_acr(&asked.indispensable_acrs()?, &supported)?;
        if let Some(subjects) = asked.subjects()? {
            demands.demand_subject(subjects)?;
        }
        if let Some(hint) = parameters.get("id_token_hint") {
            let hinted = self.own_id_token(hint, now);
            let hinted = hinted.filter(|token| token.client_id == client.id);
            let hinted = hinted.ok_or_else(|| {
                Refusal::invalid_request(
                    "id_token_hint must be an ID token that this server gave to this client, decrypted",
                )
            })?;
            demands.demand_subject(vec![hinted.subject])?;
        }
        let claims = ClaimsRequest {
            userinfo: self.tellable(client, asked.userinfo),
            id_token: self.tellable(client, asked.id_token),
        };
        Ok((demands, claims))
    }

    /// What exactly is asked for (RFC 9396 §2).
    pub(crate) fn requested_details(
        &self,
        client: &Client,
        parameters: &Parameters,
    ) -> Result<Vec<DetailEntry>, Refusal> {
        let Some(text) = parameters.get("authorization_details") else {
            return Ok(Vec::new());
        };
        let allowed = &client.details_types;
        Ok(self.details_types.read(text, allowed, &self.resources)?)
    }

    /// The resource servers the tokens will be for (RFC 8707 §2): those that are asked for, or else those that the
    /// authorization details are for (RFC 9396 §2.2), or else the usual one.
    pub(crate) fn requested_resources<'a>(
        &self,
        requested: impl Iterator<Item = &'a str>,
        scope: &str,
        details: &[DetailEntry],
    ) -> Result<Vec<String>, Refusal> {
        let mut resources: Vec<String> = Vec::new();
        for resource in requested {
            if !self.resources.contains(resource) {
                return Err(Refusal::new(
                    ErrorCode::InvalidTarget,
                    "resource is not one that this server issues tokens for",
                ));
            }
            if !resources.iter().any(|known| known == resource) {
                resources.push(resource.to_owned());
            }
        }
        if resources.is_empty() {
            if !scope.is_empty() || details.iter().any(|entry| entry.locations().is_none()) {
                resources.push(self.resources.default.clone());
            }
            for location in details.iter().filter_map(DetailEntry::locations).flatten() {
                if !resources.iter().any(|known| known == location) {
                    resources.push(location.to_owned());
                }
            }
        }
        // It would be approved, and be in no token.
        if for_resources(details.to_vec(), &resources).len() < details.len() {
            return Err(Refusal::new(
                ErrorCode::InvalidTarget,
                "resource does not name any of the locations of one of the authorization_details",
            ));
        }
        Ok(resources)
    }
}

/// Required, and exactly one of those registered (FAPI 2.0 Security Profile §5.3.2.2, RFC 9700 §2.1).
fn redirect_uri(client: &Client, redirect_uri: Option<&str>) -> Result<String, Refusal> {
    let redirect_uri =
        redirect_uri.ok_or_else(|| Refusal::invalid_request("redirect_uri is missing"))?;
    if !client.may_return_to(redirect_uri) {
        return Err(Refusal::invalid_request(
            "redirect_uri is not registered for this client",
        ));
    }
    Ok(redirect_uri.to_owned())
}

/// Within what is registered. Required (RFC 6749 §3.3 leaves it to the server), unless authorization details say what is
/// wanted: they can be used wherever a scope can (RFC 9396 §3).
pub(crate) fn requested_scope(
    client: &Client,
    scope: Option<&str>,
    details: &[DetailEntry],
) -> Result<String, Refusal> {
    let refused = |description| Refusal::new(ErrorCode::InvalidScope, description);
    let scope = match scope {
        Some(scope) => scope,
        None if details.is_empty() => {
            return Err(refused("scope is missing"));
        }
        None => return Ok(String::new()),
    };
    let scope: ScopeSet = scope.parse().map_err(|_| refused("scope is malformed"))?;
    if !scope.is_subset(&client.scopes) {
        return Err(refused(
            "scope holds a value that is unknown or not registered for this client",
        ));
    }
    Ok(scope.to_string())
}

/// What ties the response to the request, of clients that have to send it (FAPI 1.0 Part 1 §5.2.2.2 and §5.2.2.3).
fn check_context(client: &Client, parameters: &Parameters, scope: &str) -> Result<(), Refusal> {
    if !client.profile.requires_nonce_or_state() {
        return Ok(());
    }
    let is_openid = scope.split(' ').any(|name| name == OPENID);
    match is_openid {
        true if !parameters.has("nonce") => Err(Refusal::invalid_request(
            "nonce is missing, which this client has to send with the scope openid",
        )),
        false if !parameters.has("state") => Err(Refusal::invalid_request(
            "state is missing, which this client has to send without the scope openid",
        )),
        true | false => Ok(()),
    }
}

/// A hint that could be typed; any other is ignored, as it may be (OpenID Connect Core §3.1.2.1).
fn hint(hint: &str) -> Option<String> {
    let hint = hint.trim();
    let sound = !hint.is_empty() && hint.len() <= 256 && !hint.contains(char::is_control);
    sound.then(|| hint.to_owned())
}

/// PKCE with S256 (FAPI 2.0 Security Profile §5.3.2.2, FAPI 1.0 Part 2 §5.2.2 no. 18); its challenge is a SHA-256
/// (RFC 7636 §4.2).
fn code_challenge(
    required: bool,
    challenge: Option<&str>,
    method: Option<&str>,
) -> Result<Option<String>, Refusal> {
    let Some(challenge) = challenge else {
        return if required || method.is_some() {
            Err(Refusal::invalid_request("code_challenge is missing"))
        } else {
            Ok(None)
        };
    };
    // Absent means `plain` (RFC 7636 §4.3).
    if method != Some("S256") {
        return Err(Refusal::invalid_request(
            "code_challenge_method must be S256",
        ));
    }
    if base64url::decode_array::<32>(challenge).is_err() {
        return Err(Refusal::invalid_request(
            "code_challenge is not the base64url of a SHA-256 value",
        ));
    }
    Ok(Some(challenge.to_owned()))
}

/// The key the code will be bound to: named by `dpop_jkt`, proved by a proof, or both, the same (RFC 9449 §10, §10.1).
fn bound_key(request: &AuthorizationRequest<'_>) -> Result<Option<JwkThumbprint>, Refusal> {
    let proved = request.proof.map(VerifiedProof::thumbprint);
    let Some(named) = request.parameters.get("dpop_jkt") else {
        return Ok(proved);
    };
    if request.client.binding != Binding::Dpop {
        return Err(Refusal::invalid_request(
            "The tokens of this client are bound to its certificate: dpop_jkt has no meaning",
        ));
    }
    let named: JwkThumbprint = named
        .parse()
        .map_err(|_| Refusal::invalid_request("dpop_jkt is not a SHA-256 thumbprint"))?;
    if proved.is_some_and(|proved| proved != named) {
        return Err(Refusal::invalid_request(
            "dpop_jkt is not the thumbprint of the key of the DPoP proof",
        ));
    }
    Ok(Some(named))
}
