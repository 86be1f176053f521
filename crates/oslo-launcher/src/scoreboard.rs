//! One page-set shared by the parent and all workers: who is up, since when, and why not.
//!
//! Workers write their own slot, anybody reads. Every word is an atomic and no lock exists, so
//! neither a crashed nor a hung worker can stop a reader. A worker that has gone wrong can write
//! anything anywhere into that, so every value is checked where it is read; what the parent knows
//! lies in pages that workers can only read. Must not: be needed for supervision to be right; the
//! parent decides on signals, exit statuses and the state word only.

mod ended;
mod notes;
mod operations;
mod running;
mod sayings;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use self::operations::Operations;
use crate::error::LaunchError;
use crate::sys::{OwnedWords, SharedWords, monotonic};
use crate::vocabulary::Cause;

pub use self::ended::{ENDED, EndedOperation, Ending};
pub use self::notes::{NOTE_BYTES, NOTES};
pub use self::operations::{ID_BYTES, KIND_BYTES, Operation, REQUEST_BYTES, STEP_BYTES};
pub use self::running::RunningOperation;
pub use self::sayings::{Restarts, WorkerState};

/// Longest reason that a slot holds, in bytes of UTF-8.
pub const REASON_BYTES: usize = 160;

const REASON_WORDS: usize = REASON_BYTES / 8;
/// Words of a slot: 7 single values, the reason, padded to 256 bytes so that two workers never
/// write the same cache line.
const SLOT_WORDS: usize = 32;

/// Words of a cache line: workers do not share one.
const CACHE_LINE: usize = 8;
/// Workers per word of marks.
const BITS: usize = u64::BITS as usize;

const STATE: usize = 0;
const BEAT: usize = 1;
const BEATS: usize = 2;
const REASON_VERSION: usize = 3;
const REASON_LEN: usize = 4;
const ALIVE: usize = 5;
const REASON: usize = 6;
/// How many entries of the table of operations may be in use: what lies beyond is not even read,
/// so that its pages are not taken.
const OPERATIONS_USED: usize = REASON + REASON_WORDS;
/// How many operations have ever ended.
const OPERATIONS_ENDED: usize = OPERATIONS_USED + 1;
const _: () = assert!(OPERATIONS_ENDED < SLOT_WORDS);

/// What the parent knows of a worker, in words that workers can only read: its process, which one
/// that is, when it was made and first heard of, and its last state that made sense.
const PID: usize = 0;
const GENERATION: usize = 1;
const STARTED: usize = 2;
const READY: usize = 3;
const KNOWN: usize = 4;
/// Four words, one per [`Cause`]; they outlive the processes of a slot.
const RESTARTS: usize = 5;
/// Words of one worker among these.
const KNOWN_WORDS: usize = CACHE_LINE * 2;
const _: () = assert!(RESTARTS + 4 <= KNOWN_WORDS);

/// Highest count that is shown: more is a stray write, and this many fit any number that a reader
/// may make of them, also when they are added up.
pub const MOST: u64 = 1 << 53;

/// So much may lie between a time that was noted and the clock of who reads it a moment later.
const CLOCK_SLACK: Duration = Duration::from_secs(1);

/// A consistent-enough copy of one slot, for reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkerStatus {
    /// Name of the service, known to the process that launched it.
    pub name: String,
    /// Whether this is no service in its own right, see
    /// [`Service::auxiliary`](crate::Service::auxiliary).
    pub auxiliary: bool,
    /// What the worker last said of itself.
    pub state: WorkerState,
    /// Process id, 0 when no process runs.
    pub pid: i32,
    /// How many processes this slot has had; restarts are one less.
    pub generation: u64,
    /// Age of the process.
    pub uptime: Option<Duration>,
    /// From fork to the first word of the service.
    pub startup: Option<Duration>,
    /// Age of the last heartbeat.
    pub beat_age: Option<Duration>,
    /// Heartbeats of this process.
    pub beats: u64,
    /// Why the service is not up, or what is wrong all the same; empty when nothing is.
    pub reason: String,
    /// How often it was replaced, over all processes of this slot.
    pub restarts: Restarts,
    /// What the worker is doing right now, by its own account.
    pub operations: Vec<Operation>,
}

