//! Cases in turn, and what comes out as a table.

use std::{
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

/// How much is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Extent {
    /// So much that the figures mean something.
    Full,
    /// Everything once.
    Trial,
}

/// Prepares so many inputs, then times so many runs.
pub(crate) type Run = Box<dyn FnMut(u64) -> Duration>;

/// Something that is measured.
pub(crate) struct Case {
    name: &'static str,
    /// The cases that do nothing but what this one cannot do without.
    needs: &'static [&'static str],
    run: Run,
}

impl Case {
    pub(crate) fn new(
        name: &'static str,
        needs: &'static [&'static str],
        run: impl FnMut(u64) -> Duration + 'static,
    ) -> Self {
        let run = Box::new(run);
        Self { name, needs, run }
    }
}

pub(crate) fn timed<I, O>(
    inputs: impl IntoIterator<Item = I>,
    mut run: impl FnMut(I) -> O,
) -> Duration {
    let start = Instant::now();
    for input in inputs {
        black_box(run(input));
    }
    start.elapsed()
}

pub(crate) fn now_or_never<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("everything is at hand"),
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Measures and prints: microseconds, beside the first case, and beside what a case cannot do without.
pub(crate) fn print_table(title: &str, extent: Extent, mut cases: Vec<Case>) {
    let (rounds, runs) = match extent {
        Extent::Full => (101, 40),
        Extent::Trial => (1, 2),
    };
    let mut results: Vec<Vec<f64>> = vec![Vec::new(); cases.len()];
    for _ in 0..rounds {
        for (case, results) in cases.iter_mut().zip(&mut results) {
            results.push((case.run)(runs).as_secs_f64() / runs as f64 * 1e6);
        }
    }
    if extent == Extent::Trial {
        return;
    }
    let first = cases[0].name;
    println!(
        "\n{title}\n{:<58} {:>9} {:>9} {:>9}",
        "", "µs", "× ES256", "× needed"
    );
    for (case, own) in cases.iter().zip(&results) {
        let beside = |names: &[&str]| {
            let needed: Vec<&Vec<f64>> = names
                .iter()
                .map(|name| find(&cases, &results, name))
                .collect();
            let ratio =
                |round: usize| own[round] / needed.iter().map(|needed| needed[round]).sum::<f64>();
            median((0..rounds).map(ratio).collect())
        };
        let needed = if case.needs.is_empty() {
            String::new()
        } else {
            format!("{:.3}", beside(case.needs))
        };
        println!(
            "{:<58} {:>9.2} {:>9.3} {needed:>9}",
            case.name,
            median(own.clone()),
            beside(&[first])
        );
    }
}

fn find<'a>(cases: &[Case], results: &'a [Vec<f64>], name: &str) -> &'a Vec<f64> {
    let position = cases.iter().position(|case| case.name == name);
    &results[position.unwrap()]
}
