//! The health server's process: one more supervised worker, which only reads the scoreboard.
//!
//! It has no database connection and waits for nobody, so it answers while every driver hangs and
//! the database is away. Must not: be needed by anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cinder_health::{
    Address, BackEnd, Ended, Family, Health, Messages, Operation, Restarts, Server, Snapshot,
    Source, State, Stopper, Supervisor, Waiting,
};
use cinder_types::UPSTREAM_VERSION;
use nix::unistd::{Pid, SysconfVar, getpid, getppid, sysconf};
use oslo_launcher::{
    EndedOperation, Scoreboard, Service, StartError, WorkerHandle, WorkerState, WorkerStatus,
};
use oslo_log::printable;
use tracing::{error, info};

use crate::bus::board::{Board, Names};
use crate::liveness;
use crate::metrics::{self, LANES, Meters};

/// Its name on the scoreboard.
const NAME: &str = "health server";
/// Between two tries to listen.
const PAUSE: Duration = Duration::from_secs(5);

/// What the health server has to know of the configuration.
#[derive(Debug, Clone)]
pub(crate) struct HealthPlan {
    /// Where to listen.
    pub address: Address,
    /// Permissions of a Unix socket.
    pub socket_mode: u32,
    /// Name of this node.
    pub host: String,
    /// A back end without a heartbeat for longer is not up, `service_down_time`.
    pub longest_silence: Option<Duration>,
}

/// An enabled back end.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Its name in `enabled_backends`.
    pub name: String,
    /// `host@backend`.
    pub host: String,
    /// Why no worker was started for it, if none was.
    pub left_out: Option<String>,
    /// What its bus is made of.
    pub messages: Names,
}

/// The service that answers.
#[derive(Debug)]
pub(crate) struct HealthService {
    plan: HealthPlan,
    members: Vec<Member>,
    /// Filled in the worker only.
    stopper: Mutex<Option<Stopper>>,
    complained: AtomicBool,
}

impl HealthService {
    /// A service that shows these back ends, in this order.
    pub(crate) fn new(plan: HealthPlan, members: Vec<Member>) -> Self {
        let complained = AtomicBool::new(false);
        Self { plan, members, stopper: Mutex::new(None), complained }
    }

    fn stopper(&self) -> std::sync::MutexGuard<'_, Option<Stopper>> {
        self.stopper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens, however long it takes: whoever has the port may let it go, and until then the back
    /// ends are none the worse.
    fn listen(&self, worker: &WorkerHandle) -> Result<Server, StartError> {
        loop {
            match Server::bind(&self.plan.address, self.plan.socket_mode) {
                Ok(server) => return Ok(server),
                Err(cause) => self.complain(worker, &cause),
            }
            if worker.wait_for_stop(PAUSE) {
                return Err(StartError::Stopped);
            }
        }
    }

    fn complain(&self, worker: &WorkerHandle, cause: &(dyn std::error::Error + 'static)) {
        worker.down(&cause.to_string());
        if !self.complained.swap(true, Ordering::Relaxed) {
            error!(
                target: "cinder.health",
                error = cause,
                "No health server; the back ends run without. Trying again every {} s",
                PAUSE.as_secs()
            );
        }
    }
}

impl Service for HealthService {
    fn name(&self) -> &str {
        NAME
    }

    fn auxiliary(&self) -> bool {
        true
    }

    fn start(&self, worker: &WorkerHandle) -> Result<(), StartError> {
        let server = self.listen(worker)?;
        *self.stopper() = Some(server.stopper().map_err(StartError::failed)?);
        info!(target: "cinder.health", "Health server listens on {}", server.address());
        worker.up();
        if worker.is_stopping() {
            return Err(StartError::Stopped); // the stop came before there was a stopper
        }
        server.run(&mut Live::new(self, worker)).map_err(StartError::failed)
    }

    fn stop(&self) {
        if let Some(stopper) = &*self.stopper() {
            stopper.stop();
        }
    }

    fn wait(&self) {
        // `start` returns only at the end.
    }

    fn reset(&self) {
        // Nothing is cached.
    }
}

/// The daemon as it is right now.
struct Live<'a> {
    service: &'a HealthService,
    scoreboard: Arc<Scoreboard>,
    parent: Pid,
    /// When the supervisor was asked for a sign of life that it has not given yet.
    asked: Option<Instant>,
}

impl<'a> Live<'a> {
    fn new(service: &'a HealthService, worker: &WorkerHandle) -> Self {
        let scoreboard = Arc::clone(worker.scoreboard());
        Self { service, scoreboard, parent: getppid(), asked: None }
    }

