//! The figures of a long run: the table, and the rule by which growth is told from noise.

use std::fmt::Write as _;

use anyhow::{Result, ensure};

/// What one look showed. Of the workers that are left alone, the largest.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    pub(super) seconds: u64,
    pub(super) parent_kib: f64,
    pub(super) parent_descriptors: f64,
    /// Per second.
    pub(super) parent_wakeups: f64,
    pub(super) worker_kib: f64,
    pub(super) worker_descriptors: f64,
    pub(super) worker_threads: f64,
    /// Per second.
    pub(super) worker_wakeups: f64,
    /// All that live.
    pub(super) workers: usize,
    /// Dead children that were dead at the last look already.
    pub(super) zombies: usize,
}

/// A figure that must not grow.
struct Column {
    head: &'static str,
    what: &'static str,
    of: fn(&Sample) -> f64,
    /// Where the last quarter may stand if the second one stood at this.
    limit: fn(f64) -> f64,
}

/// Allocators and tables breathe by a few pages.
const BREATH: f64 = 128.0;

const COLUMNS: [Column; 7] = [
    Column {
        head: "parent KiB",
        what: "the parent's memory does not grow",
        of: |sample| sample.parent_kib,
        limit: |before| before + BREATH,
    },
    Column {
        head: "fds",
        what: "the parent's descriptors do not become more",
        of: |sample| sample.parent_descriptors,
        limit: |before| before,
    },
    Column {
        head: "wakes/s",
        what: "the parent does not wake up more often",
        of: |sample| sample.parent_wakeups,
        limit: more_often,
    },
    Column {
        head: "worker KiB",
        what: "a worker's memory does not grow",
        of: |sample| sample.worker_kib,
        limit: |before| before + BREATH,
    },
    Column {
        head: "fds",
        what: "a worker's descriptors do not become more",
        of: |sample| sample.worker_descriptors,
        limit: |before| before,
    },
    Column {
        head: "threads",
        what: "a worker's threads do not become more",
        of: |sample| sample.worker_threads,
        limit: |before| before,
    },
    Column {
        head: "wakes/s",
        what: "a worker does not wake up more often",
        of: |sample| sample.worker_wakeups,
        limit: more_often,
    },
];

/// Faults come at random, and each wakes somebody.
fn more_often(before: f64) -> f64 {
    before * 1.5 + 2.0
}

/// Rows of samples that a table shows.
const ROWS: usize = 12;
/// Fewer samples than this have no quarters worth comparing.
const FEWEST: usize = 8;

/// Everything that was seen.
#[derive(Debug, Default)]
pub(super) struct Series(Vec<Sample>);

impl Series {
    pub(super) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// The quarter of the samples with this number, from 0.
    fn quarter(&self, number: usize) -> &[Sample] {
        let length = self.0.len() / 4;
        let rest = self.0.len() - 4 * length;
        // What does not divide belongs to the first, which is warming up.
        let end = rest + (number + 1) * length;
        let start = if number == 0 { 0 } else { rest + number * length };
        self.0.get(start..end).unwrap_or_default()
    }

    /// What is not allowed to grow, and whether it did.
    pub(super) fn verdicts(&self) -> Vec<(&'static str, Result<()>)> {
        let enough = self.0.len() >= FEWEST;
        let mut all: Vec<_> = COLUMNS
            .iter()
            .map(|column| {
                let verdict = || {
                    ensure!(enough, "{} samples are too few to tell", self.0.len());
                    let before = median(self.quarter(1), column.of);
                    let after = median(self.quarter(3), column.of);
                    let limit = (column.limit)(before);
                    ensure!(after <= limit, "{before:.1} became {after:.1}, more than {limit:.1}");
                    Ok(())
                };
                (column.what, verdict())
            })
            .collect();
        let zombies = self.0.iter().map(|sample| sample.zombies).max().unwrap_or(0);
        let reaped = || {
            ensure!(zombies == 0, "up to {zombies} at one look were there at the look before");
            Ok(())
        };
        all.push(("no child stays dead for two looks", reaped()));
        all
    }

    /// At most [`ROWS`] samples, evenly spread, and the medians of the two quarters compared.
    pub(super) fn table(&self) -> String {
        let mut text = format!("{:>10} {:>8}", "", "workers");
        for column in &COLUMNS {
            let _ = write!(text, " {:>10}", column.head);
        }
        text += "  zombies\n";
        let step = self.0.len().div_ceil(ROWS).max(1);
        for sample in self.0.iter().rev().step_by(step).collect::<Vec<_>>().into_iter().rev() {
            let _ = write!(text, "{:>8} s {:>8}", sample.seconds, sample.workers);
            for column in &COLUMNS {
                let _ = write!(text, " {:>10.1}", (column.of)(sample));
            }
            let _ = writeln!(text, " {:>8}", sample.zombies);
        }
        for (name, number) in [("2nd quart.", 1), ("4th quart.", 3)] {
            let _ = write!(text, "{name:>10} {:>8}", "median");
            for column in &COLUMNS {
                let _ = write!(text, " {:>10.1}", median(self.quarter(number), column.of));
            }
            text.push('\n');
        }
        text
    }
}

fn median(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<_> = samples.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(length: usize, parent_kib: impl Fn(usize) -> f64) -> Series {
        let sample = |at| Sample { parent_kib: parent_kib(at), workers: 4, ..Sample::default() };
        Series((0..length).map(sample).collect())
    }

    fn complaints(series: &Series) -> Vec<String> {
        let verdicts = series.verdicts().into_iter();
        verdicts.filter_map(|(_, verdict)| verdict.err().map(|cause| cause.to_string())).collect()
    }

    #[test]
    fn growth_is_a_failure_and_warming_up_is_not() {
        assert!(complaints(&series(40, |at| if at < 10 { 100.0 } else { 900.0 })).is_empty());
        let leak = series(40, |at| 900.0 + 10.0 * at as f64);
        assert_eq!(complaints(&leak), ["1050.0 became 1250.0, more than 1178.0"]);
    }

    #[test]
    fn one_look_at_a_bad_moment_counts_for_nothing() {
        let peak = series(40, |at| if at == 35 { 1e6 } else { 900.0 });
        assert!(complaints(&peak).is_empty());
    }

    #[test]
    fn a_zombie_that_stays_is_a_failure() {
        let mut all = series(40, |_| 900.0);
        all.0[3].zombies = 1;
        assert_eq!(complaints(&all).len(), 1);
    }

    #[test]
    fn a_run_too_short_to_tell_is_not_a_success() {
        assert_eq!(complaints(&series(FEWEST - 1, |_| 1.0)).len(), COLUMNS.len());
        assert!(complaints(&series(FEWEST, |_| 1.0)).is_empty());
    }

    #[test]
    fn the_table_stays_short_and_ends_with_the_last_sample() {
        let mut long = series(1000, |_| 1.0);
        long.0[999].seconds = 4995;
        let table = long.table();
        assert!(table.lines().count() <= ROWS + 3, "{table}");
        assert!(table.contains("4995 s"), "{table}");
    }
}
