//! Reading configuration again (SIGHUP), beside whoever must not wait for a file.
//!
//! A file can be on a file system that no longer answers, and reading all of them takes a while, so
//! the process that supervises does neither. Order of steps:
//!
//! 1. work that reads and judges runs beside it: in a copy of the process where there must be no
//!    second thread (`forked/reader.rs`), on a thread elsewhere;
//! 2. what comes of it is bytes, at most [`LARGEST_ANSWER`] of them, which
//!    [`Hooks::reload`](crate::Hooks::reload) understands, or not;
//! 3. what the workers need to follow stands on a [`Bulletin`] when they are told to look.
//!
//! One reading at a time; a HUP that comes meanwhile is one more afterwards. Must not: wait for a
//! reading, or let one that hangs be joined by others.

use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::guard::guarded;
use crate::sys::SharedWords;

/// Reads what a reload needs, and answers in bytes. It may block.
pub type ReadWork = Box<dyn FnOnce() -> Vec<u8> + Send>;

/// The longest answer of a [`ReadWork`], and the most that workers can be told, in bytes.
pub const LARGEST_ANSWER: usize = 1 << 20;

/// How long a reading may take. The largest configuration needs a second; what needs longer than
/// this hangs.
const LIMIT: Duration = Duration::from_secs(10);

/// Why nothing has been read.
pub(crate) const STILL_BUSY: &str = "the reading before has not ended yet";
pub(crate) const TOO_LATE: &str = "it takes longer than 10 s";
pub(crate) const TOO_LONG: &str = "there is more to tell than 1 MiB";

/// When a reading that begins now is given up.
pub(crate) fn deadline() -> Instant {
    Instant::now() + LIMIT
}

/// A reading on a thread, for a process that may have several.
#[derive(Debug, Default)]
pub(crate) struct Rereading {
    reading: Option<Reading>,
    /// Whether another one was asked for meanwhile.
    again: bool,
}

/// What comes of a reading on a thread.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It has ended, with an answer or a reason why there is none.
    Read(Result<Vec<u8>, &'static str>),
    /// It hangs, and nobody waits for it any more, for this reason.
    GivenUp(&'static str),
}

/// One that is under way.
#[derive(Debug)]
struct Reading {
    answer: Arc<Mutex<Heard>>,
    /// Nothing once it has been given up.
    until: Option<Instant>,
}

#[derive(Debug, Default)]
enum Heard {
    #[default]
    Awaited,
    Ready(Result<Vec<u8>, &'static str>),
}

impl Rereading {
    /// Whether one more has to wait for its turn, which it will get.
    pub(crate) fn is_busy(&mut self) -> bool {
        let busy = !self.is_idle();
        self.again |= busy;
        busy
    }

    /// Notes that one is wanted, for whoever cannot begin yet.
    pub(crate) fn ask(&mut self) {
        self.again = true;
    }

    /// Whether nothing runs that will have an answer.
    pub(crate) fn is_idle(&self) -> bool {
        self.reading.as_ref().is_none_or(|reading| reading.until.is_none())
    }

    /// Begins; `tell` runs on the thread when there is something to [`take`](Self::take).
    ///
    /// # Errors
    ///
    /// Why it cannot begin.
    pub(crate) fn begin(
        &mut self,
        work: ReadWork,
        tell: impl FnOnce() + Send + 'static,
    ) -> Result<(), String> {
        if self.reading.is_some() {
            return Err(STILL_BUSY.to_owned());
        }
        let answer = Arc::new(Mutex::new(Heard::Awaited));
        let theirs = Arc::clone(&answer);
        let read = move || {
            let read = guarded("the reading", work).ok_or("it panicked");
            let read = read.and_then(|read| if fits(&read) { Ok(read) } else { Err(TOO_LONG) });
            *theirs.lock().unwrap_or_else(PoisonError::into_inner) = Heard::Ready(read);
            tell();
        };
        let thread = std::thread::Builder::new().name("reload".into()).spawn(read);
        thread.map_err(|error| format!("no thread: {error}"))?;
        self.reading = Some(Reading { answer, until: Some(deadline()) });
        Ok(())
    }

    /// What has come of it; once.
    pub(crate) fn take(&mut self) -> Option<Outcome> {
        let reading = self.reading.as_mut()?;
        let answer = {
            let mut answer = reading.answer.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *answer)
        };
        match answer {
            Heard::Ready(read) => {
                let awaited = reading.until.is_some();
                self.reading = None;
                awaited.then_some(Outcome::Read(read))
            }
            Heard::Awaited if reading.until.is_some_and(|until| until <= Instant::now()) => {
                reading.until = None;
                self.again = false; // it would find this one in its way
                Some(Outcome::GivenUp(TOO_LATE))
            }
            Heard::Awaited => None,
        }
    }

    /// Whether to begin once more now that nothing runs; says so once.
    pub(crate) fn take_again(&mut self) -> bool {
        std::mem::take(&mut self.again)
    }

    /// How long until the reading is given up.
    pub(crate) fn left(&self) -> Option<Duration> {
        let until = self.reading.as_ref()?.until?;
        Some(until.saturating_duration_since(Instant::now()))
    }
}

/// What a copy of a process answers it: a file that both have open and that has no name.
#[derive(Debug)]
pub(crate) struct Answer(std::fs::File);

impl Answer {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self(memfd_create("reload", MFdFlags::MFD_CLOEXEC)?.into()))
    }

    pub(crate) fn write(&self, answer: &[u8]) -> std::io::Result<()> {
        self.0.write_all_at(answer, 0)
    }

    /// What was written.
    ///
    /// # Errors
    ///
    /// Why nobody can use it.
    pub(crate) fn read(&self) -> Result<Vec<u8>, String> {
        let text = |error: std::io::Error| error.to_string();
        let length = usize::try_from(self.0.metadata().map_err(text)?.len());
        let length = length.ok().filter(|length| *length <= LARGEST_ANSWER);
        let mut read = vec![0; length.ok_or(TOO_LONG)?];
        self.0.read_exact_at(&mut read, 0).map_err(text)?;
        Ok(read)
    }
}

