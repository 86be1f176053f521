//! Small sections about the process itself: supervision, locks, coordination, diagnosis.

use crate::{Opt, Secret, section};

section! {
    /// How the workers are run. A section of this service alone; upstream ignores it.
    pub struct Supervisor in "supervisor" {
        /// How a worker is started: `fork` shares memory with the parent, `spawn` starts a new process
        /// per back end.
        launcher: Launcher = Opt::choice("", &["fork", "spawn"]).default_text("fork");
        /// Longest time, in seconds, between two starts of a worker that keeps dying.
        respawn_backoff_max: i64 = Opt::integer("").default_int(30).min(1);
        /// Seconds a worker must live for its earlier deaths to be forgotten.
        stable_after: i64 = Opt::integer("").default_int(60).min(0);
        /// Seconds without a sign of life after which a worker is replaced; 0 never does.
        worker_watchdog: i64 = Opt::integer("").default_int(0).min(0);
        /// Finish what a crash has interrupted, where that is possible; else it gets the status that
        /// upstream gives it.
        resume_operations: bool = Opt::boolean("").default_bool(true);
    }
}

/// How a worker is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Launcher {
    /// By copying the parent.
    Fork,
    /// By starting the program again with `--backend_name`.
    Spawn,
}

section! {
    /// Health checks, metrics and a status page over HTTP. A section of this service alone.
    pub struct Health in "health" {
        /// Where to answer `/healthz`, `/readyz`, `/livez`, `/metrics` and, for people, `/`: `IP:PORT`
        /// or `unix:/PATH`. Unset does not answer at all. Whoever can connect can read the names and
        /// states of all back ends, and nothing else; there is no password.
        bind: Option<String> = Opt::string("");
        /// Permissions of the Unix socket, in octal.
        socket_mode: String = Opt::string("").default_text("0660");
    }
}

section! {
    /// Locks between processes of one machine.
    pub struct Concurrency in "oslo_concurrency" {
        /// Keep locks inside one process only. Unsafe with more than one worker on shared storage.
        disable_process_locking: bool = Opt::boolean("").default_bool(false);
        /// Directory of lock files; readable by everybody who attaches volumes.
        lock_path: Option<String> = Opt::string("");
    }
}

section! {
    /// Locks between nodes.
    pub struct Coordination in "coordination" {
        /// URL of the lock service: `file://…` for one node, `etcd3+http://…` and others for several.
        backend_url: Secret = Opt::string("").secret().default_text("file://$state_path");
    }
}

section! {
    /// Reports on a running service (SIGUSR2).
    pub struct Reports in "oslo_reports" {
        /// Directory for reports; unset writes them to the standard error.
        log_dir: Option<String> = Opt::string("");
        /// File whose change asks for a report, where signals cannot be sent.
        file_event_handler: Option<String> = Opt::string("");
        /// Seconds between two looks at that file.
        file_event_handler_interval: i64 = Opt::integer("").default_int(1);
    }
}
