use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::{RequireScopeFuture, layer::Demand};
use crate::{
    layer::{ProtectedBy, ResponseBody, internal_error},
    rejection::{Refusal, Rejection},
    token::AccessToken,
};

/// A service that demands scopes. Made by [`RequireScope`](super::RequireScope).
#[derive(Clone, Debug)]
pub struct RequireScopeService<S> {
    inner: S,
    demand: Arc<Demand>,
}

impl<S> RequireScopeService<S> {
    pub(super) const fn new(inner: S, demand: Arc<Demand>) -> Self {
        Self { inner, demand }
    }
}

impl<S, B, A> Service<Request<B>> for RequireScopeService<S>
where
    S: Service<Request<B>, Response = Response<A>>,
    A: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<A>>;
    type Error = S::Error;
    type Future = RequireScopeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match refuse(&self.demand, &request) {
            None => RequireScopeFuture::passed(self.inner.call(request)),
            Some(response) => RequireScopeFuture::refused(response),
        }
    }
}

fn refuse<B>(demand: &Demand, request: &Request<B>) -> Option<Response<Bytes>> {
    let extensions = request.extensions();
    let (Some(token), Some(ProtectedBy(server))) =
        (extensions.get::<AccessToken>(), extensions.get())
    else {
        let path = request.uri().path();
        tracing::error!(
            path,
            "RequireScope stands before no FapiLayer: nothing is let through"
        );
        return Some(internal_error());
    };
    if demand.is_met_by(token.scope()) {
        return None;
    }
    let refusal = Refusal::Scope(demand.values().clone());
    let (method, path, client) = (request.method(), request.uri().path(), token.client_id());
    tracing::info!(%method, path, client, reason = %refusal, "request refused");
    Some(server.answer(Rejection::Refused(refusal), request.headers(), server.now()))
}
