//! The thread that sends notifications, and what it shares with those who tell them.
//!
//! Started with the first notification. It sends one after the other, each in all its copies, so that they arrive in
//! their order; one that cannot be sent yet keeps the next ones waiting. Must not: run a caller's code but for
//! the word of what became of a notification.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::buffer::{Buffer, Waiting};
use super::message;
use super::{NotifyCounts, NotifyOptions, Told};
use crate::outlet::{NotSent, Outlet};

/// How long one try may take.
const TRY: Duration = Duration::from_secs(5);
/// Between two tries, where the broker has answered at once.
const PAUSE: Duration = Duration::from_secs(1);
/// What is dropped is said at most so often.
const BETWEEN_WORDS: Duration = Duration::from_secs(60);

/// See the module's head.
pub(super) struct Sender {
    shared: Arc<Shared>,
}

struct Shared {
    options: Arc<NotifyOptions>,
    told: Box<dyn Fn(Told) + Send + Sync>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    buffer: Buffer,
    outlet: Option<Arc<dyn Outlet>>,
    phase: Phase,
    /// Whether one is on its way.
    in_hand: bool,
    sent: u64,
    dropped: u64,
    /// Those of them that have been said, and when that was.
    said: u64,
    said_at: Option<Instant>,
    /// Why the last one was not sent.
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// Nothing has been told, so there is no thread.
    #[default]
    Resting,
    Running,
    /// What waits is sent if that can be done until then.
    Ending(Instant),
    /// Nothing is taken any more.
    Over,
}

impl Sender {
    pub(super) fn new(options: Arc<NotifyOptions>, told: Box<dyn Fn(Told) + Send + Sync>) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self { shared: Arc::new(Shared { options, told, state, changed }) }
    }

    pub(super) fn through(&self, outlet: Arc<dyn Outlet>) {
        let mut state = self.shared.state();
        if !matches!(state.phase, Phase::Ending(_) | Phase::Over) {
            state.outlet = Some(outlet);
            drop(state);
            self.shared.changed.notify_all();
        }
    }

    /// Takes one, and starts the thread if it is the first.
    pub(super) fn take(&self, one: Waiting) {
        let mut state = self.shared.state();
        if matches!(state.phase, Phase::Ending(_) | Phase::Over) {
            state.dropped += 1;
            drop(state);
            (self.shared.told)(Told::Dropped);
            return;
        }
        if state.phase == Phase::Resting {
            let shared = Arc::clone(&self.shared);
            // Logs go where those of whoever started it go.
            let logs = tracing::dispatcher::get_default(Clone::clone);
            let thread = std::thread::Builder::new().name("notifications".into());
            let started =
                thread.spawn(move || tracing::dispatcher::with_default(&logs, || run(&shared)));
            match started {
                // Never joined: at its end it is waited for, and not for long.
                Ok(_) => state.phase = Phase::Running,
                Err(error) => {
                    // The next one tries again; meanwhile they wait.
                    tracing::error!(
                        target: "oslo_messaging.notify", "No thread for notifications: {error}"
                    );
                }
            }
        }
        let dropped = state.buffer.put(one);
        state.dropped += dropped;
        if dropped > 0 {
            state.reason.get_or_insert_with(|| "there is no bus yet".to_owned());
        }
        drop(state);
        (0..dropped).for_each(|_| (self.shared.told)(Told::Dropped));
        self.shared.changed.notify_all();
    }

    pub(super) fn counts(&self) -> NotifyCounts {
        let state = self.shared.state();
        let waiting = state.buffer.len() + usize::from(state.in_hand);
        NotifyCounts { sent: state.sent, dropped: state.dropped, waiting }
    }

    pub(super) fn finish(&self, until: Instant) -> bool {
        let mut state = self.shared.state();
        let before = state.dropped;
        match state.phase {
            Phase::Resting => {
                state.phase = Phase::Over;
                state.outlet = None;
                return true;
            }
            Phase::Running => state.phase = Phase::Ending(until),
            Phase::Ending(_) | Phase::Over => {}
        }
        self.shared.changed.notify_all();
        while state.phase != Phase::Over {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let in_hand = u64::from(std::mem::take(&mut state.in_hand));
        let left = state.buffer.clear() + in_hand;
        state.dropped += left;
        state.phase = Phase::Over;
        state.outlet = None;
        let reason = state.reason.take();
        // Together with what was dropped before and has not been said.
        let unsaid = state.dropped - state.said;
        state.said = state.dropped;
        let all_went = state.dropped == before;
        drop(state);
        (0..left).for_each(|_| (self.shared.told)(Told::Dropped));
        if unsaid > 0 {
            let reason = reason.unwrap_or_else(|| "there was no time".to_owned());
            tracing::error!(
                target: "oslo_messaging.notify",
                "{unsaid} notifications are dropped at the end: {reason}"
            );
        }
        all_went
    }
}

