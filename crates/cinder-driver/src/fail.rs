//! Points in drivers at which a test may kill the process, make the call fail, or stop it.
//!
//! A point costs nothing without the feature `failpoints`, which no release has. With it, a table
//! says what happens where: set by the test itself, or read at each point from a file, so that a
//! test can steer another process (`follow`). Must not: read the environment; whoever starts the
//! process passes the file on.
//!
//! The text of a table has a line `NAME = ACTION` for each point, where the action is `off`,
//! `kill`, `kill once`, `panic`, `block`, or `error CLASS` (as in [`DriverError::class`](crate::DriverError::class)).

#[cfg(not(feature = "failpoints"))]
use crate::error::DriverError;

/// Declares the fail points of a driver: constants to be passed to [`point`], and a list of all.
#[macro_export]
macro_rules! fail_points {
    ($($(#[doc = $text:literal])+ $name:ident = $value:literal;)+) => {
        $($(#[doc = $text])+ pub const $name: &str = $value;)+

        /// All of them.
        pub const ALL: &[&str] = &[$($name),+];
    };
}

/// A point of this name is reached.
///
/// # Errors
///
/// The error that a test has put here.
#[cfg(not(feature = "failpoints"))]
pub fn point(name: &'static str) -> Result<(), DriverError> {
    let _ = name;
    Ok(())
}

#[cfg(feature = "failpoints")]
pub use table::{Action, clear, follow, hits, point, set};

#[cfg(feature = "failpoints")]
mod table {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::str::FromStr;
    use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    use crate::error::{Again, DriverError, GivenUp, Refusal};

    /// How often one who is stopped looks whether it may go on.
    const LOOK: Duration = Duration::from_millis(5);

    /// What happens at a point.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Action {
        /// Nothing.
        Off,
        /// The process is killed, as by a power cut.
        Kill,
        /// The same, and the followed file is removed first: the next process goes on.
        KillOnce,
        /// The call panics.
        Panic,
        /// The call stands still until the action is another one.
        Block,
        /// The call fails with an error of this class.
        Error(String),
    }

    impl FromStr for Action {
        type Err = String;

        fn from_str(text: &str) -> Result<Self, String> {
            match text.trim() {
                "off" => Ok(Self::Off),
                "kill" => Ok(Self::Kill),
                "kill once" => Ok(Self::KillOnce),
                "panic" => Ok(Self::Panic),
                "block" => Ok(Self::Block),
                other => match other.strip_prefix("error ") {
                    Some(class) => Ok(Self::Error(class.to_owned())),
                    None => Err(format!("no action: {other:?}")),
                },
            }
        }
    }

    #[derive(Default)]
    struct Table {
        actions: BTreeMap<String, Action>,
        hits: BTreeMap<&'static str, u64>,
        followed: Option<PathBuf>,
    }

    static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

    fn table() -> MutexGuard<'static, Table> {
        TABLE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    impl Table {
        /// A followed file counts before what was set here; one that cannot be read says nothing.
        fn action(&self, name: &str) -> Action {
            let text = self.followed.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
            let line = |line: &str| {
                let (known, action) = line.split_once('=')?;
                (known.trim() == name).then(|| action.parse().unwrap_or(Action::Off))
            };
            let followed = text.as_deref().and_then(|text| text.lines().rev().find_map(line));
            followed.or_else(|| self.actions.get(name).cloned()).unwrap_or(Action::Off)
        }
    }

    /// Says what happens at a point from now on.
    pub fn set(name: &str, action: Action) {
        table().actions.insert(name.to_owned(), action);
    }

    /// Makes all points harmless again.
    pub fn clear() {
        *table() = Table::default();
    }

    /// Reads at each point, from now on, what happens there from a file.
    pub fn follow(path: impl Into<PathBuf>) {
        table().followed = Some(path.into());
    }

    /// How often each point was reached.
    #[must_use]
    pub fn hits() -> BTreeMap<&'static str, u64> {
        table().hits.clone()
    }

    /// A point of this name is reached.
    ///
    /// # Errors
    ///
    /// The error that a test has put here.
    ///
    /// # Panics
    ///
    /// If a test wants that.
    pub fn point(name: &'static str) -> Result<(), DriverError> {
        let mut action = {
            let mut table = table();
            *table.hits.entry(name).or_default() += 1;
            table.action(name)
        };
        while action == Action::Block {
            std::thread::sleep(LOOK);
            action = table().action(name);
        }
        match action {
            Action::Off | Action::Block => Ok(()),
            // Without the hook, which would write a report of what is wanted here.
            Action::Panic => std::panic::resume_unwind(Box::new(format!("the fail point {name}"))),
            Action::Error(class) => Err(error(&class, name)),
            action @ (Action::Kill | Action::KillOnce) => {
                let followed = table().followed.clone().filter(|_| action == Action::KillOnce);
                if let Some(path) = followed {
                    let _error = std::fs::remove_file(path);
                }
                let _error = kill_process(getpid(), Signal::KILL);
                // The signal is on its way; nothing of ours must happen meanwhile.
                loop {
                    std::thread::park();
                }
            }
        }
    }

    fn error(class: &str, name: &str) -> DriverError {
        let reason = format!("the fail point {name}");
        match class {
            "retry" => DriverError::Retry { reason, after: None, source: None },
            "busy" => DriverError::Busy { what: reason, by: vec!["a test".to_owned()] },
            "not found" => DriverError::not_found(reason),
            "exists" => DriverError::Exists { what: reason, reason: "by a test".to_owned() },
            "no space" => {
                DriverError::NoSpace { what: reason, needed: None, free: None, source: None }
            }
            "not supported" => DriverError::not_supported(reason, "by a test"),
            "refused" => Refusal::Other(reason).into(),
            "back end down" => DriverError::down(reason),
            "cancelled" => GivenUp::Asked.into(),
            "unknown" => {
                let again = Again::After(Duration::ZERO);
                DriverError::Unknown { reason, again, source: None }
            }
            _ => DriverError::bug(reason),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// The table is one for the process, so all of it is one test.
        #[test]
        fn a_point_does_what_the_table_says_and_a_followed_file_comes_first() {
            const NAME: &str = "driver::test::point";
            point(NAME).expect("nothing is said");
            for class in [
                "retry",
                "busy",
                "not found",
                "exists",
                "no space",
                "not supported",
                "refused",
                "back end down",
                "cancelled",
                "bug",
                "unknown",
            ] {
                set(NAME, Action::Error(class.to_owned()));
                assert_eq!(point(NAME).expect_err("it fails").class(), class);
            }
            set(NAME, Action::Panic);
            assert!(std::panic::catch_unwind(|| point(NAME)).is_err());

            let directory = tempfile::tempdir().expect("there is a temporary directory");
            let path = directory.path().join("points");
            std::fs::write(&path, format!("x = kill\n{NAME} = block\n")).expect("write");
            follow(&path);
            let blocked = std::thread::spawn(|| point(NAME));
            let until = std::time::Instant::now() + Duration::from_secs(60);
            while hits().get(NAME) != Some(&14) && std::time::Instant::now() < until {
                std::thread::yield_now();
            }
            assert!(!blocked.is_finished());
            std::fs::write(&path, format!("{NAME} = error busy\n")).expect("write");
            let result = blocked.join().expect("it does not panic");
            assert_eq!(result.expect_err("it fails").class(), "busy");
            clear();
            point(NAME).expect("nothing is said");
        }
    }
}
