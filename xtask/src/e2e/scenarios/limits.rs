//! A kernel that says no: no process, no descriptor, no `/proc` (docs/supervision.md).

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::account::{Account, Limit};
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::namespace::Namespaces;
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::{secs, wait_for};

const NO_PROCESS: &str = "Cannot start a process for worker";

/// A worker dies while `limit` of the parent is `to`. Its siblings must not notice, each failure
/// must be told with the text `complaint`, and the worker must come once the limit is lifted.
fn one_worker_is_missing_while_squeezed(
    account: &Account<'_>,
    daemon: &Daemon,
    (limit, to): (Limit, u64),
    complaint: &str,
) -> Result<()> {
    let before = daemon.wait_up(3)?;
    let (&victim, siblings) = before.split_first().context("no worker")?;
    let squeeze = account.squeeze(daemon.pid(), limit, to)?;
    process::signal(victim, Signal::SIGKILL)?;
    daemon.wait_log(complaint, 2)?;
    wait_beats_of_the_others(daemon)?;
    wait_for("the siblings alone", SOON, || daemon.expect_workers(siblings))?;
    squeeze.lift()?;
    let after = daemon.wait_replaced(&[victim], 3)?;
    ensure!(siblings.iter().all(|pid| after.contains(pid)), "{before:?} became {after:?}");
    daemon.wait_beats(2)?;
    Ok(())
}

/// Two of three rows go on beating.
fn wait_beats_of_the_others(daemon: &Daemon) -> Result<()> {
    let before = daemon.rows()?;
    wait_for("two more beats of two rows", SOON, || {
        let now = daemon.rows()?;
        let ahead = |old: &&crate::database::Service| {
            now.iter().any(|new| new.id == old.id && new.report_count >= old.report_count + 2)
        };
        let beating = before.iter().filter(ahead).count();
        ensure!(beating >= 2, "{beating} rows beat");
        Ok(())
    })
}

pub(crate) fn a_worker_that_cannot_be_forked_comes_when_the_process_limit_is_lifted(
    scene: &Scene,
) -> Result<()> {
    let account = Account::without_privileges(scene, 60_101)?;
    let daemon = account.start(&scene.config(&["a", "b", "c"]))?;
    let squeeze = (Limit::Processes, 1);
    one_worker_is_missing_while_squeezed(&account, &daemon, squeeze, NO_PROCESS)?;
    let told = daemon.count("RLIMIT_NPROC");
    ensure!(told >= 2, "{told} lines name the limit");
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(5))
}

pub(crate) fn a_start_without_room_for_a_process_waits_for_it(scene: &Scene) -> Result<()> {
    let account = Account::without_privileges(scene, 60_102)?;
    let file = scene.write("cinder.conf", &scene.config(&["a", "b", "c"]).text())?;
    let start = || {
        let mut command = account.command("prlimit");
        command.arg("--nproc=1:").arg(account.binary()).arg("--config-file").arg(&file);
        scene.start_command(&mut command)
    };
    let stopped = start()?;
    stopped.wait_log(NO_PROCESS, 6)?;
    ensure!(stopped.workers().is_empty(), "workers {:?}", stopped.workers());
    stopped.end_with(Signal::SIGTERM, 0)?;
    let daemon = start()?;
    daemon.wait_log(NO_PROCESS, 12)?;
    account.raise(daemon.pid(), Limit::Processes)?;
    daemon.wait_up(3)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(5))
}

pub(crate) fn a_worker_without_descriptors_comes_when_the_limit_is_lifted(
    scene: &Scene,
) -> Result<()> {
    let account = Account::own(scene);
    let daemon = account.start(&scene.config(&["a", "b", "c"]))?;
    daemon.wait_up(3)?;
    let open = process::descriptors(daemon.pid())?.len();
    let squeeze = (Limit::Descriptors, 4);
    let complaint = "Too many open files";
    one_worker_is_missing_while_squeezed(&account, &daemon, squeeze, complaint)?;
    let now = process::descriptors(daemon.pid())?;
    ensure!(now.len() == open, "{open} descriptors of the parent became {now:?}");
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(5))
}

