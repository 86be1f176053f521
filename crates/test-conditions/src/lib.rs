//! What a test does where the machine lacks what it needs: it says so, and fails in CI.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

/// Tells why the test that calls this does nothing, past the harness, which keeps to itself what a test prints that
/// passes, in a line that `cargo xtask test` counts. The test has to return then.
///
/// # Panics
///
/// Where the environment has `CI`.
pub fn skip(reason: &str) {
    assert!(variable("CI").is_none(), "not in CI, where all that a test needs is there: {reason}");
    // One write, so that no other test's words get into the line.
    let _nobody_reads = std::io::stderr().write_all(format!("skipped: {reason}\n").as_bytes());
}

/// What `name` is set to, for whom tests run; skipped if it is not.
///
/// # Panics
///
/// As [`skip`].
#[must_use]
pub fn needed(name: &str, what: &str) -> Option<OsString> {
    let value = variable(name);
    if value.is_none() {
        skip(&format!("{name} names no {what}"));
    }
    value
}

/// The original's interpreter; skipped if there is none.
///
/// # Panics
///
/// As [`skip`].
#[must_use]
pub fn original() -> Option<PathBuf> {
    let environment = needed("CINDER_PYTHON", "virtual environment with cinder 29.0.0")?;
    Some(PathBuf::from(environment).join("bin/python"))
}

#[expect(clippy::disallowed_methods, reason = "tests are told by their caller what there is")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Output};

    use super::*;

    /// Set for the one that does nothing.
    const DOES_NOTHING: &str = "TEST_CONDITIONS_DOES_NOTHING";

    /// Runs itself, as the harness runs any test, and looks at what comes of it.
    #[test]
    fn who_does_nothing_says_so_past_the_harness_and_fails_in_ci() {
        if variable(DOES_NOTHING).is_some() {
            return skip("nothing is here");
        }
        let run = |ci: Option<&str>| -> Output {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args([
                "--exact",
                "tests::who_does_nothing_says_so_past_the_harness_and_fails_in_ci",
            ]);
            command.env(DOES_NOTHING, "1").env_remove("CI").envs(ci.map(|value| ("CI", value)));
            command.output().unwrap()
        };
        let elsewhere = run(None);
        assert!(elsewhere.status.success(), "{elsewhere:?}");
        assert_eq!(String::from_utf8_lossy(&elsewhere.stderr), "skipped: nothing is here\n");
        let in_ci = run(Some("true"));
        assert!(!in_ci.status.success(), "{in_ci:?}");
        let said = String::from_utf8_lossy(&in_ci.stdout).into_owned();
        assert!(said.contains("nothing is here") && said.contains("1 failed"), "{said}");
    }
}
