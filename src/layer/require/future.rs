use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use crate::layer::{ResponseBody, internal_error};

pin_project! {
    /// Response future of [`RequireService`](super::RequireService).
    pub struct RequireFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Passed { #[pin] answer: F },
        Refused { response: Option<Response<Bytes>> },
    }
}

impl<F> RequireFuture<F> {
    pub(super) const fn passed(answer: F) -> Self {
        Self {
            state: State::Passed { answer },
        }
    }

    pub(super) const fn refused(response: Response<Bytes>) -> Self {
        Self {
            state: State::Refused {
                response: Some(response),
            },
        }
    }
}

impl<F, A, E> Future for RequireFuture<F>
where
    F: Future<Output = Result<Response<A>, E>>,
{
    type Output = Result<Response<ResponseBody<A>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Passed { answer } => {
                Poll::Ready(Ok(ready!(answer.poll(cx))?.map(ResponseBody::inner)))
            }
            StateProj::Refused { response } => Poll::Ready(Ok(response
                .take()
                .unwrap_or_else(internal_error)
                .map(ResponseBody::own))),
        }
    }
}

impl<F> fmt::Debug for RequireFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireFuture").finish_non_exhaustive()
    }
}
