//! What this process does on HUP and USR2, in the parent and in every worker.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use cinder_conf::cinder::Conf;
use cinder_types::UPSTREAM_VERSION;
use oslo_launcher::{Hooks, ReloadRefused, Scoreboard};
use oslo_log::LogHandle;
use oslo_log::guru::{ConfigValue, Destination, Report, Section};
use tracing::error;

use crate::{configure, logging};

/// The daemon's hooks; each worker has a copy of its own from the moment it is forked.
pub struct DaemonHooks {
    /// The configuration in force.
    pub conf: Conf,
    /// To change the level.
    pub log: LogHandle,
    /// Name of the program, in front of report files.
    pub program: String,
}

impl Hooks for DaemonHooks {
    fn reload(&mut self) -> Result<(), ReloadRefused> {
        match self.conf.mutate() {
            Ok(mutation) => {
                self.log.set_debug(self.conf.logging.debug);
                self.reload_handlers();
                configure::log_notices(mutation.notices);
                Ok(())
            }
            Err(problems) => {
                configure::log_problems(&problems);
                error!(
                    target: "cinder.cmd.volume",
                    "The new configuration has {} errors; the old one stays in force",
                    problems.errors()
                );
                Err(ReloadRefused)
            }
        }
    }

    fn report(&mut self, scoreboard: &Scoreboard) {
        let report = Report {
            product: Some("OpenStack Cinder".into()),
            vendor: Some("OpenStack Foundation".into()),
            version: Some(format!("{UPSTREAM_VERSION} (Rust {})", env!("CARGO_PKG_VERSION"))),
            tasks: Vec::new(),
            configuration: self.configuration(),
            sections: vec![
                Section { title: "Workers".into(), text: workers(scoreboard) },
                Section { title: "Running operations".into(), text: operations(scoreboard) },
            ],
        };
        let destination = match &self.conf.reports.log_dir {
            Some(directory) => Destination::Directory(directory.into()),
            None => Destination::Stderr,
        };
        if let Err(cause) = destination.deliver(&self.program, &report.render()) {
            error!(
                target: "cinder.cmd.volume",
                error = &cause as &(dyn std::error::Error + 'static),
                "Unable to run Guru Meditation Report!"
            );
        }
    }

    fn before_wait(&mut self) -> Option<Duration> {
        logging::flush()
    }

    fn before_exit(&mut self) {
        logging::finish();
    }
}

impl DaemonHooks {
    /// Reads the file of `log_config_append` again if need be. A bad one changes nothing about the
    /// log, and is no reason to refuse the rest of a reload.
    fn reload_handlers(&self) {
        let path = self.conf.logging.log_config_append.as_ref();
        if let Err(cause) = self.log.reload(path.map(Path::new)) {
            error!(
                target: "cinder.cmd.volume",
                error = &cause as &(dyn std::error::Error + 'static),
                "The log goes on as it was"
            );
        }
    }

    fn configuration(&self) -> Vec<ConfigValue> {
        let entries = self.conf.dump().into_iter();
        entries
            .map(|entry| ConfigValue {
                group: entry.group,
                option: entry.option,
                secret: entry.secret,
                value: entry.value.unwrap_or_else(|problem| format!("<{problem}>")),
            })
            .collect()
    }
}

/// The scoreboard as a table.
fn workers(scoreboard: &Scoreboard) -> String {
    let seconds = |age: Option<Duration>| match age {
        Some(age) => format!("{:.1} s", age.as_secs_f64()),
        None => "-".to_owned(),
    };
    let mut text = String::from(
        "back end          state     pid      restarts  uptime      last beat   beats  reason\n",
    );
    for worker in scoreboard.snapshot() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<17} {:<9} {:<8} {:<9} {:<11} {:<11} {:<6} {}",
            worker.name,
            worker.state.as_str(),
            worker.pid,
            worker.generation.saturating_sub(1),
            seconds(worker.uptime),
            seconds(worker.beat_age),
            worker.beats,
            worker.reason
        );
    }
    text
}

/// What the workers are doing, as they say on the scoreboard.
fn operations(scoreboard: &Scoreboard) -> String {
    let mut text = String::new();
    for worker in scoreboard.snapshot() {
        for operation in worker.operations {
            let age = operation.age.as_secs_f64();
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{:<17} {:<24} {:<40} {age:.1} s",
                worker.name, operation.kind, operation.id
            );
        }
    }
    if text.is_empty() {
        return "No operation is running.\n".to_owned();
    }
    format!("{:<17} {:<24} {:<40} age\n{text}", "back end", "operation", "id")
}
