//! The one place that asks the process about itself: arguments, environment, directories.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

/// Set by a parent that starts one subprocess per back end, for its children.
pub const SUPERVISED: &str = "CINDER_VOLUME_SUPERVISED";

/// What the process was started with and in.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Path of this program, to start it again for a single back end.
    pub program: PathBuf,
    /// First word of the command line: the name that usage and file names come from.
    pub name: String,
    /// The words of the command line, without the program.
    pub arguments: Vec<String>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// Working directory.
    pub directory: PathBuf,
    /// Name of this machine.
    pub host_name: String,
    /// Whether somebody looks at standard output.
    pub stdout_is_terminal: bool,
    /// Whether somebody looks at standard error.
    pub stderr_is_terminal: bool,
}

impl Surroundings {
    /// Asks the running process.
    #[expect(clippy::disallowed_methods, reason = "this is where the process is asked")]
    pub fn of_this_process() -> Self {
        // Words that are not UTF-8 cannot name an option or a value of the INI dialect; they are
        // kept readable for the error message that they will cause.
        let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
        let first = words.next().unwrap_or_default();
        let name = first.rsplit('/').next().filter(|name| !name.is_empty());
        Self {
            program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from(&first)),
            name: name.unwrap_or("cinder-volume").to_owned(),
            arguments: words.collect(),
            environment: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            directory: std::env::current_dir().unwrap_or_default(),
            host_name: host_name(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// A variable of the environment that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let found = self.environment.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether a terminal does nothing but print, as in some editors.
    pub fn is_dumb(&self) -> bool {
        self.variable("TERM") == Some("dumb")
    }

    /// Whether a parent on standard input looks after this process.
    pub fn is_supervised(&self) -> bool {
        self.variable(SUPERVISED).is_some()
    }

    /// `WATCHDOG_USEC`, if it is meant for this process, `sd_watchdog_enabled(3)`.
    pub fn watchdog(&self) -> Option<Duration> {
        let own_pid = std::process::id().to_string();
        if self.variable("WATCHDOG_PID").is_some_and(|pid| pid != own_pid) {
            return None;
        }
        let micros = self.variable("WATCHDOG_USEC")?.parse().ok().filter(|micros| *micros > 0)?;
        Some(Duration::from_micros(micros))
    }
}

/// The kernel's name for this machine, as Python's `socket.gethostname` gives it.
///
/// Asked directly: rows would stand under another name where `/proc` cannot be read.
fn host_name() -> String {
    // Refused only for a name that does not fit, which the kernel does not have.
    let name = nix::unistd::gethostname().unwrap_or_default();
    match name.to_string_lossy().trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}
