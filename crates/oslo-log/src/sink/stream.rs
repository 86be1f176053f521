//! A destination whose reader may be slow, stopped or gone: lines wait in a bounded backlog.
//!
//! Order of every attempt: the backlog, then one line about what was lost, then the new line.
//! Must not wait for the reader (except with a deadline, at the end), change the order of
//! lines, write a part of a line without the rest, or write a line of another process.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::backlog::Backlog;
use super::retry::Retry;
use super::{Flushed, Notice};

/// What takes records to a reader, without ever waiting for it.
pub(crate) trait Carrier {
    /// Hands over as much as there is room for now.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when there is none; otherwise the bytes will never get there.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Waits until there is room, or until a write would tell what is wrong; false after `limit`.
    fn wait(&self, limit: Duration) -> bool;
}

/// One destination and what waits for it.
///
/// The lock is held for as long as the kernel takes to copy bytes, never while waiting. A process
/// forks with a single thread, which then is not in here.
#[derive(Debug)]
pub(crate) struct Stream<C> {
    name: String,
    carrier: C,
    queue: Mutex<Queue>,
}

#[derive(Debug)]
struct Queue {
    /// The process whose lines these are.
    owner: u32,
    backlog: Backlog,
    /// Lines that were lost since the reader was last told.
    untold: u64,
    retry: Retry,
}

impl Queue {
    fn new() -> Self {
        Self {
            owner: std::process::id(),
            backlog: Backlog::default(),
            untold: 0,
            retry: Retry::default(),
        }
    }
}

/// What became of one record.
enum Offer {
    Written,
    /// So many bytes were written, for the rest there is no room.
    Cut(usize),
    /// It will never get there.
    Lost,
}

impl<C: Carrier> Stream<C> {
    pub(crate) fn new(name: String, carrier: C) -> Self {
        Self { name, carrier, queue: Mutex::new(Queue::new()) }
    }

    pub(crate) fn carrier(&self) -> &C {
        &self.carrier
    }

    /// Writes one record or keeps it; returns how many lines were lost on this occasion.
    pub(crate) fn write(&self, record: &[u8], notice: Notice<'_>) -> u64 {
        let mut queue = self.queue();
        let mut lost = self.drain(&mut queue, notice);
        let kept = if !queue.backlog.is_empty() {
            // Behind a gap nothing is kept until the reader has been told of it: else there
            // would be a gap and a line about it per few lines of a reader that is a bit slow.
            queue.untold == 0 && queue.backlog.push(record)
        } else {
            self.write_or_keep(&mut queue, record)
        };
        if !kept {
            lost += 1;
            queue.untold += 1;
        }
        lost
    }

    /// Writes what waits: what there is room for now, or what its reader takes until `deadline`.
    pub(crate) fn flush(&self, deadline: Option<Instant>, notice: Notice<'_>) -> Flushed {
        let mut lost = 0;
        loop {
            let again = {
                let mut queue = self.queue();
                lost += self.drain(&mut queue, notice);
                let waiting = !queue.backlog.is_empty();
                waiting.then(|| queue.retry.left(Instant::now()))
            };
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let left = left.filter(|left| !left.is_zero());
            // Outside of the lock: other threads may have something to say meanwhile.
            if again.is_none() || !left.is_some_and(|left| self.carrier.wait(left)) {
                return Flushed { lost, again };
            }
        }
    }

