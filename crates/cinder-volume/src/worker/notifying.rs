//! The notifications of a worker: what its manager and its log tell, and how they end.
//!
//! Made in the worker, and opened with the first of them. Must not: know what is told.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use cinder_db::Timestamp;
use cinder_manager::Notification;
use oslo_launcher::WorkerHandle;
use oslo_log::mask::mask_password;
use oslo_messaging::{self as messaging, Bus, Context, Notifier, NotifyCounts, Priority, Told};

use super::ending::{Ending, Stage};
use crate::logging;
use crate::metrics::{Meters, Metric};
use crate::notifications::NotificationsPlan;

/// How long a stop waits for those that have not been sent.
const LAST: Duration = Duration::from_secs(3);
/// Loggers of what tells notifications: an error in there would be told by the same.
const OWN_LOGGERS: [&str; 2] = ["oslo_messaging", "oslo.messaging"];
/// Who tells the lines of a log, and as what, in the original.
const ERROR_PUBLISHER: &str = "error.publisher";
const ERROR_EVENT: &str = "error_notification";

/// See the module's head.
#[derive(Debug, Clone)]
pub(super) struct Notifying {
    notifier: Notifier,
    /// Whether they have a broker of their own.
    is_apart: bool,
    pub(super) is_alone: bool,
}

impl Notifying {
    /// What tells the notifications of this plan, until `ending` ends it.
    pub(super) fn of(plan: &NotificationsPlan, worker: &WorkerHandle, ending: &mut Ending) -> Self {
        let counter = worker.clone();
        let told = move |told| Meters::of(&counter).add(Metric::Notifications, &[told as usize], 1);
        let notifier = Notifier::new(plan.options.clone(), told);
        let own = plan.own_bus();
        let this = Self {
            is_apart: own.as_ref().is_some_and(|bus| notifier.through(bus)),
            notifier,
            is_alone: plan.is_alone,
        };
        if plan.errors {
            let errors = this.notifier.clone();
            logging::publish_errors(move |logger, message| tell_error(&errors, logger, message));
        }
        if this.notifier.needs_bus() {
            let notifier = this.notifier.clone();
            ending.add(Stage::Notifications, move || _ = notifier.finish(LAST));
        }
        this
    }

    /// The service's bus is open.
    pub(super) fn over(&self, bus: &Bus) {
        if !self.is_apart {
            self.notifier.through(bus);
        }
    }

    /// A line for a report. Waits for nobody.
    pub(super) fn report(&self) -> String {
        let mut text = String::new();
        if self.notifier.needs_bus() {
            let NotifyCounts { sent, dropped, waiting } = self.notifier.counts();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "notifications: {sent} sent, {dropped} dropped, {waiting} wait");
        }
        text
    }

    /// As the manager wants it.
    pub(super) fn seam(&self) -> Arc<dyn cinder_manager::Notifier> {
        Arc::new(self.clone())
    }
}

impl cinder_manager::Notifier for Notifying {
    fn notify(&self, notification: Notification) {
        let Notification { context, publisher_id, event_type, payload, at } = notification;
        self.notifier.notify(&messaging::Notification {
            publisher_id,
            event_type,
            priority: Priority::Info,
            payload,
            timestamp: at.to_string(),
            context: Some(Context::new(context.forward())),
        });
    }
}

/// Tells a line of the log.
fn tell_error(notifier: &Notifier, logger: &str, message: &str) {
    let is_own = |own: &str| {
        logger.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if OWN_LOGGERS.into_iter().any(is_own) {
        return;
    }
    notifier.notify(&messaging::Notification {
        publisher_id: ERROR_PUBLISHER.to_owned(),
        event_type: ERROR_EVENT.to_owned(),
        priority: Priority::Error,
        payload: serde_json::json!({ "error": mask_password(message) }),
        timestamp: Timestamp::now().to_string(),
        context: None,
    });
}

/// Its places are those of the metric's label.
const _: () = assert!(Told::Sent as usize == 0 && Told::Dropped as usize == 1);

#[cfg(test)]
mod tests {
    use oslo_messaging::{Format, NotifyOptions};

    use super::*;

    #[test]
    fn what_tells_errors_does_not_tell_its_own() {
        let options = NotifyOptions {
            topics: vec!["t".to_owned()],
            formats: vec![Format::Bare],
            ..NotifyOptions::default()
        };
        let notifier = Notifier::new(options, |_| ());
        notifier.finish(Duration::ZERO); // what is told from now on is counted as dropped
        for (logger, count) in [
            ("oslo_messaging", 0),
            ("oslo_messaging.notify", 0),
            ("oslo.messaging.notification.x", 0),
            ("oslo_messagingx", 1),
            ("cinder.volume.manager", 2),
        ] {
            tell_error(&notifier, logger, "it is broken");
            assert_eq!(notifier.counts().dropped, count, "{logger}");
        }
    }
}
