//! Registers a volume service in a database, lets it beat once, and lists all services.
//!
//! `cargo run -p cinder-db --example register -- FILE-OR-URL [HOST BACKEND]`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example is a program of its own: it reads its arguments and prints"
)]

use std::{error::Error, ops::ControlFlow, sync::mpsc, thread, time::Duration};

use cinder_db::{
    DatabaseOptions, DatabaseUrl, Heartbeat, HeartbeatPlan, Registration, Timestamp, list_services,
    register, retry_connect,
};
use cinder_types::ServiceHost;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().ok_or("usage: register FILE-OR-URL [HOST BACKEND]")?;
    let node = arguments.next().unwrap_or_else(|| "node1".into());
    let backend = arguments.next().unwrap_or_else(|| "lvm".into());

    let database = DatabaseOptions::new(match place.contains("://") {
        true => DatabaseUrl::parse(&place)?,
        false => DatabaseUrl::sqlite_file(place)?,
    });
    let mut connection = retry_connect(&database, |interval| {
        thread::sleep(interval);
        ControlFlow::Continue(())
    })?;
    let registration = Registration {
        host: ServiceHost::from_parts(&node, None, &backend),
        cluster: None,
        availability_zone: "nova".into(),
        enable_new_services: true,
    };
    let service = register(&mut connection, &registration)?;
    let verb = if service.created { "created" } else { "updated" };
    println!("{verb} service {} ({})", service.id, service.uuid);

    let (sender, beats) = mpsc::channel();
    let plan = HeartbeatPlan {
        database,
        registration,
        service: service.id,
        interval: Duration::from_secs(10),
    };
    let heartbeat = Heartbeat::start(plan, || true, move |beat| drop(sender.send(beat.clone())))?;
    let beat = beats.recv_timeout(Duration::from_secs(10))?;
    println!("beat at {}", beat.at);
    drop(heartbeat);

    for row in list_services(&mut connection)? {
        let state =
            if row.is_up(Timestamp::now(), Duration::from_secs(60)) { "up" } else { "down" };
        println!(
            "{:<15} {:<20} {:<6} {state:<4} {}",
            row.binary.as_deref().unwrap_or("-"),
            row.host.as_deref().unwrap_or("-"),
            row.availability_zone.as_deref().unwrap_or("-"),
            row.updated_at.map_or_else(|| "-".into(), |time| time.to_string()),
        );
    }
    Ok(())
}
