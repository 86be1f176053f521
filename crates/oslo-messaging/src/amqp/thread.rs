//! The messaging thread from outside: started when it is first needed, asked by commands.
//!
//! Every handle knows the process that started the thread; a forked copy of it refuses. Must not:
//! wait for the thread, except at the end and then not for long.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::commands::{Command, Commands};
use super::driver;
use super::naming::Naming;
use super::session::Place;
use super::state::{BusState, Picture, Purpose};
use super::topology::Topology;
use crate::error::ServeError;
use crate::reception::Reception;
use crate::server::{Carrier, Server, ServerOptions};
use crate::target::{Target, checked};
use crate::url::{Broker, BrokerHost};

/// How long the last replies and the end of the queues of this life are waited for.
const CLOSING: Duration = Duration::from_millis(2_300);
/// How long the end of the thread is waited for.
const LAST: Duration = Duration::from_millis(1_500);

/// A bus over a broker. Its thread ends with it.
#[derive(Debug)]
pub(crate) struct Rabbit {
    pub(crate) broker: Broker,
    /// Begins the names of the connections.
    program: String,
    /// Makes queues and connections of this process unique.
    id: String,
    /// Where queues have names that last.
    naming: Option<Naming>,
    /// The queue that answers to our calls come to, once there is a call.
    reply_queue: Arc<OnceLock<String>>,
    picture: Arc<Picture>,
    numbers: Arc<AtomicU64>,
    /// Other ones than at first.
    hosts: Mutex<Option<Vec<BrokerHost>>>,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    /// The process whose thread it is.
    opener: u32,
    commands: Commands,
    thread: std::thread::JoinHandle<()>,
}

impl Rabbit {
    pub(crate) fn new(broker: Broker, program: &str) -> Self {
        let host = broker.hosts.first().map(ToString::to_string).unwrap_or_default();
        Self {
            naming: Naming::of(&broker),
            broker,
            program: program.to_owned(),
            id: fresh(),
            reply_queue: Arc::default(),
            picture: Arc::new(Picture::new(BusState::resting(host))),
            numbers: Arc::new(AtomicU64::new(1)), // 0 is the place of replies
            hosts: Mutex::default(),
            running: Mutex::default(),
        }
    }

    /// Connects to these from the next connection on.
    pub(crate) fn reach(&self, hosts: &[BrokerHost]) {
        *self.hosts.lock().unwrap_or_else(PoisonError::into_inner) = Some(hosts.to_vec());
        let running = self.running();
        if let Some(running) = running.as_ref().filter(|one| one.opener == std::process::id()) {
            running.commands.post(Command::Reach(hosts.to_vec()));
        }
    }

    pub(crate) fn state(&self) -> Arc<BusState> {
        self.picture.last()
    }

    /// Why nothing goes over it just now, for operators.
    pub(super) fn why_late(&self) -> String {
        let state = self.state();
        let sending = state.connections.iter().find(|one| one.purpose == Purpose::Publishing);
        let known = state.ended.clone().or_else(|| {
            let sending = sending?;
            sending.blocked.clone().or_else(|| sending.reason.clone())
        });
        known.unwrap_or_else(|| "the broker does not answer".to_owned())
    }

    pub(crate) fn watch(&self, told: Box<dyn Fn() + Send + Sync>) {
        self.picture.watch(told);
    }

    /// Listens for these targets. The connections need not be there yet.
    pub(crate) fn serve(
        self: &Arc<Self>,
        targets: &[Target],
        options: ServerOptions,
    ) -> Result<Server, ServeError> {
        let ids: Result<Vec<_>, _> = targets.iter().map(|target| self.id_for(target)).collect();
        let ids = ids?;
        let commands = self.commands().map_err(|source| ServeError::Thread { source })?;
        let configured = self.broker.options.rabbit_qos_prefetch_count;
        let prefetch = match usize::try_from(configured) {
            Ok(0) | Err(_) => options.prefetch(),
            Ok(some) => some,
        };
        let prefetch = u16::try_from(prefetch).unwrap_or(u16::MAX);
        let reception = Arc::new(Reception::new(options.words));
        // Each on a channel of its own: what is wrong with one is not wrong with the others.
        let places: Vec<Place> = targets.iter().map(|_| self.number()).collect();
        let server = places.first().copied().unwrap_or_else(|| self.number());
        for ((place, target), id) in places.iter().zip(targets).zip(ids) {
            commands.post(Command::Serve {
                place: *place,
                server,
                target: target.clone(),
                id,
                reception: Arc::clone(&reception),
                prefetch,
            });
        }
        let carrier = Rabbitry { _rabbit: Arc::clone(self), commands, places };
        Ok(Server::new(Box::new(carrier), reception).numbered(server))
    }

