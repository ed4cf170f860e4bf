use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::{Demand, RequireFuture};
use crate::layer::{Protection, Reported, ResponseBody, internal_error, take_ready};

/// A service that demands something of each token. Made by [`RequireScope`](super::RequireScope) and its like.
#[derive(Clone)]
pub struct RequireService<S> {
    inner: S,
    demand: Arc<dyn Demand>,
}

impl<S> RequireService<S> {
    pub(super) fn new(inner: S, demand: Arc<dyn Demand>) -> Self {
        Self { inner, demand }
    }
}

impl<S, B, A> Service<Request<B>> for RequireService<S>
where
    S: Service<Request<B>, Response = Response<A>> + Clone,
    A: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<A>>;
    type Error = S::Error;
    type Future = RequireFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let extensions = request.extensions();
        let Some(protection) = extensions.get::<Protection>() else {
            if extensions.get::<Reported>().is_some() {
                return RequireFuture::passed(self.inner.call(request), None);
            }
            let path = request.uri().path();
            tracing::error!(
                path,
                "a demand stands before no FapiLayer: nothing is let through"
            );
            drop(take_ready(&mut self.inner));
            return RequireFuture::refused(internal_error());
        };
        match protection.judge(&*self.demand) {
            Ok(()) => RequireFuture::passed(self.inner.call(request), None),
            Err(refusal) if protection.reports_only() => {
                let reported = Reported(refusal.into());
                RequireFuture::passed(self.inner.call(request), Some(reported))
            }
            Err(refusal) => {
                // What was reserved for the request, a place under a limit perhaps, is free again.
                drop(take_ready(&mut self.inner));
                RequireFuture::refused(protection.answer(refusal))
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for RequireService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
