use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use ::metrics::histogram;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::Service;

use crate::{
    dpop::DPOP,
    layer::{Protection, Reported, ResponseBody, internal_error, record::RequestRecord},
    metrics,
    rejection::hand_out_nonce,
    resource_server::{Accepted, Denied, Evidence, RequestFacts, ResourceServer},
    token::AccessToken,
};

/// The request back, and what was decided of it.
type Decided<B> = (Request<B>, Result<Accepted, Denied>);

/// A verdict: made, or still waiting for keys or the replay store.
#[expect(
    clippy::large_enum_variant,
    reason = "lives for a moment; a box would cost every request"
)]
pub(super) enum Verdict<B> {
    Made(Request<B>, Result<Accepted, Denied>),
    Pending(Pin<Box<dyn Future<Output = Decided<B>> + Send>>),
}

pin_project! {
    /// Response future of [`Protect`](super::Protect): the verdict, then the inner service's answer.
    pub struct ProtectFuture<S: Service<Request<B>>, B> {
        #[pin]
        state: State<S, S::Future, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, B> {
        Deciding {
            verdict: Pin<Box<dyn Future<Output = Decided<B>> + Send>>,
            server: ResourceServer,
            inner: S,
            begun: Instant,
        },
        Answering { #[pin] answer: F, nonce: Option<String>, reported: Option<Reported> },
        Refused { response: Option<Response<Bytes>> },
    }
}

impl<S: Service<Request<B>>, B> ProtectFuture<S, B> {
    pub(super) fn new(
        server: &ResourceServer,
        mut inner: S,
        verdict: Verdict<B>,
        begun: Instant,
    ) -> Self {
        let state = match verdict {
            Verdict::Made(request, outcome) => {
                State::after(server, &mut inner, begun, request, outcome)
            }
            Verdict::Pending(verdict) => State::Deciding {
                verdict,
                server: server.clone(),
                inner,
                begun,
            },
        };
        Self { state }
    }
}

impl<S: Service<Request<B>>, B> State<S, S::Future, B> {
    fn after(
        server: &ResourceServer,
        inner: &mut S,
        begun: Instant,
        mut request: Request<B>,
        outcome: Result<Accepted, Denied>,
    ) -> Self {
        histogram!(metrics::VERIFICATION_SECONDS).record(begun.elapsed());
        let record = RequestRecord::of(&request);
        match outcome {
            Ok(accepted) => {
                let mut evidence = Evidence::of(&accepted.token);
                if let Some(certificate) = &accepted.certificate {
                    evidence.certificate = Some(certificate.thumbprint());
                }
                record.note(server, None, &evidence);
                hide_credentials(request.headers_mut());
                server.prepare(&mut request, accepted.certificate);
                let protection =
                    Protection::new(server.clone(), accepted.token.clone(), record, &request);
                request.extensions_mut().insert(accepted.token);
                request.extensions_mut().insert(protection);
                Self::Answering {
                    answer: inner.call(request),
                    nonce: accepted.nonce,
                    reported: None,
                }
            }
            Err(denied) if server.reports_only() => {
                record.note(server, Some(&denied.rejection), &denied.evidence);
                hide_credentials(request.headers_mut());
                let certificate = server.client_certificate(&RequestFacts::of(&request));
                server.prepare(&mut request, certificate);
                let reported = Reported(denied.rejection);
                // What a layer further out has believed is not what this one would have.
                request.extensions_mut().remove::<AccessToken>();
                request.extensions_mut().remove::<Protection>();
                request.extensions_mut().insert(reported.clone());
                Self::Answering {
                    answer: inner.call(request),
                    nonce: None,
                    reported: Some(reported),
                }
            }
            Err(Denied {
                rejection,
                evidence,
            }) => {
                record.note(server, Some(&rejection), &evidence);
                let facts = RequestFacts::of(&request);
                Self::Refused {
                    response: Some(server.answer(rejection, &facts, server.now())),
                }
            }
        }
    }
}

impl<S, B, A> Future for ProtectFuture<S, B>
where
    S: Service<Request<B>, Response = Response<A>>,
    A: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<A>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Deciding {
                    verdict,
                    server,
                    inner,
                    begun,
                } => {
                    let (request, outcome) = ready!(verdict.as_mut().poll(cx));
                    let next = State::after(server, inner, *begun, request, outcome);
                    this.state.set(next);
                }
                StateProj::Answering {
                    answer,
                    nonce,
                    reported,
                } => {
                    let mut response = ready!(answer.poll(cx))?;
                    if let Some(reported) = reported.take() {
                        response.extensions_mut().insert(reported);
                    }
                    if let Some(nonce) = nonce {
                        hand_out_nonce(nonce, response.headers_mut());
                    }
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
                StateProj::Refused { response } => {
                    let response = response.take().unwrap_or_else(internal_error);
                    return Poll::Ready(Ok(response.map(ResponseBody::own)));
                }
            }
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for ProtectFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtectFuture").finish_non_exhaustive()
    }
}

/// Whoever prints the headers behind the layer does not print the token.
fn hide_credentials(headers: &mut HeaderMap) {
    for (name, value) in headers {
        if *name == AUTHORIZATION || *name == DPOP {
            value.set_sensitive(true);
        }
    }
}