/// The shared page-set; see the module's head for who may write what.
///
/// ```
/// # use oslo_launcher::{Scoreboard, WorkerState};
/// fn report(scoreboard: &Scoreboard) -> String {
///     let workers = scoreboard.snapshot();
///     let up = workers.iter().filter(|worker| worker.state == WorkerState::Up).count();
///     format!("{up} of {} up", workers.len())
/// }
/// # assert_eq!(report(&Scoreboard::new(1)?), "0 of 0 up");
/// # Ok::<(), oslo_launcher::LaunchError>(())
/// ```
///
/// Behind the slots stands one bit per worker: set by the worker when it has changed its slot,
/// taken by the parent, which thus need not look at all slots to find those. Behind these bits
/// every worker has words whose meaning the program defines, and tables of what it is doing, of what
/// it did last, and of what operators have to know; the last two outlive its processes.
#[derive(Debug)]
pub struct Scoreboard {
    words: SharedWords,
    known: OwnedWords,
    capacity: usize,
    program_words: usize,
    /// Operations of each worker that can be shown at a time.
    operations: usize,
    names: std::sync::Mutex<Vec<Name>>,
}

/// What is known of a slot's service.
#[derive(Debug)]
struct Name {
    name: String,
    auxiliary: bool,
}

impl Scoreboard {
    /// Maps pages for `capacity` workers; memory is taken as slots are used.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] when the kernel refuses the mapping.
    pub fn new(capacity: usize) -> Result<Self, LaunchError> {
        Self::with_words(capacity, 0, 0)
    }

    /// As [`new`](Self::new), with so many words per worker for the program's own use, and room for
    /// so many running operations.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] when the kernel refuses the mapping.
    pub fn with_words(
        capacity: usize,
        program_words: usize,
        operations: usize,
    ) -> Result<Self, LaunchError> {
        let table = table(operations);
        let each = SLOT_WORDS + program_words.next_multiple_of(CACHE_LINE) + table;
        let words = capacity.max(1) * each + capacity.max(1).div_ceil(BITS) + CACHE_LINE;
        let words = SharedWords::map(words).map_err(LaunchError::setup("the shared scoreboard"))?;
        let known = OwnedWords::map(capacity.max(1) * KNOWN_WORDS)
            .map_err(LaunchError::setup("the supervisor's part of the scoreboard"))?;
        let names = std::sync::Mutex::new(Vec::new());
        Ok(Self { words, known, capacity, program_words, operations, names })
    }

    /// In a child: only its parent may write what the parent knows.
    pub(crate) fn in_child(&self) {
        self.known.protect();
    }

    /// The time since boot, the same in every process: for what a program puts into its words.
    pub fn clock() -> Duration {
        monotonic()
    }

    /// How many workers fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Names the next slot; the parent does this before it forks the worker.
    pub(crate) fn name_slot(&self, name: &str, auxiliary: bool) {
        let mut names = self.names.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        names.push(Name { name: name.to_owned(), auxiliary });
    }

    /// How many slots have been named.
    pub(crate) fn named(&self) -> usize {
        self.names.lock().unwrap_or_else(std::sync::PoisonError::into_inner).len()
    }

