//! `fake://`: a bus within one process, for tests. No thread, no runtime.
//!
//! Whoever sends carries its message into the server's inbox himself and waits there for what
//! becomes of it. Bodies are encoded and decoded as on every other bus. Must not: differ from the
//! others in anything but the road.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::body::Body;
use crate::client::{Heard, Lane, Letter, Offer, Road, Way};
use crate::envelope::{LARGEST_BODY, Reply, ReplyTo};
use crate::error::{CallError, ServeError};
use crate::incoming::{Replies, written};
use crate::reception::Reception;
use crate::seen::Delivery;
use crate::server::{Carrier, Server, ServerOptions};
use crate::target::{Destination, Target};

/// How often a waiting client looks whether anybody may still answer.
const LOOK: Duration = Duration::from_millis(100);

/// All servers of one bus.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Vec<Arc<Served>>>);

/// One server.
#[derive(Debug)]
struct Served {
    targets: Vec<Target>,
    reception: Arc<Reception>,
    room: Arc<Room>,
}

/// What waits or is in hand without being settled.
#[derive(Debug)]
struct Room {
    used: Mutex<Used>,
    freed: Condvar,
    prefetch: usize,
}

#[derive(Debug, Default)]
struct Used {
    messages: usize,
    bytes: usize,
}

impl Memory {
    pub(crate) fn serve(
        self: &Arc<Self>,
        targets: &[Target],
        options: ServerOptions,
    ) -> Result<Server, ServeError> {
        let mut servers = self.servers();
        let taken = targets.iter().find(|target| {
            servers.iter().flat_map(|one| &one.targets).any(|other| is_same(other, target))
        });
        if let Some(target) = taken {
            return Err(ServeError::InUse { path: target.server_queue().into() });
        }
        let prefetch = options.prefetch();
        let reception = Arc::new(Reception::new(options.words));
        let served = Arc::new(Served {
            targets: targets.to_vec(),
            reception: Arc::clone(&reception),
            room: Arc::new(Room { used: Mutex::default(), freed: Condvar::new(), prefetch }),
        });
        servers.push(Arc::clone(&served));
        let carrier = Fake { bus: Arc::clone(self), served };
        Ok(Server::new(Box::new(carrier), reception))
    }

    pub(crate) fn road(self: &Arc<Self>) -> Arc<dyn Road> {
        Arc::new(InProcess(Arc::clone(self)))
    }

    fn servers(&self) -> MutexGuard<'_, Vec<Arc<Served>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_same(one: &Target, other: &Target) -> bool {
    one.topic() == other.topic() && one.server() == other.server()
}

/// A server's place on the bus.
struct Fake {
    bus: Arc<Memory>,
    served: Arc<Served>,
}

impl Carrier for Fake {
    fn stop_consuming(&self) {
        self.bus.servers().retain(|one| !Arc::ptr_eq(one, &self.served));
    }

    fn close(&self) {} // replies are where their callers are already
}

/// The client's side.
struct InProcess(Arc<Memory>);

impl Road for InProcess {
    fn ways(&self, to: &Destination) -> Result<Vec<Box<dyn Way>>, CallError> {
        let is_meant = |target: &Target| match to {
            Destination::Server { topic, server, .. } => {
                target.topic() == topic && target.server() == server
            }
            Destination::Topic { topic, .. } | Destination::Fanout { topic } => {
                target.topic() == topic
            }
        };
        let servers = self.0.servers();
        // Once for each of its targets, as there is a socket for each.
        let meant = servers
            .iter()
            .flat_map(|one| one.targets.iter().filter(|target| is_meant(target)).map(move |_| one));
        Ok(meant.map(|one| Box::new(Door(Arc::clone(one))) as Box<dyn Way>).collect())
    }
}

/// The way into one server.
struct Door(Arc<Served>);

impl Way for Door {
    fn offer(
        &self,
        letter: &Letter<'_>,
        _: bool,
        deadline: Instant,
    ) -> Result<Box<dyn Lane>, Offer> {
        let body = letter.body;
        self.0.room.enter(body.len(), deadline)?;
        let post = Arc::new(Post::default());
        let ticket =
            Ticket { post: Arc::clone(&post), room: Arc::clone(&self.0.room), bytes: body.len() };
        let answers = Arc::new(Answers(Arc::clone(&post)));
        self.0.reception.take(Body::new(body.to_vec()), Box::new(ticket), answers);
        Ok(Box::new(Letterbox(post)))
    }
}

impl Room {
    fn enter(&self, bytes: usize, deadline: Instant) -> Result<(), Offer> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let left = deadline.saturating_duration_since(Instant::now());
        let full = |used: &mut Used| used.messages >= self.prefetch || used.bytes >= LARGEST_BODY;
        let waited = self.freed.wait_timeout_while(used, left, full);
        let (mut used, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(Offer::Late);
        }
        used.messages += 1;
        used.bytes += bytes;
        Ok(())
    }

    fn leave(&self, bytes: usize) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.messages = used.messages.saturating_sub(1);
        used.bytes = used.bytes.saturating_sub(bytes);
        drop(used);
        self.freed.notify_all();
    }
}

/// What comes back about one message.
#[derive(Debug, Default)]
struct Post {
    news: Mutex<VecDeque<Heard>>,
    came: Condvar,
    /// Nobody reads it any more.
    gone: AtomicBool,
}

impl Post {
    fn put(&self, news: Heard) {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).push_back(news);
        self.came.notify_all();
    }
}

struct Letterbox(Arc<Post>);

impl Lane for Letterbox {
    fn hear(&mut self, deadline: Instant) -> Result<Heard, Offer> {
        let mut news = self.0.news.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(heard) = news.pop_front() {
                return Ok(heard);
            }
            // Somebody at the server holds the other end as long as news may come.
            if Arc::strong_count(&self.0) == 1 {
                return Err(Offer::Lost(io::ErrorKind::UnexpectedEof.into()));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Offer::Late);
            }
            // The last of them goes away without a word: looked for now and then.
            let waited = self.0.came.wait_timeout(news, left.min(LOOK));
            news = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Letterbox {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::Relaxed);
    }
}

struct Ticket {
    post: Arc<Post>,
    room: Arc<Room>,
    bytes: usize,
}

impl Ticket {
    fn tell(&self, news: Heard) {
        self.room.leave(self.bytes);
        self.post.put(news);
    }
}

impl Delivery for Ticket {
    fn acknowledge(self: Box<Self>) {
        self.tell(Heard::Acknowledged);
    }

    fn give_back(self: Box<Self>) {
        self.tell(Heard::GivenBack);
    }

    fn reject(self: Box<Self>) {
        self.tell(Heard::Rejected);
    }

    fn is_wanted(&self) -> bool {
        !self.post.gone.load(Ordering::Relaxed)
    }
}

struct Answers(Arc<Post>);

impl Replies for Answers {
    fn send(&self, _: &ReplyTo, reply: Reply) {
        if let Some(body) = written(reply) {
            self.0.put(Heard::Reply(body));
        }
    }
}
