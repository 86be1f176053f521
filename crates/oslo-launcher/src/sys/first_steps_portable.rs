//! The first steps of a process where there are neither signals nor inherited descriptors.

/// See the Unix variant.
#[derive(Debug)]
#[must_use = "it has to be said what this process is"]
pub struct FirstSteps(());

/// Children of whoever started this program; there are none here.
#[derive(Debug, Default)]
pub struct Inherited(());

impl FirstSteps {
    /// Takes them.
    pub fn take() -> Self {
        Self(())
    }

    /// For a process that gets a launcher.
    pub fn into_daemon(self) -> Inherited {
        Inherited::default()
    }

    /// For any other.
    pub fn into_command(self) {}
}

impl Inherited {
    pub(crate) fn bury(&mut self) {}

    pub(crate) fn may_be_anybody(&self) -> bool {
        false
    }
}
