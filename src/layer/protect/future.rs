use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use ::metrics::histogram;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::Service;

use crate::{
    layer::{Protection, Reported, ResponseBody, internal_error, record::RequestRecord},
    metrics,
    mtls::PeerCertificate,
    rejection::hand_out_nonce,
    resource_server::{Accepted, Denied, Evidence, RequestFacts, ResourceServer},
    time::Timestamp,
    token::AccessToken,
};

/// What was decided of a request, which comes back with it.
pub(super) struct Decision<B> {
    pub(super) request: Request<B>,
    pub(super) outcome: Result<Accepted, Denied>,
    pub(super) at: Timestamp,
}

/// A decision that keys, an issuer or the replay store have still to be waited for.
pub(super) type Deciding<B> = Pin<Box<dyn Future<Output = Decision<B>> + Send>>;

impl<B> Decision<B> {
    pub(super) fn made_now(
        request: Request<B>,
        outcome: Result<Accepted, Denied>,
        server: &ResourceServer,
    ) -> Self {
        let at = server.now();
        Self {
            request,
            outcome,
            at,
        }
    }
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
            verdict: Deciding<B>,
            server: ResourceServer,
            inner: S,
            begun: Instant,
        },
        Answering { #[pin] answer: F, nonce: Option<String>, reported: Option<Reported> },
        Refused { response: Option<Response<Bytes>> },
    }
}

impl<S: Service<Request<B>>, B> ProtectFuture<S, B> {
    /// `inner` is a service that has been polled ready, and so is that of [`deciding`](Self::deciding).
    pub(super) fn after(
        decision: Decision<B>,
        server: &ResourceServer,
        inner: &mut S,
        begun: Instant,
    ) -> Self {
        let state = State::after(decision, server, inner, begun);
        Self { state }
    }

    pub(super) fn deciding(
        verdict: Deciding<B>,
        server: ResourceServer,
        inner: S,
        begun: Instant,
    ) -> Self {
        let state = State::Deciding {
            verdict,
            server,
            inner,
            begun,
        };
        Self { state }
    }
}

impl<S: Service<Request<B>>, B> State<S, S::Future, B> {
    fn after(
        decision: Decision<B>,
        server: &ResourceServer,
        inner: &mut S,
        begun: Instant,
    ) -> Self {
        histogram!(metrics::VERIFICATION_SECONDS).record(begun.elapsed());
        let Decision {
            mut request,
            outcome,
            at,
        } = decision;
        let record = RequestRecord::of(&request);
        match outcome {
            Ok(accepted) => {
                let confirmed = accepted.token.confirmation().x5t_s256;
                let presented = accepted.certificate.as_ref();
                record.note(
                    server,
                    at,
                    None,
                    Some(&accepted.token),
                    presented.map(PeerCertificate::thumbprint).or(confirmed),
                );
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
            Err(Denied {
                rejection,
                evidence,
            }) => {
                let Evidence { token, certificate } = &evidence;
                record.note(server, at, Some(&rejection), token.as_ref(), *certificate);
                if server.reports_only() {
                    let certificate = server.client_certificate(&RequestFacts::of(&request));
                    server.prepare(&mut request, certificate);
                    let reported = Reported(rejection);
                    // What a layer further out has believed is not what this one would have.
                    request.extensions_mut().remove::<AccessToken>();
                    request.extensions_mut().remove::<Protection>();
                    request.extensions_mut().insert(reported.clone());
                    return Self::Answering {
                        answer: inner.call(request),
                        nonce: None,
                        reported: Some(reported),
                    };
                }
                let facts = RequestFacts::of(&request);
                Self::Refused {
                    response: Some(server.answer(rejection, &facts, at)),
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
                    let decision = ready!(verdict.as_mut().poll(cx));
                    let next = State::after(decision, server, inner, *begun);
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
