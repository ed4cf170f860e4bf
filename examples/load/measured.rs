//! What came of a run, and whether it is worth anything.

use std::{collections::BTreeMap, time::Duration};

use crate::process::{CpuTime, Taken};

/// Above this share of a core, it is the generator that is measured.
const BUSY: f64 = 0.9;
/// What others may take of a core before it is said.
const OTHERS: f64 = 0.1;
/// What the hypervisor may take of a core before it is said.
const STEAL: f64 = 0.05;
/// So much processor time is needed for the system's hundredths of a second to be a per cent.
const LEAST_CPU: f64 = 1.0;

#[derive(Clone, Debug)]
pub struct Measured {
    /// Sorted, in nanoseconds; of the time that was measured.
    pub latencies: Vec<u32>,
    /// All of them, of the warm-up, too.
    pub answers: usize,
    /// How many answers were not 2xx, by status.
    pub refused: BTreeMap<u16, u64>,
    /// Status, challenge and body of the first of them.
    pub first_refusal: Option<String>,
    pub taken: Taken,
    pub resident_mib: Option<f64>,
    pub lasted: Duration,
    pub asked: Duration,
    /// How long the warm-up lasted.
    pub warm: Duration,
    /// Proofs or tokens were used up.
    pub ran_out: bool,
    /// Connections that were opened anew.
    pub renewed: usize,
}

impl Measured {
    pub fn requests_per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds()
    }

    /// Microseconds of the server's processor time for a request.
    pub fn cpu(&self) -> Option<CpuTime> {
        let micros = |seconds: f64| seconds * 1e6 / self.latencies.len() as f64;
        let taken = self.taken.server?;
        Some(CpuTime {
            user: micros(taken.user),
            system: micros(taken.system),
        })
    }

    /// In microseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let position = (self.latencies.len() as f64 * share) as usize;
        let latency = self.latencies.get(position.min(last));
        f64::from(latency.copied().unwrap_or_default()) / 1000.0
    }

    /// The share of a core that the generator took.
    pub fn own_share(&self) -> Option<f64> {
        Some(self.taken.own?.total() / self.seconds())
    }

    /// The share of a core that processes took which are neither server nor generator, if the server's is known.
    pub fn others_share(&self) -> Option<f64> {
        let known = self.taken.own?.total() + self.taken.server?.total();
        Some((self.taken.machine?.busy - known).max(0.0) / self.seconds())
    }

    /// The share of a core that the hypervisor kept.
    pub fn steal_share(&self) -> Option<f64> {
        Some(self.taken.machine?.steal / self.seconds())
    }

    /// Why this says nothing about the server.
    pub fn fault(&self) -> Option<String> {
        if let Some(first) = &self.first_refusal {
            let refused: u64 = self.refused.values().sum();
            let by_status = self.refused.iter();
            let by_status: Vec<_> = by_status
                .map(|(status, count)| format!("{status}: {count}"))
                .collect();
            return Some(format!(
                "{refused} of {} answers were not 2xx ({}), the first: {first}",
                self.answers,
                by_status.join(", ")
            ));
        }
        if self.ran_out && self.lasted * 2 < self.asked {
            let enough = self.proofs_needed();
            return Some(format!(
                "proofs or tokens were used up after {:.1} s of {:.1} s: --proofs {enough}, or less --seconds",
                self.lasted.as_secs_f64(),
                self.asked.as_secs_f64()
            ));
        }
        self.latencies
            .is_empty()
            .then(|| "no answer came while it was measured: more --seconds".to_owned())
    }

    /// What to keep in mind about the figures.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |text: String| warnings.push(text);
        let seconds = self.lasted.as_secs_f64();
        if self.ran_out {
            let enough = self.proofs_needed();
            warn(format!(
                "lasted {seconds:.1} s, then proofs or tokens were used up: --proofs {enough} would do"
            ));
        }
        if let Some(share) = self.own_share().filter(|share| *share > BUSY) {
            warn(format!(
                "the generator took {:.0} % of its core: the server could do more; its processor time is still right",
                share * 100.0
            ));
        }
        if let Some(share) = self.steal_share().filter(|share| *share > STEAL) {
            warn(format!(
                "the hypervisor kept {:.0} % of a core: repeat it when the host is quieter",
                share * 100.0
            ));
        }
        if let Some(share) = self.others_share().filter(|share| *share > OTHERS) {
            warn(format!(
                "other processes took {:.0} % of a core: requests/s and latencies are worse for it",
                share * 100.0
            ));
        }
        let cpu = self.taken.server.map(CpuTime::total);
        if let Some(cpu) = cpu.filter(|cpu| *cpu < LEAST_CPU) {
            warn(format!(
                "the server took {cpu:.2} s of processor time, counted in hundredths: more --seconds say it better"
            ));
        }
        if self.renewed > 0 {
            let (renewed, answers) = (self.renewed, self.answers);
            warn(format!(
                "the server closed connections: {renewed} were opened anew for {answers} requests, which counts in"
            ));
        }
        warnings
    }

    fn seconds(&self) -> f64 {
        self.lasted.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// With something to spare.
    fn proofs_needed(&self) -> usize {
        let driven = (self.warm + self.lasted).as_secs_f64();
        let needed = (self.warm + self.asked).as_secs_f64() * 1.2;
        let proofs = self.answers as f64 / driven * needed;
        (proofs / 10_000.0).ceil() as usize * 10_000
    }
}
