//! A closed loop: each connection sends its next request when it has the answer to the last.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    Outcome,
    connection::{Connection, Target},
    material::Material,
    process::{CpuTime, resident_mib},
};

/// How hard, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub connections: usize,
    pub streams: usize,
    pub warm_up: Duration,
    pub duration: Duration,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Measured {
    pub requests_per_second: f64,
    /// Sorted, in nanoseconds.
    pub latencies: Vec<u32>,
    pub refused: BTreeMap<u16, u64>,
    /// Body or challenge of the first refusal.
    pub first_refusal: Option<String>,
    /// Microseconds of the server's processor time for a request.
    pub cpu: Option<CpuTime>,
    pub resident_mib: Option<f64>,
    /// The share of a core that the generator itself took.
    pub own_share: f64,
    pub ran_out: bool,
}

struct Run {
    target: Target,
    material: Arc<Material>,
    next: AtomicUsize,
    measuring: AtomicBool,
    over: AtomicBool,
    ran_out: AtomicBool,
    results: Mutex<Results>,
}

#[derive(Default)]
struct Results {
    latencies: Vec<u32>,
    refused: BTreeMap<u16, u64>,
    first_refusal: Option<String>,
}

/// Drives a server and reads what its process takes.
pub async fn drive(
    target: Target,
    material: Arc<Material>,
    load: Load,
    server: Option<u32>,
) -> Outcome<Measured> {
    let run = Arc::new(Run {
        target,
        material,
        next: AtomicUsize::new(0),
        measuring: AtomicBool::new(false),
        over: AtomicBool::new(false),
        ran_out: AtomicBool::new(false),
        results: Mutex::default(),
    });
    let mut senders = JoinSet::new();
    for number in 0..load.connections {
        let certificate = run.material.certificate(number);
        let connection = run.target.connect(certificate).await?;
        for _ in 1..load.streams {
            if let Some(shared) = connection.share() {
                senders.spawn(Arc::clone(&run).send_all(shared, number));
            }
        }
        senders.spawn(Arc::clone(&run).send_all(connection, number));
    }
    let own = std::process::id();
    sleep(load.warm_up).await;
    if run.ran_out.load(Ordering::Relaxed) {
        return Err("the proofs were used up before the warm-up ended: more --proofs".into());
    }
    let cpu = || (server.and_then(CpuTime::of), CpuTime::of(own));
    let (before, start) = (cpu(), Instant::now());
    run.measuring.store(true, Ordering::Relaxed);
    while start.elapsed() < load.duration && !run.ran_out.load(Ordering::Relaxed) {
        sleep(Duration::from_millis(5)).await;
    }
    run.measuring.store(false, Ordering::Relaxed);
    let (after, seconds) = (cpu(), start.elapsed().as_secs_f64());
    let resident_mib = server.and_then(resident_mib);
    run.over.store(true, Ordering::Relaxed);
    while let Some(sender) = senders.join_next().await {
        sender??;
    }

    let mut results = run.results.lock().unwrap_or_else(PoisonError::into_inner);
    let Results {
        mut latencies,
        refused,
        first_refusal,
    } = std::mem::take(&mut *results);
    latencies.sort_unstable();
    let count = latencies.len() as f64;
    let each = |taken: CpuTime| CpuTime {
        user: taken.user / count * 1e6,
        system: taken.system / count * 1e6,
    };
    let between = |before: Option<CpuTime>, after: Option<CpuTime>| Some(after?.since(before?));
    Ok(Measured {
        requests_per_second: count / seconds,
        latencies,
        refused,
        first_refusal,
        cpu: between(before.0, after.0).map(each),
        resident_mib,
        own_share: between(before.1, after.1).map_or(0.0, CpuTime::total) / seconds,
        ran_out: run.ran_out.load(Ordering::Relaxed),
    })
}

impl Run {
    async fn send_all(self: Arc<Self>, mut connection: Connection, number: usize) -> Outcome {
        let mut own = Results::default();
        while !self.over.load(Ordering::Relaxed) {
            let Some(request) = self.request(number)? else {
                self.ran_out.store(true, Ordering::Relaxed);
                break;
            };
            let start = Instant::now();
            let response = connection.send(request).await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            let took = start.elapsed();
            if self.measuring.load(Ordering::Relaxed) {
                own.latencies
                    .push(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
            }
            if !parts.status.is_success() {
                *own.refused.entry(parts.status.as_u16()).or_default() += 1;
                let challenge = parts.headers.get(header::WWW_AUTHENTICATE);
                own.first_refusal
                    .get_or_insert_with(|| in_words(parts.status, challenge, &body));
            }
        }
        let mut all = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        all.latencies.append(&mut own.latencies);
        for (status, count) in own.refused {
            *all.refused.entry(status).or_default() += count;
        }
        all.first_refusal = all.first_refusal.take().or(own.first_refusal);
        Ok(())
    }

    fn request(&self, connection: usize) -> Outcome<Option<Request<Empty<Bytes>>>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(carried) = self.material.carried(number, connection) else {
            return Ok(None);
        };
        let url = &self.target.url;
        let mut request = if self.target.http2 {
            Request::get(url.as_str())
        } else {
            let host = url.authority();
            Request::get(url.path()).header(header::HOST, host)
        };
        if let Some(value) = carried.authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        if let Some(value) = carried.proof {
            request = request.header("dpop", value);
        }
        Ok(Some(request.body(Empty::new())?))
    }
}

fn in_words(status: StatusCode, challenge: Option<&HeaderValue>, body: &[u8]) -> String {
    let challenge = challenge.and_then(|value| value.to_str().ok());
    let body = String::from_utf8_lossy(body);
    format!("{status} {} {body}", challenge.unwrap_or_default())
}
