//! Counting results, and the one closing line that scripts read.

use std::fmt;
use std::ops::AddAssign;
use std::process::ExitCode;

/// How many checks passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
    /// How many of those that passed did so at a second attempt only, see [`crate::second`].
    pub(crate) unsteady: u32,
}

impl Tally {
    pub(crate) fn passed() -> Self {
        Self { passed: 1, ..Self::default() }
    }

    pub(crate) fn failed() -> Self {
        Self { failed: 1, ..Self::default() }
    }

    pub(crate) fn skipped() -> Self {
        Self { skipped: 1, ..Self::default() }
    }

    pub(crate) fn unsteady() -> Self {
        Self { passed: 1, unsteady: 1, ..Self::default() }
    }

    /// A line about tests that were not steady, if there were any.
    pub(crate) fn unsteadiness(self) -> String {
        match self.unsteady {
            0 => String::new(),
            some => {
                format!("{some} passed at a second attempt only, see UNSTEADY above: mend them\n")
            }
        }
    }

    /// Success only when something ran and nothing failed: a run of nothing proves nothing.
    pub(crate) fn exit_code(self) -> ExitCode {
        if self.failed == 0 && self.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.unsteady += other.unsteady;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_has_the_form_that_scripts_read() {
        let mut all = Tally::passed();
        all += Tally { passed: 2, skipped: 1, ..Tally::default() };
        assert_eq!(all.to_string(), "3 passed, 0 failed, 1 skipped");
        assert_eq!(all.exit_code(), ExitCode::SUCCESS);
    }

    #[test]
    fn a_run_of_nothing_is_not_a_success() {
        assert_eq!(Tally::skipped().exit_code(), ExitCode::FAILURE);
        assert_eq!(
            Tally { passed: 9, failed: 1, ..Tally::default() }.exit_code(),
            ExitCode::FAILURE
        );
    }
}
