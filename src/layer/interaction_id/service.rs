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
        request.extensions_mut().insert(id);
        let answer = span.in_scope(|| self.inner.call(request));
        InteractionIdFuture::new(answer, id, span)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        io,
        sync::{Arc, Mutex},
    };

    use tower::{ServiceExt as _, service_fn};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    // FAPI 1.0 Part 1 §6.2.1 no. 12: whoever logs behind the layer, at once or while the answer is awaited.
    #[tokio::test]
    async fn whatever_is_logged_names_the_request() {
        const ID: &str = "c770aef3-6784-41f7-8e0e-ff5f97bddb3a";
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        let guard = tracing::subscriber::set_default(subscriber);
        let service = InteractionIdLayer::new().layer(service_fn(|_: Request<()>| {
            tracing::info!("called");
            async {
                tokio::task::yield_now().await;
                tracing::info!("answering");
                Ok::<_, Infallible>(Response::new(()))
            }
        }));
        let request = Request::get("/").header("x-fapi-interaction-id", ID);
        service.oneshot(request.body(()).unwrap()).await.unwrap();
        tracing::info!("afterwards");
        drop(guard);
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = log.lines().map(|line| (line, line.contains(ID))).collect();
        let named: Vec<_> = lines.iter().map(|(_, named)| *named).collect();
        assert_eq!(named, [true, true, false], "{log}");
    }
}
