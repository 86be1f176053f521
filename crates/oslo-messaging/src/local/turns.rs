//! The loop of a local server: one thread in one `poll(2)` over its sockets and all clients.
//!
//! It reads messages, has them decoded one at a time and put into the inbox. Bounded by numbers: so
//! many clients, so many messages and bytes that wait or are in hand, so many bytes of replies; when
//! room is used up it reads nothing until something is settled, and what is not read stays with its
//! sender. Must not: wait for a client, run a handler.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::frame::{Frame, Kind, SERIOUS, SMALL};
use super::line::{Line, Parting};
use super::listener::Listener;
use super::shared::{Answer, Answers, Command, Origin, Shared, Ticket};
use crate::body::Body;
use crate::envelope::LARGEST_BODY;
use crate::reception::{Reception, Taken};

/// Clients at a time; one with nothing under way makes room for the next.
const CLIENTS: usize = 256;
/// Bytes of messages that wait or are in hand.
const BYTES: usize = LARGEST_BODY;
/// Bytes that are read and not taken yet, beside those of one message.
const UNTAKEN: usize = SERIOUS;
/// Bytes of replies that wait for slow readers.
const REPLIES: usize = LARGEST_BODY + 4 * 1024 * 1024;
/// How long nobody is welcomed after the system had no descriptor for somebody.
const NO_WELCOME: Duration = Duration::from_secs(1);
/// How long the last replies may take to be read by their callers.
const LAST_REPLIES: Duration = Duration::from_secs(2);

/// The state of the loop.
pub(super) struct Turns {
    shared: Arc<Shared>,
    reception: Arc<Reception>,
    listeners: Vec<Listener>,
    lines: BTreeMap<u64, Line>,
    next_line: u64,
    /// Over which line a call came last, and as which of its messages.
    callers: HashMap<String, (u64, u64)>,
    wake: UnixStream,
    prefetch: usize,
    /// No client is welcomed before that.
    closed_until: Option<Instant>,
}

/// What there is to do.
struct Ready {
    arrivals: Vec<usize>,
    lines: Vec<(u64, PollFlags)>,
}

impl Turns {
    pub(super) fn new(
        shared: Arc<Shared>,
        reception: Arc<Reception>,
        listeners: Vec<Listener>,
        wake: UnixStream,
        prefetch: usize,
    ) -> Self {
        Self {
            shared,
            reception,
            listeners,
            lines: BTreeMap::new(),
            next_line: 0,
            callers: HashMap::new(),
            wake,
            prefetch,
            closed_until: None,
        }
    }

    pub(super) fn run(mut self) {
        let mut closing: Option<Instant> = None;
        loop {
            // Commands first: what is settled makes room for what is read afterwards.
            self.obey(&mut closing);
            self.take_what_was_read();
            if let Some(limit) = closing
                && (Instant::now() >= limit || self.lines.values().all(|line| line.unsent() == 0))
            {
                return;
            }
            let expiry = self.reception.inbox.expire(Instant::now());
            match self.wait(closing.is_some(), closing.into_iter().chain(expiry)) {
                Ok(ready) => {
                    // What has been told quietly came before what is read now.
                    self.obey(&mut closing);
                    self.turn(&ready);
                }
                Err(error) => {
                    // The kernel refuses to wait for descriptors that it gave us: nothing that
                    // another try would change soon, and nothing that may end the service.
                    tracing::error!(target: "oslo_messaging.local", "Cannot wait for clients: {error}");
                    std::thread::sleep(Duration::from_secs(1));
                }
            }
        }
    }

    fn obey(&mut self, closing: &mut Option<Instant>) {
        for command in self.shared.taken() {
            match command {
                Command::Settled { line, tag, kind, is_told } => {
                    self.settled(line, tag, kind, is_told);
                }
                Command::Reply(answer) => self.reply(answer),
                Command::StopConsuming => self.stop_consuming(),
                Command::Close => *closing = Some(Instant::now() + LAST_REPLIES),
            }
        }
    }

