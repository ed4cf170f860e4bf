//! Tables and lines of JSON.

use std::{fs::OpenOptions, io::Write as _};

use serde_json::json;

use crate::{Outcome, drive::Measured};

pub fn heading() {
    println!(
        "{:<24} {:>9} {:>8} {:>7} {:>7} {:>8} {:>8} {:>9} {:>8} {:>6} {:>7}",
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
        "refused"
    );
}

pub fn row(label: &str, measured: &Measured) {
    let cpu = measured.cpu.unwrap_or_default();
    let refused: u64 = measured.refused.values().sum();
    println!(
        "{label:<24} {:>9.0} {:>8.1} {:>7.1} {:>7.1} {:>8.0} {:>8.0} {:>9.0} {:>8.1} {:>6.0} {refused:>7}{}",
        measured.requests_per_second,
        cpu.total(),
        cpu.user,
        cpu.system,
        measured.percentile(0.5),
        measured.percentile(0.99),
        measured.percentile(0.999),
        measured.resident_mib.unwrap_or_default(),
        measured.own_share * 100.0,
        if measured.ran_out {
            "  (until the proofs were used up)"
        } else {
            ""
        },
    );
    if let Some(refusal) = &measured.first_refusal {
        println!("    {refusal}");
    }
}

/// Medians of the rounds, divided by those of the first server in the same round.
pub fn ratios(rounds: &[(String, Vec<Measured>)]) {
    let Some((first, base)) = rounds.first() else {
        return;
    };
    println!(
        "\n{:<24} {:>9} {:>8} {:>14} {:>14}",
        "medians", "req/s", "CPU µs", "req/s, ratio", "CPU, ratio"
    );
    for (label, measured) in rounds {
        let cpu = |one: &Measured| one.cpu.unwrap_or_default().total();
        let rate = |one: &Measured| one.requests_per_second;
        let ratio = |of: &dyn Fn(&Measured) -> f64| {
            let each = measured.iter().zip(base);
            median(each.map(|(one, base)| of(one) / of(base)).collect())
        };
        println!(
            "{label:<24} {:>9.0} {:>8.1} {:>14.3} {:>14.3}",
            median(measured.iter().map(rate).collect()),
            median(measured.iter().map(cpu).collect()),
            ratio(&rate),
            ratio(&cpu),
        );
    }
    println!("ratios: each round by its own {first}, then the median");
}

pub fn append(path: &str, label: &str, measured: &Measured) -> Outcome {
    let cpu = measured.cpu.unwrap_or_default();
    let line = json!({
        "label": label,
        "requests_per_second": measured.requests_per_second,
        "cpu_us_per_request": cpu.total(),
        "user_us_per_request": cpu.user,
        "system_us_per_request": cpu.system,
        "p50_us": measured.percentile(0.5),
        "p90_us": measured.percentile(0.9),
        "p99_us": measured.percentile(0.99),
        "p999_us": measured.percentile(0.999),
        "max_us": measured.percentile(1.0),
        "resident_mib": measured.resident_mib,
        "refused": measured.refused,
        "generator_share": measured.own_share,
    });
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    Ok(writeln!(file, "{line}")?)
}

impl Measured {
    /// In microseconds.
    fn percentile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let position = (self.latencies.len() as f64 * share) as usize;
        let latency = self.latencies.get(position.min(last));
        f64::from(latency.copied().unwrap_or_default()) / 1000.0
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
