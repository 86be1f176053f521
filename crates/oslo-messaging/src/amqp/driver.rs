//! The messaging thread: performs what the session decides, with lapin on a tokio runtime.
//!
//! The only place that knows either. One task decides; others open, declare, take and publish, and
//! tell it what came of it. Must not: block, run a handler, or hold a lock over an await.

mod ends;
mod lane;
mod life;
mod link;
mod serving;
mod shown;
mod tls;
mod told;

use std::collections::{HashMap, HashSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc as std_mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lapin::message::Delivery;
use lapin::{Acker, Channel};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use self::ends::Closing;
use self::lane::Published;
use self::link::Links;
use super::back::Broken;
use super::commands::{Command, Commands, Settled};
use super::outbox::{Outbox, Way};
use super::quiet::Quiet;
use super::room::Room;
use super::session::{Action, Class, Event, Life, Place, Session, Trouble};
use super::state::{BusState, Picture, Purpose};
use super::topology::{Offset, Plan, Topology};
use crate::client::{Heard, Offer};
use crate::reception::Reception;
use crate::url::{Broker, BrokerHost};

/// The place of replies to our calls.
const REPLIES: Place = 0;
/// Messages that are published at a time, each on a channel of its own: the broker's verdict on
/// one, or the end of its channel, is never taken for that on another.
const LANES: usize = 16;
/// The picture of the state is renewed at most this often while only numbers change.
const PICTURE: Duration = Duration::from_millis(50);

/// What the thread has to know.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) broker: Broker,
    /// Of both connections.
    pub(super) name: String,
    /// Known before the first call.
    pub(super) reply_queue: Arc<OnceLock<String>>,
    pub(super) picture: Arc<Picture>,
    pub(super) numbers: Arc<AtomicU64>,
}

/// What the tasks tell.
enum Happening {
    Connected(Life, Result<Links, Trouble>),
    Lost(Life, Trouble),
    Blocked(Life, Purpose, Option<String>),
    Established(Life, Place, Result<Channel, Trouble>, Vec<String>),
    Delivered(Life, Place, Box<Delivery>, Source),
    ConsumerEnded(Life, Place, End),
    Published(Life, Box<Published>),
    Closed(Place),
    Over,
}

/// What a message was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Queue,
    /// With its place there, if the broker says it. A stream takes nothing back.
    Stream(Option<i64>),
}

/// How a consumer has ended.
enum End {
    /// The broker has cancelled it; of this queue.
    Cancelled(String),
    /// For this reason.
    Broken(String),
}

/// Starts the thread.
///
/// # Errors
///
/// The system gives none.
pub(super) fn start(settings: Settings) -> io::Result<(Commands, JoinHandle<()>)> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let commands = Commands::new(Arc::clone(&settings.numbers), move |command| {
        let _ = sender.send(command);
    });
    let own = commands.clone();
    // Logs go where those of whoever started it go.
    let logs = tracing::dispatcher::get_default(Clone::clone);
    let thread = std::thread::Builder::new().name("messaging".into());
    let thread = thread.spawn(move || {
        let _quiet = Quiet::begin(logs);
        run(settings, own, receiver);
    })?;
    Ok((commands, thread))
}

/// All of the thread; a panic in it is told and ends every server, so that nobody takes the process
/// for a healthy one.
fn run(settings: Settings, commands: Commands, mut receiver: mpsc::UnboundedReceiver<Command>) {
    let picture = Arc::clone(&settings.picture);
    let receptions = Arc::new(Mutex::new(Vec::new()));
    let known = Arc::clone(&receptions);
    let ran = catch_unwind(AssertUnwindSafe(|| -> io::Result<()> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        // Names are looked up, and large messages read, on threads of their own, which end when they
        // were idle for a while.
        let runtime = runtime.enable_io().enable_time().max_blocking_threads(3);
        let runtime = runtime.thread_name("messaging-aside").build()?;
        runtime.block_on(Driver::new(settings, commands, known).run(&mut receiver));
        runtime.shutdown_background();
        Ok(())
    }));
    let reason = match ran {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("no runtime: {error}")),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Some(text.unwrap_or_else(|| "a panic".to_owned()))
        }
    };
    if let Some(reason) = reason {
        tracing::error!(
            target: "oslo_messaging.connection",
            "The messaging thread has ended by accident; no message comes or goes any more: {reason}"
        );
        let mut state = BusState::clone(&picture.last());
        state.ended = Some(reason);
        for one in &mut state.servers {
            one.is_serving = false;
        }
        picture.show(state);
    }
    let receptions = receptions.lock().unwrap_or_else(PoisonError::into_inner);
    for reception in receptions.iter() {
        Reception::close(reception);
    }
}

/// One target of a server, or the queue of replies.
struct Seated {
    /// The first place of its server.
    server: Place,
    plan: Plan,
    prefetch: u16,
    /// Nothing for replies.
    reception: Option<Arc<Reception>>,
    /// Of this life, once it is established.
    channel: Option<Channel>,
    stopped: bool,
    /// Where its stream is read on, if it has one.
    offset: Offset,
}

