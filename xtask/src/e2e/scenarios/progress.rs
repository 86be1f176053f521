//! What people at a terminal see: progress, and a status that is repainted; and what pipes do not.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;

use crate::database::Lock;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::scene::Scene;
use crate::e2e::props::terminal::Terminal;
use crate::process::text_of;
use crate::wait::{let_pass, secs, wait_for};

fn db_init(scene: &Scene) -> Result<Command> {
    let file = scene.write("cinder.conf", &scene.config(&["a", "b", "c"]).text())?;
    Ok(scene.cinder_volume(&["--config-file", &file.to_string_lossy(), "db", "init"]))
}

pub(crate) fn progress_is_shown_on_a_terminal_and_nowhere_else(scene: &Scene) -> Result<()> {
    let piped = scene.finish(&mut db_init(scene)?, secs(15))?;
    ensure!(piped.code == Some(0) && piped.err.is_empty(), "{piped:?}");
    ensure!(!piped.out.contains(['\r', '\x1b']), "{piped:?}");
    std::fs::remove_file(scene.database())?;

    let mut terminal = Terminal::open()?;
    let mut child = db_init(scene)?
        .stdout(File::create(scene.path("out"))?)
        .stderr(terminal.slave()?)
        .spawn()?;
    let status = wait_for("db init to end", SOON, || child.try_wait()?.context("it still runs"))?;
    ensure!(status.success(), "{status}");
    let text = terminal.text();
    ensure!(text.contains("creating the database …") && text.ends_with("\r\x1b[K"), "{text:?}");
    Ok(())
}

pub(crate) fn a_slow_start_tells_a_terminal_how_far_it_is(scene: &Scene) -> Result<()> {
    scene.finish(&mut db_init(scene)?, secs(15))?;
    let log = scene.path("cinder-volume.log");
    let config = scene.config(&["a", "b", "c"]);
    let config = config.set("DEFAULT", "log_file", &log.to_string_lossy());
    let file = scene.write("cinder.conf", &config.text())?;
    let mut terminal = Terminal::open()?;
    let lock = Lock::take(&scene.database())?;
    let child = scene
        .cinder_volume(&["--config-file", &file.to_string_lossy()])
        .stdout(terminal.slave()?)
        .stderr(terminal.slave()?)
        .spawn()?;
    let daemon = Daemon::adopt(child, &log, &scene.store())?;
    let_pass(secs(1)); // what is over sooner than that shows no progress
    drop(lock);
    daemon.wait_up(3)?;
    let text = terminal.text();
    ensure!(text.contains("\rregistering back ends [") && text.contains("/3\x1b[K"), "{text:?}");
    ensure!(text.ends_with("\r\x1b[K"), "the line is left behind: {text:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_watched_status_is_repainted_in_place_on_a_terminal(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a"]))?;
    daemon.wait_up(1)?;
    let file = scene.path("cinder.conf").to_string_lossy().into_owned();
    let watch = || scene.cinder_volume(&["--config-file", &file, "status", "--watch"]);

    let mut terminal = Terminal::open()?;
    let mut child = watch().stdout(terminal.slave()?).stderr(terminal.slave()?).spawn()?;
    let repainted = wait_for("the second table", SOON, || {
        let text = terminal.text();
        ensure!(text.matches("\x1b[HBinary").count() >= 2, "{text:?}");
        ensure!(text.contains("\x1b[32mup") && !text.contains("\n\n"), "{text:?}");
        Ok(())
    });
    child.kill()?;
    child.wait()?;
    repainted?;

    let out = scene.path("out");
    let mut child = watch().stdout(File::create(&out)?).spawn()?;
    let piped = wait_for("the second table", SOON, || {
        let text = text_of(&out);
        ensure!(text.matches("Binary").count() >= 2 && !text.contains('\x1b'), "{text:?}");
        Ok(())
    });
    child.kill()?;
    child.wait()?;
    piped?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_watched_status_ends_when_nobody_reads_it(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a"]))?;
    daemon.wait_up(1)?;
    let file = scene.path("cinder.conf").to_string_lossy().into_owned();
    let mut watch = scene.cinder_volume(&["--config-file", &file, "status", "--watch"]);
    let mut child =
        watch.stdout(Stdio::piped()).stderr(File::create(scene.path("err"))?).spawn()?;
    let mut pipe = child.stdout.take().context("no pipe")?;
    fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let mut first = [0; 6];
    let read = wait_for("the first words", SOON, || Ok(pipe.read_exact(&mut first)?));
    drop(pipe); // as `| head -1` does
    let ended = wait_for("it to end", SOON, || child.try_wait()?.context("it still runs"));
    if ended.is_err() {
        child.kill()?;
        child.wait()?;
    }
    read?;
    ensure!(first == *b"Binary", "{first:?}");
    let (status, complaint) = (ended?, text_of(&scene.path("err")));
    ensure!(status.success() && complaint.is_empty(), "{status}: {complaint}");
    daemon.end_with(Signal::SIGTERM, 0)
}
