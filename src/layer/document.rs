//! A public document that a service of this room answers with.

use bytes::Bytes;
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE},
};
use http_body_util::Full;

/// The answer to this method: the document, only its headers, or 405 (RFC 9110 §9.3.1, §9.3.2, §15.5.6).
pub(super) fn answer(
    method: &Method,
    media_type: &'static str,
    caching: &str,
    document: Bytes,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    let headers = response.headers_mut();
    if !matches!(*method, Method::GET | Method::HEAD) {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        return response;
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(caching) = HeaderValue::from_str(caching) {
        headers.insert(CACHE_CONTROL, caching);
    }
    if method == Method::GET {
        *response.body_mut() = Full::new(document);
    } else {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(document.len()));
    }
    response
}
