//! Measures what starting costs: creating the file, registering back ends, memory per connection.
//!
//! `cargo run --release -p cinder-db --example measure -- [BACKENDS]`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example is a program of its own: it reads its arguments and prints"
)]

use std::{
    error::Error,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use cinder_db::{
    Connection, DatabaseOptions, DatabaseUrl, Registration, create, list_services, open_or_create,
    register,
};
use cinder_types::ServiceHost;

const ROUNDS: u32 = 21;
const CONNECTIONS: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let backends = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 50,
    };
    let directory = std::env::temp_dir().join(format!("cinder-db-measure-{}", std::process::id()));
    let result = measure(&directory, backends);
    fs::remove_dir_all(&directory)?;
    result
}

fn measure(directory: &Path, backends: u32) -> Result<(), Box<dyn Error>> {
    let (mut creating, mut starting, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let file = directory.join(round.to_string()).join("cinder.sqlite");
        let options = DatabaseOptions::new(DatabaseUrl::sqlite_file(&file)?);
        creating.push(timed(|| create(&options.url).map(drop))?);
        starting.push(timed(|| register_all(&options, backends))?);
        again.push(timed(|| register_all(&options, backends))?);
    }
    println!("create the file with its schema             {:>9.2?}", median(creating));
    println!("open, check, register {backends} new, close        {:>9.2?}", median(starting));
    println!("open, check, register {backends} known, close      {:>9.2?}", median(again));

    let file = directory.join("0/cinder.sqlite");
    let options = DatabaseOptions::new(DatabaseUrl::sqlite_file(&file)?);
    // The first one pays for code and statics of the library.
    let mut connections = vec![used_connection(&options)?];
    let before = private_kib()?;
    for _ in 0..CONNECTIONS {
        connections.push(used_connection(&options)?);
    }
    let each = (private_kib()? - before) / CONNECTIONS as f64;
    println!("private memory per connection in use        {each:>5.0} KiB");
    Ok(())
}

fn register_all(options: &DatabaseOptions, backends: u32) -> Result<(), Box<dyn Error>> {
    let mut connection = open_or_create(options)?;
    for number in 0..backends {
        let registration = Registration {
            host: ServiceHost::from_parts("node1", None, &format!("b{number}")),
            cluster: None,
            availability_zone: "nova".into(),
            enable_new_services: true,
        };
        register(&mut connection, &registration)?;
    }
    connection.close();
    Ok(())
}

fn used_connection(options: &DatabaseOptions) -> Result<Connection, Box<dyn Error>> {
    let mut connection = Connection::open(options)?;
    list_services(&mut connection)?;
    Ok(connection)
}

fn timed<E>(work: impl FnOnce() -> Result<(), E>) -> Result<Duration, E> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// What this process has written to and shares with nobody.
fn private_kib() -> Result<f64, Box<dyn Error>> {
    let maps = fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = maps.lines().find(|line| line.starts_with("Private_Dirty")).ok_or("no figure")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse()?)
}
