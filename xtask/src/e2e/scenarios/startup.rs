//! A good start: rows, workers, identity options (spec/startup.md §2, §4; spec/schema.md §5).

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::database::{Service, lines};
use crate::e2e::props::config::NOT_HERE;
use crate::e2e::props::daemon::SOON;
use crate::e2e::props::http::Place;
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::{millis, wait_for};

pub(crate) fn three_back_ends_come_up_with_rows_as_upstream_writes_them(
    scene: &Scene,
) -> Result<()> {
    let daemon = scene.start(&scene.config(&["lvm", "nfs", "rbd"]))?;
    daemon.wait_up(3)?;
    let rows = daemon.rows()?;
    let hosts: Vec<_> = rows.iter().map(|row| row.host.as_str()).collect();
    ensure!(hosts == ["e2e@lvm", "e2e@nfs", "e2e@rbd"], "hosts {hosts:?}");
    for row in &rows {
        expect_new_row(row)?;
        // Until the driver has been asked it says `not-capable`.
        wait_for("the word of the driver", SOON, || {
            let row = daemon.row(&row.host)?;
            ensure!(row.replication_status.as_deref() == Some("disabled"), "{row:?}");
            Ok(())
        })?;
    }
    let uuids: std::collections::BTreeSet<_> = rows.iter().map(|row| &row.uuid).collect();
    ensure!(uuids.len() == 3, "rows share a uuid: {uuids:?}");
    let sql = "SELECT typeof(created_at), typeof(updated_at), typeof(deleted), \
               modified_at IS NULL, deleted_at IS NULL FROM services";
    let types = lines(&scene.database(), sql)?;
    ensure!(types.iter().all(|line| line == "text|text|integer|1|1"), "{types:?}");
    daemon.wait_beats(2)?;
    ensure!(process::threads(daemon.pid()) == 1, "the parent has more than one thread");
    daemon.wait_log("Starting cinder-volume node (version 29.0.0)", 3)?;
    daemon.wait_log("Starting 1 workers", 3)?;
    daemon.wait_log("Driver post RPC initialization completed successfully.", 3)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

/// What is said of a back end whose driver is [`NOT_HERE`].
const NOT_HERE_LINE: &str = "this program has no driver cinder.volume.drivers.rbd.RBDDriver";

/// The original leaves such a back end out; ours is there for everybody to see, down, and takes no work.
pub(crate) fn a_back_end_without_a_driver_is_down_with_the_reason(scene: &Scene) -> Result<()> {
    let server = Place::socket(scene);
    let config = scene.config(&["a", "b"]).set("b", "volume_driver", NOT_HERE);
    let config = config.set("health", "bind", &server.bind());
    let daemon = scene.start(&config)?;
    daemon.wait_log(NOT_HERE_LINE, 1)?;
    daemon.wait_log("is reporting problems, not sending heartbeat", 2)?;
    let rows = daemon.rows()?;
    let beats = |host: &str| rows.iter().find(|row| row.host == host).map(|row| row.report_count);
    ensure!(beats("e2e@b") == Some(0) && beats("e2e@a") > Some(0), "{rows:?}");
    let health = server.health()?;
    let reason = health["back_ends"][1]["reason"].as_str().context("no reason")?;
    ensure!(reason.starts_with("driver: ") && reason.contains(NOT_HERE_LINE), "{health}");
    ensure!(daemon.count(NOT_HERE_LINE) == 1, "said again: {}", daemon.log());
    let failed = super::messages::class(scene, &["freeze_host", "--backend", "b"])?;
    ensure!(failed == "DriverNotInitialized", "{failed}");
    ensure!(daemon.count("Driver post RPC initialization completed") == 1, "{}", daemon.log());
    daemon.end_with(Signal::SIGTERM, 0)
}

/// Everything but identity that §4 says about a row just created.
fn expect_new_row(row: &Service) -> Result<()> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "NULL".to_owned());
    ensure!(text(&row.binary) == "cinder-volume", "{row:?}");
    ensure!(text(&row.topic) == "cinder-volume", "{row:?}");
    ensure!(text(&row.rpc_version) == "3.20", "{row:?}");
    ensure!(text(&row.object_version) == "1.39", "{row:?}");
    ensure!(text(&row.availability_zone) == "nova", "{row:?}");
    ensure!(is_uuid4(&text(&row.uuid)), "not a version 4 uuid: {row:?}");
    ensure!(row.disabled == Some(0) && row.disabled_reason.is_none(), "{row:?}");
    ensure!(row.frozen == Some(0) && row.active_backend_id.is_none(), "{row:?}");
    ensure!(row.cluster_name.is_none(), "{row:?}");
    let replication = text(&row.replication_status);
    ensure!(["not-capable", "disabled"].contains(&replication.as_str()), "{row:?}");
    for time in [&row.created_at, &row.updated_at] {
        ensure!(is_timestamp(time), "not YYYY-MM-DD HH:MM:SS.ffffff: {time:?}");
    }
    ensure!(row.updated_at > row.created_at, "a heartbeat moves updated_at: {row:?}");
    Ok(())
}

