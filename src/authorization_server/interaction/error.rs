//! What a person is shown when a flow cannot go on, and the client cannot safely be told (RFC 6749 §4.1.2.1).

use http::{HeaderValue, Response, StatusCode, header};
use thiserror::Error;
use uuid::Uuid;

use crate::authorization_server::{
    pages::{ErrorPage, Pages},
    refusal::{Fault, Refusal},
    secret::NoRandomness,
    store::StoreError,
};

/// Why a page cannot be shown.
#[derive(Clone, Debug, Error)]
pub(super) enum PageError {
    #[error("the authorization request was not pushed")]
    NotPushed,
    #[error("the authorization request was neither pushed nor signed")]
    NotSigned,
    /// A request object that came by value, and nothing in it that the answer could be sent to.
    #[error("the request object: {0}")]
    RequestObject(Refusal),
    #[error("client_id and request_uri cannot be read")]
    Malformed,
    /// Never pushed, expired, or of another client: which of these is nobody's business.
    #[error("the request_uri is not known for this client, or has expired")]
    UnknownRequest,
    #[error("the request has been completed already")]
    Spent,
    /// The URL of the page is damaged, too old, or from another browser.
    #[error("the interaction is unknown, over, or from another browser")]
    Lost,
    /// A form that was not ours, or not for this browser or session.
    #[error("the form was not made for this browser")]
    Forged,
    #[error("the form cannot be read")]
    UnreadableForm,
    /// The server has been configured anew since the request was pushed, and no longer knows what is asked for.
    #[error("what was asked for cannot be shown any more")]
    Changed,
    /// Nothing that we issued to this client.
    #[error("id_token_hint or client_id of a logout cannot be used")]
    Hint,
    /// Whoever is there must not be sent there (OpenID Connect RP-Initiated Logout 1.0 §3).
    #[error("post_logout_redirect_uri is not registered for the client of a logout")]
    LogoutTarget,
    /// The form was not made for this browser and session.
    #[error("the form of a logout was not made for this browser")]
    ForgedLogout,
    #[error("the form of a logout cannot be read")]
    UnreadableLogout,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The answer to the client cannot be made.
    #[error(transparent)]
    Fault(#[from] Fault),
}

struct Words {
    status: StatusCode,
    heading: &'static str,
    happened: &'static str,
    advice: &'static str,
    code: Option<&'static str>,
}

const START_AGAIN: &str = "Go back to the application you came from and start again.";

const LOGOUT_AGAIN: &str = "Go back to the application you came from and sign out again.";

impl PageError {
    /// The page.
    pub(super) fn respond(&self, pages: &Pages) -> Response<String> {
        let reference = Uuid::new_v4().to_string();
        let words = self.words();
        match self {
            Self::Store(_) | Self::Random(_) | Self::Fault(_) => {
                tracing::error!(error = %self, reference, "a page could not be shown");
            }
            Self::NotPushed
            | Self::NotSigned
            | Self::RequestObject(_)
            | Self::Malformed
            | Self::UnknownRequest
            | Self::Spent
            | Self::Lost
            | Self::Forged
            | Self::Changed
            | Self::Hint
            | Self::LogoutTarget
            | Self::ForgedLogout
            | Self::UnreadableLogout
            | Self::UnreadableForm => {
                tracing::info!(error = %self, reference, "an authorization cannot go on");
            }
        }
        let mut response = pages.error(&ErrorPage {
            status: words.status,
            heading: words.heading,
            happened: words.happened,
            advice: words.advice,
            code: words.code,
            reference: &reference,
        });
        if words.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }

    const fn words(&self) -> Words {
        match self {
            Self::NotPushed => Words {
                status: StatusCode::BAD_REQUEST,
                heading: "This request cannot be accepted",
                happened: "The application sent its request in a way that is not safe enough here.",
                advice: "Tell the people who make the application: requests have to be pushed.",
                code: Some("invalid_request"),
            },
            Self::NotSigned => Words {
                status: StatusCode::BAD_REQUEST,
                heading: "This request cannot be accepted",
                happened: "The application sent its request in a way that is not safe enough here.",
                advice: "Tell the people who make the application: requests have to be signed.",
                code: Some("invalid_request"),
            },
            Self::RequestObject(refusal) => Words {
                status: StatusCode::BAD_REQUEST,
                heading: "This request cannot be accepted",
                happened: "The request of the application that brought you here is not valid.",
                advice: START_AGAIN,
                code: Some(refusal.code.as_str()),
            },
            Self::Malformed => Words {
                status: StatusCode::BAD_REQUEST,
                heading: "This request cannot be accepted",
                happened: "The address that brought you here is damaged.",
                advice: START_AGAIN,
                code: Some("invalid_request"),
            },
            Self::UnknownRequest => Words {
                status: StatusCode::BAD_REQUEST,
                heading: "This request has expired",
                happened: "The request that brought you here is unknown or too old.",
                advice: START_AGAIN,
                code: Some("invalid_request_uri"),
            },
            Self::Spent => Words {
                status: StatusCode::BAD_REQUEST,
                heading: "This request has been answered",
                happened: "You, or somebody else, have already decided about it.",
                advice: START_AGAIN,
                code: Some("invalid_request_uri"),
            },
            Self::Lost => Words {
                status: StatusCode::BAD_REQUEST,
                heading: "This page has expired",
                happened: "It stood open for too long, was opened in another browser, or cookies are off.",
                advice: START_AGAIN,
                code: Some("invalid_request"),
            },
            Self::Forged => Words {
                status: StatusCode::FORBIDDEN,
                heading: "Nothing was approved",
                happened: "The form was not made for this browser, or somebody else has signed in since.",
                advice: START_AGAIN,
                code: Some("invalid_request"),
            },
            Self::UnreadableForm => Words {
                status: StatusCode::BAD_REQUEST,
                heading: "Nothing was approved",
                happened: "The form arrived damaged.",
                advice: START_AGAIN,
                code: Some("invalid_request"),
            },
            Self::Changed => Words {
                status: StatusCode::BAD_REQUEST,
                heading: "Nothing was approved",
                happened: "What the application asked for has changed here in the meantime.",
                advice: START_AGAIN,
                code: Some("invalid_request"),
            },
            Self::Hint | Self::LogoutTarget => Words {
                status: StatusCode::BAD_REQUEST,
                heading: "You were not signed out",
                happened: "The application that sent you here asked for it in a way that cannot be accepted.",
                advice: "To be signed out all the same, close your browser.",
                code: Some("invalid_request"),
            },
            Self::ForgedLogout => Words {
                status: StatusCode::FORBIDDEN,
                heading: "You were not signed out",
                happened: "The form was not made for this browser, or somebody else has signed in since.",
                advice: LOGOUT_AGAIN,
                code: Some("invalid_request"),
            },
            Self::UnreadableLogout => Words {
                status: StatusCode::BAD_REQUEST,
                heading: "You were not signed out",
                happened: "The form arrived damaged.",
                advice: LOGOUT_AGAIN,
                code: Some("invalid_request"),
            },
            Self::Store(_) | Self::Random(_) | Self::Fault(_) => Words {
                status: StatusCode::SERVICE_UNAVAILABLE,
                heading: "This does not work at the moment",
                happened: "Something is wrong on our side. Nothing was approved.",
                advice: "Try again in a moment.",
                code: Some("temporarily_unavailable"),
            },
        }
    }
}
