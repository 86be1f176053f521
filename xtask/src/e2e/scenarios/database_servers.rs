//! The daemon on MariaDB and PostgreSQL, and what can go wrong with a server.
//!
//! Each function runs once per kind of server, on a database of its own. Those that stop or
//! starve a server start one of their own; the shared one must not notice them.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::database_faults::{AWAY, BACK};
use crate::e2e::props::config::{Config, NOT_HERE};
use crate::e2e::props::daemon::SOON;
use crate::e2e::props::scene::Scene;
use crate::e2e::props::sockets::Sockets;
use crate::process;
use crate::proxy::Proxy;
use crate::servers::{Database, Kind, Server};
use crate::wait::{let_pass, secs, wait_for};

/// Replaces the shared server's database by one on a server that the scenario may break.
pub(crate) fn own_server(scene: &Scene) -> Result<Arc<Server>> {
    let server = Server::start(scene.on_server()?.server().kind())?;
    scene.use_database(server.create("cinder")?);
    Ok(server)
}

pub(crate) fn back_ends_get_rows_as_upstream_writes_them(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["lvm", "nfs"]))?;
    daemon.wait_up(2)?;
    daemon.wait_beats(2)?;
    daemon.wait_log("Driver post RPC initialization completed successfully.", 2)?;
    for host in ["e2e@lvm", "e2e@nfs"] {
        let row = daemon.row(host)?;
        ensure!(row.binary.as_deref() == Some("cinder-volume"), "{row:?}");
        ensure!(row.topic.as_deref() == Some("cinder-volume"), "{row:?}");
        ensure!(row.rpc_version.as_deref() == Some("3.20"), "{row:?}");
        ensure!(row.object_version.as_deref() == Some("1.39"), "{row:?}");
        ensure!(row.availability_zone.as_deref() == Some("nova"), "{row:?}");
        ensure!(row.replication_status.as_deref() == Some("disabled"), "{row:?}");
        ensure!(row.disabled == Some(0) && row.frozen == Some(0), "{row:?}");
        ensure!(row.deleted == Some(0) && row.disabled_reason.is_none(), "{row:?}");
        ensure!(row.uuid.as_ref().is_some_and(|uuid| uuid.len() == 36), "{row:?}");
        // Both servers print a date first; MariaDB keeps whole seconds only.
        ensure!(row.updated_at >= row.created_at, "{row:?}");
    }
    // The clock of the row is UTC, as the server's own.
    let sql = match scene.on_server()?.server().kind() {
        Kind::MariaDb => {
            "SELECT COUNT(*) FROM services WHERE ABS(TIMESTAMPDIFF(SECOND, updated_at, \
             UTC_TIMESTAMP())) < 30"
        }
        Kind::Postgres => {
            "SELECT COUNT(*) FROM services WHERE \
             ABS(EXTRACT(EPOCH FROM now() AT TIME ZONE 'UTC' - updated_at)) < 30"
        }
    };
    ensure!(scene.store().lines(sql)? == ["2"], "updated_at is not the time in UTC");
    ensure!(process::threads(daemon.pid()) == 1, "the parent has more than one thread");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_cluster_is_created_once_and_joined(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a", "b"]).set("DEFAULT", "cluster", "c1");
    let config = config.set("a", "volume_driver", NOT_HERE).set("b", "volume_driver", NOT_HERE);
    let first = scene.start(&config)?;
    first.wait_log("No driver is loaded", 2)?;
    first.end_with(Signal::SIGTERM, 0)?;
    // Another host of the same cluster.
    let second = scene.start(&config.set("DEFAULT", "host", "other"))?;
    second.wait_log("No driver is loaded", 4)?;
    let sql = "SELECT name, \"binary\", race_preventer FROM clusters ORDER BY name";
    let clusters = scene.store().lines(sql)?;
    ensure!(clusters == ["c1@a|cinder-volume|0", "c1@b|cinder-volume|0"], "{clusters:?}");
    ensure!(second.row("other@b")?.cluster_name.as_deref() == Some("c1@b"));
    second.end_with(Signal::SIGTERM, 0)
}

