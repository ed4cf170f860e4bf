//! Requests that come through the browser, as signed request objects (RFC 9101 §5.1, OpenID Connect Core §6.1), from clients
//! whose profile has them (FAPI 1.0 Part 2 §5.2.2 nos. 1 and 10).
//!
//! Once its signature has been verified, such a request becomes a record like that of a pushed one, under the hash of what was
//! signed: however often it is opened, there is one record of it, and it is spent once. A stranger can add none.

use http::Response;

use super::{Interaction, answer::ReturnTo, error::PageError};
use crate::authorization_server::{
    clients::Client,
    parameters::Parameters,
    pushed_request::AuthorizationRequest,
    refusal::{Failure, Refusal},
    request_object::SignedRequest,
    response_mode::ResponseMode,
    response_type::ResponseType,
    scope::OPENID,
    secret::random,
    server::Server,
    store::{Pushed, PushedRequest},
};

/// What becomes of a request by value.
pub(super) enum ByValue {
    Opened(Interaction),
    /// The client is told what is wrong with it.
    Refused(Response<String>),
}

/// What counts beside the request object: the rest has not been signed.
const BESIDE: [&str; 4] = ["client_id", "request", "response_type", "scope"];

impl Server {
    /// Opens the request in this query or form.
    pub(super) async fn open_by_value(
        &self,
        encoded: &[u8],
        browser: [u8; 32],
    ) -> Result<ByValue, PageError> {
        let beside = Parameters::parse_only(encoded, &BESIDE).map_err(|_| PageError::Malformed)?;
        let client_id = beside.get("client_id").ok_or(PageError::NotPushed)?;
        let client = self.clients.clients().get(client_id);
        let client = client.filter(|client| !client.must_push);
        let client = client.ok_or(PageError::NotPushed)?.clone();
        let object = beside.get("request").ok_or(PageError::NotSigned)?;
        let signed = match self.verify_request(&client, object).await {
            Ok(signed) => signed,
            Err(Failure::Refused(refusal)) => return Err(PageError::RequestObject(refusal)),
            Err(Failure::Fault(fault)) => return Err(fault.into()),
        };
        let now = signed.now;
        let request = match self.check_by_value(&client, &signed, &beside, random()?) {
            Ok(request) => request,
            Err(refusal) => return self.refuse(&client, &signed, refusal).await,
        };
        self.check_response(&client, &request, now).await?;
        let id = signed.identity;
        let request = match self.records.get(id, now).await? {
            Some(Pushed::Waiting(known)) => known,
            Some(Pushed::Spent) => return Err(PageError::Spent),
            None => {
                let kept_until = request.opens_until.plus(self.lifetimes.interaction);
                let waiting = Pushed::Waiting(Box::new(request.clone()));
                self.records.put(id, &waiting, kept_until, now).await?;
                tracing::info!(client = client.id, "authorization request by value");
                Box::new(request)
            }
        };
        let interaction = Interaction::new(id, now, browser, request, client);
        Ok(ByValue::Opened(interaction))
    }

    fn check_by_value(
        &self,
        client: &Client,
        signed: &SignedRequest,
        beside: &Parameters,
        page_key: [u8; 32],
    ) -> Result<PushedRequest, Refusal> {
        let asked = signed.accept(&client.id, self.endpoints.issuer())?;
        check_duplicates(&asked.parameters, beside)?;
        let request = AuthorizationRequest {
            client,
            parameters: &asked.parameters,
            proof: None,
            pushed: false,
            opens_until: asked.expires,
        };
        self.check_request(&request, page_key)
    }

    /// Sends the refusal to where the client has signed that it wants its answer, if that is registered, and shows it
    /// otherwise (RFC 6749 §4.1.2.1).
    async fn refuse(
        &self,
        client: &Client,
        signed: &SignedRequest,
        refusal: Refusal,
    ) -> Result<ByValue, PageError> {
        // Another client may have the same keys.
        let is_of_client = signed.text("client_id") == Some(&client.id);
        let redirect_uri = signed.text("redirect_uri");
        let Some(redirect_uri) =
            redirect_uri.filter(|uri| is_of_client && client.may_return_to(uri))
        else {
            return Err(PageError::RequestObject(refusal));
        };
        let response_type = signed.text("response_type").and_then(ResponseType::named);
        let response_type = response_type.unwrap_or_default();
        let mode = signed.text("response_mode");
        let to = ReturnTo {
            client,
            redirect_uri,
            mode: ResponseMode::of_error(mode, response_type, client),
            state: signed.text("state").filter(|state| !state.is_empty()),
        };
        let code = refusal.code.as_str();
        tracing::info!(client = client.id, error = code, reason = %refusal.description, "authorization request refused");
        let description = refusal.speakable();
        let parameters = [("error", code), ("error_description", description.as_str())];
        self.send_back(&to, parameters).await.map(ByValue::Refused)
    }
}

/// What a request of OpenID Connect has to say both inside and beside the object (OpenID Connect Core §6.1, FAPI 1.0 Part 2
/// §5.2.3 no. 9). That `client_id` is the same, every request object has to say (RFC 9101 §6.3).
fn check_duplicates(signed: &Parameters, beside: &Parameters) -> Result<(), Refusal> {
    let words = |parameters: &Parameters, name| -> Option<Vec<String>> {
        let mut words: Vec<_> = parameters
            .get(name)?
            .split(' ')
            .map(str::to_owned)
            .collect();
        words.sort_unstable();
        Some(words)
    };
    let scope = words(signed, "scope").unwrap_or_default();
    if !scope.iter().any(|name| name == OPENID) {
        return Ok(());
    }
    for name in ["response_type", "scope"] {
        if words(beside, name) != words(signed, name) {
            return Err(Refusal::invalid_request(format!(
                "{name} must also be there beside the request object, and the same"
            )));
        }
    }
    Ok(())
}
