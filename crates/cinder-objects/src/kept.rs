//! Until when the sender of a message keeps it. Must not: know methods.

/// When the sender of a method's message need not keep it any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptUntil {
    /// Until the entry in `workers` is ours.
    Claimed,
    /// Until the operation's file is written.
    Filed,
    /// Until a thread takes it: there is no transitional status that would have to end.
    Taken,
}
