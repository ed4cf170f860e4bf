use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;
use tracing::Span;

use super::{InteractionId, X_FAPI_INTERACTION_ID};

pin_project! {
    /// Response future of [`InteractionIdService`](super::InteractionIdService).
    pub struct InteractionIdFuture<F> {
        #[pin]
        answer: F,
        id: InteractionId,
        span: Span,
    }
}

impl<F> InteractionIdFuture<F> {
    pub(super) const fn new(answer: F, id: InteractionId, span: Span) -> Self {
        Self { answer, id, span }
    }
}

impl<F, A, E> Future for InteractionIdFuture<F>
where
    F: Future<Output = Result<Response<A>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        let mut response = ready!(this.answer.poll(cx))?;
        response
            .headers_mut()
            .insert(X_FAPI_INTERACTION_ID, this.id.header_value());
        Poll::Ready(Ok(response))
    }
}

impl<F> fmt::Debug for InteractionIdFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InteractionIdFuture")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
