//! What all launchers have in common: the trait, the options, the status sentence.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use crate::aside::{Job, JobEnd};
use crate::error::LaunchError;
use crate::handle::StopHandle;
use crate::notify::Notifier;
use crate::scoreboard::{Scoreboard, WorkerState};
use crate::service::Service;
use crate::state::Limits;
use crate::sys::Inherited;

/// Starts workers for services and looks after them; one way per implementation.
pub trait Launcher {
    /// Starts so many workers for each service and returns at once.
    ///
    /// All services are taken in before the first worker is started. A fork makes the parent copy
    /// every page that it writes to afterwards, so many services cost less together than one by
    /// one. After a stop was asked for, nothing is started and this is not an error.
    ///
    /// # Errors
    ///
    /// [`LaunchError::ScoreboardFull`] when the launcher was made for fewer workers; none of the
    /// services that come after is taken in then. A process that cannot be started is not an error
    /// here: it is logged and tried again.
    fn launch_services(
        &mut self,
        services: &[(Arc<dyn Service>, usize)],
    ) -> Result<(), LaunchError>;

    /// Starts `workers` workers for one service and returns at once.
    ///
    /// # Errors
    ///
    /// Those of [`launch_services`](Self::launch_services).
    fn launch_service(
        &mut self,
        service: Arc<dyn Service>,
        workers: usize,
    ) -> Result<(), LaunchError> {
        self.launch_services(&[(service, workers)])
    }

    /// Supervises until a stop is complete; returns the exit status for this process.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] when the kernel refuses to wait.
    fn wait(&mut self) -> Result<i32, LaunchError>;

    /// Sleeps before anything is launched, for example until a database is back.
    ///
    /// Returns the exit status for this process if a signal ended the wait. Without any time it
    /// only looks whether one has.
    fn pause(&mut self, time: Duration) -> Option<i32>;

    /// Does a job before anything is launched, and attends to signals meanwhile.
    ///
    /// Where there is fork, the job runs in a copy of this process, so that it may wait for a
    /// server or a disk for as long as it likes: a stop kills it. It tells by its
    /// [`JobTeller`](crate::JobTeller) what comes of it, `told` gets each message. That is what another
    /// process wrote, so check it. Without room for a process this is logged and tried again, as for
    /// a worker; a process that has a supervisor leaves that to it.
    ///
    /// ```no_run
    /// # use oslo_launcher::{Job, JobEnd, Launcher};
    /// # fn ask_a_server() -> u8 { 7 }
    /// # fn find_out(launcher: &mut dyn Launcher) -> Result<Result<u8, i32>, oslo_launcher::LaunchError> {
    /// let mut answer = None;
    /// // Nobody is told more than the parent that waits.
    /// let job = Job { name: c"asks", work: &|teller| drop(teller.tell(&[ask_a_server()])) };
    /// let end = launcher.run_aside(&job, &mut |message| answer = message.first().copied())?;
    /// # Ok(
    /// match end {
    ///     JobEnd::Stopped(status) => Err(status), // of this process
    ///     _ => answer.ok_or(1),
    /// }
    /// # )
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] without descriptors for its pipe; [`LaunchError::Spawn`] without room
    /// for a process, where a supervisor will see to it.
    fn run_aside(
        &mut self,
        job: &Job<'_>,
        told: &mut dyn FnMut(&[u8]),
    ) -> Result<JobEnd, LaunchError>;

    /// For other code of this process: asks for a stop while this waits.
    fn stop_handle(&self) -> StopHandle;

    /// The state of all workers.
    fn scoreboard(&self) -> &Arc<Scoreboard>;
}

/// What a launcher is made with.
#[derive(Debug, Default)]
pub struct LauncherOptions {
    /// The supervisor's limits.
    pub limits: Limits,
    /// How many workers there may be at most.
    pub capacity: usize,
    /// Who is told about readiness and stops.
    pub notifier: Notifier,
    /// A worker whose main thread has been silent for this long is replaced; `None` never looks,
    /// and then neither the parent nor a worker wakes up for it.
    pub worker_watchdog: Option<Duration>,
    /// Words per worker on the scoreboard whose meaning the program defines.
    pub own_words: usize,
    /// What a service is called in the status sentence, in the plural: `back ends`.
    pub noun: &'static str,
    /// Children that are not ours and whose ends nobody else will take, from
    /// [`FirstSteps`](crate::FirstSteps).
    pub inherited: Inherited,
    /// Stay open for as long as this process supervises, and are no worker's: locks, say.
    pub kept: Vec<File>,
}

/// How many services that are not up are named in the status sentence; it is one line.
const NAMED: usize = 4;

/// A sentence such as `2 of 3 back ends up; nfs1: driver not initialised`.
pub(crate) fn sentence(scoreboard: &Scoreboard, noun: &str) -> String {
    let (mut all, mut up) = (0, 0);
    let mut named = String::new();
    scoreboard.visit(|name, slot| {
        all += 1;
        match slot.state() {
            WorkerState::Up => up += 1,
            state if all - up <= NAMED => {
                let reason = slot.reason();
                let why = if reason.is_empty() { state.as_str() } else { &reason };
                named.push_str(&format!("; {name}: {why}"));
            }
            _ => {}
        }
    });
    let mut text = format!("{up} of {all} {noun} up{named}");
    if all - up > NAMED {
        text.push_str(&format!("; and {} more", all - up - NAMED));
    }
    // A line feed would begin another assignment of sd_notify(3), written by whoever gave reasons.
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(workers: &[(&str, WorkerState, &str)]) -> Scoreboard {
        let board = Scoreboard::new(workers.len()).unwrap();
        for (index, (name, state, reason)) in workers.iter().enumerate() {
            board.name_slot(name, false);
            board.slot(index).reset(1);
            board.slot(index).set_state(*state, reason);
        }
        board
    }

    #[test]
    fn the_status_sentence_names_who_is_not_up_and_why() {
        let board = board(&[
            ("lvm", WorkerState::Up, ""),
            ("nfs1", WorkerState::Down, "driver not initialised"),
            ("rbd", WorkerState::Starting, ""),
        ]);
        assert_eq!(
            sentence(&board, "back ends"),
            "1 of 3 back ends up; nfs1: driver not initialised; rbd: starting"
        );
    }

    #[test]
    fn the_status_sentence_does_not_count_who_only_serves_the_others() {
        let board = Scoreboard::new(2).unwrap();
        board.name_slot("lvm", false);
        board.name_slot("health server", true);
        board.new_life(0, 1);
        board.new_life(1, 1);
        board.slot(0).set_state(WorkerState::Up, "");
        board.slot(1).set_state(WorkerState::Down, "port in use");
        assert_eq!(sentence(&board, "back ends"), "1 of 1 back ends up");
    }

    #[test]
    fn a_reason_of_two_lines_makes_no_second_message() {
        let board = board(&[("lvm", WorkerState::Down, "first\nREADY=1")]);
        assert_eq!(sentence(&board, "services"), "0 of 1 services up; lvm: first READY=1");
    }

    #[test]
    fn the_status_sentence_stays_short() {
        let mut workers = [("x", WorkerState::Starting, ""); 50];
        workers[0].1 = WorkerState::Up;
        let starting = "; x: starting".repeat(4);
        assert_eq!(
            sentence(&board(&workers), "back ends"),
            format!("1 of 50 back ends up{starting}; and 45 more")
        );
        assert_eq!(
            sentence(&board(&workers[..5]), "back ends"),
            format!("1 of 5 back ends up{starting}")
        );
    }
}