/// Whether that is little enough to be told.
pub(crate) fn fits(answer: &[u8]) -> bool {
    answer.len() <= LARGEST_ANSWER
}

/// What a parent tells all its workers at once, in memory that they share.
///
/// The parent writes and never reads. A worker takes nothing for granted: whatever stands here may
/// have been written by another worker that went wild.
#[derive(Debug)]
pub(crate) struct Bulletin(SharedWords);

/// What stands on a [`Bulletin`] was not written by the parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nonsense;

/// Words in front of the text: a count that is odd while the text is being written, the text's
/// length in bytes, and a sum over it.
const HEAD: usize = 3;
const WORD: usize = size_of::<u64>();

impl Bulletin {
    pub(crate) fn new() -> std::io::Result<Self> {
        SharedWords::map(HEAD + LARGEST_ANSWER / WORD).map(Self)
    }

    /// Puts this in the place of what stood there.
    pub(crate) fn publish(&self, text: &[u8]) {
        debug_assert!(fits(text), "checked by the caller");
        let Some(([count, length, sum], words)) = self.parts() else { return };
        let before = count.load(Ordering::Relaxed) & !1;
        count.store(before.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, bytes) in words.iter().zip(text.chunks(WORD)) {
            let mut whole = [0; WORD];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_ne_bytes(whole), Ordering::Relaxed);
        }
        length.store(text.len() as u64, Ordering::Relaxed);
        sum.store(check_sum(text), Ordering::Relaxed);
        count.store(before.wrapping_add(2).max(2), Ordering::Release); // 0 means never
    }

    /// What the parent has published last; nothing if it never has, or is at it: then a signal
    /// follows.
    ///
    /// # Errors
    ///
    /// [`Nonsense`] when something else stands there.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, Nonsense> {
        let Some(([count, length, sum], words)) = self.parts() else { return Ok(None) };
        let before = count.load(Ordering::Acquire);
        if before == 0 || before & 1 == 1 {
            return Ok(None);
        }
        let (length, sum) = (length.load(Ordering::Relaxed), sum.load(Ordering::Relaxed));
        let length = usize::try_from(length).map_err(|_| Nonsense)?;
        if length > words.len() * WORD {
            return Err(Nonsense);
        }
        let words = words.iter().take(length.div_ceil(WORD));
        let mut text: Vec<u8> =
            words.flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
        text.truncate(length);
        fence(Ordering::Acquire);
        if count.load(Ordering::Relaxed) != before {
            return Ok(None);
        }
        if sum == check_sum(&text) { Ok(Some(text)) } else { Err(Nonsense) }
    }

    fn parts(&self) -> Option<(&[AtomicU64; HEAD], &[AtomicU64])> {
        self.0.get().split_first_chunk()
    }
}

