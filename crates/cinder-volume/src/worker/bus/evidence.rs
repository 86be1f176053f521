//! Where it stands which message is being read: this worker's words on the scoreboard.
//!
//! They outlive the worker, so that its successor knows a body that killed it. They lie behind those of
//! the metrics and of the board. Must not: know what they mean, `oslo-messaging` does.

use std::sync::atomic::Ordering;

use oslo_launcher::WorkerHandle;
use oslo_messaging::Words;

use crate::bus::board;
use crate::metrics;

/// One word, and two for each of eight bodies that are suspected at a time.
pub(crate) const WORDS: usize = 1 + 2 * 8;

/// Where they begin.
const START: usize = metrics::WORDS + board::WORDS;

/// See the module's head.
pub(super) struct Evidence(pub(super) WorkerHandle);

impl Evidence {
    fn word(&self, index: usize) -> Option<&std::sync::atomic::AtomicU64> {
        self.0.program_words().get(START..)?.get(index)
    }
}

impl Words for Evidence {
    /// A process without a scoreboard has no successor either.
    fn count(&self) -> usize {
        self.0.program_words().len().saturating_sub(START).min(WORDS)
    }

    fn get(&self, index: usize) -> u64 {
        self.word(index).map_or(0, |word| word.load(Ordering::SeqCst))
    }

    fn set(&self, index: usize, value: u64) {
        if let Some(word) = self.word(index) {
            word.store(value, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use oslo_launcher::LoneWorker;

    use super::*;

    #[test]
    fn words_lie_behind_those_of_metrics_and_board() {
        let worker = LoneWorker::new(START + WORDS).unwrap();
        let evidence = Evidence(worker.handle().clone());
        assert_eq!(evidence.count(), WORDS);
        for index in 0..WORDS {
            evidence.set(index, 7);
        }
        let words = worker.handle().program_words();
        let sum = |words: &[std::sync::atomic::AtomicU64]| {
            words.iter().map(|word| word.load(Ordering::SeqCst)).sum::<u64>()
        };
        assert_eq!(sum(&words[..START]), 0);
        assert_eq!(sum(&words[START..]), 7 * WORDS as u64);
        assert_eq!(evidence.get(0), 7);
        let without = LoneWorker::new(0).unwrap();
        assert_eq!(Evidence(without.handle().clone()).count(), 0);
    }
}
