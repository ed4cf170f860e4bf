//! A closed loop: each sender sends its next request when it has the answer to the last.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    Outcome,
    line::{Lines, Sender},
    material::Material,
    measured::Measured,
    process::{Taken, resident_mib},
    target::Target,
};

/// How hard, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub connections: usize,
    /// Requests in flight on each.
    pub streams: usize,
    pub warm_up: Duration,
    pub duration: Duration,
}

struct Run {
    lines: Arc<Lines>,
    phase: Phase,
    refusals: AtomicUsize,
    results: Mutex<Results>,
}

#[derive(Default)]
struct Phase {
    measuring: AtomicBool,
    ran_out: AtomicBool,
    over: AtomicBool,
}

#[derive(Default)]
struct Results {
    latencies: Vec<u32>,
    /// Of the warm-up, too.
    answers: usize,
    refused: BTreeMap<u16, u64>,
    first_refusal: Option<String>,
}

/// Drives a server and reads what its process takes.
pub async fn drive(
    target: Target,
    material: Material,
    load: Load,
    server: Option<u32>,
) -> Outcome<Measured> {
    let run = Arc::new(Run {
        lines: Arc::new(Lines {
            target,
            material,
            renewed: AtomicUsize::new(0),
        }),
        phase: Phase::default(),
        refusals: AtomicUsize::new(0),
        results: Mutex::default(),
    });
    let mut tasks = JoinSet::new();
    for number in 0..load.connections {
        for sender in run.lines.open(number, load.streams).await? {
            tasks.spawn(Arc::clone(&run).send_all(sender));
        }
    }
    let warm = Instant::now();
    run.wait(load.warm_up, &mut tasks).await?;
    let warm = warm.elapsed();
    let in_vain = run.ran_out() || run.refusals.load(Ordering::Relaxed) > 0;
    let (before, start) = (Taken::now(server), Instant::now());
    run.phase.measuring.store(true, Ordering::Relaxed);
    if !in_vain {
        run.wait(load.duration, &mut tasks).await?;
    }
    run.phase.measuring.store(false, Ordering::Relaxed);
    let (taken, lasted) = (Taken::now(server).since(&before), start.elapsed());
    let resident_mib = server.and_then(resident_mib);
    run.phase.over.store(true, Ordering::Relaxed);
    while let Some(task) = tasks.join_next().await {
        task??;
    }

    let mut results = run.results.lock().unwrap_or_else(PoisonError::into_inner);
    let Results {
        mut latencies,
        answers,
        refused,
        first_refusal,
    } = std::mem::take(&mut *results);
    latencies.sort_unstable();
    Ok(Measured {
        latencies,
        answers,
        refused,
        first_refusal,
        taken,
        resident_mib,
        lasted,
        asked: load.duration,
        warm,
        ran_out: run.ran_out(),
        renewed: run.lines.renewed.load(Ordering::Relaxed),
    })
}

impl Run {
    fn ran_out(&self) -> bool {
        self.phase.ran_out.load(Ordering::Relaxed)
    }

    /// Waits so long, or until proofs are used up, or somebody fails.
    async fn wait(&self, time: Duration, tasks: &mut JoinSet<Outcome>) -> Outcome {
        let start = Instant::now();
        while start.elapsed() < time && !self.ran_out() {
            sleep(Duration::from_millis(5).min(time)).await;
            while let Some(ended) = tasks.try_join_next() {
                ended??;
            }
        }
        Ok(())
    }

    async fn send_all(self: Arc<Self>, mut sender: Sender) -> Outcome {
        let mut own = Results::default();
        while !self.phase.over.load(Ordering::Relaxed) {
            let Some(carried) = self.lines.material.next(sender.number()) else {
                self.phase.ran_out.store(true, Ordering::Relaxed);
                break;
            };
            let start = Instant::now();
            let response = sender.send(&carried).await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            let took = start.elapsed();
            own.answers += 1;
            if self.phase.measuring.load(Ordering::Relaxed) {
                own.latencies
                    .push(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
            }
            if !parts.status.is_success() {
                self.refusals.fetch_add(1, Ordering::Relaxed);
                *own.refused.entry(parts.status.as_u16()).or_default() += 1;
                let challenge = parts.headers.get(header::WWW_AUTHENTICATE);
                own.first_refusal
                    .get_or_insert_with(|| in_words(parts.status, challenge, &body));
            }
        }
        let mut all = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        all.latencies.append(&mut own.latencies);
        all.answers += own.answers;
        for (status, count) in own.refused {
            *all.refused.entry(status).or_default() += count;
        }
        all.first_refusal = all.first_refusal.take().or(own.first_refusal);
        Ok(())
    }
}

fn in_words(status: StatusCode, challenge: Option<&HeaderValue>, body: &[u8]) -> String {
    let challenge = challenge.and_then(|value| value.to_str().ok());
    let body: String = String::from_utf8_lossy(body).chars().take(500).collect();
    let words = [&status.to_string(), challenge.unwrap_or_default(), &body];
    words.join(" ").trim_end().to_owned()
}
