//! What `tower::Service` asks of whoever calls a service.

use super::*;

/// A service with a place to reserve, as under a limit of concurrency: a clone has none, and a call takes it.
struct Reserving {
    has_place: bool,
    /// How many places are taken.
    taken: Arc<AtomicUsize>,
}

impl Reserving {
    fn new() -> Self {
        Self {
            has_place: false,
            taken: Arc::default(),
        }
    }
}

impl Clone for Reserving {
    fn clone(&self) -> Self {
        Self {
            has_place: false,
            taken: self.taken.clone(),
        }
    }
}

impl Drop for Reserving {
    fn drop(&mut self) {
        if self.has_place {
            self.taken.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Service<Request<()>> for Reserving {
    type Response = Response<OneFrame>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<OneFrame>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if !std::mem::replace(&mut self.has_place, true) {
            self.taken.fetch_add(1, Ordering::SeqCst);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(self.has_place, "called without having been polled ready");
        self.has_place = false;
        self.taken.fetch_sub(1, Ordering::SeqCst);
        std::future::ready(Ok(Response::new(OneFrame(None))))
    }
}

#[test]
fn the_service_that_was_polled_ready_is_called_and_a_refusal_gives_its_place_back() {
    let at_once = World::new();
    let waiting = World::with(|builder| builder.replay_store(Remote(MemoryReplayStore::new(10))));
    let reporting = World::with(|builder| builder.dangerous().report_only());
    for (case, world, refused) in [
        ("at once", at_once, StatusCode::UNAUTHORIZED),
        ("after waiting", waiting, StatusCode::UNAUTHORIZED),
        ("reported", reporting, StatusCode::OK),
    ] {
        let inner = Reserving::new();
        let taken = inner.taken.clone();
        let scope = RequireScope::all_of(["a"]).unwrap();
        let mut service = FapiLayer::new(world.server.clone()).layer(scope.layer(inner));
        let mut send = |request| {
            let mut context = Context::from_waker(Waker::noop());
            assert!(service.poll_ready(&mut context).is_ready());
            assert_eq!(taken.load(Ordering::SeqCst), 1, "{case}");
            let answer = block_on(service.call(request)).unwrap();
            assert_eq!(taken.load(Ordering::SeqCst), 0, "{case}");
            answer.status()
        };
        let good = || world.request("a");
        let copy = |request: &Request<()>| {
            let mut copy = Request::get("/a").body(()).unwrap();
            *copy.headers_mut() = request.headers().clone();
            copy
        };
        let first = good();
        assert_eq!(send(copy(&first)), StatusCode::OK, "{case}");
        assert_eq!(send(first), refused, "{case}: a replay");
        let bare = Request::get("/a").body(()).unwrap();
        assert_eq!(send(bare), refused, "{case}: no token");
        assert_eq!(send(good()), StatusCode::OK, "{case}");
        let narrow = match refused {
            StatusCode::UNAUTHORIZED => StatusCode::FORBIDDEN,
            reported => reported,
        };
        assert_eq!(send(world.request("b")), narrow, "{case}: no scope");
        assert_eq!(send(good()), StatusCode::OK, "{case}");
    }
}

#[test]
fn a_demand_without_a_layer_around_it_gives_the_place_back_too() {
    let inner = Reserving::new();
    let taken = inner.taken.clone();
    let mut service = RequireScope::all_of(["a"]).unwrap().layer(inner);
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    let request = Request::get("/a").body(()).unwrap();
    let answer = block_on(service.call(request)).unwrap();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(taken.load(Ordering::SeqCst), 0);
}
