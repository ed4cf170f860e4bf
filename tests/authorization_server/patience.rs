//! A client that never comes to an end.

use axum::body::{Body, Bytes};
use http::{Request, StatusCode, header};
use http_body::Frame;

use crate::world::World;

/// A body that is announced and never arrives.
struct Never;

impl http_body::Body for Never {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let world = World::new();
    for path in ["/par", "/token"] {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::new(Never))
            .unwrap();
        let reply = world.send(request).await;
        assert_eq!(reply.status, StatusCode::REQUEST_TIMEOUT, "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
    }
}
