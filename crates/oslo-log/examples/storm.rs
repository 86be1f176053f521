//! Counts torn, lost and doubled lines of many processes that write one log file.
//!
//! `cargo run --release -p oslo-log --example storm -- 50 200000 none DIRECTORY` is 50 processes
//! with 200,000 lines each: ten million lines, some 850 MB. Instead of `none`: `size`, `interval`
//! or `create`, see `tests/storm/mod.rs`. Without a directory one is made for the time of the run.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program for the terminal")]

#[path = "../tests/storm/mod.rs"]
mod storm;

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use storm::Rotation;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default| words.get(at).map_or(Ok(default), |word| word.parse());
    let (processes, lines): (usize, usize) = (number(0, 50)?, number(1, 2000)?);
    let name = words.get(2).map_or("none", String::as_str);
    let rotation = match name {
        "none" => Rotation::None,
        "size" => Rotation::Size,
        "interval" => Rotation::Interval,
        "create" => Rotation::Create,
        other => return Err(format!("{other} is not none, size, interval or create").into()),
    };
    let temporary = tempfile::tempdir()?;
    let directory = words.get(3).map_or(temporary.path(), Path::new);
    if let Some(process) = words.get(4) {
        let dropped = storm::write(directory, process.parse()?, lines, rotation);
        return if dropped == 0 { Ok(()) } else { Err(format!("{dropped} dropped").into()) };
    }

    let start = Instant::now();
    let writers = (0..processes).map(|process| {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([&processes.to_string(), &lines.to_string(), name]);
        command.arg(directory).arg(process.to_string()).spawn()
    });
    let ended = storm::wait(writers.collect::<Result<_, _>>()?, directory, rotation)?;
    let seconds = start.elapsed().as_secs_f64();
    let found = storm::read(directory)?;
    let written = processes * lines;
    println!("{processes} processes, {written} lines in {seconds:.1} s, {} files", found.files);
    println!("lost    {}", written.saturating_sub(found.lines - found.double));
    println!("doubled {}", found.double);
    println!("torn    {}", found.torn.len());
    for line in found.torn.iter().take(10) {
        println!("  {line}");
    }
    let good = ended && found.lines == written && found.double == 0 && found.torn.is_empty();
    if good { Ok(()) } else { Err("not every line is there once and whole".into()) }
}
