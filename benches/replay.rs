//! What it costs to record a proof, by the number of live ones, and the longest pause while a million come and expire.
//!
//! Prints one table. `REPLAY_LARGE=1` adds ten million live records.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    missing_docs
)]

use std::{
    env,
    hint::black_box,
    ops::Range,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group};
use tower_fapi::{
    replay::{MemoryReplayStore, Recorded, ReplayKey, ReplayStore, StoreError},
    time::Timestamp,
};

/// How many records a thread makes between two looks at the clock: some hundred microseconds, which are seldom interrupted.
const ROUND: u64 = 8_192;
/// For how many seconds a proof is live.
const LIFETIME: u64 = 60;
const LIVES: Duration = Duration::from_secs(LIFETIME);

criterion_group!(benches, key);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    let large = env::var_os("REPLAY_LARGE").is_some();
    records(large);
    pauses(large);
}

fn key(c: &mut Criterion) {
    c.bench_function("replay/key", |b| {
        b.iter(|| {
            ReplayKey::new(
                black_box("https://login.bank.example/tenant"),
                black_box(&[7; 32]),
                black_box("2f1f7a2c-4f3e-4b8e-9d6a-0d1c2b3a4f5e"),
            )
        });
    });
}

/// Nanoseconds a record takes each thread: the median of all rounds, and the mean, into which go the rounds that cleaned up and
/// whatever else ran on the machine. Beside them what any store of the size pays: one read of memory that depends on the one
/// before.
fn records(large: bool) {
    println!(
        "     live |  1 thread: median  mean | 2 threads: median  mean | one read | bytes each"
    );
    for live in [1_000, 10_000, 100_000, 1_000_000, 10_000_000] {
        if live > 1_000_000 && !large {
            continue;
        }
        let traffic = Traffic::steady(live);
        // Twice the lifetime of each record.
        let rounds = (live * 2).div_ceil(ROUND).max(400);
        let [one, two] = [1, 2].map(|threads| Times::of(traffic.run(threads, rounds / threads)));
        let bytes = traffic.store.allocated_bytes();
        println!(
            "{live:9} | {:17.0} {:5.0} | {:17.0} {:5.0} | {:8.0} | {:10}",
            one.median,
            one.mean,
            two.median,
            two.mean,
            Memory::of(bytes).read(),
            bytes as u64 / live,
        );
    }
}

/// Of the rounds of a run, in nanoseconds a record.
struct Times {
    median: f64,
    mean: f64,
}

impl Times {
    fn of(mut rounds: Vec<Duration>) -> Self {
        rounds.sort_unstable();
        let each = |time: Duration| time.as_secs_f64() * 1e9 / ROUND as f64;
        Self {
            median: each(rounds[rounds.len() / 2]),
            mean: each(rounds.iter().sum::<Duration>()) / rounds.len() as f64,
        }
    }
}

/// New proofs at a constant rate, so that `live` of them are live at any time.
struct Traffic {
    store: MemoryReplayStore,
    live: u64,
    begun: AtomicU64,
    made: AtomicU64,
}

impl Traffic {
    fn steady(live: u64) -> Self {
        let traffic = Self {
            store: MemoryReplayStore::new(usize::try_from(live * 2).unwrap()),
            live,
            begun: AtomicU64::new(0),
            made: AtomicU64::new(0),
        };
        traffic.run(1, (live * 3).div_ceil(ROUND));
        traffic
    }

    /// How long the slowest of the threads took in each of the rounds, which all begin together.
    fn run(&self, threads: u64, rounds: u64) -> Vec<Duration> {
        let barrier = Barrier::new(usize::try_from(threads).unwrap());
        let one = || -> Vec<_> { (0..rounds).map(|_| self.round(&barrier)).collect() };
        thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
            let times = running.into_iter().map(|it| it.join().unwrap());
            times
                .reduce(|a, b| a.into_iter().zip(b).map(|(a, b)| a.max(b)).collect())
                .unwrap()
        })
    }

    fn round(&self, barrier: &Barrier) -> Duration {
        let first = self.begun.fetch_add(ROUND, Ordering::Relaxed);
        let keys: Vec<_> = (first..first + ROUND).map(unique).collect();
        // Time goes by the number of records made, in steps of less than a second.
        let step = usize::try_from((self.live / 100).clamp(1, 64)).unwrap();
        barrier.wait();
        let start = Instant::now();
        for keys in keys.chunks(step) {
            let made = self.made.fetch_add(keys.len() as u64, Ordering::Relaxed);
            let now = second(made * LIFETIME / self.live);
            for key in keys {
                let answer = self.store.record(*key, now.plus(LIVES), now);
                // With few live records a lifetime is over in microseconds: a thread that was interrupted then hears that
                // its clock went back.
                assert!(matches!(
                    answer.now_or_pending(),
                    Ok(Ok(Recorded::First) | Err(StoreError::Unavailable(_)))
                ));
            }
        }
        start.elapsed()
    }
}

/// Memory in which each line tells where the next one to read is.
struct Memory(Vec<[usize; 8]>);

impl Memory {
    fn of(bytes: usize) -> Self {
        let lines = bytes / 64;
        let mut memory = vec![[0; 8]; lines];
        // A linear congruential generator that comes by each line once; what falls outside is passed over.
        let modulus = lines.next_power_of_two();
        let after = |line| (line * 0x2c92_7755 + 0x3c6e_f35f) % modulus;
        let mut line = 0;
        loop {
            let mut next = after(line);
            while next >= lines {
                next = after(next);
            }
            memory[line][0] = next;
            if next == 0 {
                return Self(memory);
            }
            line = next;
        }
    }

    /// The median of many rounds, in nanoseconds a read.
    fn read(&self) -> f64 {
        let mut line = 0;
        let rounds = (0..400).map(|_| {
            let start = Instant::now();
            line = (0..ROUND).fold(line, |line: usize, _| self.0[line][0]);
            start.elapsed()
        });
        let times = Times::of(rounds.collect());
        black_box(line);
        times.median
    }
}

/// The longest record while a store fills, and while all it holds expires in one second and as many new ones come.
///
/// An interrupted thread looks like a pause, but does not happen at the same place in every run: the best of nine counts.
fn pauses(large: bool) {
    for records in [1_000_000, 10_000_000] {
        if records > 1_000_000 && !large {
            continue;
        }
        let mut longest = [Duration::MAX; 2];
        for _ in 0..9 {
            let store = MemoryReplayStore::new(usize::try_from(records).unwrap());
            let filling = longest_record(&store, 0..records, second(0));
            let expiring = longest_record(&store, records..2 * records, second(LIFETIME + 1));
            longest = [longest[0].min(filling), longest[1].min(expiring)];
        }
        let [filling, expiring] = longest;
        println!(
            "longest record while {records} come: {filling:?}; while they expire: {expiring:?}"
        );
    }
}

fn longest_record(store: &MemoryReplayStore, numbers: Range<u64>, now: Timestamp) -> Duration {
    let mut longest = Duration::ZERO;
    for key in numbers.map(unique) {
        let start = Instant::now();
        let answer = store.record(key, now.plus(LIVES), now).now_or_pending();
        longest = longest.max(start.elapsed());
        assert!(matches!(answer, Ok(Ok(Recorded::First))));
    }
    longest
}

fn unique(number: u64) -> ReplayKey {
    let mut thumbprint = [0; 32];
    thumbprint[..8].copy_from_slice(&number.to_le_bytes());
    ReplayKey::new("https://as.example", &thumbprint, "")
}

fn second(number: u64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000).plus(Duration::from_secs(number))
}
