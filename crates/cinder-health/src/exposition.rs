//! The metrics, in Prometheus text format 0.0.4.
//!
//! Which families there are stands here, one line each; how they are written is
//! `prometheus-client`'s. Every back end has the same series from the first scrape on.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::snapshot::{BOUNDS, BackEnd, Duration, Snapshot, State};

/// The media type of what [`exposition`] makes.
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// All metrics as text.
#[must_use]
pub fn exposition(snapshot: Snapshot, alive: bool) -> String {
    let mut registry = Registry::with_prefix("cinder_volume");
    let room = 2_048 + snapshot.back_ends.len() * 6_144;
    registry.register_collector(Box::new(Metrics { snapshot, alive }));
    let mut text = String::with_capacity(room);
    // Writing to a String cannot fail.
    let _ = prometheus_text::encode(&mut text, &registry);
    text
}

#[derive(Debug)]
struct Metrics {
    snapshot: Snapshot,
    alive: bool,
}

impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families { encoder, back_ends: &self.snapshot.back_ends };
        process(&mut families, &self.snapshot, self.alive)?;
        workers(&mut families)?;
        heartbeats(&mut families)?;
        operations(&mut families)
    }
}

fn process(families: &mut Families<'_, '_>, snapshot: &Snapshot, alive: bool) -> fmt::Result {
    let build = [("version", &*snapshot.version), ("release", &*snapshot.release)];
    let mut family =
        families.open("build", "Version, and compatible release.", MetricType::Info)?;
    family.encode_info(&build)?;
    families.gauge("supervisor_up", "Whether the supervisor reacts.", Some(u64::from(alive)))?;
    families.gauge(
        "supervisor_resident_memory_bytes",
        "Resident memory of the supervisor.",
        snapshot.supervisor.rss_bytes,
    )?;
    let health = &snapshot.health;
    families.gauge(
        "health_resident_memory_bytes",
        "Resident memory of the process that answers this.",
        health.rss_bytes,
    )?;
    families.gauge_of_seconds(
        "health_uptime_seconds",
        "Age of the process that answers this.",
        health.uptime_seconds,
    )?;
    let help = "Replacements of the process that answers this, by cause.";
    let mut family = families.open("health_restarts", help, MetricType::Counter)?;
    for (cause, count) in health.restarts.by_cause() {
        counter(&mut family, &[("cause", cause)], count)?;
    }
    let help = "Back ends by state.";
    let mut family = families.open("back_ends", help, MetricType::Gauge)?;
    for state in State::ALL {
        let count = snapshot.back_ends.iter().filter(|one| one.state == state).count();
        family.encode_family(&[("state", state.as_str())])?.encode_gauge(&(count as u64))?;
    }
    Ok(())
}

fn workers(families: &mut Families<'_, '_>) -> fmt::Result {
    families.gauges("back_end_up", "Whether the back end serves.", |one| {
        Some(u64::from(one.state == State::Up))
    })?;
    let back_ends = families.back_ends;
    let help = "1 for the state that the back end is in.";
    let mut family = families.open("worker_state", help, MetricType::Gauge)?;
    for one in back_ends {
        for state in State::ALL {
            let labels = [("backend", &*one.name), ("state", state.as_str())];
            family.encode_family(&labels)?.encode_gauge(&u64::from(one.state == state))?;
        }
    }
    let help = "Replacements of the worker, by cause.";
    let mut family = families.open("worker_restarts", help, MetricType::Counter)?;
    for one in back_ends {
        for (cause, count) in one.restarts.by_cause() {
            counter(&mut family, &[("backend", &*one.name), ("cause", cause)], count)?;
        }
    }
    families
        .counters("worker_processes", "Processes started for the back end.", |one| one.processes)?;
    families.seconds("worker_uptime_seconds", "Age of the worker's process.", |one| {
        one.uptime_seconds
    })?;
    families.seconds(
        "worker_startup_seconds",
        "From the start of the process to the first report of its service.",
        |one| one.startup_seconds,
    )?;
    families.gauges("worker_resident_memory_bytes", "Resident memory of the worker.", |one| {
        one.rss_bytes
    })?;
    families.counters("log_lines_dropped", "Log lines lost by a slow reader.", |one| {
        one.counters.log_lines_dropped
    })
}

