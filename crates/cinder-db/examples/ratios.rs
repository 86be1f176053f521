//! One round of what `cargo xtask bench database` compares with raw SQL.
//!
//! `cargo run --release -p cinder-db --features full --example ratios -- register URL BACKENDS`
//! registers so many back ends over one connection, once to warm up and once more, and prints how
//! long the second time took in microseconds. With `beat` they beat for some seconds instead, all
//! threads on one core; it prints beats per second and microseconds of processor time per beat. A
//! further word `cached` has the server keep statements prepared.
//!
//! The URL leads to a database with Cinder's tables.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example is a program of its own: it reads its arguments and prints"
)]

use std::{
    error::Error,
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use cinder_db::{
    Connection, DatabaseOptions, DatabaseUrl, Heartbeat, HeartbeatPlan, Registration,
    open_or_create, register,
};
use cinder_types::ServiceHost;
use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};

/// With 50 services it is 5,000 times a second, more than one core can do.
const INTERVAL: Duration = Duration::from_millis(10);
const BEATING: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [what, url, backends, cached @ ..] = &arguments[..] else {
        return Err("expected: register|beat URL BACKENDS [cached]".into());
    };
    let statement_cache = cached == ["cached"];
    let url = DatabaseUrl::parse(url)?;
    let options = DatabaseOptions { statement_cache, ..DatabaseOptions::new(url) };
    let backends = backends.parse()?;
    match what.as_str() {
        "register" => registering(&options, backends),
        _ => beating(&options, backends),
    }
}

fn registration(number: u32) -> Registration {
    Registration {
        host: ServiceHost::from_parts("node1", None, &format!("b{number}")),
        cluster: None,
        availability_zone: "nova".into(),
        enable_new_services: true,
    }
}

/// What is prepared for the first ones, which have another name, is prepared for the others.
fn registering(options: &DatabaseOptions, backends: u32) -> Result<(), Box<dyn Error>> {
    const WARM_UP: u32 = u32::MAX;
    let mut connection = open_or_create(options)?;
    for _ in 0..2 {
        register(&mut connection, &registration(WARM_UP))?;
    }
    let start = Instant::now();
    for number in 0..backends {
        register(&mut connection, &registration(number))?;
    }
    println!("{}", start.elapsed().as_micros());
    Ok(())
}

fn beating(options: &DatabaseOptions, services: u32) -> Result<(), Box<dyn Error>> {
    let mut core = CpuSet::new();
    core.set(0)?;
    sched_setaffinity(Pid::from_raw(0), &core)?;
    let mut connection = open_or_create(options)?;
    let beats = Arc::new(AtomicU64::new(0));
    let hearts = (0..services)
        .map(|number| heart(options, &mut connection, number, &beats))
        .collect::<Result<Vec<_>, _>>()?;
    // All are connected once each has beaten.
    while beats.load(Ordering::Relaxed) < u64::from(services) * 2 {
        thread::sleep(INTERVAL);
    }
    let (start, before, cpu) = (Instant::now(), beats.load(Ordering::Relaxed), processor_time()?);
    thread::sleep(BEATING);
    let beaten = (beats.load(Ordering::Relaxed) - before) as f64;
    let cpu = (processor_time()? - cpu).as_secs_f64();
    println!("{} {}", beaten / start.elapsed().as_secs_f64(), cpu / beaten * 1e6);
    drop(hearts);
    Ok(())
}

fn heart(
    options: &DatabaseOptions,
    connection: &mut Connection,
    number: u32,
    beats: &Arc<AtomicU64>,
) -> Result<Option<Heartbeat>, Box<dyn Error>> {
    let registration = registration(number);
    let service = register(connection, &registration)?.id;
    let database = options.clone();
    let plan = HeartbeatPlan { database, registration, service, interval: INTERVAL };
    let beats = Arc::clone(beats);
    let observe = move |_: &_| {
        beats.fetch_add(1, Ordering::Relaxed);
    };
    Ok(Heartbeat::start(plan, || true, observe)?)
}

/// Of all threads of this process, in ticks of 10 ms.
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').ok_or("no name")?.1;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let mut next = || ticks.next().ok_or("too few fields");
    Ok(Duration::from_millis((next()?? + next()??) * 10))
}