    pub(crate) fn slot(&self, index: usize) -> Slot<'_> {
        Slot {
            words: &self.words.get()[index * SLOT_WORDS..][..SLOT_WORDS],
            known: &self.known,
            place: index * KNOWN_WORDS,
        }
    }

    /// The words of a worker, by its place in launch order, whose meaning the program defines.
    ///
    /// Zero at first, kept over all processes of a worker, and as many as the launcher was made
    /// with ([`LauncherOptions::program_words`](crate::LauncherOptions::program_words)); none for a worker
    /// that cannot be.
    pub fn program_words(&self, worker: usize) -> &[AtomicU64] {
        if worker >= self.capacity.max(1) {
            return &[];
        }
        &self.words.get()[self.behind_the_marks() + worker * self.own_stride()..]
            [..self.program_words]
    }

    /// What a worker is doing.
    fn operations(&self, worker: usize) -> Operations<'_> {
        let words = &self.tables(worker)[..self.operations * operations::ENTRY];
        Operations { used: &self.slot(worker).words[OPERATIONS_USED], words }
    }

    fn tables(&self, worker: usize) -> &[AtomicU64] {
        let all = self.behind_the_marks() + self.capacity.max(1) * self.own_stride();
        let each = table(self.operations);
        &self.words.get()[all + worker * each..][..each]
    }

    fn own_stride(&self) -> usize {
        self.program_words.next_multiple_of(CACHE_LINE)
    }

    fn behind_the_marks(&self) -> usize {
        let workers = self.capacity.max(1);
        (workers * SLOT_WORDS + workers.div_ceil(BITS)).next_multiple_of(CACHE_LINE)
    }

    /// Starts a new life of a worker; by the parent, before the process exists.
    pub(crate) fn new_life(&self, worker: usize, generation: u64) {
        let left = self.operations(worker).running(monotonic());
        self.ended_table(worker).succeed(&left);
        self.operations(worker).clear();
        self.notes_table(worker).clear();
        self.slot(worker).reset(generation);
    }

    /// Notes that this worker's slot has changed; the worker wakes the parent afterwards.
    pub(crate) fn mark(&self, index: usize) {
        self.marks()[index / BITS].fetch_or(1 << (index % BITS), Ordering::AcqRel);
    }

    /// Takes the first worker from `from` on whose slot has changed since it was last taken.
    pub(crate) fn take_mark(&self, from: usize) -> Option<usize> {
        let mut above = u64::MAX << (from % BITS);
        for (at, word) in self.marks().iter().enumerate().skip(from / BITS) {
            // Most words are empty, and a load costs other processors nothing.
            let set = word.load(Ordering::Relaxed) & above;
            if set != 0 {
                let bit = set.trailing_zeros() as usize;
                word.fetch_and(!(1 << bit), Ordering::AcqRel);
                return Some(at * BITS + bit);
            }
            above = u64::MAX;
        }
        None
    }

    fn marks(&self) -> &[AtomicU64] {
        let workers = self.capacity.max(1);
        &self.words.get()[workers * SLOT_WORDS..][..workers.div_ceil(BITS)]
    }

    /// Shows every slot of a service that is none of the auxiliary ones, in launch order.
    pub(crate) fn visit(&self, mut look: impl FnMut(&str, Slot<'_>)) {
        let names = self.names.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (index, Name { name, auxiliary }) in names.iter().enumerate() {
            if !auxiliary {
                look(name, self.slot(index));
            }
        }
    }

    /// Copies every slot that has been named, in launch order.
    pub fn snapshot(&self) -> Vec<WorkerStatus> {
        let now = monotonic();
        let names = self.names.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let status = |(index, Name { name, auxiliary }): (usize, &Name)| {
            let status = self.slot(index).status(now);
            let mut operations = self.operations(index).running(now);
            // None is older than the process that does it.
            let most = status.uptime.unwrap_or_default();
            for one in &mut operations {
                one.age = one.age.min(most);
                one.step_age = one.step_age.min(one.age);
            }
            WorkerStatus { name: name.clone(), auxiliary: *auxiliary, operations, ..status }
        };
        names.iter().enumerate().map(status).collect()
    }
}

/// One worker's words.
#[derive(Clone, Copy)]
pub(crate) struct Slot<'a> {
    words: &'a [AtomicU64],
    /// Of all workers.
    known: &'a OwnedWords,
    place: usize,
}