/// FNV-1a: tells a text from a damaged one, not from one that was made to look right.
fn check_sum(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_is_published_is_read_and_the_last_word_counts() {
        let bulletin = Bulletin::new().unwrap();
        assert_eq!(bulletin.read(), Ok(None));
        for text in [&b"first"[..], b"", b"exactly 8 bytes twice", &[7; LARGEST_ANSWER]] {
            bulletin.publish(text);
            assert_eq!(bulletin.read(), Ok(Some(text.to_vec())));
        }
    }

    #[test]
    fn whatever_somebody_else_writes_is_not_believed() {
        let bulletin = Bulletin::new().unwrap();
        bulletin.publish(b"the truth");
        let words = bulletin.0.get();
        for (word, change) in [(1, u64::MAX), (1, 3), (2, 1), (HEAD, 1)] {
            let before = words[word].fetch_xor(change, Ordering::Relaxed);
            assert_eq!(bulletin.read(), Err(Nonsense), "word {word}");
            words[word].store(before, Ordering::Relaxed);
            assert_eq!(bulletin.read(), Ok(Some(b"the truth".to_vec())));
        }
        for (noise, expected) in
            [(u64::MAX, Ok(None)), (u64::MAX - 1, Err(Nonsense)), (0, Ok(None))]
        {
            words.iter().for_each(|word| word.store(noise, Ordering::Relaxed));
            assert_eq!(bulletin.read(), expected);
            bulletin.publish(b"again");
            assert_eq!(bulletin.read(), Ok(Some(b"again".to_vec())));
        }
    }

    fn begun(rereading: &mut Rereading, work: impl FnOnce() -> Vec<u8> + Send + 'static) {
        let (tell, told) = mpsc::channel();
        rereading.begin(Box::new(work), move || tell.send(()).unwrap()).unwrap();
        told.recv().unwrap();
    }

    #[test]
    fn an_answer_is_read_whole_and_one_that_is_too_long_not_at_all() {
        let answer = Answer::new().unwrap();
        assert_eq!(answer.read(), Ok(Vec::new()));
        answer.write(&[7; LARGEST_ANSWER]).unwrap();
        assert_eq!(answer.read(), Ok(vec![7; LARGEST_ANSWER]));
        answer.write(&[7; LARGEST_ANSWER + 1]).unwrap();
        assert_eq!(answer.read(), Err(TOO_LONG.to_owned()));
    }

    #[test]
    fn a_reading_on_a_thread_answers_once() {
        let mut rereading = Rereading::default();
        begun(&mut rereading, || vec![1]);
        assert_eq!(rereading.take(), Some(Outcome::Read(Ok(vec![1]))));
        assert_eq!(rereading.take(), None);
        begun(&mut rereading, || vec![0; LARGEST_ANSWER + 1]);
        assert_eq!(rereading.take(), Some(Outcome::Read(Err(TOO_LONG))));
        begun(&mut rereading, || panic!("on purpose"));
        assert_eq!(rereading.take(), Some(Outcome::Read(Err("it panicked"))));
    }

    #[test]
    fn a_reading_that_hangs_is_given_up_and_no_other_joins_it() {
        let mut rereading = Rereading::default();
        let (release, held) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let work = move || {
            held.recv().unwrap();
            vec![1]
        };
        rereading.begin(Box::new(work), move || tell.send(()).unwrap()).unwrap();
        assert!(rereading.is_busy() && rereading.take().is_none());
        if let Some(reading) = &mut rereading.reading {
            reading.until = Some(Instant::now());
        }
        assert_eq!(rereading.take(), Some(Outcome::GivenUp(TOO_LATE)));
        assert!(!rereading.take_again(), "it would be refused");
        assert!(!rereading.is_busy() && rereading.left().is_none());
        assert_eq!(rereading.begin(Box::new(Vec::new), || {}), Err(STILL_BUSY.to_owned()));
        release.send(()).unwrap();
        told.recv().unwrap();
        assert_eq!(rereading.take(), None, "its answer comes too late");
        begun(&mut rereading, || vec![2]);
        assert_eq!(rereading.take(), Some(Outcome::Read(Ok(vec![2]))));
    }
}
