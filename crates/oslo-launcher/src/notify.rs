//! Telling a service manager how we are, by the protocol of `sd_notify(3)`.
//!
//! The path of the socket comes from the caller (the binary reads `NOTIFY_SOCKET`). Must not:
//! ever block or fail the daemon. While the manager's queue is full, notices wait, because a READY
//! that is lost ends in the manager's time-out; other messages are dropped with a DEBUG line.

use std::collections::VecDeque;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use crate::later::later;
use crate::line;
use crate::state::Notice;

/// Sends state to a service manager, or to nobody.
///
/// ```no_run
/// # use oslo_launcher::{LauncherOptions, Notifier};
/// // The binary reads the environment: NOTIFY_SOCKET, WATCHDOG_USEC.
/// let notifier = Notifier::connect("/run/systemd/notify", None).unwrap_or_default();
/// let options = LauncherOptions { notifier, ..Default::default() };
/// ```
#[derive(Debug, Default)]
pub struct Notifier {
    socket: Option<UnixDatagram>,
    last_status: String,
    /// The next status sentence is sent no earlier.
    status_due: Option<Instant>,
    pings: Option<Pings>,
    /// Notices that the manager had no room for.
    waiting: VecDeque<String>,
}

/// Pause between two tries to send what waits.
const RETRY: Duration = Duration::from_millis(100);

/// How many notices wait at most; more come only from a storm of reloads.
const WAITING: usize = 16;

/// Pause between two status sentences. Somebody reads them; nobody reads twenty a second.
const STATUS_PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug)]
struct Pings {
    interval: Duration,
    due: Instant,
}