/// The form in which upstream's library stores times on SQLite (spec/schema.md §2.3).
fn is_timestamp(text: &str) -> bool {
    has_shape(text, "dddd-dd-dd dd:dd:dd.dddddd", |c| c.is_ascii_digit())
}

fn is_uuid4(text: &str) -> bool {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let variant = text.chars().nth(19).is_some_and(|c| "89ab".contains(c));
    has_shape(text, "dddddddd-dddd-4ddd-dddd-dddddddddddd", hex) && variant
}

/// Compares letter by letter; a `d` in the shape stands for any `digit`.
fn has_shape(text: &str, shape: &str, digit: impl Fn(char) -> bool) -> bool {
    text.len() == shape.len()
        && text.chars().zip(shape.chars()).all(|(c, s)| if s == 'd' { digit(c) } else { c == s })
}

pub(crate) fn a_restart_keeps_the_rows_and_counts_on(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a", "b"]);
    let first = scene.start(&config)?;
    first.wait_up(2)?;
    first.end_with(Signal::SIGTERM, 0)?;
    let before = first.rows()?;
    let second = scene.start(&config)?;
    second.wait_beats(1)?;
    for old in &before {
        let new = second.row(&old.host)?;
        ensure!(new.uuid == old.uuid && new.id == old.id, "{old:?} became {new:?}");
        ensure!(new.report_count > old.report_count, "{old:?} became {new:?}");
    }
    second.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_cluster_name_creates_one_cluster_row_per_back_end(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a", "b"]).set("DEFAULT", "cluster", " c1 ");
    let config = config.set("a", "volume_driver", NOT_HERE).set("b", "volume_driver", NOT_HERE);
    let daemon = scene.start(&config)?;
    daemon.wait_log(NOT_HERE_LINE, 2)?;
    ensure!(daemon.row("e2e@a")?.cluster_name.as_deref() == Some("c1@a"));
    ensure!(daemon.row("e2e@b")?.cluster_name.as_deref() == Some("c1@b"));
    let sql = "SELECT name, \"binary\", disabled, frozen, replication_status, race_preventer, \
               active_backend_id, deleted FROM clusters ORDER BY name";
    let clusters = lines(&scene.database(), sql)?;
    let expected = [
        "c1@a|cinder-volume|0|0|not-capable|0|NULL|0",
        "c1@b|cinder-volume|0|0|not-capable|0|NULL|0",
    ];
    ensure!(clusters == expected, "{clusters:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn backend_host_replaces_the_host_of_its_back_end_only(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]).set("b", "backend_host", "array7"))?;
    daemon.wait_up(2)?;
    let hosts: Vec<_> = daemon.rows()?.into_iter().map(|row| row.host).collect();
    ensure!(hosts == ["e2e@a", "array7@b"], "{hosts:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_back_end_can_have_its_own_zone(scene: &Scene) -> Result<()> {
    let config = scene
        .config(&["a", "b"])
        .set("DEFAULT", "storage_availability_zone", "north")
        .set("b", "backend_availability_zone", "south");
    let daemon = scene.start(&config)?;
    daemon.wait_up(2)?;
    ensure!(daemon.row("e2e@a")?.availability_zone.as_deref() == Some("north"));
    ensure!(daemon.row("e2e@b")?.availability_zone.as_deref() == Some("south"));
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn new_services_start_disabled_when_the_operator_says_so(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a"]).set("DEFAULT", "enable_new_services", "false");
    let daemon = scene.start(&config)?;
    daemon.wait_up(1)?;
    let row = daemon.row("e2e@a")?;
    ensure!(row.disabled == Some(1) && row.disabled_reason.is_none(), "{row:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_report_interval_of_zero_means_no_heartbeats(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a"]).set("DEFAULT", "report_interval", "0");
    let daemon = scene.start(&config)?;
    daemon.wait_log("Starting cinder-volume node", 1)?;
    wait_for("the worker", SOON, || {
        ensure!(daemon.workers().len() == 1);
        Ok(())
    })?;
    // Two seconds is what it would take the default test interval to beat twice.
    crate::wait::let_pass(millis(2000));
    ensure!(daemon.row("e2e@a")?.report_count == 0, "a heartbeat was written");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn too_short_a_service_down_time_is_corrected_with_a_warning(
    scene: &Scene,
) -> Result<()> {
    let config = scene.config(&["a"]).set("DEFAULT", "report_interval", "30").set(
        "DEFAULT",
        "service_down_time",
        "20",
    );
    let daemon = scene.start(&config)?;
    daemon.wait_log(
        "Report interval must be less than service down time. Current config \
         service_down_time: 20, report_interval for this: service is: 30. Setting global \
         service_down_time to: 75",
        1,
    )?;
    daemon.wait_up(1)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_checked_letter_by_letter() {
        assert!(is_timestamp("2026-11-22 17:22:25.000123"));
        assert!(!is_timestamp("2026-11-22T17:22:25.000123"));
        assert!(!is_timestamp("2026-11-22 17:22:25"));
        assert!(is_uuid4("f47ac10b-58cc-4372-a567-0e02b2c3d479"));
        assert!(!is_uuid4("f47ac10b-58cc-1372-a567-0e02b2c3d479"));
    }
}
