use std::{
    mem,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::{ProtectFuture, future::Verdict};
use crate::{
    layer::ResponseBody,
    replay::Recording,
    resource_server::{Findings, Judgement, RequestFacts, ResourceServer},
};

/// A service behind a resource server's verdict. Made by [`ProtectLayer`](super::ProtectLayer).
#[derive(Clone, Debug)]
pub struct Protect<S> {
    inner: S,
    server: ResourceServer,
}

impl<S> Protect<S> {
    pub(super) const fn new(inner: S, server: ResourceServer) -> Self {
        Self { inner, server }
    }
}

impl<S, B, A> Service<Request<B>> for Protect<S>
where
    S: Service<Request<B>, Response = Response<A>> + Clone,
    B: Send + 'static,
    A: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<A>>;
    type Error = S::Error; // a refusal is a response: the error type never changes
    type Future = ProtectFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready answers this request; its clone waits for the next one.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let begun = Instant::now();
        let verdict = decide(&self.server, request);
        ProtectFuture::new(&self.server, inner, verdict, begun)
    }
}

/// Decides at once where that is possible: everything at hand and a replay store that answers without waiting.
fn decide<B: Send + 'static>(server: &ResourceServer, request: Request<B>) -> Verdict<B> {
    let now = server.now();
    match server.judge(&RequestFacts::of(&request), now, &Findings::default()) {
        Judgement::Refused(denied) => Verdict::Made(request, Err(denied)),
        Judgement::Proven(proven) => {
            let answer = server.record(&proven, now).map(Recording::now_or_pending);
            match answer.transpose() {
                Ok(answer) => Verdict::Made(request, server.conclude(proven, answer, now)),
                Err(pending) => {
                    let server = server.clone();
                    Verdict::Pending(Box::pin(async move {
                        let answer = pending.await;
                        (request, server.conclude(proven, Some(answer), now))
                    }))
                }
            }
        }
        Judgement::Waits(wish) => {
            let server = server.clone();
            Verdict::Pending(Box::pin(async move {
                let facts = RequestFacts::of(&request);
                let verdict = server.pursue(wish, &facts, now, || server.now()).await;
                (request, verdict)
            }))
        }
    }
}
