//! The form an answer takes: HTTP's, or the trailers-only answer of gRPC.
//!
//! A gRPC client does not read HTTP statuses. What it reads is `grpc-status`, and where nothing else is to come, that stands
//! in the headers of an answer with status 200, no body, and the end of the stream on those headers (gRPC over HTTP/2,
//! "Responses": Trailers-Only). All other headers are metadata to it, so challenge, nonce and the rest keep their names.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_TYPE},
};

use super::{Rejection, kind::Kind};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The form in which a client can read an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AnswerForm {
    Http,
    Grpc,
    /// gRPC from a browser. Trailers-only is the same there ("no change to the gRPC protocol spec").
    GrpcWeb,
    /// The same with base64 around messages, of which there are none in an answer of ours.
    GrpcWebText,
}

impl AnswerForm {
    /// The form that fits a request: gRPC's for a `POST` of one of its content types.
    ///
    /// A status of 200 is a refusal to gRPC clients only. Hence nothing that is not a gRPC call gets one, whatever its
    /// `Content-Type` says: proxies that ask for a verdict in a subrequest pass the client's headers on, but mostly with
    /// the method `GET`, and would take 200 for a yes.
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let content_type = headers
            .get(CONTENT_TYPE)
            .map_or(&b""[..], |it| it.as_bytes());
        // `application/grpc`, or that with `+proto` or parameters behind it, in any letter case (RFC 9110 §8.3.1).
        let media_type = content_type
            .split(|byte| matches!(byte, b'+' | b';' | b' ' | b'\t'))
            .next()
            .unwrap_or_default();
        let is = |name: &str| media_type.eq_ignore_ascii_case(name.as_bytes());
        match *method {
            Method::POST if is("application/grpc") => Self::Grpc,
            Method::POST if is("application/grpc-web") => Self::GrpcWeb,
            Method::POST if is("application/grpc-web-text") => Self::GrpcWebText,
            _ => Self::Http,
        }
    }

    const fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Http => None,
            Self::Grpc => Some("application/grpc"),
            Self::GrpcWeb => Some("application/grpc-web"),
            Self::GrpcWebText => Some("application/grpc-web-text"),
        }
    }

    /// Puts an answer that is made for HTTP into this form.
    ///
    /// The rejection is in its extensions.
    pub(crate) fn applied_to(self, mut response: Response<Bytes>) -> Response<Bytes> {
        let Some(content_type) = self.content_type() else {
            return response;
        };
        // One without a rejection is a mistake on our side, and stays what it is.
        let Some(rejection) = response.extensions().get::<Rejection>() else {
            return response;
        };
        let (grpc_status, message) = (Kind::of(rejection).grpc_status(), rejection.description());
        *response.status_mut() = StatusCode::OK;
        // Not one byte, or the answer would be headers and a broken message.
        *response.body_mut() = Bytes::new();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(GRPC_STATUS, HeaderValue::from(grpc_status));
        if let Ok(message) = HeaderValue::try_from(percent_encoded(message)) {
            headers.insert(GRPC_MESSAGE, message);
        }
        if self != Self::Grpc {
            // Scripts see what is exposed to them, and need these to tell an error from an answer.
            let exposed = HeaderValue::from_static("Grpc-Status, Grpc-Message, WWW-Authenticate");
            headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        response
    }
}