    fn back_end(&self, member: &Member, workers: &[WorkerStatus], most: usize) -> BackEnd {
        let known =
            BackEnd { name: member.name.clone(), host: member.host.clone(), ..BackEnd::default() };
        if let Some(reason) = &member.left_out {
            return BackEnd { state: State::Failed, reason: reason.clone(), ..known };
        }
        let found = slot_of(member, workers).and_then(|slot| Some((slot, workers.get(slot)?)));
        let Some((slot, worker)) = found else { return known };
        let words = self.scoreboard.program_words(slot);
        let messages = Board::new(words).read(&member.messages);
        // What a process has left there is nobody's any more.
        let is_drained = worker.pid != 0 && Meters::new(words).is_drained();
        let waiting = if worker.pid == 0 { Vec::new() } else { waiting(Meters::new(words)) };
        let ended = if most == 0 { Vec::new() } else { self.scoreboard.ended(slot, most) };
        let notes = self.scoreboard.notes(slot);
        let limit = self.service.plan.longest_silence.as_ref().map(Duration::as_secs_f64);
        BackEnd {
            state: state(worker.state, is_drained),
            // A worker's own words, or a stray byte among them.
            reason: printable(&worker.reason).into_owned(),
            pid: worker.pid,
            uptime_seconds: worker.uptime.map(|age| age.as_secs_f64()),
            startup_seconds: worker.startup.map(|time| time.as_secs_f64()),
            heartbeat_age_seconds: worker.beat_age.map(|age| age.as_secs_f64()),
            processes: worker.generation,
            restarts: restarts(worker),
            rss_bytes: resident(worker.pid),
            private_bytes: if most > 0 { private(worker.pid) } else { None },
            operations: worker.operations.iter().map(operation).collect(),
            waiting,
            ended: ended.iter().map(self::ended).collect(),
            notes: notes.iter().map(|note| printable(note).into_owned()).collect(),
            messages: if worker.pid == 0 { Messages::default() } else { messages },
            ..known
        }
        .judged(limit)
    }

    /// Everything, as these slots have it.
    fn of(&self, workers: &[WorkerStatus], ended: usize) -> Snapshot {
        let own = workers.iter().find(|worker| worker.auxiliary && worker.name == NAME);
        let members = &self.service.members;
        let own_memory = |pid| if ended > 0 { private(pid) } else { None };
        Snapshot {
            host: self.service.plan.host.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            release: UPSTREAM_VERSION.to_owned(),
            supervisor: Supervisor {
                pid: self.parent.as_raw(),
                rss_bytes: resident(self.parent.as_raw()),
                private_bytes: own_memory(self.parent.as_raw()),
            },
            health: Health {
                pid: getpid().as_raw(),
                uptime_seconds: own.and_then(|own| Some(own.uptime?.as_secs_f64())),
                restarts: own.map(restarts).unwrap_or_default(),
                rss_bytes: resident(getpid().as_raw()),
                private_bytes: own_memory(getpid().as_raw()),
            },
            back_ends: members.iter().map(|member| self.back_end(member, workers, ended)).collect(),
        }
    }
}

impl Source for Live<'_> {
    fn snapshot(&mut self) -> Snapshot {
        self.snapshot_with_ended(0)
    }

    fn snapshot_with_ended(&mut self, most: usize) -> Snapshot {
        self.of(&self.scoreboard.snapshot(), most)
    }

    fn metrics(&mut self) -> Vec<Family> {
        let alive = self.alive().is_ok();
        let slots = self.scoreboard.snapshot();
        let words = |member: &Member| match slot_of(member, &slots) {
            Some(slot) => self.scoreboard.program_words(slot),
            None => &[],
        };
        let words: Vec<_> = self.service.members.iter().map(words).collect();
        metrics::families(&self.of(&slots, 0), alive, &words)
    }

    /// As `status --alive` does it, but without waiting: this time's answer is about last time's
    /// question.
    fn alive(&mut self) -> Result<(), String> {
        if getppid() != self.parent {
            return Err("the supervisor is gone".to_owned());
        }
        let path = format!("/proc/{}/status", self.parent);
        // A hidden /proc tells nothing, and nothing is no reason to restart anybody.
        let Ok(status) = std::fs::read_to_string(path) else { return Ok(()) };
        if liveness::has_reacted(&status) {
            self.asked = liveness::ask(self.parent).is_ok().then(Instant::now);
            return Ok(());
        }
        let silence = self.asked.get_or_insert_with(Instant::now).elapsed();
        if silence <= liveness::LIMIT {
            return Ok(());
        }
        Err(format!("the supervisor has not reacted for {} s", silence.as_secs()))
    }
}