    /// The queue; after a fork the child's own, empty one: the lines are still the parent's.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.owner != std::process::id() {
            *queue = Queue::new();
        }
        queue
    }

    /// Writes the backlog, then the notice; returns how many lines turned out to be lost.
    fn drain(&self, queue: &mut Queue, notice: Notice<'_>) -> u64 {
        let mut lost = 0;
        while let Some(oldest) = queue.backlog.oldest() {
            match self.offer(oldest) {
                Offer::Written => {
                    queue.backlog.remove_oldest();
                    queue.retry.forget();
                }
                Offer::Cut(written) => {
                    queue.backlog.advance(written);
                    if written > 0 {
                        queue.retry.forget();
                    }
                    return lost;
                }
                Offer::Lost => {
                    queue.backlog.remove_oldest();
                    queue.untold += 1;
                    lost += 1;
                }
            }
        }
        if queue.untold > 0 {
            let line = notice(format_args!(
                "{} log lines were dropped: {} was not read fast enough, or not at all",
                queue.untold, self.name
            ));
            if self.write_or_keep(queue, &line) {
                queue.untold = 0;
            }
        }
        lost
    }

    /// Writes a record in front of which nothing waits; false if it is lost.
    fn write_or_keep(&self, queue: &mut Queue, record: &[u8]) -> bool {
        match self.offer(record) {
            Offer::Written => true,
            Offer::Cut(written) => {
                let kept = queue.backlog.push(record);
                queue.backlog.advance(written);
                kept
            }
            Offer::Lost => false,
        }
    }

    /// Offers a record as a whole, so that a pipe or socket with room takes it in one go.
    fn offer(&self, record: &[u8]) -> Offer {
        let mut written = 0;
        while let Some(rest) = record.get(written..).filter(|rest| !rest.is_empty()) {
            match self.carrier.write(rest) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Offer::Cut(written);
                }
                Err(_) => return Offer::Lost,
            }
        }
        Offer::Written
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;

    use nix::fcntl::OFlag;
    use nix::sys::stat::Mode;
    use nix::unistd::{mkfifo, pipe2};

    use super::super::backlog::LIMIT;
    use super::super::outlet::{OPEN_FLAGS, Outlet};
    use super::*;

    const NOTICE: Notice<'_> = &|text| format!("{text}\n").into();

    fn told(lost: u64, name: &str) -> String {
        format!("{lost} log lines were dropped: {name} was not read fast enough, or not at all\n")
    }

    /// A stream into a pipe, and the reader's end, which does not wait either.
    fn stream() -> (Stream<Outlet>, File) {
        let (reader, writer) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).unwrap();
        (Stream::new("the pipe".into(), Outlet::opened(writer.into()).unwrap()), reader.into())
    }

    /// What is in the pipe now.
    fn read(mut reader: &File) -> String {
        let mut bytes = Vec::new();
        if let Err(error) = reader.read_to_end(&mut bytes) {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        }
        String::from_utf8(bytes).unwrap()
    }

    /// Reads and flushes in turns until nothing waits.
    fn read_all(stream: &Stream<Outlet>, reader: &File) -> String {
        let mut text = read(reader);
        while stream.flush(None, NOTICE).again.is_some() {
            text += &read(reader);
        }
        text + &read(reader)
    }

    fn line(number: usize) -> String {
        format!("{number} {}\n", "x".repeat(90))
    }

    fn lines(numbers: std::ops::Range<usize>) -> String {
        numbers.map(line).collect()
    }

    /// Compares long texts; shows no more than the first line that differs.
    fn expect(text: &str, expected: &str) {
        let differ = text.lines().zip(expected.lines()).find(|(one, other)| one != other);
        assert_eq!(differ, None);
        assert_eq!(text.len(), expected.len());
    }

    fn write(stream: &Stream<Outlet>, text: &str) -> u64 {
        stream.write(text.as_bytes(), NOTICE)
    }

    #[test]
    fn lines_that_nobody_reads_wait_and_come_out_in_order() {
        let (stream, reader) = stream();
        // Twice what a pipe holds.
        for number in 0..1500 {
            assert_eq!(write(&stream, &line(number)), 0);
        }
        assert!(stream.flush(None, NOTICE).again.is_some());
        let mut text = read(&reader);
        assert!(text.ends_with('\n') && text.len() < lines(0..1500).len());
        assert_eq!(write(&stream, &line(1500)), 0);
        text += &read_all(&stream, &reader);
        expect(&text, &lines(0..1501));
        assert_eq!(stream.flush(None, NOTICE), Flushed::default());
    }

    #[test]
    fn what_exceeds_the_limit_is_counted_and_told_where_it_is_missing() {
        let (stream, reader) = stream();
        let (mut lost, mut written) = (0, 0);
        while lost < 100 {
            lost += write(&stream, &line(written));
            written += 1;
        }
        let kept = lines(0..written - 100);
        assert!(kept.len() > LIMIT);
        let mut text = read(&reader);
        // There is room again, but not behind the gap: the reader has to be told of it first.
        assert_eq!(write(&stream, "this one, too\n"), 1);
        text += &read_all(&stream, &reader);
        assert_eq!(write(&stream, "back again\n"), 0);
        text += &read(&reader);
        expect(&text, &(kept + &told(101, "the pipe") + "back again\n"));
    }

    #[test]
    fn a_line_longer_than_the_pipe_is_not_torn() {
        let (stream, reader) = stream();
        let long = format!("{}\n", "y".repeat(150_000));
        let text = [line(0), long, line(1)].concat();
        for line in text.split_inclusive('\n') {
            assert_eq!(write(&stream, line), 0);
        }
        expect(&read_all(&stream, &reader), &text);
    }

    #[test]
    fn a_forked_child_does_not_write_its_parents_lines() {
        let (stream, reader) = stream();
        while write(&stream, &line(7)) == 0 {}
        stream.queue.lock().unwrap().owner -= 1; // as if this process were the parent's child
        let _ = read(&reader);
        assert_eq!(write(&stream, "the child's\n"), 0);
        assert_eq!(read(&reader), "the child's\n");
        assert_eq!(stream.flush(None, NOTICE), Flushed::default());
    }

    #[test]
    fn lines_without_a_reader_are_lost_and_the_next_reader_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        let open = |options: &mut OpenOptions| options.custom_flags(OPEN_FLAGS).open(&path);
        let reader = open(OpenOptions::new().read(true)).unwrap();
        let writer = open(OpenOptions::new().append(true)).unwrap();
        let stream = Stream::new("the fifo".into(), Outlet::opened(writer).unwrap());
        for number in 0..1000 {
            assert_eq!(write(&stream, &line(number)), 0);
        }
        drop(reader);
        // What is in the FIFO stays there for the next reader; what waited is lost, and known.
        let lost = write(&stream, "nobody reads this\n");
        assert!(lost > 100, "{lost}");
        assert_eq!(write(&stream, "nor this\n"), 1);
        assert_eq!(stream.flush(None, NOTICE), Flushed::default());

        let reader = open(OpenOptions::new().read(true)).unwrap();
        assert_eq!(write(&stream, "back again\n"), 0);
        let kept = lines(0..usize::try_from(1001 - lost).unwrap());
        let told = told(lost + 1, "the fifo") + "back again\n";
        expect(&read_all(&stream, &reader), &(kept + &told));
    }

    #[test]
    fn with_a_deadline_a_flush_waits_for_the_reader() {
        let (stream, reader) = stream();
        for number in 0..3000 {
            assert_eq!(write(&stream, &line(number)), 0);
        }
        let soon = || Some(Instant::now() + Duration::from_millis(1));
        assert!(stream.flush(soon(), NOTICE).again.is_some());
        let slow = std::thread::spawn(move || {
            let mut text = String::new();
            while text.len() < lines(0..3000).len() {
                text += &read(&reader);
                std::thread::yield_now();
            }
            text
        });
        let later = Instant::now() + Duration::from_secs(30);
        assert_eq!(stream.flush(Some(later), NOTICE), Flushed::default());
        expect(&slow.join().unwrap(), &lines(0..3000));
    }
}
