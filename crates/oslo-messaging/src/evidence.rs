//! Which body killed whoever read it: known from words that outlive the process.
//!
//! Before a body is decoded its hash stands in the first word, and is taken away afterwards. A
//! process that starts and finds a hash there succeeds one that died over this body; a body over
//! which two died is not read a third time. Whether a broker marks a message as redelivered says
//! nothing: it does so for every message of a process that was stopped. Must not: know where the
//! words are kept.

use std::fmt;
use std::hash::Hasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Readers that may die over one body.
const DEATHS: u64 = 2;

/// Words that outlive this process and that its successor finds: shared memory, or a file.
pub trait Words: Send {
    /// How many there are: 1, and 2 for each body that is suspected at a time. Fewer than 3 are of
    /// no use.
    fn count(&self) -> usize;
    /// A word; 0 if it was never set.
    fn get(&self, index: usize) -> u64;
    /// Changes a word, so that it is kept should the process die at once.
    fn set(&self, index: usize, value: u64);
}

/// What is known of the bodies that killed. Without words every body is read.
pub(crate) struct Evidence(Mutex<Option<Box<dyn Words>>>);

/// A body, as long as it is being read.
pub(crate) struct Suspect(Option<u64>);

impl Evidence {
    /// Looks whether the predecessor died over a body.
    pub(crate) fn new(words: Option<Box<dyn Words>>) -> Self {
        if let Some(words) = &words
            && words.count() > 0
        {
            let unfinished = words.get(0);
            if unfinished != 0 {
                blame(words.as_ref(), unfinished);
                words.set(0, 0);
            }
        }
        Self(Mutex::new(words))
    }

    /// A body that is going to be read.
    pub(crate) fn suspect(&self, body: &[u8]) -> Suspect {
        let kept = self.lock().as_ref().is_some_and(|words| words.count() > 0);
        Suspect(kept.then(|| hash(body)))
    }

    /// Reads a body, one at a time.
    ///
    /// # Errors
    ///
    /// How many processes died over it, if those are enough.
    pub(crate) fn meet<T>(&self, body: &Suspect, read: impl FnOnce() -> T) -> Result<T, u64> {
        let words = self.lock();
        let (Some(words), Some(hash)) = (words.as_deref(), body.0) else { return Ok(read()) };
        let deaths = suspects(words).find(|at| words.get(*at) == hash).map(|at| words.get(at + 1));
        if let Some(deaths) = deaths
            && deaths >= DEATHS
        {
            return Err(deaths);
        }
        words.set(0, hash);
        let read = read();
        words.set(0, 0);
        Ok(read)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn Words>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Evidence")
    }
}

/// Where the suspected bodies stand: a hash, and how many died over it.
fn suspects(words: &dyn Words) -> impl Iterator<Item = usize> + use<> {
    (1..words.count().saturating_sub(1)).step_by(2)
}

/// One more died over this body. The least suspected of the others makes room for it.
fn blame(words: &dyn Words, body: u64) {
    let known = suspects(words).find(|at| words.get(*at) == body);
    if let Some(at) = known {
        words.set(at + 1, words.get(at + 1).saturating_add(1));
    } else if let Some(at) = suspects(words).min_by_key(|at| words.get(at + 1)) {
        // The count first: a process that dies in between must not leave another body's deaths.
        words.set(at + 1, 0);
        words.set(at, body);
        words.set(at + 1, 1);
    }
}

/// Never 0, which means that nothing is being read. The same in every process of one release.
fn hash(body: &[u8]) -> u64 {
    #[expect(deprecated, reason = "SipHash with fixed keys: the one hash of std that is stable")]
    let mut hasher = std::hash::SipHasher::new();
    hasher.write(body);
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Clone)]
    struct Kept(Arc<[AtomicU64]>);

    impl Kept {
        fn of(count: usize) -> Self {
            Self((0..count).map(|_| AtomicU64::new(0)).collect())
        }
        /// A process that starts, meets bodies and dies over one that holds a `!`.
        fn life(&self, bodies: &[&str]) -> Vec<String> {
            let evidence = Evidence::new(Some(Box::new(self.clone())));
            let mut told = Vec::new();
            for body in bodies {
                let met = catch_unwind(AssertUnwindSafe(|| {
                    let suspect = evidence.suspect(body.as_bytes());
                    evidence.meet(&suspect, || assert!(!body.contains('!')))
                }));
                match met {
                    Ok(Ok(())) => told.push(format!("{body} read")),
                    Ok(Err(deaths)) => told.push(format!("{body} killed {deaths}")),
                    Err(_) => return told,
                }
            }
            told
        }
    }

    impl Words for Kept {
        fn count(&self) -> usize {
            self.0.len()
        }
        fn get(&self, index: usize) -> u64 {
            self.0[index].load(Ordering::Relaxed)
        }
        fn set(&self, index: usize, value: u64) {
            self.0[index].store(value, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_body_is_read_twice_by_those_it_kills_and_never_again() {
        let kept = Kept::of(3);
        assert_eq!(kept.life(&["a", "b!", "c"]), ["a read"]);
        assert_eq!(kept.life(&["b!"]), [""; 0]);
        assert_eq!(kept.life(&["a", "b!", "c"]), ["a read", "b! killed 2", "c read"]);
        assert_eq!(kept.life(&["b!"]), ["b! killed 2"]);
    }

    #[test]
    fn bodies_that_kill_in_turn_are_known_if_there_are_words_for_them() {
        let kept = Kept::of(5);
        for _ in 0..2 {
            kept.life(&["a!"]);
            kept.life(&["b!"]);
        }
        assert_eq!(kept.life(&["a!", "b!"]), ["a! killed 2", "b! killed 2"]);
    }

    #[test]
    fn a_process_that_is_killed_between_bodies_accuses_none() {
        let kept = Kept::of(3);
        for _ in 0..5 {
            assert_eq!(kept.life(&["a", "b"]), ["a read", "b read"]);
        }
        for few in 0..3 {
            assert_eq!(Kept::of(few).life(&["a"]), ["a read"]);
        }
    }
}