/// What is settled on the consuming connection, in this order.
enum Chore {
    Settle(Acker, Settled),
    Cancel(Channel, Vec<String>),
    End { place: Place, channel: Channel, own: Vec<String> },
}

/// What exists while both connections are open.
struct Alive {
    life: Life,
    links: Links,
    broken: Broken,
    lanes: Vec<Channel>,
    /// Exchanges that were declared on the publishing connection.
    exchanges: HashSet<String>,
    /// Queues that were declared there.
    keepers: HashSet<String>,
    busy: usize,
    chores: mpsc::UnboundedSender<Chore>,
}

struct Driver {
    settings: Arc<Settings>,
    /// The host of the last connect, by the names of that time.
    at: String,
    topology: Topology,
    session: Session,
    outbox: Outbox,
    seats: HashMap<Place, Seated>,
    alive: Option<Alive>,
    tickets: HashMap<u64, (Acker, Source)>,
    room: Room<Acker>,
    letters: HashMap<u64, std_mpsc::Sender<Result<Heard, Offer>>>,
    calls: HashMap<String, std_mpsc::Sender<Result<Heard, Offer>>>,
    closing: Vec<Closing>,
    /// The broker has not answered within the limit of an end: the others need not wait as long.
    mute: bool,
    blocked: [Option<(String, Instant)>; 2],
    blocked_before: Duration,
    commands: Commands,
    happenings: mpsc::UnboundedSender<Happening>,
    heard: Option<mpsc::UnboundedReceiver<Happening>>,
    tasks: JoinSet<()>,
    /// Those that end with the connections.
    of_life: Vec<AbortHandle>,
    /// Whether frames of the broker's size are taken.
    roomy: bool,
    receptions: Arc<Mutex<Vec<Arc<Reception>>>>,
    is_changed: bool,
    has_news: bool,
    pictured: Instant,
    ending: bool,
    over: bool,
}

impl Driver {
    fn new(
        settings: Settings,
        commands: Commands,
        receptions: Arc<Mutex<Vec<Arc<Reception>>>>,
    ) -> Self {
        let options = &settings.broker.options;
        let now = Instant::now();
        let (happenings, heard) = mpsc::unbounded_channel();
        let random = uuid::Uuid::new_v4().as_u64_pair().0;
        let patience = u64::try_from(options.kombu_missing_consumer_retry_timeout).unwrap_or(0);
        Self {
            at: settings.broker.hosts.first().map(ToString::to_string).unwrap_or_default(),
            topology: Topology::new(options),
            session: Session::new(settings.broker.hosts.len(), options, random, now),
            outbox: Outbox::new(Duration::from_secs(patience)),
            seats: HashMap::new(),
            alive: None,
            tickets: HashMap::new(),
            room: Room::new(),
            letters: HashMap::new(),
            calls: HashMap::new(),
            closing: Vec::new(),
            mute: false,
            blocked: [None, None],
            blocked_before: Duration::ZERO,
            commands,
            happenings,
            heard: Some(heard),
            tasks: JoinSet::new(),
            of_life: Vec::new(),
            roomy: false,
            receptions,
            is_changed: false,
            has_news: true,
            pictured: now,
            ending: false,
            over: false,
            settings: Arc::new(settings),
        }
    }