/// The slot of this back end's worker; one that was left out has none.
fn slot_of(member: &Member, workers: &[WorkerStatus]) -> Option<usize> {
    let named = |worker: &WorkerStatus| worker.name == member.name && !worker.auxiliary;
    workers.iter().position(named).filter(|_| member.left_out.is_none())
}

fn state(state: WorkerState, is_drained: bool) -> State {
    match state {
        WorkerState::Gone => State::Gone,
        WorkerState::Starting => State::Starting,
        WorkerState::Up if is_drained => State::Draining,
        WorkerState::Up => State::Up,
        WorkerState::Down => State::Down,
        WorkerState::Draining => State::Draining,
    }
}

fn restarts(worker: &WorkerStatus) -> Restarts {
    let causes = worker.restarts;
    Restarts {
        exit: causes.exit,
        signal: causes.signal,
        watchdog: causes.watchdog,
        roll: causes.asked,
    }
}

fn operation(operation: &oslo_launcher::Operation) -> Operation {
    Operation {
        kind: printable(&operation.kind).into_owned(),
        id: printable(&operation.id).into_owned(),
        request: printable(&operation.request).into_owned(),
        step: printable(&operation.step).into_owned(),
        age_seconds: operation.age.as_secs_f64(),
        step_age_seconds: operation.step_age.as_secs_f64(),
    }
}

fn waiting(meters: Meters<'_>) -> Vec<Waiting> {
    let lanes = LANES.iter().zip(meters.waiting()).filter(|(_, count)| *count > 0);
    lanes.map(|(lane, count)| Waiting { lane: (*lane).to_owned(), count }).collect()
}

fn ended(operation: &EndedOperation) -> Ended {
    Ended {
        kind: printable(&operation.kind).into_owned(),
        id: printable(&operation.id).into_owned(),
        request: printable(&operation.request).into_owned(),
        result: operation.ending.as_str().to_owned(),
        why: printable(&operation.why).into_owned(),
        took_seconds: operation.took.as_secs_f64(),
        age_seconds: operation.age.as_secs_f64(),
    }
}

/// Memory that is a process's own, in bytes: what `Private_*` of its smaps_rollup come to, proc_pid_smaps_rollup(5).
fn private(pid: i32) -> Option<u64> {
    if pid <= 0 {
        return None;
    }
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let kib = |line: &str| line.split_whitespace().nth(1)?.parse::<u64>().ok();
    let own = text.lines().filter(|line| line.starts_with("Private_")).filter_map(kib);
    Some(own.sum::<u64>() * 1024)
}

/// Resident memory of a process, in bytes; the second number of proc_pid_statm(5).
fn resident(pid: i32) -> Option<u64> {
    if pid <= 0 {
        return None;
    }
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    // 4 KiB on x86-64, up to 64 KiB on aarch64.
    let page = sysconf(SysconfVar::PAGE_SIZE).ok()??;
    pages.checked_mul(u64::try_from(page).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_its_own_is_less_than_what_is_resident_and_grows_with_what_is_written() {
        let pid = getpid().as_raw();
        let before = private(pid).unwrap();
        assert!(before > 0 && before < resident(pid).unwrap());
        let written = vec![7_u8; 16 << 20];
        assert!(private(pid).unwrap() >= before + (8 << 20), "{}", written.len());
        assert_eq!((private(0), private(-1)), (None, None));
    }

    #[test]
    fn resident_memory_is_counted_in_pages_of_this_machine() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        let counted = resident(std::process::id() as i32).unwrap() / 1024;
        assert!(counted.abs_diff(kib) < kib / 2, "{counted} KiB, but the kernel says {kib}");
        assert_eq!(resident(0), None);
    }

    #[test]
    fn what_workers_say_acts_on_no_page() {
        let told = oslo_launcher::Operation {
            kind: "copy\x1b[2J".into(),
            id: "1\n2".into(),
            step: "step\x1b".into(),
            request: "req\t".into(),
            ..Default::default()
        };
        let shown = operation(&told);
        assert_eq!((shown.kind.as_str(), shown.id.as_str()), ("copy\\x1b[2J", "1\\n2"));
        assert_eq!((shown.step.as_str(), shown.request.as_str()), ("step\\x1b", "req\\t"));
    }
}
