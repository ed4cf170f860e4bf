//! Answers that send the browser on.

use http::{HeaderValue, Response, StatusCode, header};

use super::{Interaction, error::PageError};
use crate::authorization_server::{
    clients::Client, pages::headers, response_mode::ResponseMode, server::Server,
};

/// Sends the browser to another address with a `GET`.
///
/// 303 and not 307, which would make the browser post the password again, to whoever comes next
/// (FAPI 2.0 Security Profile §5.3.2.2, RFC 9700 §4.12).
pub(super) fn see_other(location: &str) -> Result<Response<String>, PageError> {
    let location = HeaderValue::from_str(location).map_err(|_| PageError::Lost)?;
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    headers::secure(response.headers_mut());
    Ok(response)
}

/// Where a response goes, and how.
pub(super) struct ReturnTo<'a> {
    pub(super) client: &'a Client,
    /// One that is registered.
    pub(super) redirect_uri: &'a str,
    pub(super) mode: ResponseMode,
    pub(super) state: Option<&'a str>,
}

impl Server {
    /// The authorization response to the client of this interaction.
    pub(super) async fn return_to_client<'a>(
        &'a self,
        interaction: &'a Interaction,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Response<String>, PageError> {
        let request = &interaction.request;
        let to = ReturnTo {
            client: &interaction.client,
            redirect_uri: &request.redirect_uri,
            mode: request.response_mode,
            state: request.state.as_deref(),
        };
        self.send_back(&to, parameters).await
    }

    /// The authorization response (RFC 6749 §4.1.2), with the issuer it is from (RFC 9207 §2), in the response mode
    /// that was asked for.
    pub(super) async fn send_back<'a>(
        &'a self,
        to: &ReturnTo<'a>,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Response<String>, PageError> {
        let state = to.state.map(|state| ("state", state));
        let parameters = parameters
            .into_iter()
            .chain(state)
            .chain([("iss", self.endpoints.issuer())]);
        let location = if to.mode.is_signed() {
            let now = self.clock.now();
            let response = self.signed_response(to.client, parameters, now).await?;
            let response = [("response", response.as_str())];
            to.mode.append(to.redirect_uri, response)
        } else {
            to.mode.append(to.redirect_uri, parameters)
        };
        see_other(&location)
    }

    /// The answer when a person does not want to (RFC 6749 §4.1.2.1).
    pub(super) async fn deny(
        &self,
        interaction: &Interaction,
    ) -> Result<Response<String>, PageError> {
        tracing::info!(client = interaction.client.id, "authorization denied");
        self.return_to_client(
            interaction,
            [
                ("error", "access_denied"),
                ("error_description", "The request was declined"),
            ],
        )
        .await
    }
}
