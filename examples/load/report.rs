//! Tables and lines of JSON.

use std::{fs::OpenOptions, io::Write as _};

use serde_json::{Value, json};

use crate::{Outcome, arguments::Arguments, measured::Measured, process::CpuTime};

/// What came of all the rounds of one server; nothing of those that yielded no figures.
pub struct Series {
    label: String,
    rounds: Vec<Option<Measured>>,
}

impl Series {
    pub fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            rounds: Vec::new(),
        }
    }

    pub fn push(&mut self, measured: Measured) {
        let fit = measured.fault().is_none();
        self.rounds.push(fit.then_some(measured));
    }

    /// Nothing came of this round.
    pub fn skip(&mut self, round: usize) {
        self.rounds.resize_with(round, || None);
    }
}

pub fn heading() {
    println!(
        "{:<24} {:>9} {:>8} {:>7} {:>7} {:>8} {:>8} {:>9} {:>8} {:>6} {:>8}",
        "server",
        "req/s",
        "CPU µs",
        "user",
        "system",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "MiB",
        "own %",
        "others %",
    );
}

/// One line, and what to keep in mind about it. Nothing if it is worth nothing.
pub fn row(label: &str, measured: &Measured) {
    if measured.fault().is_some() {
        return;
    }
    let cpu = measured.cpu();
    println!(
        "{label:<24} {:>9.0} {:>8} {:>7} {:>7} {:>8.0} {:>8.0} {:>9.0} {:>8} {:>6} {:>8}",
        measured.requests_per_second(),
        or_dash(cpu.map(CpuTime::total), 1),
        or_dash(cpu.map(|cpu| cpu.user), 1),
        or_dash(cpu.map(|cpu| cpu.system), 1),
        measured.percentile(0.5),
        measured.percentile(0.99),
        measured.percentile(0.999),
        or_dash(measured.resident_mib, 1),
        or_dash(measured.own_share().map(|share| share * 100.0), 0),
        or_dash(measured.others_share().map(|share| share * 100.0), 0),
    );
    for warning in measured.warnings() {
        note(&warning);
    }
}

pub fn note(text: &str) {
    println!("    {text}");
}

/// Instead of a line, where figures would say nothing.
pub fn failure(label: &str, fault: &str) {
    println!("{label:<24} no figures: {fault}");
}

/// Medians of the rounds, divided by those of the first server in the same round; and the least processor time of all rounds
/// divided by its least, which other processes disturb least.
pub fn ratios(all: &[Series]) {
    let Some(first) = all.first() else {
        return;
    };
    println!(
        "\n{:<24} {:>9} {:>8} {:>14} {:>14} {:>14} {:>7}",
        "medians", "req/s", "CPU µs", "req/s, ratio", "CPU, ratio", "least CPU", "rounds"
    );
    let rate = |one: &Measured| one.requests_per_second();
    let cpu = |one: &Measured| one.cpu().map_or(f64::NAN, CpuTime::total);
    let least = |series: &Series| {
        let rounds = series.rounds.iter().flatten().map(cpu);
        rounds.fold(f64::NAN, f64::min)
    };
    for series in all {
        let ratio = |of: &dyn Fn(&Measured) -> f64| {
            let pairs = series.rounds.iter().zip(&first.rounds);
            let both = pairs.filter_map(|(one, base)| Some((one.as_ref()?, base.as_ref()?)));
            median(both.map(|(one, base)| of(one) / of(base)).collect())
        };
        let good = || series.rounds.iter().flatten();
        let or_dash = |number: f64, decimals| or_dash(Some(number), decimals);
        println!(
            "{:<24} {:>9} {:>8} {:>14} {:>14} {:>14} {:>7}",
            series.label,
            or_dash(median(good().map(rate).collect()), 0),
            or_dash(median(good().map(cpu).collect()), 1),
            or_dash(ratio(&rate), 3),
            or_dash(ratio(&cpu), 3),
            or_dash(least(series) / least(first), 3),
            good().count(),
        );
    }
    let first = &first.label;
    println!(
        "ratios: each round by its own {first}, then the median; least CPU: the least of all rounds by that of {first}"
    );
}

/// A line for `--json`, if it is asked for.
pub fn append(
    arguments: &Arguments,
    label: &str,
    round: usize,
    mut line: Value,
    measured: &Measured,
) -> Outcome {
    let Some(path) = arguments.text("json") else {
        return Ok(());
    };
    let fault = measured.fault();
    let cpu = measured.cpu().filter(|_| fault.is_none());
    let fit = |number: f64| fault.is_none().then_some(number);
    let figures = json!({
        "label": label,
        "round": round,
        "seconds": measured.lasted.as_secs_f64(),
        "requests_per_second": fit(measured.requests_per_second()),
        "cpu_us_per_request": cpu.map(CpuTime::total),
        "user_us_per_request": cpu.map(|cpu| cpu.user),
        "system_us_per_request": cpu.map(|cpu| cpu.system),
        "p50_us": fit(measured.percentile(0.5)),
        "p90_us": fit(measured.percentile(0.9)),
        "p99_us": fit(measured.percentile(0.99)),
        "p999_us": fit(measured.percentile(0.999)),
        "max_us": fit(measured.percentile(1.0)),
        "resident_mib": measured.resident_mib,
        "generator_share": measured.own_share(),
        "others_share": measured.others_share(),
        "steal_share": measured.steal_share(),
        "refused": measured.refused,
        "fault": fault,
        "warnings": measured.warnings(),
    });
    if let (Some(line), Value::Object(figures)) = (line.as_object_mut(), figures) {
        line.extend(figures);
    }
    let file = OpenOptions::new().create(true).append(true).open(path);
    let mut file = file.map_err(|error| format!("{path}: {error}"))?;
    Ok(writeln!(file, "{line}")?)
}

fn or_dash(number: Option<f64>, decimals: usize) -> String {
    match number {
        Some(number) if number.is_finite() => format!("{number:.decimals$}"),
        Some(_) | None => "-".to_owned(),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |position| values.get(position).copied().unwrap_or(f64::NAN);
    f64::midpoint(at(values.len().saturating_sub(1) / 2), at(values.len() / 2))
}