    /// What makes the fan-out queue of a server unique.
    fn id_for(&self, target: &Target) -> Result<String, ServeError> {
        let Some(naming) = &self.naming else { return Ok(fresh()) };
        if !Topology::new(&self.broker.options).wants_name() {
            return Ok(String::new());
        }
        let id = naming.next()?;
        named(&target.fanout_queue(&id))?;
        Ok(id)
    }

    /// The queue that answers to our calls come to.
    ///
    /// # Errors
    ///
    /// [`ServeError::Name`].
    pub(super) fn reply_queue(&self) -> Result<String, ServeError> {
        if let Some(known) = self.reply_queue.get() {
            return Ok(known.clone());
        }
        let id = self.naming.as_ref().map_or_else(|| Ok(self.id.clone()), Naming::next)?;
        let queue = format!("reply_{id}");
        named(&queue)?;
        // Of two that ask at the same time one is first; the number of the other is not used.
        Ok(self.reply_queue.get_or_init(|| queue).clone())
    }

    /// A number that nothing else here has.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The way to the thread, which is started now if it was not before.
    pub(super) fn commands(&self) -> io::Result<Commands> {
        let mut running = self.running();
        if let Some(running) = &*running {
            if running.opener != std::process::id() {
                return Err(io::Error::other("its thread is in another process"));
            }
            return Ok(running.commands.clone());
        }
        let opener = std::process::id();
        let mut broker = self.broker.clone();
        let others = self.hosts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        broker.hosts = others.unwrap_or(broker.hosts);
        let settings = driver::Settings {
            broker,
            name: format!("{}:{opener}:{}", self.program, uuid::Uuid::new_v4()),
            reply_queue: Arc::clone(&self.reply_queue),
            picture: Arc::clone(&self.picture),
            numbers: Arc::clone(&self.numbers),
        };
        let (commands, thread) = driver::start(settings)?;
        *running = Some(Running { opener, commands: commands.clone(), thread });
        Ok(commands)
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fresh() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Refuses what no frame can hold.
fn named(queue: &str) -> Result<(), ServeError> {
    let path = PathBuf::from(queue);
    let too_long = |error| ServeError::Name { path, source: io::Error::other(error) };
    checked(queue).map(drop).map_err(too_long)
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        let Some(running) = self.running().take() else { return };
        if running.opener != std::process::id() {
            return;
        }
        running.commands.post(Command::End);
        // A thread cannot be joined with a limit; one that hangs is left behind.
        let limit = Instant::now() + LAST;
        while !running.thread.is_finished() && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(2));
        }
        if running.thread.is_finished() {
            let _ = running.thread.join();
        }
    }
}

/// One server. It keeps the bus.
struct Rabbitry {
    _rabbit: Arc<Rabbit>,
    commands: Commands,
    /// One for each target.
    places: Vec<Place>,
}

impl Carrier for Rabbitry {
    fn stop_consuming(&self) {
        for place in &self.places {
            self.commands.post(Command::Stop(*place));
        }
    }

    fn close(&self) {
        let (done, is_done) = mpsc::channel();
        for place in &self.places {
            self.commands.post(Command::Close(*place, done.clone()));
        }
        drop(done);
        let until = Instant::now() + CLOSING;
        for _ in &self.places {
            // An error is a thread that has ended: there is nobody to wait for.
            let left = until.saturating_duration_since(Instant::now());
            let _ = is_done.recv_timeout(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::RabbitOptions;
    use crate::url::Transport;

    fn rabbit() -> Rabbit {
        match Transport::parse("rabbit://127.0.0.1:1/", &RabbitOptions::default()) {
            Ok(Transport::Rabbit(broker)) => Rabbit::new(*broker, "test"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_is_started_before_it_is_needed_and_nothing_works_in_a_copy() {
        let rabbit = rabbit();
        assert!(rabbit.running().is_none());
        rabbit.commands().expect("a thread");
        rabbit.running().as_mut().expect("it runs").opener += 1; // as a forked child finds it
        let refused = rabbit.commands().expect_err("a copy").to_string();
        assert!(refused.contains("another process"), "{refused}");
        rabbit.running().as_mut().expect("it runs").opener -= 1;
        rabbit.commands().expect("the real one");
    }
}