/// Two daemons of one host start at once: upstream's table has no constraint against two rows.
pub(crate) fn two_daemons_that_start_at_once_share_one_row_per_back_end(
    scene: &Scene,
) -> Result<()> {
    let names: Vec<_> = (1..=10).map(|n| format!("b{n:02}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut config = scene.config(&names).set("DEFAULT", "cluster", "c1");
    for name in names {
        config = config.set(name, "volume_driver", NOT_HERE);
    }
    // As on two machines: on one, the second would leave the back ends to the first.
    let elsewhere = scene.path("elsewhere");
    std::fs::create_dir(&elsewhere)?;
    let there = config.clone().set("DEFAULT", "state_path", &elsewhere.to_string_lossy());
    let daemons = [scene.start(&config)?, scene.start_beside("elsewhere", &there)?];
    for daemon in &daemons {
        wait_for("ten workers", SOON, || {
            ensure!(daemon.workers().len() == 10);
            Ok(())
        })?;
        daemon.wait_log("No driver is loaded", 10)?;
    }
    let hosts: BTreeSet<_> = daemons[0].rows()?.into_iter().map(|row| row.host).collect();
    ensure!(hosts.len() == 10 && daemons[0].rows()?.len() == 10, "{:?}", daemons[0].rows()?);
    let clusters = scene.store().lines("SELECT COUNT(*) FROM clusters")?;
    ensure!(clusters == ["10"], "{clusters:?} clusters");
    for daemon in &daemons {
        daemon.end_with(Signal::SIGTERM, 0)?;
    }
    Ok(())
}

pub(crate) fn a_database_without_tables_is_refused_and_left_alone(scene: &Scene) -> Result<()> {
    let given = scene.on_server()?;
    let server = given.server();
    scene.use_database(server.empty(&format!("{}_empty", given.name()))?);
    refused(scene, "9c74c1c6971f")?;
    let tables = match server.kind() {
        Kind::MariaDb => "SHOW TABLES",
        Kind::Postgres => "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    };
    let left = scene.store().lines(tables)?;
    ensure!(left.is_empty(), "tables were made: {left:?}");
    Ok(())
}

/// As in a rolling upgrade: the schema comes first, then one service after the other.
pub(crate) fn the_schema_of_a_later_release_is_used_with_one_warning(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a", "b"]);
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(2)?;
    scene.store().write(
        "ALTER TABLE services ADD COLUMN note VARCHAR(10) NULL; \
         ALTER TABLE services ADD COLUMN flag INTEGER NOT NULL DEFAULT 7; \
         CREATE TABLE later_things (id INTEGER PRIMARY KEY); \
         UPDATE alembic_version SET version_num = 'deadbeef0000'",
    )?;
    // The running ones go on, and recreate rows.
    daemon.wait_beats(2)?;
    scene.store().write("DELETE FROM services WHERE host = 'e2e@a'")?;
    daemon.wait_up(2)?;
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    let again = scene
        .start(&config.set("DEFAULT", "enabled_backends", "a,b").set("DEFAULT", "host", "other"))?;
    wait_for("two more rows", SOON, || {
        let rows = again.rows()?;
        ensure!(rows.iter().filter(|row| row.report_count > 0).count() == 4, "{rows:?}");
        Ok(())
    })?;
    ensure!(again.count("deadbeef0000") == 1, "{}", again.log());
    let warned = again.log().lines().any(|l| l.contains("WARNING") && l.contains("deadbeef0000"));
    ensure!(warned, "{}", again.log());
    again.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn an_unknown_schema_that_lacks_something_is_refused_and_left_alone(
    scene: &Scene,
) -> Result<()> {
    let drop = "ALTER TABLE services DROP COLUMN modified_at; DROP TABLE messages; \
                UPDATE alembic_version SET version_num = 'deadbeef0000'";
    scene.store().write(drop)?;
    refused(
        scene,
        "lacks table messages and column services.modified_at (its schema deadbeef0000",
    )?;
    ensure!(scene.store().lines("SELECT host FROM services")?.is_empty(), "a row was written");
    Ok(())
}

pub(crate) fn the_schema_of_an_earlier_release_is_refused_and_left_alone(
    scene: &Scene,
) -> Result<()> {
    scene.store().write("UPDATE alembic_version SET version_num = 'b7b88f50aab5'")?;
    refused(scene, "b7b88f50aab5")?;
    ensure!(scene.store().services()?.is_empty(), "a row was written");
    Ok(())
}

/// The start fails with 1 and one ERROR line that contains `text` and the revision we need.
fn refused(scene: &Scene, text: &str) -> Result<()> {
    let outcome = scene.run_config(&scene.config(&["a", "b"]))?;
    ensure!(outcome.code == Some(1), "{outcome:?}");
    let all = outcome.all();
    let clear =
        all.lines().filter(|line| line.contains(text) && line.contains("schema 9c74c1c6971f"));
    ensure!(clear.count() == 1, "{all}");
    Ok(())
}

pub(crate) fn a_wrong_password_is_an_error_that_does_not_show_it(scene: &Scene) -> Result<()> {
    let secret = "s3cretWord";
    let database = scene.on_server()?;
    let url = database.url();
    let (head, tail) = url.split_once("@127").context("the url has no host")?;
    let (scheme, _) = head.rsplit_once(':').context("the url has no password")?;
    let config = scene
        .config(&["a"])
        .set("database", "connection", &format!("{scheme}:{secret}@127{tail}"))
        .set("database", "max_retries", "0")
        .set("DEFAULT", "debug", "true");
    let outcome = scene.run_config(&config)?;
    ensure!(outcome.code == Some(1), "{outcome:?}");
    let all = outcome.all();
    ensure!(!all.contains(secret), "the password is in the output: {all}");
    ensure!(all.lines().any(|line| line.contains("ERROR") && line.contains("cinder")), "{all}");
    Ok(())
}

pub(crate) fn the_parent_has_no_connection_and_a_worker_two_at_most(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    daemon.wait_up(3)?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("Resetting cached RPC version pins.", 3)?;
    daemon.wait_beats(2)?;
    let sockets = |pid| -> Result<usize> {
        let open = process::descriptors(pid)?;
        let all = open.values().filter(|target| target.starts_with("socket:")).count();
        // Those of the bus, and the pair that wakes it.
        let bus = Sockets::of(pid, &open)?.paths.len();
        Ok(all - if bus > 0 { bus + 2 } else { 0 })
    };
    ensure!(sockets(daemon.pid())? == 0, "the parent has a socket");
    for worker in daemon.workers() {
        let count = sockets(worker)?;
        ensure!(count <= 2, "a resting worker has {count} sockets");
    }
    let count = connections(&scene.on_server()?)?;
    ensure!(count <= 6, "{count} connections of three resting workers");
    daemon.end_with(Signal::SIGTERM, 0)?;
    wait_for("the server to see them go", SOON, || {
        let left = connections(&scene.on_server()?)?;
        ensure!(left == 0, "{left} connections are left");
        Ok(())
    })
}

/// How many daemons' connections the server has to this database.
fn connections(database: &Database) -> Result<usize> {
    let sql = match database.server().kind() {
        Kind::MariaDb => {
            "SELECT COUNT(*) FROM information_schema.processlist \
             WHERE user = 'cinder' AND db = DATABASE()"
        }
        Kind::Postgres => {
            "SELECT COUNT(*) FROM pg_stat_activity \
             WHERE usename = 'cinder' AND datname = current_database()"
        }
    };
    let rows = database.ask(sql)?;
    Ok(rows.first().and_then(|row| row.first()).context("no answer")?.parse()?)
}

/// Fifty back ends with upstream's own interval.
fn fifty(scene: &Scene) -> Config {
    let names: Vec<_> = (1..=50).map(|n| format!("b{n:02}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    scene.config(&names).set("DEFAULT", "report_interval", "10")
}

pub(crate) fn a_server_away_for_two_minutes_costs_no_worker_and_one_line_each(
    scene: &Scene,
) -> Result<()> {
    let server = own_server(scene)?;
    let daemon = scene.start(&fifty(scene))?;
    let workers = daemon.wait_up(50)?;
    server.stop()?;
    // The outage itself: twelve beats of every worker are missed.
    let_pass(secs(120));
    ensure!(daemon.count(AWAY) == 50, "{} lines {AWAY:?}", daemon.count(AWAY));
    ensure!(daemon.count(BACK) == 0, "recovered while the server was away");
    server.resume()?;
    let before = daemon.rows()?;
    wait_for("every back end to beat again", secs(15), || {
        let rows = daemon.rows()?;
        let beating =
            rows.iter().zip(&before).filter(|(now, then)| now.report_count > then.report_count);
        let count = beating.count();
        ensure!(count == 50, "{count} of 50");
        Ok(())
    })?;
    daemon.wait_log(BACK, 50)?;
    ensure!(daemon.count(AWAY) == 50 && daemon.count(BACK) == 50, "lines were repeated");
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_server_that_crashes_during_the_registration_leaves_no_half_row(
    scene: &Scene,
) -> Result<()> {
    let server = own_server(scene)?;
    let database = scene.on_server()?;
    let proxy = Proxy::start(server.port())?;
    let config = fifty(scene).set("database", "connection", &database.url_by(proxy.port())).set(
        "DEFAULT",
        "report_interval",
        "1",
    );
    // In the middle: fifty back ends need several hundred statements.
    proxy.swallow_after(120);
    let daemon = scene.start(&config)?;
    wait_for("the registration to be half done", SOON, || {
        ensure!(proxy.swallows(), "not there yet");
        Ok(())
    })?;
    server.kill()?;
    drop(proxy);
    server.resume()?;
    let rows = scene.store().services()?;
    ensure!(!rows.is_empty() && rows.len() < 50, "{} rows, so not in the middle", rows.len());
    // A row either is not there or has everything.
    for row in &rows {
        ensure!(row.uuid.is_some() && row.availability_zone.is_some(), "half a row: {row:?}");
    }
    daemon.signal(Signal::SIGTERM).ok();
    daemon.wait_exit(secs(30))?;
    scene.wait_empty(secs(1))?;
    // The next start finishes the work.
    let config = config.set("database", "connection", &database.url());
    let again = scene.start(&config)?;
    again.wait_up(50)?;
    ensure!(again.rows()?.len() == 50, "{:?}", again.rows());
    again.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_mute_connection_is_noticed_and_replaced(scene: &Scene) -> Result<()> {
    let database = scene.on_server()?;
    let proxy = Proxy::start(database.server().port())?;
    let config = scene.config(&["a", "b"]);
    let config = config.set("database", "connection", &database.url_by(proxy.port()));
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(2)?;
    proxy.swallow();
    wait_for("each worker to miss the database", secs(30), || {
        let seen = daemon.count(AWAY);
        ensure!(seen == 2, "{seen} lines {AWAY:?}");
        Ok(())
    })?;
    proxy.heal();
    wait_for("each worker to be back", secs(30), || {
        let seen = daemon.count(BACK);
        ensure!(seen == 2, "{seen} lines {BACK:?}");
        Ok(())
    })?;
    daemon.wait_beats(2)?;
    daemon.expect_workers(&workers)?;
    proxy.swallow();
    // A stop does not wait for a server that never answers.
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(1))
}

pub(crate) fn a_server_without_free_connections_is_survived(scene: &Scene) -> Result<()> {
    let server = own_server(scene)?;
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    let workers = daemon.wait_up(3)?;
    let database = scene.on_server()?;
    let mut crowd = Crowd::new(&database)?;
    wait_for("each worker to miss the database", secs(60), || {
        // A worker may have taken a place that became free for a moment.
        crowd.press()?;
        let seen = daemon.count(AWAY);
        ensure!(seen == 3, "{seen} lines {AWAY:?}");
        Ok(())
    })?;
    crowd.disperse()?;
    daemon.wait_log(BACK, 3)?;
    daemon.wait_beats(2)?;
    ensure!(daemon.count(AWAY) == 3, "an outage is reported once per worker");
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    drop(server);
    Ok(())
}

/// Takes every connection that the server has to give.
pub(crate) struct Crowd<'a> {
    database: &'a Database,
    streams: Vec<TcpStream>,
}

impl<'a> Crowd<'a> {
    pub(crate) fn new(database: &'a Database) -> Result<Self> {
        match database.server().kind() {
            // Ten is the least that the server takes. A client that never logs in has a place
            // for as long as connect_timeout.
            Kind::MariaDb => {
                database.ask("SET GLOBAL max_connections = 10; SET GLOBAL connect_timeout = 600")?
            }
            // The same refusal (SQLSTATE 53300), without touching the administrator's places.
            Kind::Postgres => database.ask("ALTER ROLE cinder CONNECTION LIMIT 0")?,
        };
        Ok(Self { database, streams: Vec::new() })
    }

    /// Ends the daemon's connections and takes their places.
    pub(crate) fn press(&mut self) -> Result<()> {
        cut_connections(self.database)?;
        if self.database.server().kind() == Kind::MariaDb {
            let port = self.database.server().port();
            for _ in 0..10 {
                self.streams.push(TcpStream::connect((Ipv4Addr::LOCALHOST, port))?);
            }
        }
        Ok(())
    }

    pub(crate) fn disperse(mut self) -> Result<()> {
        self.streams.clear();
        match self.database.server().kind() {
            Kind::MariaDb => self.database.ask("SET GLOBAL max_connections = 600")?,
            Kind::Postgres => self.database.ask("ALTER ROLE cinder CONNECTION LIMIT -1")?,
        };
        Ok(())
    }
}

/// Ends every connection of a daemon, as an operator would.
fn cut_connections(database: &Database) -> Result<()> {
    match database.server().kind() {
        Kind::MariaDb => database.ask("KILL CONNECTION USER cinder")?,
        Kind::Postgres => database.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cinder'",
        )?,
    };
    Ok(())
}

pub(crate) fn a_server_that_turns_read_only_is_survived(scene: &Scene) -> Result<()> {
    let server = own_server(scene)?;
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    let workers = daemon.wait_up(2)?;
    let database = scene.on_server()?;
    read_only(&database, true)?;
    daemon.wait_log(AWAY, 2)?;
    read_only(&database, false)?;
    daemon.wait_log(BACK, 2)?;
    daemon.wait_beats(2)?;
    ensure!(daemon.count(AWAY) == 2, "an outage is reported once per worker");
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    drop(server);
    Ok(())
}

/// A fail-over has made this server the replica, or the primary again.
fn read_only(database: &Database, on: bool) -> Result<()> {
    let value = if on { "on" } else { "off" };
    match database.server().kind() {
        Kind::MariaDb => database.ask(&format!("SET GLOBAL read_only = {value}"))?,
        Kind::Postgres => {
            database.ask(&format!("ALTER SYSTEM SET default_transaction_read_only = {value}"))?;
            database.ask("SELECT pg_reload_conf()")?
        }
    };
    Ok(())
}

pub(crate) fn a_start_waits_for_a_server_that_is_not_there_yet(scene: &Scene) -> Result<()> {
    let server = own_server(scene)?;
    server.stop()?;
    let config = scene.config(&["a"]).set("database", "max_retries", "-1").set(
        "database",
        "retry_interval",
        "1",
    );
    let daemon = scene.start(&config)?;
    daemon.wait_log("SQL connection failed.", 2)?;
    server.resume()?;
    daemon.wait_up(1)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    server.stop()?;
    let daemon = scene.start(&config.set("database", "retry_interval", "60"))?;
    daemon.wait_log("SQL connection failed.", 3)?;
    daemon.signal(Signal::SIGTERM)?;
    daemon.wait_exit(secs(5))?;
    scene.wait_empty(secs(1))
}
