//! The original beside us: a Python with cinder 29.0.0 that reads and writes what it is given.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

const SCRIPT: &str = include_str!("serve.py");

/// A process that answers line by line.
pub struct Judge {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// The one of all tests, because it takes seconds to start; it ends with its input, when they do.
static JUDGE: LazyLock<Option<Mutex<Judge>>> = LazyLock::new(|| Judge::start().map(Mutex::new));

/// The original, if there is a Python for it. One test at a time has it.
pub fn judge() -> Option<MutexGuard<'static, Judge>> {
    JUDGE.as_ref().map(|judge| judge.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Judge {
    fn start() -> Option<Self> {
        let mut child = Command::new(test_conditions::original()?)
            .args(["-W", "ignore", "-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a Python");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Some(Self { child, input, output })
    }

    /// What it makes of a value of a message, written for `pin`; a failure has a key `class`.
    pub fn again(&mut self, pin: &str, value: &Value) -> Value {
        self.ask(&json!(["again", pin, value]).to_string())
    }

    /// An object of this kind with all its fields.
    pub fn made(&mut self, pin: &str, name: &str) -> Value {
        self.ask(&json!(["made", pin, name]).to_string())
    }

    fn ask(&mut self, line: &str) -> Value {
        writeln!(self.input, "{line}").expect("it reads");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("it answers");
        serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("{error}: {answer} ({:?})", self.child.try_wait()))
    }
}
