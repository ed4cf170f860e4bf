use std::{
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::{
    ProtectFuture,
    future::{Deciding, Decision},
};
use crate::{
    layer::{ResponseBody, take_ready},
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
        let begun = Instant::now();
        match decide(&self.server, request) {
            Verdict::Made(decision) => {
                if decision.outcome.is_err() && !self.server.reports_only() {
                    // It will not be called. What was reserved for the request, a place under a limit perhaps, is free again.
                    drop(take_ready(&mut self.inner));
                }
                ProtectFuture::after(decision, &self.server, &mut self.inner, begun)
            }
            Verdict::Pending(verdict) => {
                let inner = take_ready(&mut self.inner);
                ProtectFuture::deciding(verdict, self.server.clone(), inner, begun)
            }
        }
    }
}

/// A verdict: made, or still waiting for keys or the replay store.
#[expect(
    clippy::large_enum_variant,
    reason = "lives for a moment; a box would cost every request"
)]
enum Verdict<B> {
    Made(Decision<B>),
    Pending(Deciding<B>),
}

/// Decides at once where that is possible: everything at hand and a replay store that answers without waiting.
fn decide<B: Send + 'static>(server: &ResourceServer, request: Request<B>) -> Verdict<B> {
    let now = server.now();
    let made = |request, outcome| {
        Verdict::Made(Decision {
            request,
            outcome,
            at: now,
        })
    };
    match server.judge(&RequestFacts::of(&request), now, &Findings::default()) {
        Judgement::Refused(denied) => made(request, Err(denied)),
        Judgement::Proven(proven) => {
            let answer = server.record(&proven, now).map(Recording::now_or_pending);
            match answer.transpose() {
                Ok(answer) => made(request, server.conclude(proven, answer, now)),
                Err(pending) => {
                    let server = server.clone();
                    Verdict::Pending(Box::pin(async move {
                        let answer = pending.await;
                        let outcome = server.conclude(proven, Some(answer), now);
                        Decision::made_now(request, outcome, &server)
                    }))
                }
            }
        }
        Judgement::Waits(wish) => {
            let server = server.clone();
            Verdict::Pending(Box::pin(async move {
                let facts = RequestFacts::of(&request);
                let outcome = server.pursue(wish, &facts, now, || server.now()).await;
                Decision::made_now(request, outcome, &server)
            }))
        }
    }
}
