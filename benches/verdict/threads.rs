//! Two threads of verdicts in one process, which share caches and replay store, beside two threads that share nothing.

use std::{
    fs,
    hint::black_box,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use http::Request;
use tower_fapi::{jose::VerifyingKey, mtls::PeerCertificate, testing::DpopKey};

use crate::{
    measure::{Extent, median},
    world::{World, bare_inputs, bare_verification, dpop, request},
};

/// Runs so many requests in each of so many threads.
type Race<'a> = Box<dyn Fn(u64, usize) -> Lap + 'a>;

/// How long they took together, and how much of the processor each request took.
#[derive(Clone, Copy)]
struct Lap {
    wall: f64,
    processor: f64,
}

pub(crate) fn print(extent: Extent) {
    let (rounds, runs) = match extent {
        Extent::Full => (61, 500),
        Extent::Trial => (1, 2),
    };
    let keys: Vec<DpopKey> = (0..2).map(|_| DpopKey::generate()).collect();
    let (apart, together, certificates) = (World::new(), World::new(), World::new());
    let tokens: Vec<String> = keys
        .iter()
        .map(|key| apart.token().bound_to_key(key.thumbprint()).mint())
        .collect();
    let shared = together.bound().mint();
    let certificate = PeerCertificate::new(*b"certificate", []);
    let token = certificates
        .token()
        .bound_to_certificate(certificate.thumbprint());
    let bearer = bearer(&token.mint(), &certificate);
    let races: [(&str, u64, Race<'_>); 4] = [
        (
            "bare ES256 verification",
            1,
            Box::new(|runs, threads| {
                let lane = |number: usize| {
                    let key = &keys[number];
                    let prepared = VerifyingKey::new(key.signing_key().public()).unwrap();
                    (bare_inputs(key, runs), prepared)
                };
                race(threads, runs, lane, |(inputs, prepared)| {
                    for input in inputs {
                        bare_verification(input, prepared);
                    }
                })
            }),
        ),
        (
            "DPoP, cached tokens, a client for each thread",
            1,
            Box::new(|runs, threads| {
                let lane = |number: usize| -> Vec<_> {
                    (0..runs)
                        .map(|_| dpop(&tokens[number], &keys[number]))
                        .collect()
                };
                race(threads, runs, lane, |requests| {
                    for request in requests {
                        apart.verify(request);
                    }
                })
            }),
        ),
        (
            "DPoP, cached token, one client in all threads",
            1,
            Box::new(|runs, threads| {
                let lane = |_| together.requests(&shared, runs);
                race(threads, runs, lane, |requests| {
                    for request in requests {
                        together.verify(request);
                    }
                })
            }),
        ),
        // Nothing but caches and reference counts: what sharing them costs cannot hide behind a signature.
        (
            "mTLS, cached token, one client in all threads",
            20,
            Box::new(|runs, threads| {
                race(
                    threads,
                    runs,
                    |_| (),
                    |()| {
                        for _ in 0..runs {
                            certificates.verify(black_box(&bearer));
                        }
                    },
                )
            }),
        ),
    ];
    let mut laps: Vec<[Vec<Lap>; 2]> = races.iter().map(|_| [Vec::new(), Vec::new()]).collect();
    for _ in 0..rounds {
        for ((_, more, race), laps) in races.iter().zip(&mut laps) {
            for (threads, laps) in (1..).zip(laps) {
                laps.push(race(runs * more, threads));
            }
        }
    }
    if extent == Extent::Full {
        print_laps(&races.map(|(name, _, _)| name), &laps);
    }
}

fn bearer(token: &str, certificate: &PeerCertificate) -> Request<()> {
    let request = request().header("authorization", format!("Bearer {token}"));
    request.extension(certificate.clone()).body(()).unwrap()
}

/// Prepares a lane for each thread, then lets all of them start at once.
fn race<L: Send>(
    threads: usize,
    runs: u64,
    lane: impl Fn(usize) -> L,
    run: impl Fn(&L) + Sync,
) -> Lap {
    let barrier = Barrier::new(threads);
    let lanes: Vec<L> = (0..threads).map(lane).collect();
    let times: Vec<_> = thread::scope(|scope| {
        let runner = |lane: L| {
            let (barrier, run) = (&barrier, &run);
            scope.spawn(move || {
                barrier.wait();
                let (began, processor) = (Instant::now(), processor_time());
                run(&lane);
                (
                    began,
                    Instant::now(),
                    processor_time().saturating_sub(processor),
                )
            })
        };
        let running: Vec<_> = lanes.into_iter().map(runner).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let began = times.iter().map(|(began, _, _)| *began).min().unwrap();
    let ended = times.iter().map(|(_, ended, _)| *ended).max().unwrap();
    let requests = (runs * threads as u64) as f64;
    let processor: Duration = times.iter().map(|(_, _, processor)| *processor).sum();
    Lap {
        wall: (ended - began).as_secs_f64() / requests,
        processor: processor.as_secs_f64() / requests,
    }
}

/// What this thread has had of a processor: other programs on the machine do not count. Linux only.
fn processor_time() -> Duration {
    // The kernel brings the figure up to date when it looks for another thread to run.
    thread::yield_now();
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = statistics
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

fn print_laps(names: &[&str], laps: &[[Vec<Lap>; 2]]) {
    println!("\nTwo threads in one process (of throughput; in brackets, of processor time)");
    println!(
        "{:<48} {:>16} {:>16} {:>16} {:>16}",
        "", "1 thread × bare", "2 threads × bare", "2 threads × 1", "2 × 1 × bare's"
    );
    let [bare_one, bare_two] = &laps[0];
    for (name, [one, two]) in names.iter().zip(laps) {
        let column = |ratio: &dyn Fn(usize, fn(Lap) -> f64) -> f64| {
            let over = |time| median((0..one.len()).map(|round| ratio(round, time)).collect());
            format!(
                "{:.3} ({:.3})",
                over(|lap| lap.wall),
                over(|lap| lap.processor)
            )
        };
        println!(
            "{name:<48} {:>16} {:>16} {:>16} {:>16}",
            column(&|round, time| time(bare_one[round]) / time(one[round])),
            column(&|round, time| time(bare_two[round]) / time(two[round])),
            column(&|round, time| time(one[round]) / time(two[round])),
            column(&|round, time| {
                let scaling = time(one[round]) / time(two[round]);
                scaling / (time(bare_one[round]) / time(bare_two[round]))
            }),
        );
    }
}