    async fn run(mut self, commands: &mut mpsc::UnboundedReceiver<Command>) {
        let Some(mut heard) = self.heard.take() else { return };
        while !self.over {
            let due = self.due();
            let sleep = tokio::time::sleep_until(due.into());
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => self.command(Command::End),
                },
                Some(happening) = heard.recv() => self.happening(happening),
                Some(ended) = self.tasks.join_next() => {
                    if let Err(error) = ended
                        && let Ok(panic) = error.try_into_panic()
                    {
                        resume_unwind(panic);
                    }
                }
                () = sleep => {}
            }
            let now = Instant::now();
            if self.session.due().is_some_and(|due| due <= now) {
                self.step(Event::Due);
            }
            self.outbox.wake(now);
            self.publish(now);
            self.let_in(now);
            self.close_what_can_be(now);
            self.show(now);
        }
    }

    /// When something has to be done without being told.
    fn due(&self) -> Instant {
        let picture = (self.is_changed || self.has_news).then(|| self.pictured + PICTURE);
        let dues =
            [self.session.due(), self.outbox.due(), self.room.due(), picture, self.closing_due()];
        let far = Instant::now() + Duration::from_secs(3600);
        dues.into_iter().flatten().min().unwrap_or(far)
    }

    fn command(&mut self, command: Command) {
        self.is_changed = true;
        match command {
            Command::Serve { place, server, target, id, reception, prefetch } => {
                // The same queue in each life: another one would leave that of the last behind.
                let plan = self.topology.server(&target, &id);
                self.remember(&reception);
                self.seat(place, server, plan, Some(reception), prefetch);
            }
            Command::Stop(place) => self.stop(place),
            Command::Close(place, done) => self.close(place, done),
            Command::Settle(number, settled) => {
                self.room.leave(number, Instant::now());
                // One of an earlier life is nobody's any more.
                if let Some((acker, source)) = self.tickets.remove(&number)
                    && let Some(alive) = &self.alive
                {
                    let settled = match source {
                        Source::Queue => settled,
                        Source::Stream(_) => Settled::Acknowledged,
                    };
                    let _ = alive.chores.send(Chore::Settle(acker, settled));
                }
            }
            Command::Publish(item) => {
                if matches!(item.road, Way::Letter { is_call: true, .. })
                    && !self.seats.contains_key(&REPLIES)
                    && let Some(queue) = self.settings.reply_queue.get()
                {
                    let plan = self.topology.replies(queue);
                    self.seat(REPLIES, REPLIES, plan, None, 0);
                }
                self.step(Event::Wanted);
                let words = self.outbox.put(item, Instant::now());
                self.say(words);
            }
            Command::Await { letter, call, to } => {
                if let Some(call) = call {
                    self.calls.insert(call, to.clone());
                }
                self.letters.insert(letter, to);
            }
            Command::Forget { letter, call } => {
                self.letters.remove(&letter);
                self.outbox.withdraw(letter);
                if let Some(call) = call {
                    self.calls.remove(&call);
                }
            }
            Command::Reach(hosts) => self.reach(hosts),
            Command::End => self.end(),
        }
    }

    /// From the next connection on.
    fn reach(&mut self, hosts: Vec<BrokerHost>) {
        if self.settings.broker.hosts == hosts {
            return;
        }
        let count = hosts.len();
        let mut settings = Settings::clone(&self.settings);
        settings.broker.hosts = hosts;
        self.settings = Arc::new(settings);
        self.step(Event::Moved(count));
    }

    fn remember(&self, reception: &Arc<Reception>) {
        let mut all = self.receptions.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.iter().any(|known| Arc::ptr_eq(known, reception)) {
            all.push(Arc::clone(reception));
        }
    }

    fn seat(
        &mut self,
        place: Place,
        server: Place,
        plan: Plan,
        reception: Option<Arc<Reception>>,
        prefetch: u16,
    ) {
        let seated = Seated {
            server,
            plan,
            prefetch,
            reception,
            channel: None,
            stopped: false,
            offset: Offset::Last,
        };
        self.seats.insert(place, seated);
        self.step(Event::Listen(place));
    }

    /// Cancels its consumers. Its channel stays for what is in hand.
    fn stop(&mut self, place: Place) {
        let Some(seat) = self.seats.get_mut(&place) else { return };
        if std::mem::replace(&mut seat.stopped, true) {
            return;
        }
        if let (Some(channel), Some(alive)) = (&seat.channel, &self.alive) {
            let tags = seat.plan.consumers.iter().map(|(_, tag)| tag.clone()).collect();
            let _ = alive.chores.send(Chore::Cancel(channel.clone(), tags));
        }
        self.step(Event::Leave(place));
    }

    fn happening(&mut self, happening: Happening) {
        self.is_changed = true;
        match happening {
            Happening::Connected(life, Ok(links)) => self.connected(life, links),
            Happening::Connected(life, Err(trouble)) | Happening::Lost(life, trouble) => {
                self.lose(life, trouble);
            }
            Happening::Blocked(life, purpose, reason) => {
                if self.alive.as_ref().is_some_and(|alive| alive.life == life) {
                    self.block(purpose, reason);
                }
            }
            Happening::Established(life, place, Ok(channel), own) => {
                self.established(life, place, channel, own);
            }
            Happening::Established(life, place, Err(trouble), _) => {
                self.step(Event::Refused(life, place, trouble));
            }
            Happening::Delivered(life, place, delivery, source) => {
                self.delivered(life, place, *delivery, source);
            }
            Happening::ConsumerEnded(life, place, end) => {
                if self.seats.get(&place).is_some_and(|seat| !seat.stopped) {
                    let reason = match end {
                        End::Broken(reason) => reason,
                        End::Cancelled(queue) => {
                            self.begin_anew(life);
                            format!("{queue} was cancelled by the broker")
                        }
                    };
                    let reason = format!("a consumer has ended: {reason}");
                    self.lose(life, Trouble { class: Class::Broken, reason });
                }
            }
            Happening::Published(life, published) => self.published(life, *published),
            Happening::Closed(place) => self.closed(place),
            Happening::Over => {
                self.step(Event::End);
                self.over = true;
            }
        }
    }

    fn step(&mut self, event: Event) {
        let now = Instant::now();
        let actions = self.session.step(event, now);
        for action in actions {
            self.has_news = true;
            match action {
                Action::Connect(life, host) => {
                    let name = self.settings.broker.hosts.get(host).map(ToString::to_string);
                    self.at = name.unwrap_or_default();
                    let (settings, happenings) =
                        (Arc::clone(&self.settings), self.happenings.clone());
                    let roomy = self.roomy;
                    let task = self.tasks.spawn(async move {
                        let links = link::open(&settings, host, roomy).await;
                        let _ = happenings.send(Happening::Connected(life, links));
                    });
                    self.of_life.push(task);
                }
                Action::Abandon(_) => self.abandon(),
                Action::Establish(life, place) => self.establish(life, place),
                Action::Tell(news) => self.tell(&news),
            }
        }
    }
}