fn heartbeats(families: &mut Families<'_, '_>) -> fmt::Result {
    families.seconds("heartbeat_age_seconds", "Age of the last heartbeat.", |one| {
        one.heartbeat_age_seconds
    })?;
    families.counters("heartbeats", "Heartbeats that reached the database.", |one| {
        one.counters.heartbeats
    })?;
    families.counters("heartbeat_failures", "Heartbeats that did not.", |one| {
        one.counters.heartbeat_failures
    })?;
    families.durations("heartbeat_duration_seconds", "How long a heartbeat takes.", |one| {
        &one.counters.heartbeat_duration
    })?;
    families.gauges("database_connections_open", "Connections in the pool.", |one| {
        Some(one.counters.pool_open)
    })?;
    families.gauges("database_connections_in_use", "Connections lent by the pool.", |one| {
        Some(one.counters.pool_lent)
    })?;
    families.gauges("database_waiting", "Threads waiting for a connection.", |one| {
        Some(one.counters.pool_waiting)
    })?;
    families
        .counters("database_errors", "Errors of the database.", |one| one.counters.database_errors)
}

fn operations(families: &mut Families<'_, '_>) -> fmt::Result {
    families.counters("message_queue_reconnects", "Connections made again.", |one| {
        one.counters.message_reconnects
    })?;
    families.gauges("operation_queue_depth", "Operations waiting for a thread.", |one| {
        Some(one.counters.queue_depth)
    })?;
    families.gauges("operations_running", "Operations being carried out.", |one| {
        Some(one.operations.len() as u64)
    })?;
    families.seconds("operation_oldest_seconds", "Age of the oldest operation.", |one| {
        Some(one.operations.first().map_or(0.0, |oldest| oldest.age_seconds))
    })?;
    let back_ends = families.back_ends;
    let mut family = families.open("operations", "Ended operations.", MetricType::Counter)?;
    for one in back_ends {
        let counters = &one.counters;
        let results =
            [("success", counters.operations_succeeded), ("failure", counters.operations_failed)];
        for (result, count) in results {
            counter(&mut family, &[("backend", &*one.name), ("result", result)], count)?;
        }
    }
    families.durations("operation_duration_seconds", "How long an operation takes.", |one| {
        &one.counters.operation_duration
    })
}

/// Writes one family after the other.
struct Families<'e, 'a> {
    encoder: DescriptorEncoder<'e>,
    back_ends: &'a [BackEnd],
}

impl Families<'_, '_> {
    fn open<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.encoder.encode_descriptor(name, help, None, kind)
    }

    /// A value of the whole program. What is unknown has no sample: a zero would be a lie.
    fn gauge(&mut self, name: &str, help: &str, value: Option<u64>) -> fmt::Result {
        let mut family = self.open(name, help, MetricType::Gauge)?;
        value.map_or(Ok(()), |value| family.encode_gauge(&value))
    }

    fn gauge_of_seconds(&mut self, name: &str, help: &str, value: Option<f64>) -> fmt::Result {
        let mut family = self.open(name, help, MetricType::Gauge)?;
        value.map_or(Ok(()), |value| family.encode_gauge(&value))
    }

    /// A value of every back end.
    fn gauges(
        &mut self,
        name: &str,
        help: &str,
        value: impl Fn(&BackEnd) -> Option<u64>,
    ) -> fmt::Result {
        let back_ends = self.back_ends;
        let mut family = self.open(name, help, MetricType::Gauge)?;
        for one in back_ends {
            if let Some(value) = value(one) {
                family.encode_family(&[("backend", &*one.name)])?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    fn seconds(
        &mut self,
        name: &str,
        help: &str,
        value: impl Fn(&BackEnd) -> Option<f64>,
    ) -> fmt::Result {
        let back_ends = self.back_ends;
        let mut family = self.open(name, help, MetricType::Gauge)?;
        for one in back_ends {
            if let Some(value) = value(one) {
                family.encode_family(&[("backend", &*one.name)])?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    fn counters(&mut self, name: &str, help: &str, value: impl Fn(&BackEnd) -> u64) -> fmt::Result {
        let back_ends = self.back_ends;
        let mut family = self.open(name, help, MetricType::Counter)?;
        for one in back_ends {
            counter(&mut family, &[("backend", &*one.name)], value(one))?;
        }
        Ok(())
    }

    fn durations(
        &mut self,
        name: &str,
        help: &str,
        value: impl Fn(&BackEnd) -> &Duration,
    ) -> fmt::Result {
        let back_ends = self.back_ends;
        let mut family = self.open(name, help, MetricType::Histogram)?;
        for one in back_ends {
            let Duration { sum_seconds, buckets } = value(one);
            let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
            let mut counts = [(0.0, 0); BOUNDS.len() + 1];
            for (to, from) in counts.iter_mut().zip(bounds.zip(*buckets)) {
                *to = from;
            }
            let labels = [("backend", &*one.name)];
            let mut family = family.encode_family(&labels)?;
            let all = buckets.iter().sum();
            family.encode_histogram::<NoLabelSet>(*sum_seconds, all, &counts, None)?;
        }
        Ok(())
    }
}

fn counter<const N: usize>(
    family: &mut MetricEncoder<'_>,
    labels: &[(&str, &str); N],
    value: u64,
) -> fmt::Result {
    family.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)
}