/// Nobody is left to tell anything, and nobody has ended it.
impl Drop for Sender {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state.phase == Phase::Running {
            state.phase = Phase::Ending(Instant::now());
        }
        drop(state);
        self.shared.changed.notify_all();
    }
}

/// The thread.
fn run(shared: &Shared) {
    while let Some((one, outlet)) = shared.next() {
        let outcome = shared.send(&one, &*outlet);
        shared.done(&one, outcome);
    }
    let mut state = shared.state();
    state.phase = Phase::Over;
    drop(state);
    shared.changed.notify_all();
}

impl Shared {
    /// Whole values only are written under it, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next notification, with the way that it takes; nothing at the end.
    fn next(&self) -> Option<(Waiting, Arc<dyn Outlet>)> {
        let mut state = self.state();
        loop {
            match (state.phase, state.outlet.clone()) {
                (Phase::Over, _) | (Phase::Ending(_), None) => return None,
                (_, Some(outlet)) => {
                    if let Some(one) = state.buffer.next() {
                        state.in_hand = true;
                        return Some((one, outlet));
                    }
                    if state.phase != Phase::Running {
                        return None;
                    }
                }
                (_, None) => {}
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// All copies of one. One that cannot be sent at all does not keep the others from it.
    fn send(&self, one: &Waiting, outlet: &dyn Outlet) -> Result<(), String> {
        let mut failed = None;
        for format in &self.options.formats {
            for topic in &self.options.topics {
                let queue = format!("{topic}.{}", one.priority.suffix());
                let body = message::body(&one.text, *format);
                if let Err(reason) = self.send_copy(&queue, &body, outlet) {
                    failed = Some(format!("{queue}: {reason}"));
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn send_copy(&self, queue: &str, body: &[u8], outlet: &dyn Outlet) -> Result<(), String> {
        let mut tries = 0_u32;
        loop {
            let deadline = Instant::now() + TRY;
            let (exchange, wanted) = (&self.options.exchange, || self.may_go_on());
            let reason = match outlet.offer(exchange, queue, body, deadline, &wanted) {
                Ok(()) => return Ok(()),
                Err(NotSent::Never(reason)) => return Err(reason),
                Err(NotSent::Yet(reason)) => reason,
            };
            let is_last = self.options.retry.is_some_and(|retry| tries >= retry);
            if is_last || self.is_ending() {
                return Err(reason);
            }
            tries = tries.saturating_add(1);
            self.state().reason = Some(format!("{queue}: {reason}"));
            self.say_dropped();
            self.pause(deadline.saturating_duration_since(Instant::now()).min(PAUSE));
        }
    }

    /// Waits for so long, or for the beginning of the end.
    fn pause(&self, limit: Duration) {
        let state = self.state();
        let is_on = |state: &mut State| state.phase == Phase::Running;
        drop(self.changed.wait_timeout_while(state, limit, is_on));
    }

    fn is_ending(&self) -> bool {
        self.state().phase != Phase::Running
    }

    /// Whether there is time to wait for an answer.
    fn may_go_on(&self) -> bool {
        match self.state().phase {
            Phase::Resting | Phase::Running => true,
            Phase::Ending(until) => Instant::now() < until,
            Phase::Over => false,
        }
    }

    fn done(&self, one: &Waiting, outcome: Result<(), String>) {
        let mut state = self.state();
        if state.phase == Phase::Over {
            return; // it was too late, and has been counted as dropped
        }
        state.in_hand = false;
        let told = match outcome {
            Ok(()) => {
                state.sent += 1;
                state.reason = None;
                Told::Sent
            }
            Err(reason) => {
                state.dropped += 1;
                state.reason = Some(format!("{}, {reason}", one.event_type));
                if matches!(state.phase, Phase::Ending(_)) {
                    // What is left would fare no better.
                    state.phase = Phase::Ending(Instant::now());
                    state.outlet = None;
                }
                Told::Dropped
            }
        };
        drop(state);
        (self.told)(told);
        self.say_dropped();
    }

    /// Says how many were dropped since that was said last.
    fn say_dropped(&self) {
        let mut state = self.state();
        let new = state.dropped - state.said;
        let is_early = state.said_at.is_some_and(|at| at.elapsed() < BETWEEN_WORDS);
        // An end says it together with what is left then.
        if new == 0 || is_early || state.phase != Phase::Running {
            return;
        }
        state.said = state.dropped;
        state.said_at = Some(Instant::now());
        let (all, waiting) = (state.dropped, state.buffer.len());
        let reason = state.reason.clone().unwrap_or_else(|| "too many at a time".to_owned());
        drop(state);
        tracing::error!(
            target: "oslo_messaging.notify",
            "{new} notifications were dropped, {all} in all, and {waiting} wait: {reason}"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;
    use crate::notify::{Format, Priority, buffer::MOST};

    const LIMIT: Duration = Duration::from_secs(30);

    /// A broker that is there or not, and what it has got.
    #[derive(Default)]
    struct Pretend {
        is_there: AtomicBool,
        refuses: Mutex<Option<String>>,
        got: Mutex<Vec<(String, String)>>,
        tries: AtomicUsize,
    }

    impl Outlet for Pretend {
        fn offer(
            &self,
            _: &str,
            queue: &str,
            body: &[u8],
            deadline: Instant,
            is_wanted: &dyn Fn() -> bool,
        ) -> Result<(), NotSent> {
            self.tries.fetch_add(1, Ordering::SeqCst);
            if self.refuses.lock().unwrap().as_deref() == Some(queue) {
                return Err(NotSent::Never("refused".into()));
            }
            while !self.is_there.load(Ordering::SeqCst) {
                if Instant::now() >= deadline || !is_wanted() {
                    return Err(NotSent::Yet("away".into()));
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            let body = serde_json::from_slice::<serde_json::Value>(body).unwrap();
            let what = body["n"].to_string();
            self.got.lock().unwrap().push((queue.to_owned(), what));
            Ok(())
        }
    }

    fn sender(retry: Option<u32>, topics: &[&str]) -> (Sender, Arc<Pretend>) {
        let options = NotifyOptions {
            topics: topics.iter().map(|one| (*one).to_owned()).collect(),
            formats: vec![Format::Bare],
            retry,
            ..NotifyOptions::default()
        };
        let outlet = Arc::new(Pretend::default());
        let sender = Sender::new(Arc::new(options), Box::new(|_| {}));
        sender.through(outlet.clone());
        (sender, outlet)
    }

    fn tell(sender: &Sender, number: usize) {
        sender.take(Waiting {
            event_type: format!("event {number}"),
            priority: Priority::Info,
            text: format!("{{\"n\":{number}}}"),
        });
    }

    fn eventually(what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + LIMIT;
        while !is_so() {
            assert!(Instant::now() < end, "never: {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn nothing_is_started_before_something_is_told() {
        let (sender, outlet) = sender(None, &["t"]);
        assert_eq!(sender.shared.state().phase, Phase::Resting);
        outlet.is_there.store(true, Ordering::SeqCst);
        tell(&sender, 1);
        assert_eq!(sender.shared.state().phase, Phase::Running);
        eventually("it is sent", || sender.counts().sent == 1);
        assert!(sender.finish(Instant::now() + LIMIT));
    }

    #[test]
    fn all_that_was_told_before_an_end_is_sent_in_its_order_to_all_topics() {
        let (sender, outlet) = sender(None, &["a", "b"]);
        outlet.is_there.store(true, Ordering::SeqCst);
        (0..100).for_each(|number| tell(&sender, number));
        assert!(sender.finish(Instant::now() + LIMIT));
        let expected: Vec<_> = (0..100)
            .flat_map(|n| ["a.info", "b.info"].map(|queue| (queue.to_owned(), n.to_string())))
            .collect();
        assert_eq!(*outlet.got.lock().unwrap(), expected);
        assert_eq!(sender.counts(), NotifyCounts { sent: 100, dropped: 0, waiting: 0 });
        tell(&sender, 100); // it comes too late
        assert_eq!(sender.counts().dropped, 1);
    }

    #[test]
    fn a_broker_that_is_away_costs_no_more_than_the_buffer_and_then_the_oldest() {
        let (sender, outlet) = sender(None, &["t"]);
        tell(&sender, 0);
        eventually("the first is in hand", || outlet.tries.load(Ordering::SeqCst) > 0);
        let started = Instant::now();
        (1..MOST + 11).for_each(|number| tell(&sender, number));
        // None of them has waited for the try that is on its way.
        assert!(started.elapsed() < TRY, "{:?}", started.elapsed());
        let counts = sender.counts();
        assert_eq!((counts.dropped, counts.waiting), (10, MOST + 1));
        outlet.is_there.store(true, Ordering::SeqCst);
        eventually("the rest arrives", || sender.counts().waiting == 0);
        let got: Vec<usize> =
            outlet.got.lock().unwrap().iter().map(|(_, number)| number.parse().unwrap()).collect();
        assert_eq!(got, [0].into_iter().chain(11..MOST + 11).collect::<Vec<_>>());
    }

    #[test]
    fn an_end_does_not_wait_longer_than_it_is_told_and_counts_what_is_left() {
        let (sender, _outlet) = sender(None, &["t"]);
        (0..3).for_each(|number| tell(&sender, number));
        let started = Instant::now();
        assert!(!sender.finish(started + Duration::from_millis(50)));
        assert!(started.elapsed() < TRY, "{:?}", started.elapsed());
        assert_eq!(sender.counts(), NotifyCounts { sent: 0, dropped: 3, waiting: 0 });
    }

    #[test]
    fn what_is_given_up_during_an_end_is_said_with_the_rest() {
        let (sender, outlet) = sender(Some(0), &["t"]);
        (0..3).for_each(|number| tell(&sender, number));
        eventually("the first is in hand", || outlet.tries.load(Ordering::SeqCst) > 0);
        assert!(!sender.finish(Instant::now() + TRY + Duration::from_secs(5)));
        // The try that was on its way has ended by itself; nothing that was left is tried then.
        assert_eq!(outlet.tries.load(Ordering::SeqCst), 1);
        assert_eq!(sender.counts(), NotifyCounts { sent: 0, dropped: 3, waiting: 0 });
        let state = sender.shared.state();
        assert_eq!((state.said, state.said_at), (3, None));
    }

    #[test]
    fn one_that_is_not_tried_again_is_dropped_and_the_next_one_has_its_turn() {
        let (sender, outlet) = sender(Some(0), &["t"]);
        tell(&sender, 0);
        eventually("it is given up", || sender.counts().dropped == 1);
        assert_eq!(outlet.tries.load(Ordering::SeqCst), 1);
        outlet.is_there.store(true, Ordering::SeqCst);
        tell(&sender, 1);
        eventually("the next one is sent", || sender.counts().sent == 1);
    }

    #[test]
    fn a_topic_that_takes_nothing_does_not_keep_the_others_from_it() {
        let (sender, outlet) = sender(None, &["bad", "good"]);
        outlet.is_there.store(true, Ordering::SeqCst);
        *outlet.refuses.lock().unwrap() = Some("bad.info".into());
        tell(&sender, 7);
        eventually("it counts as dropped", || sender.counts().dropped == 1);
        assert_eq!(*outlet.got.lock().unwrap(), [("good.info".to_owned(), "7".to_owned())]);
    }
}
