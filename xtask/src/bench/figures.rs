//! From samples to medians, to a table and to JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

/// The two figures that the picture shows; every bench has them.
pub(super) const READY: &str = "exec to ready, ms";
/// Of the parent and all workers.
pub(super) const TOTAL: &str = "total PSS, KiB";

/// What one start of one subject gave. `None`: it never got there within the limit.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    /// Milliseconds from exec until every back end has its row.
    pub(super) rows_ms: Option<f64>,
    /// Milliseconds from exec until every back end has a heartbeat.
    pub(super) beats_ms: Option<f64>,
    /// Milliseconds from exec until every back end is ready (heartbeat or log line).
    pub(super) ready_ms: Option<f64>,
    /// Back ends that got a row at all.
    pub(super) rows: usize,
    pub(super) parent_pss_kib: f64,
    /// Median over the workers.
    pub(super) worker_pss_kib: f64,
    /// Median over the workers.
    pub(super) worker_private_kib: f64,
    pub(super) total_pss_kib: f64,
    pub(super) idle: Option<Idle>,
    /// Milliseconds from the kill of a worker to its successor's readiness, one per kill.
    pub(super) respawn_ms: Vec<f64>,
    /// Milliseconds from TERM to the end of the parent.
    pub(super) stop_ms: Option<f64>,
}

/// What the processes used while nothing happened, per second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Idle {
    pub(super) parent_cpu_ms: f64,
    pub(super) parent_wakeups: f64,
    /// Median over the workers.
    pub(super) worker_cpu_ms: f64,
    /// Median over the workers.
    pub(super) worker_wakeups: f64,
}

/// The medians of one subject at one size, by name, in the order of the table.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    subject: String,
    size: usize,
    values: Vec<(&'static str, Option<f64>)>,
}

impl Figures {
    pub(super) fn new(
        subject: &str,
        size: usize,
        values: Vec<(&'static str, Option<f64>)>,
    ) -> Self {
        Self { subject: subject.to_owned(), size, values }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn value(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(known, _)| *known == name)?.1
    }

    pub(super) fn add(&mut self, name: &'static str, value: Option<f64>) {
        self.values.push((name, value));
    }

    pub(super) fn of(subject: &str, size: usize, samples: &[Sample]) -> Self {
        let over = |pick: &dyn Fn(&Sample) -> Option<f64>| {
            median(samples.iter().filter_map(pick).collect())
        };
        let idle = |pick: &dyn Fn(&Idle) -> f64| over(&|one| one.idle.as_ref().map(pick));
        let respawns = samples.iter().flat_map(|one| one.respawn_ms.iter().copied()).collect();
        let values = vec![
            ("rows written", over(&|one| Some(one.rows as f64))),
            ("exec to rows, ms", over(&|one| one.rows_ms)),
            (READY, over(&|one| one.ready_ms)),
            ("exec to heartbeats, ms", over(&|one| one.beats_ms)),
            ("parent PSS, KiB", over(&|one| Some(one.parent_pss_kib))),
            ("worker PSS, KiB", over(&|one| Some(one.worker_pss_kib))),
            ("worker private, KiB", over(&|one| Some(one.worker_private_kib))),
            (TOTAL, over(&|one| Some(one.total_pss_kib))),
            ("idle parent wake-ups/s", idle(&|one| one.parent_wakeups)),
            ("idle parent CPU, ms/s", idle(&|one| one.parent_cpu_ms)),
            ("idle worker wake-ups/s", idle(&|one| one.worker_wakeups)),
            ("idle worker CPU, ms/s", idle(&|one| one.worker_cpu_ms)),
            ("kill to ready again, ms", median(respawns)),
            ("TERM to exit, ms", over(&|one| one.stop_ms)),
        ];
        Self::new(subject, size, values)
    }

    pub(super) fn json(&self) -> Value {
        let values: serde_json::Map<_, _> =
            self.values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({ "subject": self.subject, "workers": self.size, "medians": values })
    }
}

/// Everything of one run, for programs and for the picture.
pub(super) fn document(all: &[Figures], runs: u64, idle: Duration) -> Value {
    let figures: Vec<_> = all.iter().map(Figures::json).collect();
    json!({ "runs": runs, "idle_seconds": idle.as_secs(), "figures": figures })
}

/// One line per figure, one column per subject and size, in Markdown.
pub(super) fn table(all: &[Figures]) -> String {
    let mut text = String::from("| median of |");
    let mut rule = String::from("|---|");
    for one in all {
        let _ = write!(text, " {}, N={} |", one.subject, one.size);
        rule += "---:|";
    }
    let _ = write!(text, "\n{rule}");
    let names = all.first().map(|one| one.values.as_slice()).unwrap_or_default();
    for (row, (name, _)) in names.iter().enumerate() {
        let _ = write!(text, "\n| {name} |");
        for one in all {
            let value = one.values.get(row).and_then(|(_, value)| *value);
            let _ = write!(text, " {} |", value.map_or("–".to_owned(), shown));
        }
    }
    text
}

/// Three significant digits are more than the machine's noise allows.
fn shown(value: f64) -> String {
    match value {
        v if v >= 100.0 || v.fract() == 0.0 => format!("{v:.0}"),
        v if v >= 1.0 => format!("{v:.1}"),
        v => format!("{v:.3}"),
    }
}

/// The middle value; the mean of the middle two when their number is even.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 100.0]), Some(3.0));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn what_was_never_reached_is_a_dash_and_not_a_zero() {
        let samples = [Sample { rows: 2, ..Sample::default() }];
        let text = table(&[Figures::of("ours", 3, &samples)]);
        assert!(text.starts_with("| median of | ours, N=3 |\n|---|---:|\n| rows written | 2 |"));
        assert!(text.contains("| exec to rows, ms | – |"), "{text}");
    }
}
