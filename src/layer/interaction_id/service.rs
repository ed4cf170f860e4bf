use std::task::{Context, Poll};

use http::{Request, Response};
use tower::{Layer, Service};
use tracing::info_span;

use super::{InteractionId, InteractionIdFuture};

/// Names every request and its answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct InteractionIdLayer;

impl InteractionIdLayer {
    /// The layer. It has no settings.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for InteractionIdLayer {
    type Service = InteractionIdService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InteractionIdService { inner }
    }
}

/// A service whose requests and answers are named. Made by [`InteractionIdLayer`].
#[derive(Clone, Debug)]
pub struct InteractionIdService<S> {
    inner: S,
}

impl<S, B, A> Service<Request<B>> for InteractionIdService<S>
where
    S: Service<Request<B>, Response = Response<A>>,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = InteractionIdFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let id = InteractionId::of(request.headers());
        let span = info_span!("fapi", interaction_id = %id);
        request.extensions_mut().insert(id.clone());
        let answer = span.in_scope(|| self.inner.call(request));
        InteractionIdFuture::new(answer, id, span)
    }
}
