//! Keeps a thread's AMQP library silent, and lets everything else through.
//!
//! The library prints whole messages when one is returned to it, tokens included, and a line per
//! channel when a connection breaks. What matters of it is told by us, once. Must not: change what
//! anybody else logs.

use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};

/// Passes everything to another subscriber but what certain libraries say.
pub(crate) struct Quiet(Dispatch);

/// Beginnings of the targets that are not heard.
const SILENCED: [&str; 7] =
    ["lapin", "amq_protocol", "tcp_stream", "async_rs", "rustls", "futures_rustls", "tokio"];

fn is_silenced(metadata: &Metadata<'_>) -> bool {
    SILENCED.iter().any(|name| metadata.target().starts_with(name))
}

impl Quiet {
    /// For this thread until the guard is dropped; `to` is where the rest goes.
    pub(crate) fn begin(to: Dispatch) -> tracing::dispatcher::DefaultGuard {
        tracing::dispatcher::set_default(&Dispatch::new(Self(to)))
    }
}

impl Subscriber for Quiet {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_silenced(metadata) { Interest::never() } else { Interest::sometimes() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !is_silenced(metadata) && self.0.enabled(metadata)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.0.new_span(span)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.0.record(span, values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.0.record_follows_from(span, follows);
    }

    fn event(&self, event: &Event<'_>) {
        if !is_silenced(event.metadata()) {
            self.0.event(event);
        }
    }

    fn enter(&self, span: &Id) {
        self.0.enter(span);
    }

    fn exit(&self, span: &Id) {
        self.0.exit(span);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.0.clone_span(id)
    }

    fn try_close(&self, id: Id) -> bool {
        self.0.try_close(id)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> tracing_subscriber::Layer<S> for Heard {
        fn on_event(&self, event: &Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            self.0.lock().expect("no panic").push(event.metadata().target().to_owned());
        }
    }

    #[test]
    fn the_library_is_not_heard_and_everybody_else_is() {
        let heard = Heard::default();
        let to = Dispatch::new(tracing_subscriber::registry().with(heard.clone()));
        let say = || {
            tracing::warn!(target: "lapin::returned_messages", "a body");
            tracing::error!(target: "rustls::conn", "a record");
            tracing::warn!(target: "oslo_messaging.connection", "ours");
        };
        {
            let _quiet = Quiet::begin(to.clone());
            say();
        }
        assert_eq!(*heard.0.lock().expect("no panic"), ["oslo_messaging.connection"]);
        tracing::dispatcher::with_default(&to, say);
        assert_eq!(heard.0.lock().expect("no panic").len(), 4);
    }
}