impl Notifier {
    /// Connects to `path`, the value of `NOTIFY_SOCKET`; `@` in front means an abstract name.
    ///
    /// `watchdog` is `WATCHDOG_USEC`: the supervisor then pings twice as often.
    ///
    /// # Errors
    ///
    /// The kernel's reason when there is no such socket.
    pub fn connect(path: &str, watchdog: Option<Duration>) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        let address = match path.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(path)?,
        };
        socket.connect_addr(&address)?;
        let watchdog = watchdog.map(|time| time / 2).filter(|time| !time.is_zero());
        let pings =
            watchdog.map(|interval| Pings { interval, due: later(Instant::now(), interval) });
        Ok(Self { socket: Some(socket), pings, ..Self::default() })
    }

    /// Closes the socket; from now on nobody listens.
    pub(crate) fn hang_up(&mut self) {
        self.socket = None;
    }

    /// Sends what the state machine decided to tell.
    pub(crate) fn notice(&mut self, notice: Notice) {
        if !matches!(notice, Notice::Extend(_)) {
            self.status_due = None;
        }
        let message = match notice {
            Notice::Ready => "READY=1".to_owned(),
            Notice::Stopping => "STOPPING=1".to_owned(),
            Notice::Extend(time) => format!("EXTEND_TIMEOUT_USEC={}", time.as_micros()),
            Notice::Reloading => {
                // systemd.service(5), Type=notify-reload, wants the time of the reload.
                let now = crate::sys::monotonic().as_micros();
                format!("RELOADING=1\nMONOTONIC_USEC={now}")
            }
        };
        self.waiting.push_back(message);
        self.send_waiting();
    }

    /// Sends the notices that wait, in order, as far as the manager has room for them.
    pub(crate) fn send_waiting(&mut self) {
        while let Some(message) = self.waiting.pop_front() {
            if !self.send(&message) {
                self.waiting.push_front(message);
                self.waiting.truncate(WAITING);
                return;
            }
        }
    }

    /// When to try again to send what waits.
    pub(crate) fn next_try(&self, now: Instant) -> Option<Instant> {
        (!self.waiting.is_empty()).then(|| now + RETRY)
    }

    /// When the next status sentence may be sent; `None` means now.
    ///
    /// A notice makes it due, so that what is told with READY or STOPPING fits it.
    pub(crate) fn next_status(&self, now: Instant) -> Option<Instant> {
        self.status_due.filter(|due| *due > now)
    }

    /// Sends the status sentence if it is not the one sent last.
    pub(crate) fn status(&mut self, sentence: String, now: Instant) {
        if sentence != self.last_status {
            self.send(&format!("STATUS={sentence}"));
            self.last_status = sentence;
            self.status_due = Some(now + STATUS_PAUSE);
        }
    }

    /// When the watchdog wants its next ping; `None` when there is no watchdog.
    pub(crate) fn next_ping(&self) -> Option<Instant> {
        self.pings.as_ref().map(|pings| pings.due)
    }

    /// Pings the watchdog if it is time.
    pub(crate) fn ping(&mut self, now: Instant) {
        let due = self.pings.as_mut().is_some_and(|pings| {
            let due = pings.due <= now;
            if due {
                pings.due = later(now, pings.interval);
            }
            due
        });
        if due {
            self.send("WATCHDOG=1");
        }
    }

    /// Whether somebody listens.
    pub(crate) fn listens(&self) -> bool {
        self.socket.is_some()
    }

    /// Sends a message; false if it may be tried again later.
    fn send(&self, message: &str) -> bool {
        match self.socket.as_ref().map(|socket| socket.send(message.as_bytes())) {
            Some(Err(error)) => {
                line::notify_failed(&error);
                error.kind() != io::ErrorKind::WouldBlock
            }
            Some(Ok(_)) | None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(socket: &UnixDatagram) -> String {
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn ready_goes_to_a_socket_with_a_path_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let server = UnixDatagram::bind(&path).unwrap();
        let mut notifier = Notifier::connect(path.to_str().unwrap(), None).unwrap();
        notifier.notice(Notice::Ready);
        assert_eq!(receive(&server), "READY=1");
    }

    #[test]
    fn an_abstract_socket_gets_status_only_when_it_changes() {
        let name = format!("oslo-launcher-test-{}", std::process::id());
        let server = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap());
        let server = server.unwrap();
        let mut notifier = Notifier::connect(&format!("@{name}"), None).unwrap();
        let now = Instant::now();
        notifier.status("1 of 2 back ends up".into(), now);
        notifier.status("1 of 2 back ends up".into(), now);
        assert_eq!(notifier.next_status(now), Some(now + STATUS_PAUSE));
        notifier.notice(Notice::Stopping);
        assert_eq!(notifier.next_status(now), None);
        assert_eq!(receive(&server), "STATUS=1 of 2 back ends up");
        assert_eq!(receive(&server), "STOPPING=1");
    }

    #[test]
    fn a_notice_waits_for_a_manager_whose_queue_is_full() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let server = UnixDatagram::bind(&path).unwrap();
        let mut notifier = Notifier::connect(path.to_str().unwrap(), None).unwrap();
        let mut fillers = 0;
        while notifier.send("FILLER=1") {
            fillers += 1;
        }
        notifier.notice(Notice::Ready);
        notifier.notice(Notice::Stopping);
        assert!(notifier.next_try(Instant::now()).is_some());
        for _ in 0..fillers {
            assert_eq!(receive(&server), "FILLER=1");
        }
        notifier.send_waiting();
        assert_eq!(receive(&server), "READY=1");
        assert_eq!(receive(&server), "STOPPING=1");
        assert_eq!(notifier.next_try(Instant::now()), None);
    }

    #[test]
    fn a_watchdog_without_time_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let _server = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier::connect(path.to_str().unwrap(), Some(Duration::ZERO)).unwrap();
        assert_eq!(notifier.next_ping(), None);
    }

    #[test]
    fn a_watchdog_is_pinged_at_half_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let server = UnixDatagram::bind(&path).unwrap();
        let time = Duration::from_secs(10);
        let mut notifier = Notifier::connect(path.to_str().unwrap(), Some(time)).unwrap();
        let due = notifier.next_ping().unwrap();
        notifier.ping(due - Duration::from_millis(1));
        notifier.ping(due);
        assert_eq!(receive(&server), "WATCHDOG=1");
        assert_eq!(notifier.next_ping(), Some(due + time / 2));
    }
}
