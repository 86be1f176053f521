//! How an operation goes, told to whoever brought it. Must not: know who that is.

use crate::error::Failure;

/// The course of one operation.
pub trait Course {
    /// What is wanted stands where it survives this process: the message may go.
    fn recorded(&mut self);

    /// What it is about: the id of a volume or snapshot.
    fn about(&mut self, resource: &str);

    /// What it does now, in a word.
    fn step(&mut self, step: &'static str);

    /// Where one brings many: an operation that was interrupted is taken up.
    fn begins(&mut self, method: &str, resource: &str) {
        let _ = method;
        self.about(resource);
    }

    /// The one that was taken up last has come to its end.
    fn ended(&mut self, result: Result<(), &Failure>) {
        let _ = result;
    }
}

/// Nobody looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unseen;

impl Course for Unseen {
    fn recorded(&mut self) {}

    fn about(&mut self, _: &str) {}

    fn step(&mut self, _: &'static str) {}
}
