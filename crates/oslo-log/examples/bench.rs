//! Measures what an event costs: disabled, written to a file of each kind, to syslog, and to a pipe
//! with and without a reader.
//!
//! `cargo run --release -p oslo-log --example bench`. Prints the best of several rounds, since
//! everything else on the machine can only make a round slower.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use oslo_log::LogOptions;

const ROUNDS: u64 = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::temp_dir().join(format!("oslo-log-bench-{}.log", std::process::id()));
    let options = LogOptions { log_file: Some(path.clone()), ..LogOptions::default() };
    let (subscriber, handle) = oslo_log::subscriber(&options)?;
    tracing::subscriber::set_global_default(subscriber)?;

    let debug = best(20_000_000, |number| {
        tracing::debug!(target: "cinder.volume.manager", "volume {} is busy", black_box(number));
    });
    let plain = best(300_000, line);
    let span = tracing::error_span!(
        "rpc",
        request_id = "req-7b1c2d3e-0000-4000-8000-000000000000",
        user = "5f1a",
        project = "9c2b",
    );
    let in_context = span.in_scope(|| best(300_000, line));
    println!("disabled DEBUG event     {debug:8.2} ns");
    println!("INFO line to a file      {:8.3} us", plain / 1e3);
    println!("INFO line in a context   {:8.3} us", in_context / 1e3);
    for (name, options) in kinds_of_files(&path) {
        // So that nobody pays for the disk's work on the lines before.
        std::fs::File::create(&path)?;
        let (subscriber, _) = oslo_log::subscriber(&options)?;
        let cost = tracing::subscriber::with_default(subscriber, || best(300_000, line));
        println!("{name:<24} {:8.3} us", cost / 1e3);
    }
    syslog(&path.with_extension("socket"))?;
    fifo::measure(&path.with_extension("fifo"))?;
    println!("bare write of that size  {:8.3} us", bare_write(&path)? / 1e3);
    println!("dropped lines            {:8}", handle.dropped_lines());
    std::fs::remove_file(&path)?;
    Ok(())
}

fn line(number: u64) {
    tracing::info!(target: "cinder.volume.manager", "volume {} is busy", black_box(number));
}

/// What a look at the path costs, and another form.
fn kinds_of_files(path: &Path) -> [(&'static str, LogOptions); 4] {
    let file = LogOptions {
        log_file: Some(path.to_owned()),
        watch_log_file: true,
        ..LogOptions::default()
    };
    let by_size = LogOptions {
        log_rotation_type: "size".into(),
        max_logfile_size_mb: 1 << 20,
        ..file.clone()
    };
    let by_time = LogOptions { log_rotation_type: "interval".into(), ..file.clone() };
    let json = LogOptions { use_json: true, ..file.clone() };
    [
        ("INFO, file is followed", file),
        ("INFO, rotated by size", by_size),
        ("INFO, rotated by time", by_time),
        ("INFO, followed, JSON", json),
    ]
}

/// Lines for a daemon that reads them at once.
fn syslog(path: &Path) -> Result<(), Box<dyn Error>> {
    let daemon = std::os::unix::net::UnixDatagram::bind(path)?;
    let reading = std::thread::spawn(move || {
        let mut buffer = [0; 65536];
        while daemon.recv(&mut buffer).is_ok_and(|count| !buffer[..count].ends_with(b"farewell")) {}
    });
    let options = LogOptions {
        log_file: Some("/dev/null".into()),
        use_syslog: true,
        syslog_socket: path.to_owned(),
        ..LogOptions::default()
    };
    let (subscriber, handle) = oslo_log::subscriber(&options)?;
    let cost = tracing::subscriber::with_default(subscriber, || {
        let cost = best(100_000, line);
        say_farewell(&handle, || reading.is_finished());
        cost
    });
    println!("INFO line to syslog      {:8.3} us", cost / 1e3);
    std::fs::remove_file(path)?;
    reading.join().map_err(|_| "the reader of syslog's socket has panicked")?;
    Ok(())
}

/// A log that is a pipe, with a reader and after that reader has stopped.
mod fifo {
    use std::error::Error;
    use std::fs::File;
    use std::io::Read;
    use std::path::Path;

    use nix::sys::stat::Mode;
    use oslo_log::LogOptions;

    pub(crate) fn measure(path: &Path) -> Result<(), Box<dyn Error>> {
        nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        let options = LogOptions { log_file: Some(path.to_owned()), ..LogOptions::default() };
        let (subscriber, handle) = oslo_log::subscriber(&options)?;
        let mut reader = File::open(path)?;
        std::fs::remove_file(path)?;
        let reading = std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            // The last line is the only one with this word.
            while let Ok(count) = reader.read(&mut buffer) {
                if buffer[..count].windows(8).any(|word| word == b"farewell") {
                    break;
                }
            }
            reader
        });
        let (read, unread) = tracing::subscriber::with_default(subscriber, || {
            let read = super::best(100_000, super::line);
            super::say_farewell(&handle, || reading.is_finished());
            let reader = reading.join();
            let unread = super::best(100_000, super::line);
            drop(reader);
            (read, unread)
        });
        println!("INFO line to a pipe      {:8.3} us", read / 1e3);
        println!("INFO line, pipe is full  {:8.3} us", unread / 1e3);
        Ok(())
    }
}

/// Tells a reader to end, again and again: a word may be among the lines that are dropped.
fn say_farewell(handle: &oslo_log::LogHandle, ended: impl Fn() -> bool) {
    while !ended() {
        tracing::info!("farewell");
        handle.flush();
        std::thread::yield_now();
    }
}

/// Nanoseconds per call in the best round. Many short rounds: one that nothing interrupts is
/// among them even on a busy machine.
fn best(calls: u64, mut event: impl FnMut(u64)) -> f64 {
    let calls = calls / ROUNDS;
    let round = |event: &mut dyn FnMut(u64)| {
        let start = Instant::now();
        (0..calls).for_each(event);
        start.elapsed().as_secs_f64() * 1e9 / calls as f64
    };
    (0..ROUNDS).map(|_| round(&mut event)).fold(f64::INFINITY, f64::min)
}

/// What the kernel alone takes for a line, for comparison.
fn bare_write(path: &Path) -> std::io::Result<f64> {
    let file = std::fs::OpenOptions::new().append(true).open(path)?;
    let line = [b'x'; 100];
    Ok(best(300_000, |_| {
        let _ = std::io::Write::write(&mut &file, &line);
    }))
}