/// `Percent-Encoded` of gRPC over HTTP/2: UTF-8, of which `%` and all but printable ASCII is encoded.
fn percent_encoded(message: &str) -> String {
    let encode = |byte| match byte {
        b' '..=b'$' | b'&'..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    message.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::Refusal;

    fn form(method: &Method, content_type: Option<&str>) -> AnswerForm {
        let mut headers = HeaderMap::new();
        if let Some(value) = content_type {
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
        }
        AnswerForm::of(method, &headers)
    }

    // gRPC over HTTP/2, "Requests": Content-Type; gRPC-Web, "Content-Type".
    #[test]
    fn a_call_is_known_by_its_content_type() {
        for (content_type, expected) in [
            ("application/grpc", AnswerForm::Grpc),
            ("application/grpc+proto", AnswerForm::Grpc),
            ("application/grpc+json", AnswerForm::Grpc),
            ("application/grpc;charset=utf-8", AnswerForm::Grpc),
            ("application/grpc ; charset=utf-8", AnswerForm::Grpc),
            ("Application/gRPC+Proto", AnswerForm::Grpc),
            ("application/grpc-web", AnswerForm::GrpcWeb),
            ("application/grpc-web+proto", AnswerForm::GrpcWeb),
            ("application/grpc-web-text", AnswerForm::GrpcWebText),
            ("application/grpc-web-text+proto", AnswerForm::GrpcWebText),
            ("application/grpcx", AnswerForm::Http),
            ("application/grpc-websocket", AnswerForm::Http),
            ("application/grp", AnswerForm::Http),
            ("x/application/grpc", AnswerForm::Http),
            ("application/json", AnswerForm::Http),
            ("text/plain, application/grpc", AnswerForm::Http),
            ("", AnswerForm::Http),
        ] {
            assert_eq!(
                form(&Method::POST, Some(content_type)),
                expected,
                "{content_type}"
            );
        }
        assert_eq!(form(&Method::POST, None), AnswerForm::Http);
    }

    // gRPC over HTTP/2, "Requests": `:method POST`. Where it is not, 200 would be read as a yes.
    #[test]
    fn what_is_no_call_is_not_answered_with_200() {
        let methods = [
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
        ];
        for method in methods {
            assert_eq!(
                form(&method, Some("application/grpc")),
                AnswerForm::Http,
                "{method}"
            );
            assert_eq!(
                form(&method, Some("application/grpc-web")),
                AnswerForm::Http,
                "{method}"
            );
        }
    }

    #[test]
    fn messages_are_percent_encoded() {
        for (message, expected) in [
            ("the token has expired", "the token has expired"),
            ("~!\"#$&'()", "~!\"#$&'()"),
            ("100 %", "100 %25"),
            ("a\nb\t\u{7f}", "a%0Ab%09%7F"),
            ("Zürich €", "Z%C3%BCrich %E2%82%AC"),
            ("", ""),
        ] {
            assert_eq!(percent_encoded(message), expected);
        }
    }

    #[test]
    fn nothing_is_left_in_the_body_and_everything_in_the_headers() {
        let answer = |form: AnswerForm| {
            let rejection = Rejection::Refused(Refusal::Scope("a".parse().unwrap()));
            let response = Response::builder()
                .status(StatusCode::FORBIDDEN)
                .header("content-type", "application/json")
                .header("www-authenticate", "DPoP")
                .header("access-control-expose-headers", "DPoP-Nonce")
                .extension(rejection)
                .body(Bytes::from_static(b"{}"))
                .unwrap();
            form.applied_to(response)
        };
        assert_eq!(answer(AnswerForm::Http).status(), StatusCode::FORBIDDEN);
        assert_eq!(answer(AnswerForm::Http).body(), "{}");
        for (form, content_type, exposures) in [
            (AnswerForm::Grpc, "application/grpc", 1),
            (AnswerForm::GrpcWeb, "application/grpc-web", 2),
            (AnswerForm::GrpcWebText, "application/grpc-web-text", 2),
        ] {
            let answer = answer(form);
            assert_eq!(answer.status(), StatusCode::OK);
            assert!(answer.body().is_empty());
            assert_eq!(answer.headers()["content-type"], content_type);
            assert_eq!(answer.headers()["grpc-status"], "7");
            assert_eq!(
                answer.headers()["grpc-message"],
                "the access token lacks a required scope"
            );
            assert_eq!(answer.headers()["www-authenticate"], "DPoP");
            let exposed = answer.headers().get_all("access-control-expose-headers");
            assert_eq!(exposed.iter().count(), exposures);
        }
    }
}
