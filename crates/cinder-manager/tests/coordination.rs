//! Locks beside the original's own library, tooz: each keeps the other out.
//!
//! Needs `CINDER_PYTHON`, a virtual environment with cinder 29.0.0; without it this is skipped.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cinder_manager::locks::{LockError, Locks};

const LONG: Duration = Duration::from_secs(60);

/// Takes and gives up a lock as it is told, as `cinder.coordination` does: `take`, `try`, `free`.
const SCRIPT: &str = r#"
import sys
from tooz import coordination
coordinator = coordination.get_coordinator("file://" + sys.argv[1], b"member")
coordinator.start(start_heart=True)
lock = coordinator.get_lock(("cinder-" + sys.argv[2]).encode("ascii"))
print("ready", flush=True)
for line in sys.stdin:
    word = line.strip()
    if word == "free":
        lock.release()
        print("free", flush=True)
    else:
        print(lock.acquire(blocking=(word == "take")), flush=True)
"#;

struct Python {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Python {
    fn start(directory: &Path, name: &str) -> Option<Self> {
        let program = test_conditions::original()?;
        let mut command = Command::new(program);
        command.args(["-W", "ignore", "-c", SCRIPT]).arg(directory).arg(name);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a Python");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        let mut this = Self { child, answers };
        assert_eq!(this.answer(), "ready");
        Some(this)
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        line.trim().to_owned()
    }

    fn told(&mut self, word: &str) -> String {
        let input = self.child.stdin.as_mut().expect("piped");
        writeln!(input, "{word}").expect("it listens");
        self.answer()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[test]
fn the_originals_library_and_we_keep_each_other_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let name = "4f1c-delete_volume";
    let Some(mut python) = Python::start(directory.path(), name) else { return };
    let locks = Locks::below(directory.path().to_owned());

    assert_eq!(python.told("take"), "True");
    let error = locks.take(&[name], Duration::from_millis(200), &|| true).expect_err("it is held");
    assert!(matches!(error, LockError::Held { .. }), "{error}");
    // Another name is another lock.
    drop(locks.take(&["other"], Duration::ZERO, &|| true).expect("nobody has it"));
    assert_eq!(python.told("free"), "free");

    let held = locks.take(&[name], LONG, &|| true).expect("it is free");
    assert_eq!(python.told("try"), "False");
    drop(held);
    assert_eq!(python.told("try"), "True");
    assert_eq!(python.told("free"), "free");
}
