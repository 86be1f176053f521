//! What a bus has to offer to notifications: a queue that keeps each. Must not: know what they say.

use std::time::Instant;

/// A way over which notifications go.
pub(crate) trait Outlet: Send + Sync {
    /// Hands one over; a queue of that name keeps it, also if nobody listens. Waits until the
    /// deadline, or until that is not wanted any more.
    fn offer(
        &self,
        exchange: &str,
        queue: &str,
        body: &[u8],
        deadline: Instant,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<(), NotSent>;
}

/// Why a notification is not with the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    not(any(feature = "rabbit", test)),
    expect(dead_code, reason = "only a broker says that it cannot")
)]
pub(crate) enum NotSent {
    /// It may be the next time; the reason.
    Yet(String),
    /// It never will be.
    Never(String),
}
