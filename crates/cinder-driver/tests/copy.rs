//! The copy engine between volumes with and without descriptors, and images.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cinder_driver::copy::{Destination, Method, Pace, copy, from_image, to_image};
use cinder_driver::{
    CancelFlag, DriverError, FileIo, ImageSink, ImageSource, Limit, OpContext, OpenMode, Progress,
    Throttle, VolumeIo,
};

const MIB: u64 = 1 << 20;

/// A volume that only a library could reach, as an image of a cluster is; remembers what was done.
#[derive(Debug)]
struct Remote {
    data: Mutex<Vec<u8>>,
    calls: Mutex<Vec<(&'static str, Range<u64>)>>,
}

impl Remote {
    fn new(data: Vec<u8>) -> Self {
        Self { data: Mutex::new(data), calls: Mutex::default() }
    }

    fn note(&self, call: &'static str, range: Range<u64>) {
        self.calls.lock().expect("not poisoned").push((call, range));
    }

    /// Bytes of all calls of a kind.
    fn bytes(&self, call: &str) -> u64 {
        let calls = self.calls.lock().expect("not poisoned");
        calls.iter().filter(|(one, _)| *one == call).map(|(_, range)| range.end - range.start).sum()
    }

    fn data(&self) -> Vec<u8> {
        self.data.lock().expect("not poisoned").clone()
    }
}

fn places(range: &Range<u64>) -> Range<usize> {
    range.start as usize..range.end as usize
}

impl VolumeIo for Remote {
    fn length(&self) -> u64 {
        self.data().len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), DriverError> {
        let range = offset..offset + buffer.len() as u64;
        buffer.copy_from_slice(&self.data.lock().expect("not poisoned")[places(&range)]);
        self.note("read", range);
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DriverError> {
        let range = offset..offset + data.len() as u64;
        self.data.lock().expect("not poisoned")[places(&range)].copy_from_slice(data);
        self.note("write", range);
        Ok(())
    }

    fn write_zeroes(&self, range: Range<u64>) -> Result<(), DriverError> {
        self.data.lock().expect("not poisoned")[places(&range)].fill(0);
        self.note("zero", range);
        Ok(())
    }

    fn discard(&self, range: Range<u64>) -> Result<(), DriverError> {
        self.note("discard", range);
        Ok(())
    }

    fn flush(&self) -> Result<(), DriverError> {
        self.note("flush", 0..1);
        Ok(())
    }
}

/// Data at both ends of a piece of zeroes, which nobody says is empty.
fn sparse(mib: u64) -> Vec<u8> {
    let mut data = vec![0; (mib * MIB) as usize];
    data[..100_000].fill(1);
    let last = data.len() - 1;
    data[last] = 2;
    data
}

fn file(data: &[u8]) -> FileIo {
    let file = tempfile::tempfile().expect("there is a temporary directory");
    std::os::unix::fs::FileExt::write_all_at(&file, data, 0).expect("write");
    FileIo::new(file, "a file", OpenMode::Write).expect("it has a length")
}

fn all_of(io: &dyn VolumeIo) -> Vec<u8> {
    let mut data = vec![9; io.length() as usize];
    io.read_at(0, &mut data).expect("read");
    data
}

fn context() -> OpContext {
    OpContext::new("req-copy")
}

#[test]
fn zeroes_are_skipped_in_a_new_volume_and_punched_in_a_used_one() {
    let from = Remote::new(sparse(8));
    let fresh = Remote::new(vec![0; 8 << 20]);
    let copied = context().copy(&from, &fresh, 0..8 * MIB, Destination::Zeroed).expect("copied");
    assert!(fresh.data() == from.data());
    assert_eq!((copied.method, fresh.bytes("zero")), (Method::Buffer, 0));
    assert_eq!(fresh.bytes("write"), copied.written);
    assert_eq!(copied.written + copied.skipped, 8 * MIB);
    assert!(copied.written < MIB, "{copied:?}");

    let used = Remote::new(vec![7; 8 << 20]);
    let copied = context().copy(&from, &used, 0..8 * MIB, Destination::Used).expect("copied");
    assert!(used.data() == from.data());
    assert_eq!(used.bytes("zero"), copied.skipped);
    assert!(used.bytes("flush") > 0, "it is safe when the copy is over");
}

#[test]
fn what_the_source_knows_to_be_empty_is_not_read() {
    let sized = tempfile::tempfile().expect("there is a temporary directory");
    sized.set_len(64 << 20).expect("it can be sparse");
    let from = FileIo::new(sized, "a sparse file", OpenMode::Write).expect("it has a length");
    from.write_at(40 << 20, &[5; 4096]).expect("write");
    for destination in [Destination::Zeroed, Destination::Used] {
        let to = Remote::new(vec![0; 64 << 20]);
        let copied = context().copy(&from, &to, 0..64 * MIB, destination).expect("copied");
        assert!(to.data() == all_of(&from));
        assert!(to.bytes("write") <= MIB, "{copied:?}");
        assert_eq!(to.bytes("zero") > 0, destination == Destination::Used);
    }
}

#[test]
fn between_files_the_kernel_copies_and_holes_stay_holes() {
    let data = sparse(8);
    let from = file(&data);
    from.write_zeroes(MIB..7 * MIB).expect("punched");
    for destination in [Destination::Zeroed, Destination::Used] {
        let old = if destination == Destination::Used { 7 } else { 0 };
        let to = file(&vec![old; 8 << 20]);
        let copied = context().copy(&from, &to, 0..8 * MIB, destination).expect("copied");
        assert!(all_of(&to) == data, "{destination:?}");
        assert_ne!(copied.method, Method::Buffer);
        if destination == Destination::Used {
            let extents = to.data_extents(0..8 * MIB).expect("extents");
            assert!(extents.iter().all(|one| one.end <= MIB || one.start >= 7 * MIB));
        }
    }
}

#[test]
fn a_part_is_copied_to_the_same_place_and_nothing_else_is_touched() {
    let data: Vec<u8> = (0..2 << 20).map(|at: u32| (at % 251) as u8 + 1).collect();
    let (from, to) = (file(&data), file(&vec![0; 3 << 20]));
    let remote = Remote::new(vec![0; 3 << 20]);
    for to in [&to as &dyn VolumeIo, &remote] {
        context().copy(&from, to, 12_345..1_234_567, Destination::Used).expect("copied");
        let found = all_of(to);
        assert!(found[12_345..1_234_567] == data[12_345..1_234_567]);
        assert!(found[..12_345].iter().chain(&found[1_234_567..]).all(|byte| *byte == 0));
    }
    for range in [0..3 * MIB, 2 * MIB..2 * MIB + 1, 0..u64::MAX] {
        let error = context().copy(&from, &to, range, Destination::Used).expect_err("too far");
        assert_eq!(error.class(), "bug");
    }
    let nothing = context().copy(&from, &to, 5..5, Destination::Used).expect("nothing to do");
    assert_eq!((nothing.written, nothing.skipped), (0, 0));
}

#[derive(Default)]
struct Told {
    last: Mutex<(u64, u64)>,
    cancels: Option<CancelFlag>,
}

impl Progress for Told {
    fn report(&self, done: u64, total: u64) {
        let mut last = self.last.lock().expect("not poisoned");
        assert!(done >= last.0 && done <= total);
        *last = (done, total);
        if let Some(flag) = &self.cancels {
            flag.cancel();
        }
    }
}

#[test]
fn progress_ends_with_all_and_a_limit_of_bandwidth_is_kept() {
    let told = Arc::new(Told::default());
    let from = file(&vec![1; 3 << 20]);
    let context = context().telling(told.clone()).throttled(Throttle::new(2 << 20));
    let begun = Instant::now();
    let remote = Remote::new(vec![0; 3 << 20]);
    context.copy(&from, &remote, 0..3 * MIB, Destination::Zeroed).expect("copied");
    // 3 MiB at 2 MiB a second, of which a quarter of a second is free.
    assert!(begun.elapsed() > Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(*told.last.lock().expect("not poisoned"), (3 * MIB, 3 * MIB));
}

#[test]
fn a_copy_that_is_cancelled_ends_soon_and_says_so() {
    let flag = CancelFlag::default();
    let told = Arc::new(Told { cancels: Some(flag.clone()), ..Told::default() });
    let (from, to) = (file(&vec![1; 16 << 20]), Remote::new(vec![0; 16 << 20]));
    let context =
        context().limited(Limit::new(None, flag)).telling(told).throttled(Throttle::new(256 << 10));
    let begun = Instant::now();
    let error = context.copy(&from, &to, 0..16 * MIB, Destination::Zeroed).expect_err("cancelled");
    assert_eq!(error.class(), "cancelled");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(to.bytes("write") < 2 * MIB, "little was copied after that");
}

struct Image<'a> {
    rest: &'a [u8],
    says_how_long: bool,
}

impl ImageSource for Image<'_> {
    fn length(&self) -> Option<u64> {
        self.says_how_long.then_some(self.rest.len() as u64)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, DriverError> {
        let some = buffer.len().min(self.rest.len()).min(70_001);
        let (now, rest) = self.rest.split_at(some);
        buffer[..some].copy_from_slice(now);
        self.rest = rest;
        Ok(some)
    }
}

#[derive(Default)]
struct Sink {
    data: Vec<u8>,
    is_whole: bool,
}

impl ImageSink for Sink {
    fn write(&mut self, data: &[u8]) -> Result<(), DriverError> {
        self.data.extend_from_slice(data);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), DriverError> {
        self.is_whole = true;
        Ok(())
    }
}

#[test]
fn an_image_comes_and_goes_through_any_volume() {
    let data = sparse(5);
    let (throttle, limit) = (Throttle::default(), Limit::default());
    let pace = Pace::new(&throttle, &limit, &|done, total| assert!(done <= total));
    for says_how_long in [true, false] {
        let to = Remote::new(vec![7; 5 << 20]);
        let mut image = Image { rest: &data, says_how_long };
        let copied = from_image(&mut image, &to, Destination::Used, &pace).expect("copied");
        assert!(to.data() == data);
        assert!(copied.written < MIB, "{copied:?}");
        let mut sink = Sink::default();
        assert_eq!(to_image(&to, &mut sink, &pace).expect("copied"), 5 * MIB);
        assert!(sink.is_whole && sink.data == data);
    }
    let small = Remote::new(vec![0; 1 << 20]);
    let mut image = Image { rest: &data, says_how_long: true };
    let error = from_image(&mut image, &small, Destination::Zeroed, &pace).expect_err("too large");
    assert_eq!(error.class(), "no space");
    limit.flag().cancel();
    let mut sink = Sink::default();
    let error = to_image(&small, &mut sink, &pace).expect_err("cancelled");
    assert_eq!(error.class(), "cancelled");
    assert!(!sink.is_whole, "an image that is not whole is not finished");
    let range = 0..MIB;
    let error = copy(&small, &small, range, Destination::Used, &pace).expect_err("cancelled");
    assert_eq!(error.class(), "cancelled");
}
