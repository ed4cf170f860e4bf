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

/// Runs a few stretches in each of so many threads.
type Race<'a> = Box<dyn Fn(usize) -> Lap + 'a>;

/// How long a request took all threads together, and how much of a processor.
#[derive(Clone, Copy)]
struct Lap {
    wall: f64,
    processor: f64,
}

/// As many requests at a time as a processor's own cache has room for: in earnest they have just arrived.
const STRETCH: u64 = 40;
/// Requests that cost next to nothing are sent more often.
const REPEATED: u64 = 20;

pub(crate) fn print(extent: Extent) {
    let (rounds, stretches) = match extent {
        Extent::Full => (61, 10),
        Extent::Trial => (1, 1),
    };
    let keys: Vec<DpopKey> = (0..2).map(|_| DpopKey::generate()).collect();
    let (apart, together, certificates) = (World::new(), World::new(), World::new());
    let mint = |key: &DpopKey| apart.token().bound_to_key(key.thumbprint()).mint();
    let tokens: Vec<String> = keys.iter().map(mint).collect();
    let shared = together.bound().mint();
    let certificate = PeerCertificate::new(*b"certificate", []);
    let bound = certificates
        .token()
        .bound_to_certificate(certificate.thumbprint());
    let bearer = bearer(&bound.mint(), &certificate);

    let bare = |threads| {
        let lane = |number: usize| {
            let key: &DpopKey = &keys[number];
            let prepared = VerifyingKey::new(key.signing_key().public()).unwrap();
            (bare_inputs(key, STRETCH), prepared)
        };
        race(threads, stretches, STRETCH, lane, |(inputs, prepared)| {
            for input in inputs {
                bare_verification(input, prepared);
            }
        })
    };
    let each = |threads| {
        let lane = |number: usize| -> Vec<_> {
            let request = |_| dpop(&tokens[number], &keys[number]);
            (0..STRETCH).map(request).collect()
        };
        race(threads, stretches, STRETCH, lane, |requests| {
            apart.verify_all(requests);
        })
    };
    let one = |threads| {
        let lane = |_| together.requests(&shared, STRETCH);
        race(threads, stretches, STRETCH, lane, |requests| {
            together.verify_all(requests);
        })
    };
    // Nothing but caches and reference counts: what sharing them costs cannot hide behind a signature.
    let certificate = |threads| {
        let runs = STRETCH * REPEATED;
        race(
            threads,
            stretches,
            runs,
            |_| (),
            |()| {
                for _ in 0..runs {
                    certificates.verify(black_box(&bearer));
                }
            },
        )
    };
    let races: [(&str, Race<'_>); 4] = [
        ("bare ES256 verification", Box::new(bare)),
        (
            "DPoP, cached tokens, a client for each thread",
            Box::new(each),
        ),
        (
            "DPoP, cached token, one client in all threads",
            Box::new(one),
        ),
        (
            "mTLS, cached token, one client in all threads",
            Box::new(certificate),
        ),
    ];
    let mut laps: Vec<[Vec<Lap>; 2]> = races.iter().map(|_| [Vec::new(), Vec::new()]).collect();
    for _ in 0..rounds {
        for ((_, race), laps) in races.iter().zip(&mut laps) {
            for (threads, laps) in (1..).zip(laps) {
                laps.push(race(threads));
            }
        }
    }
    if extent == Extent::Full {
        print_laps(&races.map(|(name, _)| name), &laps);
    }
}

fn bearer(token: &str, certificate: &PeerCertificate) -> Request<()> {
    let request = request().header("authorization", format!("Bearer {token}"));
    request.extension(certificate.clone()).body(()).unwrap()
}

/// Each thread prepares its lane for a stretch, waits for the others, and runs it.
fn race<L>(
    threads: usize,
    stretches: u64,
    runs: u64,
    lane: impl Fn(usize) -> L + Sync,
    run: impl Fn(&L) + Sync,
) -> Lap {
    let barrier = Barrier::new(threads);
    let thread = |number: usize| {
        let mut spent = (Duration::ZERO, Duration::ZERO);
        for _ in 0..stretches {
            let lane = lane(number);
            barrier.wait();
            // It takes a while to ask for this one.
            let processor = processor_time();
            let began = Instant::now();
            run(&lane);
            spent.0 += began.elapsed();
            spent.1 += processor_time().saturating_sub(processor);
        }
        spent
    };
    let spent: Vec<_> = thread::scope(|scope| {
        let thread = &thread;
        let running: Vec<_> = (0..threads)
            .map(|number| scope.spawn(move || thread(number)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let requests = (stretches * runs) as f64;
    let throughput: f64 = spent
        .iter()
        .map(|(wall, _)| requests / wall.as_secs_f64())
        .sum();
    let processor: Duration = spent.iter().map(|(_, processor)| *processor).sum();
    Lap {
        wall: 1.0 / throughput,
        processor: processor.as_secs_f64() / requests / threads as f64,
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