impl Slot<'_> {
    fn load(&self, word: usize) -> u64 {
        self.words[word].load(Ordering::Acquire)
    }

    fn store(&self, word: usize, value: u64) {
        self.words[word].store(value, Ordering::Release);
    }

    fn known(&self, word: usize) -> u64 {
        self.known.load(self.place + word)
    }

    fn know(&self, word: usize, value: u64) {
        self.known.store(self.place + word, value);
    }

    /// What the worker says of itself, if it makes sense.
    pub(crate) fn said(&self) -> Option<WorkerState> {
        WorkerState::from_word(self.load(STATE))
    }

    /// The state as far as it can be believed: whether there is a process the parent knows, and
    /// what that process last said if what it says now makes no sense.
    pub(crate) fn state(&self) -> WorkerState {
        let known = WorkerState::from_word(self.known(KNOWN));
        known.map_or(WorkerState::Gone, |known| self.said().unwrap_or(known))
    }

    /// Notes what the worker was heard to say; by the parent.
    pub(crate) fn heard(&self, state: WorkerState) {
        self.know(KNOWN, state as u64);
    }

    /// Notes that there is no process any longer, and why; by the parent.
    pub(crate) fn gone(&self, reason: &str) {
        self.set_state(WorkerState::Gone, reason);
        self.know(KNOWN, WorkerState::Gone as u64);
        self.know(PID, 0);
    }

    /// Starts a new life of this slot; written by the parent before the process exists.
    pub(crate) fn reset(&self, generation: u64) {
        // The last writer may have died half-way and left the version odd for ever.
        self.store(REASON_VERSION, self.load(REASON_VERSION).wrapping_add(1) & !1);
        self.set_reason("");
        for word in [BEAT, BEATS] {
            self.store(word, 0);
        }
        for word in [READY, PID] {
            self.know(word, 0);
        }
        self.know(STARTED, nanos(monotonic()));
        self.alive();
        self.know(GENERATION, generation);
        self.store(STATE, WorkerState::Starting as u64);
        self.heard(WorkerState::Starting);
    }

    pub(crate) fn set_pid(&self, pid: i32) {
        self.know(PID, u64::try_from(pid).unwrap_or(0));
    }

    pub(crate) fn set_state(&self, state: WorkerState, reason: &str) {
        self.set_reason(reason);
        self.store(STATE, state as u64);
    }

    /// Notes when the service was first heard of; by the reader, so that a worker which has just
    /// been forked need not look at the clock.
    pub(crate) fn heard_of(&self) {
        if self.known(READY) == 0 {
            self.know(READY, nanos(monotonic()));
        }
    }

    /// Notes that the worker's main thread runs.
    pub(crate) fn alive(&self) {
        self.store(ALIVE, nanos(monotonic()));
    }

    /// Another value whenever the worker's main thread has said that it runs. What value that is
    /// means nothing: a stray write could make a worker look dead, or alive for ever.
    pub(crate) fn sign_of_life(&self) -> u64 {
        self.load(ALIVE)
    }

    pub(crate) fn beat(&self) {
        self.store(BEAT, nanos(monotonic()));
        self.words[BEATS].fetch_add(1, Ordering::AcqRel);
    }

    /// Counts a replacement that will follow; by the parent.
    pub(crate) fn replaced(&self, cause: Cause) {
        let word = RESTARTS + cause as usize;
        self.know(word, self.known(word) + 1);
    }

    fn restarts(&self) -> Restarts {
        let of = |cause| self.known(RESTARTS + cause as usize);
        Restarts {
            exit: of(Cause::Exit),
            signal: of(Cause::Signal),
            watchdog: of(Cause::Watchdog),
            asked: of(Cause::Asked),
        }
    }

    /// Writes the reason between two steps of a version number: odd means "being written".
    fn set_reason(&self, reason: &str) {
        let cut = (0..=reason.len().min(REASON_BYTES)).rev().find(|&n| reason.is_char_boundary(n));
        let bytes = &reason.as_bytes()[..cut.unwrap_or(0)];
        self.words[REASON_VERSION].fetch_add(1, Ordering::AcqRel);
        for (index, chunk) in bytes.chunks(8).enumerate() {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.store(REASON + index, u64::from_le_bytes(word));
        }
        self.store(REASON_LEN, bytes.len() as u64);
        self.words[REASON_VERSION].fetch_add(1, Ordering::AcqRel);
    }

    /// Reads the reason; a writer that died half-way costs the text, never a wait.
    pub(crate) fn reason(&self) -> String {
        for _ in 0..100 {
            let before = self.load(REASON_VERSION);
            let length = (self.load(REASON_LEN) as usize).min(REASON_BYTES);
            let mut bytes = Vec::with_capacity(REASON_BYTES);
            for index in 0..length.div_ceil(8) {
                bytes.extend_from_slice(&self.load(REASON + index).to_le_bytes());
            }
            bytes.truncate(length);
            if before.is_multiple_of(2) && before == self.load(REASON_VERSION) {
                return String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        String::new()
    }

    fn status(&self, now: Duration) -> WorkerStatus {
        let state = self.state();
        let started = Duration::from_nanos(self.known(STARTED));
        let startup = match self.known(READY) {
            0 => None,
            ready => Some(Duration::from_nanos(ready).saturating_sub(started)),
        };
        let beat = Duration::from_nanos(self.load(BEAT));
        // One from before the process, or one that is still to come, is none.
        let possible = !beat.is_zero() && beat >= started && beat <= now + CLOCK_SLACK;
        WorkerStatus {
            state,
            pid: i32::try_from(self.known(PID)).unwrap_or(0),
            generation: self.known(GENERATION),
            uptime: (state != WorkerState::Gone).then(|| now.saturating_sub(started)),
            startup,
            beat_age: possible.then(|| now.saturating_sub(beat)),
            beats: self.load(BEATS).min(MOST),
            reason: self.reason(),
            restarts: self.restarts(),
            ..WorkerStatus::default()
        }
    }
}

/// Words of a worker's tables, if it shows so many operations at a time.
const fn table(operations: usize) -> usize {
    if operations == 0 { 0 } else { operations * operations::ENTRY + ended::WORDS + notes::WORDS }
}

/// Nanoseconds since boot fit 64 bits for 584 years.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPERATIONS: usize = 16;

    /// A stray write of a worker must not be the end of whoever reads.
    #[test]
    fn a_board_full_of_nonsense_is_read_and_written_without_harm() {
        let mut seed = 1_u64;
        let mut noise = move || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            seed.rotate_left(17)
        };
        let board = std::sync::Arc::new(Scoreboard::with_words(3, 5, OPERATIONS).unwrap());
        board.name_slot("a", false);
        board.name_slot("b", true);
        for round in 0..200 {
            for word in board.words.get() {
                word.store(
                    match round {
                        0 => 0,
                        1 => u64::MAX,
                        _ => noise(),
                    },
                    Ordering::Relaxed,
                );
            }
            for worker in board.snapshot() {
                assert!(worker.reason.chars().count() <= REASON_BYTES);
                assert!(worker.operations.len() <= OPERATIONS);
            }
            let (mut from, mut marks) = (0, 0);
            while let Some(id) = board.take_mark(from) {
                from = id + 1;
                marks += 1;
            }
            assert!(marks <= BITS, "{marks} marks");
            drop(RunningOperation::begin(&board, 0, "kind", "id", "request"));
            board.new_life(0, 7);
            let all = board.snapshot();
            assert_eq!((all[0].state, all[0].generation), (WorkerState::Starting, 7));
            assert!(all[0].reason.is_empty() && all[0].operations.is_empty());
        }
    }

    /// How a stray write may leave a word.
    fn word() -> impl Strategy<Value = u64> {
        let now = nanos(monotonic());
        prop_oneof![Just(0), Just(u64::MAX), 0..6_u64, now - 9..now + 9, any::<u64>()]
    }

    proptest! {
        #[test]
        fn what_the_parent_knows_stays_and_the_rest_is_within_bounds(
            words in proptest::collection::vec(word(), 1..400),
            state in 1..5_u64,
        ) {
            let board = Scoreboard::with_words(2, 3, OPERATIONS).unwrap();
            board.name_slot("a", false);
            board.name_slot("b", false);
            board.new_life(0, 7);
            board.slot(0).set_pid(42);
            board.slot(0).replaced(Cause::Signal);
            let state = WorkerState::from_word(state).unwrap();
            board.slot(0).heard(state);
            for (word, value) in board.words.get().iter().zip(words.iter().cycle()) {
                word.store(*value, Ordering::Relaxed);
            }
            let all = board.snapshot();
            let one = &all[0];
            prop_assert_eq!((one.pid, one.generation, one.restarts.signal), (42, 7, 1));
            prop_assert_ne!(one.state, WorkerState::Gone);
            if board.slot(0).said().is_none() {
                prop_assert_eq!(one.state, state);
            }
            let uptime = one.uptime.unwrap();
            prop_assert!(one.beat_age.is_none_or(|age| age <= uptime));
            prop_assert!(one.beats <= MOST);
            prop_assert!(one.reason.chars().count() <= REASON_BYTES);
            prop_assert!(one.operations.len() <= OPERATIONS);
            for operation in &one.operations {
                prop_assert!(operation.age <= uptime);
                prop_assert!(operation.kind.chars().count() <= KIND_BYTES);
                prop_assert!(operation.id.chars().count() <= ID_BYTES);
                prop_assert!(operation.request.chars().count() <= REQUEST_BYTES);
                prop_assert!(operation.step.chars().count() <= STEP_BYTES);
                prop_assert!(operation.step_age <= operation.age);
            }
            prop_assert_eq!((all[1].state, all[1].uptime), (WorkerState::Gone, None));
        }
    }

    #[test]
    fn a_slot_tells_state_reason_and_ages() {
        let board = Scoreboard::new(2).unwrap();
        board.name_slot("a", false);
        board.name_slot("b", false);
        board.slot(1).reset(3);
        board.slot(1).set_pid(42);
        board.slot(1).beat();
        board.slot(1).set_state(WorkerState::Down, "driver not initialised");
        board.slot(1).heard_of();
        let all = board.snapshot();
        assert_eq!((all[0].name.as_str(), all[0].state, all[0].pid), ("a", WorkerState::Gone, 0));
        let b = &all[1];
        assert_eq!((b.name.as_str(), b.state, b.pid), ("b", WorkerState::Down, 42));
        assert_eq!((b.generation, b.beats, b.reason.as_str()), (3, 1, "driver not initialised"));
        assert!(b.uptime.is_some() && b.startup.is_some() && b.beat_age.is_some());
    }

    #[test]
    fn restarts_and_program_words_outlive_a_process_and_operations_do_not() {
        let board = Scoreboard::with_words(3, 5, OPERATIONS).unwrap();
        for name in ["a", "b", "c"] {
            board.name_slot(name, name == "c");
        }
        for (worker, cause) in [
            (1, Cause::Exit),
            (1, Cause::Signal),
            (1, Cause::Signal),
            (2, Cause::Watchdog),
            (2, Cause::Asked),
        ] {
            board.slot(worker).replaced(cause);
        }
        for worker in 0..3 {
            assert_eq!(board.program_words(worker).len(), 5);
            board.program_words(worker)[4].store(10 + worker as u64, Ordering::Release);
            board.operations(worker).begin("create", "id", "").unwrap();
        }
        assert!(board.program_words(3).is_empty());
        board.new_life(1, 2);
        let all = board.snapshot();
        assert_eq!(all[0].restarts, Restarts::default());
        assert_eq!(all[1].restarts, Restarts { exit: 1, signal: 2, ..Restarts::default() });
        assert_eq!(all[2].restarts, Restarts { watchdog: 1, asked: 1, ..Restarts::default() });
        assert_eq!(all.iter().map(|one| one.operations.len()).collect::<Vec<_>>(), [1, 0, 1]);
        assert_eq!(all.iter().map(|one| one.auxiliary).collect::<Vec<_>>(), [false, false, true]);
        let last = |worker: usize| board.program_words(worker)[4].load(Ordering::Acquire);
        assert_eq!([last(0), last(1), last(2)], [10, 11, 12]);
        assert_eq!(board.take_mark(0), None);
    }

    #[test]
    fn a_mark_is_taken_once_whoever_set_it() {
        let board = Scoreboard::new(130).unwrap();
        for index in [129, 0, 64, 63, 0] {
            board.mark(index);
        }
        let mut taken = Vec::new();
        while let Some(index) = board.take_mark(taken.last().map_or(0, |last| last + 1)) {
            taken.push(index);
        }
        assert_eq!(taken, [0, 63, 64, 129]);
        assert_eq!(board.take_mark(0), None);
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let board = Scoreboard::new(1).unwrap();
        let text = format!("{}é", "x".repeat(REASON_BYTES - 1));
        board.slot(0).set_state(WorkerState::Down, &text);
        assert_eq!(board.slot(0).reason(), "x".repeat(REASON_BYTES - 1));
    }

    #[test]
    fn a_writer_that_died_half_way_does_not_stop_a_reader() {
        let board = Scoreboard::new(1).unwrap();
        board.slot(0).set_reason("whole");
        board.slot(0).words[REASON_VERSION].fetch_add(1, Ordering::AcqRel);
        assert_eq!(board.slot(0).reason(), "");
        board.slot(0).reset(2);
        board.slot(0).set_reason("again");
        assert_eq!(board.slot(0).reason(), "again");
    }
}