pub(crate) fn a_reload_without_descriptors_changes_nothing(scene: &Scene) -> Result<()> {
    let account = Account::own(scene);
    let config = scene.config(&["a", "b"]).set("DEFAULT", "debug", "false");
    let daemon = account.start(&config)?;
    let workers = daemon.wait_up(2)?;
    scene.write("cinder.conf", &config.set("DEFAULT", "debug", "true").text())?;
    // Fewer than the parent waits for: even poll(2) refuses then.
    let squeeze = account.squeeze(daemon.pid(), Limit::Descriptors, 0)?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("the old one stays in force", 1)?;
    daemon.wait_beats(2)?;
    daemon.expect_workers(&workers)?;
    squeeze.lift()?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("Option DEFAULT.debug changed from [false] to [true]", 1)?;
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(5))
}

pub(crate) fn a_start_with_too_few_descriptors_says_so_or_works(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a"]).set("database", "max_retries", "1");
    let file = scene.write("cinder.conf", &config.set("database", "retry_interval", "1").text())?;
    let mut outcomes = Vec::new();
    // Below the first the program is not even loaded; with the last all is well.
    for limit in [4, 6, 8, 10, 12, 64] {
        let _ = std::fs::remove_file(scene.path("daemon.log"));
        let mut command = scene.command("prlimit");
        command.arg(format!("--nofile={limit}")).arg(scene.binary());
        let daemon = scene.start_command(command.arg("--config-file").arg(&file))?;
        let verdict = wait_for("an end or a worker's report", SOON, || {
            if let Some(status) = daemon.ended()? {
                return Ok(status.code());
            }
            let told = daemon.count(" ERROR ") > 0
                || daemon.rows()?.iter().any(|row| row.report_count > 0);
            ensure!(told && daemon.workers().len() == 1, "{}", daemon.log());
            Ok(Some(0))
        })?;
        match verdict {
            Some(0) => daemon.end_with(Signal::SIGTERM, 0)?,
            Some(1) => ensure!(
                daemon.log().contains("Too many open files")
                    || daemon.log().contains("unable to open database file"),
                "limit {limit}: {}",
                daemon.log()
            ),
            other => anyhow::bail!("limit {limit}: ended with {other:?}: {}", daemon.log()),
        }
        scene.wait_empty(secs(5))?;
        outcomes.push(verdict);
    }
    ensure!(
        outcomes.first() == Some(&Some(1)) && outcomes.last() == Some(&Some(0)),
        "{outcomes:?}"
    );
    Ok(())
}

pub(crate) fn a_hidden_proc_changes_nothing(scene: &Scene) -> Result<()> {
    // A child of the starter, too: nobody can say which it is.
    const HIDE: &str = "mount -t tmpfs none /proc\nsleep 0.5 &\nexec \"$@\"";
    let namespaces = Namespaces::ask(scene, &["--mount", "sh", "-c", HIDE, "sh"])?;
    let file = scene.write("cinder.conf", &scene.config(&["a", "b", "c"]).text())?;
    let mut command = namespaces.command(scene);
    let daemon = scene.start_command(command.arg(scene.binary()).arg("--config-file").arg(file))?;
    let before = daemon.wait_up(3)?;
    let visible = std::fs::read_dir(format!("/proc/{}/root/proc", daemon.pid()))?.count();
    ensure!(visible == 0, "the daemon sees {visible} entries in /proc");
    let &victim = before.first().context("no worker")?;
    process::signal(victim, Signal::SIGKILL)?;
    daemon.wait_replaced(&[victim], 3)?;
    wait_for("no zombie", SOON, || {
        let children = process::children(daemon.pid());
        ensure!(children.len() == 3, "{children:?}");
        Ok(())
    })?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("Child caught SIGHUP, handling", 3)?;
    daemon.signal(Signal::SIGUSR1)?;
    daemon.wait_replaced(&before, 3)?;
    daemon.wait_beats(2)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(5))
}
