//! Which requests wait although there would be room: those that are cast to a drained back end, whose senders or broker keep
//! them. What is called is refused by the [endpoint](super::endpoint), because somebody waits for it.
//!
//! Must not: wait.

use cinder_objects::Method;
use oslo_messaging::{Admitted, Attendant};

use super::counting::Counting;
use super::operators;

impl Attendant for Counting {
    fn waits(&self, lane: usize, count: usize) {
        self.wait(lane, count);
    }

    fn holds(&self, request: &Admitted) -> bool {
        !request.incoming().is_call() && is_work(request.method()) && self.is_drained()
    }
}

/// Whether a drained back end does not take this.
fn is_work(method: &str) -> bool {
    method != Method::PublishServiceCapabilities.name() && !operators::ALL.contains(&method)
}