    /// Who waits for nothing is to come to the next server with what he has next.
    fn stop_consuming(&mut self) {
        self.listeners.clear();
        let idle = self.lines.iter().filter(|(_, line)| line.is_idle());
        for id in idle.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.part(id, &Parting::Closed);
        }
    }

    fn wait(
        &self,
        is_closing: bool,
        deadlines: impl Iterator<Item = Instant>,
    ) -> io::Result<Ready> {
        let now = Instant::now();
        let (first, held) = (self.first(), self.held());
        let place = self.lines.len() < CLIENTS || self.lines.values().any(Line::is_idle);
        let ids: Vec<u64> = self.lines.keys().copied().collect();
        let mut watched = vec![PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
        let closed = self.closed_until.filter(|until| *until > now);
        let arrivals =
            if place && closed.is_none() { PollFlags::POLLIN } else { PollFlags::empty() };
        watched.extend(self.listeners.iter().map(|one| PollFd::new(one.as_fd(), arrivals)));
        let mut is_eager = is_closing || !place;
        for (id, line) in &self.lines {
            let room = self.may_read(*id, line, first, held);
            is_eager |= !room;
            watched.push(PollFd::new(line.as_fd(), line.interest(room)));
        }
        let deadlines =
            self.lines.values().filter_map(Line::deadline).chain(deadlines).chain(closed);
        let limit = match self.shared.may_wait(is_eager) {
            true => timeout(deadlines.min(), now),
            false => PollTimeout::ZERO,
        };
        match poll(&mut watched, limit) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut hits = watched.iter().map(|one| one.revents().unwrap_or(PollFlags::empty()));
        if hits.next().is_some_and(|hit| !hit.is_empty()) {
            // Whatever woke us stands among the commands.
            while matches!((&self.wake).read(&mut [0; 64]), Ok(64)) {}
        }
        let arrivals = (0..self.listeners.len())
            .filter(|_| hits.next().is_some_and(|hit| !hit.is_empty()))
            .collect();
        let lines = ids.into_iter().zip(hits).filter(|(_, hit)| !hit.is_empty()).collect();
        Ok(Ready { arrivals, lines })
    }

    fn turn(&mut self, ready: &Ready) {
        let now = Instant::now();
        for (id, hit) in &ready.lines {
            let (first, held) = (self.first(), self.held());
            let room = self.lines.get(id).is_some_and(|line| self.may_read(*id, line, first, held));
            let Some(line) = self.lines.get_mut(id) else { continue };
            let done = if hit.intersects(PollFlags::POLLHUP | PollFlags::POLLERR) {
                // Nobody is there to be told anything: what it still sent, it sends again.
                Err(Parting::Closed)
            } else {
                line.write(now).and_then(|()| if room { line.read(now) } else { Ok(()) })
            };
            match done {
                Ok(()) => self.take_of(*id, now),
                Err(parting) => self.part(*id, &parting),
            }
        }
        self.excuse(now);
        let late = self.lines.iter().filter_map(|(id, line)| Some((*id, line.overdue(now)?)));
        let late: Vec<_> = late.collect();
        for (id, parting) in late {
            self.part(id, &parting);
        }
        for number in &ready.arrivals {
            self.welcome(*number, now);
        }
    }

    /// Of whom nothing is read, nothing can come in time.
    fn excuse(&mut self, now: Instant) {
        let (first, held) = (self.first(), self.held());
        let waits =
            |(id, line): (&u64, &Line)| (!self.may_read(*id, line, first, held)).then_some(*id);
        let waiting: Vec<u64> = self.lines.iter().filter_map(waits).collect();
        for id in waiting {
            if let Some(line) = self.lines.get_mut(&id) {
                line.pause(now);
            }
        }
    }

    /// Whether there is room for one more message of so many bytes.
    fn room_for(&self, bytes: usize) -> bool {
        let used = self.shared.bytes();
        self.shared.messages() < self.prefetch && (used == 0 || used + bytes <= BYTES)
    }

    /// Whether more is read from this client: not before its last message has been taken, and when
    /// much is untaken only from the one whose frame was begun first, and not before there will be
    /// room for it. Two halves of large frames would keep each other out, and many of them fill the
    /// memory.
    fn may_read(&self, id: u64, line: &Line, first: Option<u64>, held: usize) -> bool {
        let others = held.saturating_sub(if first == Some(id) { line.held() } else { 0 });
        self.room_for(line.wanted()) && !line.has_frame() && others < UNTAKEN
    }

    /// Bytes that were read and not taken.
    fn held(&self) -> usize {
        self.lines.values().map(Line::held).sum()
    }

    /// Whose frame was begun first.
    fn first(&self) -> Option<u64> {
        let begun = self.lines.iter().filter_map(|(id, line)| Some((line.begun()?, *id)));
        begun.min().map(|(_, id)| id)
    }

    /// Takes frames that were read when there was no room for them.
    fn take_what_was_read(&mut self) {
        let now = Instant::now();
        let with_some = self.lines.iter().filter(|(_, line)| line.held() > 0);
        let ids: Vec<u64> = with_some.map(|(id, _)| *id).collect();
        for id in ids {
            self.take_of(id, now);
        }
    }

    fn take_of(&mut self, id: u64, now: Instant) {
        loop {
            let Some(line) = self.lines.get(&id) else { return };
            if !line.has_frame() || !self.room_for(line.held()) {
                return;
            }
            let Some(line) = self.lines.get_mut(&id) else { return };
            match line.next(now) {
                Ok(Some(frame)) => self.take(id, frame),
                Ok(None) => return,
                Err(parting) => return self.part(id, &parting),
            }
        }
    }

    fn take(&mut self, id: u64, frame: Frame) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        if !matches!(frame.kind, Kind::Message | Kind::MessageAgain) {
            return; // no client says that; it harms nobody
        }
        let (gone, outlet) = (line.gone(), line.outlet());
        let is_large = frame.body.len() > SMALL;
        let shared = Arc::clone(&self.shared);
        let origin = Origin { shared, line: id, tag: frame.tag, outlet, is_large };
        let ticket = Ticket::new(origin.clone(), frame.body.len(), gone);
        let answers = Arc::new(Answers(origin));
        match self.reception.take(Body::new(frame.body), Box::new(ticket), answers) {
            Taken::Wanted(call) => {
                if let Some(call) = &call {
                    // A call that came before over a line that broke is answered over this one.
                    self.callers.insert(call.clone(), (id, frame.tag));
                }
                line.open.insert(frame.tag, call);
            }
            Taken::Settled => {}
        }
    }

    fn settled(&mut self, id: u64, tag: u64, kind: Kind, is_told: bool) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        let waits_on =
            kind == Kind::Acknowledged && line.open.get(&tag).is_some_and(Option::is_some);
        if !waits_on && let Some(Some(call)) = line.open.remove(&tag) {
            self.forget_call(&call, (id, tag));
        }
        match is_told {
            true => self.bound(id),
            false => self.send(id, Frame { kind, tag, body: Vec::new() }),
        }
    }

    fn reply(&mut self, answer: Answer) {
        let Answer { line, tag, call, body, is_last } = answer;
        let Some(body) = body else {
            if is_last && let Some(open) = self.lines.get_mut(&line).map(|line| &mut line.open) {
                open.remove(&tag);
                self.forget_call(&call, (line, tag));
            }
            return self.bound(line);
        };
        // A caller whose line broke has asked again over another one.
        let is_there = self.lines.get(&line).is_some_and(|line| line.open.contains_key(&tag));
        let came = if is_there { Some((line, tag)) } else { self.callers.get(&call).copied() };
        let Some((id, tag)) = came else { return };
        if is_last {
            self.callers.remove(&call);
            if let Some(line) = self.lines.get_mut(&id) {
                line.open.remove(&tag);
            }
        }
        self.send(id, Frame { kind: Kind::Reply, tag, body });
    }

    /// A call is over, unless it has come again over another line.
    fn forget_call(&mut self, call: &str, over: (u64, u64)) {
        if self.callers.get(call) == Some(&over) {
            self.callers.remove(call);
        }
    }

    fn send(&mut self, id: u64, frame: Frame) {
        if let Some(line) = self.lines.get_mut(&id)
            && let Err(parting) = line.send(frame, Instant::now())
        {
            self.part(id, &parting);
        }
        self.bound(id);
    }

    /// Lets those go that do not take what is theirs: one, or whoever has most when all have too much.
    fn bound(&mut self, id: u64) {
        if let Some(Err(parting)) = self.lines.get(&id).map(Line::bounded) {
            self.part(id, &parting);
        }
        let unsent = |line: &Line| line.unsent();
        while self.lines.values().map(unsent).sum::<usize>() > REPLIES {
            let most = self.lines.iter().max_by_key(|(_, line)| line.unsent()).map(|(id, _)| *id);
            let Some(most) = most else { return };
            self.part(most, &Parting::NeverReads);
        }
    }

    fn part(&mut self, id: u64, why: &Parting) {
        let Some(line) = self.lines.remove(&id) else { return };
        for call in line.open.values().flatten() {
            if self.callers.get(call).is_some_and(|(over, _)| *over == id) {
                self.callers.remove(call);
            }
        }
        match why {
            Parting::Closed => {}
            Parting::Idle => {
                tracing::debug!(target: "oslo_messaging.local", "A client is let go: {why}");
            }
            _ => tracing::warn!(target: "oslo_messaging.local", "A client is let go: {why}"),
        }
    }

    fn welcome(&mut self, number: usize, now: Instant) {
        let accepted = match self.listeners.get(number).map(Listener::accept) {
            Some(Ok(Some(stream))) => Line::new(stream, now),
            Some(Err(error)) => Err(error),
            Some(Ok(None)) | None => return,
        };
        match accepted {
            Ok(line) => {
                if self.lines.len() >= CLIENTS {
                    self.make_room();
                }
                self.lines.insert(self.next_line, line);
                self.next_line += 1;
            }
            Err(error) => {
                // Most often no descriptor is left: the idlest client's is taken, and whoever else
                // wants to come waits a moment.
                tracing::warn!(target: "oslo_messaging.local", "A client cannot be taken: {error}");
                self.make_room();
                self.closed_until = Some(now + NO_WELCOME);
            }
        }
    }

    /// Lets the client go from which nothing has come for longest, of those that wait for nothing.
    fn make_room(&mut self) {
        let idle = self.lines.iter().filter(|(_, line)| line.is_idle());
        if let Some(id) = idle.min_by_key(|(_, line)| line.last_sign()).map(|(id, _)| *id) {
            self.part(id, &Parting::Idle);
        }
    }
}

fn timeout(deadline: Option<Instant>, now: Instant) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    let left = deadline.saturating_duration_since(now);
    // Rounded up: waking a moment too early would mean a second turn for nothing.
    PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
}
