//! What it costs to record a proof, by the number of live ones, and the longest pause while a million expire at once.
//!
//! `REPLAY_LARGE=1` adds ten million live records.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::{
    env,
    hint::black_box,
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

/// A store is asked this often between two looks at the clock.
const ROUND: u64 = 65_536;
/// For how many seconds a proof is live.
const LIFETIME: u64 = 60;

criterion_group!(benches, key, record);

fn main() {
    benches();
    pauses();
    Criterion::default().configure_from_args().final_summary();
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

fn record(c: &mut Criterion) {
    let mut sizes = vec![1_000, 10_000, 100_000, 1_000_000];
    if env::var_os("REPLAY_LARGE").is_some() {
        sizes.push(10_000_000);
    }
    for live in sizes {
        let traffic = Traffic::steady(live);
        for threads in [1, 2] {
            let name = format!("replay/record/{live} live/{threads} threads");
            c.bench_function(&name, |b| {
                b.iter_custom(|records| traffic.run(threads, records));
            });
        }
        let bytes = traffic.store.allocated_bytes();
        // What any store of this size pays at least, on this machine and beside whatever else runs on it.
        let memory = Memory::of(bytes);
        c.bench_function(&format!("replay/record/{live} live/one read"), |b| {
            b.iter_custom(|reads| memory.read(reads));
        });
        println!("{live} live: {} bytes each\n", bytes as u64 / live);
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

    fn read(&self, reads: u64) -> Duration {
        let start = Instant::now();
        let last = (0..reads).fold(0, |line: usize, _| self.0[line][0]);
        black_box(last);
        start.elapsed()
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
        traffic.run(1, live * 3);
        traffic
    }

    /// How long the slowest of the threads took to make this many records each.
    fn run(&self, threads: u64, mut records: u64) -> Duration {
        let mut total = Duration::ZERO;
        while records > 0 {
            let round = records.min(ROUND);
            records -= round;
            let barrier = Barrier::new(usize::try_from(threads).unwrap());
            let one = || self.round(round, &barrier);
            total += thread::scope(|scope| {
                let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
                let times = running.into_iter().map(|it| it.join().unwrap());
                times.max().unwrap()
            });
        }
        total
    }

    fn round(&self, records: u64, barrier: &Barrier) -> Duration {
        let first = self.begun.fetch_add(records, Ordering::Relaxed);
        let keys: Vec<_> = (first..first + records).map(unique).collect();
        // Time goes by the number of records made, in steps that are small beside a second.
        let step = usize::try_from((self.live / 1_000).clamp(1, 64)).unwrap();
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

const LIVES: Duration = Duration::from_secs(LIFETIME);

fn unique(number: u64) -> ReplayKey {
    let mut thumbprint = [0; 32];
    thumbprint[..8].copy_from_slice(&number.to_le_bytes());
    ReplayKey::new("https://as.example", &thumbprint, "")
}

fn second(number: u64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000).plus(Duration::from_secs(number))
}

/// The longest record while a store fills, and while all it holds expires in one second and as many new ones come.
///
/// An interrupted thread looks like a pause, but does not happen at the same place in every run: the best of nine counts.
fn pauses() {
    let mut sizes = vec![1_000_000];
    if env::var_os("REPLAY_LARGE").is_some() {
        sizes.push(10_000_000);
    }
    for records in sizes {
        let mut longest = [Duration::MAX; 2];
        for _ in 0..9 {
            let store = MemoryReplayStore::new(usize::try_from(records).unwrap());
            let filling = longest_record(&store, 0..records, second(0));
            let expiring = longest_record(&store, records..2 * records, second(LIFETIME + 1));
            longest = [longest[0].min(filling), longest[1].min(expiring)];
        }
        let [filling, expiring] = longest;
        println!("longest while {records} come: {filling:?}; while they expire: {expiring:?}");
    }
}

fn longest_record(
    store: &MemoryReplayStore,
    numbers: std::ops::Range<u64>,
    now: Timestamp,
) -> Duration {
    let mut longest = Duration::ZERO;
    for key in numbers.map(unique) {
        let start = Instant::now();
        let answer = store.record(key, now.plus(LIVES), now).now_or_pending();
        longest = longest.max(start.elapsed());
        assert!(matches!(answer, Ok(Ok(Recorded::First))));
    }
    longest
}
