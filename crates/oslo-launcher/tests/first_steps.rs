//! Signals, descriptors, children and limits from before a program knew what it is.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod daemon;

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use daemon::{Daemon, is_zombie};

/// Two FIFOs that hold a program up; whoever opens and closes one lets it go on.
struct Gates {
    _dir: tempfile::TempDir,
    decide: PathBuf,
    settings: PathBuf,
}

impl Gates {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [decide, settings] = ["decide", "settings"].map(|name| dir.path().join(name));
        for gate in [&decide, &settings] {
            mkfifo(gate, Mode::S_IRWXU).unwrap();
        }
        Self { _dir: dir, decide, settings }
    }

    /// A program that has taken its first steps and does not know yet what it is.
    fn start(&self, words: &[&str]) -> Daemon {
        let gates = [
            "--first-steps",
            "--decide",
            self.decide.to_str().unwrap(),
            "--settings",
            self.settings.to_str().unwrap(),
        ];
        let program = Daemon::example("fault_workers").display().to_string();
        // Whoever started these tests in the background of a shell has INT ignored, and so would a
        // command that gets its signals back.
        let plain = ["--default-signal=INT,QUIT", &program];
        let daemon = Daemon::start_program("env", &[&plain, &gates[..], words].concat());
        daemon.wait_for("first steps taken", 1);
        daemon
    }
}

fn open(gate: &PathBuf) {
    drop(File::options().write(true).open(gate).unwrap());
}

#[test]
fn a_stop_that_comes_before_a_daemon_knows_itself_ends_it_once_it_does() {
    for (signal, status) in [(Signal::SIGTERM, 0), (Signal::SIGINT, 1)] {
        let gates = Gates::new();
        let mut daemon = gates.start(&["a"]);
        daemon.signal(signal);
        assert!(!daemon.has_exited());
        open(&gates.decide);
        assert_eq!(daemon.exit_status(), Some(status));
    }
}

#[test]
fn a_stop_does_not_wait_for_settings_that_do_not_come() {
    for (signal, status) in [(Signal::SIGTERM, 0), (Signal::SIGINT, 1)] {
        let gates = Gates::new();
        let mut daemon = gates.start(&["a"]);
        open(&gates.decide);
        daemon.wait_for("a daemon", 1);
        daemon.signal(signal);
        assert_eq!(daemon.exit_status(), Some(status));
    }
}

#[test]
fn what_is_not_a_stop_waits_for_the_launcher() {
    for launcher in [&["a"][..], &["a", "--spawn"], &["a", "--alone"]] {
        let gates = Gates::new();
        let mut daemon = gates.start(launcher);
        daemon.signal(Signal::SIGHUP);
        open(&gates.decide);
        daemon.wait_for("a daemon", 1);
        daemon.signal(Signal::SIGUSR2);
        open(&gates.settings);
        daemon.wait_for(&format!("reload in {}", daemon.pid()), 1);
        daemon.wait_for("report: a is", 1);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
    }
}

#[test]
fn a_command_gets_its_signals_back() {
    for held in [true, false] {
        let gates = Gates::new();
        let mut command = gates.start(&["--command"]);
        if held {
            command.signal(Signal::SIGINT);
        }
        open(&gates.decide);
        if !held {
            command.wait_for("a command", 1);
            command.signal(Signal::SIGINT);
        }
        command.exit_status();
        let status = command.process.wait().unwrap();
        assert_eq!(status.signal(), Some(Signal::SIGINT as i32), "{status}");
    }
}

/// The program in the place of a shell that has done this before.
fn after(script: &str, words: &[&str]) -> Daemon {
    let script = format!("{script}\nexec \"$0\" \"$@\"");
    let program = Daemon::example("fault_workers").display().to_string();
    Daemon::start_program("sh", &[&["-c", &script, &program, "--first-steps"], words].concat())
}

#[test]
fn children_of_whoever_became_this_program_are_reaped() {
    for launcher in [&["a"][..], &["a", "--spawn"], &["a", "--alone"]] {
        // One ends at about the time when the program begins, one while it runs.
        let daemon = after("true & sleep 0.5 &", launcher);
        daemon.worker("a", 0);
        daemon.wait_for("which was not ours", 2);
        let children = daemon.children();
        assert!(!children.iter().any(|pid| is_zombie(*pid)), "{children:?}");
    }
}

#[test]
fn a_child_of_our_own_keeps_its_status_beside_inherited_ones() {
    for launcher in [&["a", "--foreign"][..], &["a", "--foreign", "--spawn"]] {
        let mut daemon = after("sleep 0.5 &", launcher);
        daemon.wait_for("which was not ours", 1);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
        daemon.wait_for("the foreign child exit status: 5", 1);
    }
}

#[test]
fn nobody_else_may_read_what_is_made_and_a_stricter_mask_stays() {
    for (before, expected) in [("000", "0027"), ("022", "0027"), ("077", "0077"), ("207", "0227")] {
        let daemon = after(&format!("umask {before}"), &["a"]);
        daemon.worker("a", 0);
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
        let umask = status.lines().find_map(|line| line.strip_prefix("Umask:")).map(str::trim);
        assert_eq!(umask, Some(expected), "{before}");
    }
}

#[test]
fn what_the_starter_left_open_is_handed_on_to_no_program() {
    // The subprocess of the service is such a program.
    let daemon = after("exec 5</dev/zero 7</dev/zero 9</dev/zero", &["a", "--spawn"]);
    let worker = daemon.worker("a", 0);
    let open = |pid: i32| {
        let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let read = |link: std::io::Result<fs::DirEntry>| fs::read_link(link.unwrap().path()).ok();
        links.filter_map(read).filter(|target| target.as_os_str() == "/dev/zero").count()
    };
    assert_eq!((open(daemon.pid()), open(worker)), (3, 0));
}

#[test]
fn a_file_at_its_limit_ends_nobody_and_the_default_is_handed_on() {
    const XFSZ: u64 = 1 << (Signal::SIGXFSZ as u64 - 1);
    let mask = |pid: i32, name: &str| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    let daemon = after("true", &["a", "--spawn", "--foreign-sleeps"]);
    daemon.worker("a", 0);
    daemon.signal(Signal::SIGXFSZ);
    daemon.wait_until_up("a");
    let foreign = daemon.wait("the foreign child", |output| {
        let line = output.lines().find_map(|line| line.strip_prefix("the foreign child is "))?;
        line.parse().ok()
    });
    assert_eq!(mask(foreign, "SigIgn:") & XFSZ, 0);
}
