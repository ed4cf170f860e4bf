use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use crate::layer::{Reported, ResponseBody, internal_error};

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
        Passed { #[pin] answer: F, reported: Option<Reported> },
        Refused { response: Option<Response<Bytes>> },
    }
}

impl<F> RequireFuture<F> {
    /// `reported` is what it would have been refused for.
    pub(super) const fn passed(answer: F, reported: Option<Reported>) -> Self {
        Self {
            state: State::Passed { answer, reported },
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
            StateProj::Passed { answer, reported } => {
                let mut response = ready!(answer.poll(cx))?;
                if let Some(reported) = reported.take() {
                    response.extensions_mut().insert(reported);
                }
                Poll::Ready(Ok(response.map(ResponseBody::inner)))
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
