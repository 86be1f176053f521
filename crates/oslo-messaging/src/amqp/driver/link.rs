//! Opening both connections, each with a limit, and watching over them.
//!
//! The socket is ours: it is set up here, and a second handle of it cuts it off in the end, whatever
//! the library waits for. Must not: try twice; that is for the session.

use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_core::Stream;
use lapin::tcp::AsyncTcpStream;
use lapin::uri::{
    AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo, SASLMechanism,
};
use lapin::{Connection, ConnectionProperties, ErrorKind, Event};
use nix::sys::socket::{setsockopt, sockopt};
use tokio::sync::mpsc;

use super::{Happening, Settings, tls};
use crate::amqp::quiet::Quiet;
use crate::amqp::session::{Class, Life, Trouble};
use crate::amqp::state::Purpose;
use crate::options::{LoginMethod, RabbitOptions};
use crate::target::LONGEST_NAME;
use crate::url::BrokerHost;

/// TCP connect, TLS and AMQP handshake of both connections together: a broker that is stopped accepts
/// connections and then says nothing for ever.
const LIMIT: Duration = Duration::from_secs(10);
/// The library keeps 64 times as much per connection, all of it touched. The least that RabbitMQ 4.1
/// takes.
const FRAME: u32 = 8192;
/// What brokers allow if they are not told otherwise. Headers cannot be split.
const LARGE_FRAME: u32 = 131_072;
/// Whether a connection is still there is looked at this often, should nobody say so: as often as heartbeats are sent
/// if that is oftener (`heartbeat_timeout_threshold` by two), so that it costs an idle worker no more than they do.
const LOOK: Duration = Duration::from_secs(30);

/// Both connections.
pub(super) struct Links {
    pub(super) consuming: Link,
    pub(super) publishing: Link,
}

/// One connection.
pub(super) struct Link {
    purpose: Purpose,
    connection: Arc<Connection>,
    look: Duration,
    _socket: Socket,
}

/// Cuts the connection off when it is dropped.
struct Socket(std::net::TcpStream);

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// Opens both to one host.
pub(super) async fn open(settings: &Settings, host: usize, roomy: bool) -> Result<Links, Trouble> {
    let frame = if roomy { LARGE_FRAME } else { FRAME };
    let both = async {
        Ok(Links {
            consuming: Link::open(settings, host, Purpose::Consuming, frame).await?,
            publishing: Link::open(settings, host, Purpose::Publishing, FRAME).await?,
        })
    };
    tokio::time::timeout(LIMIT, both).await.unwrap_or_else(|_| {
        let reason = format!("no answer within {} s", LIMIT.as_secs());
        Err(Trouble { class: Class::Mute, reason })
    })
}

impl Links {
    /// Says goodbye on both.
    pub(super) async fn close(&self) {
        for link in [&self.publishing, &self.consuming] {
            let _ = link.connection.close(200, "OK".into()).await;
        }
    }
}

impl Link {
    pub(super) fn connection(&self) -> Arc<Connection> {
        Arc::clone(&self.connection)
    }

    async fn open(
        settings: &Settings,
        host: usize,
        purpose: Purpose,
        frame: u32,
    ) -> Result<Self, Trouble> {
        let unreachable = |error: io::Error| trouble(Class::Unreachable, &error);
        let broker = &settings.broker;
        let Some(host) = broker.hosts.get(host) else {
            return Err(trouble(Class::Unreachable, &"no such host"));
        };
        if broker.virtual_host.len() > LONGEST_NAME {
            return Err(trouble(Class::Unwelcome, &"the name of the virtual host is too long"));
        }
        let runtime = lapin::runtime::default_runtime().map_err(|error| other(&error))?;
        let addresses = tokio::net::lookup_host((host.name.as_str(), host.port)).await;
        let mut connected = Err(io::Error::other("the name has no address"));
        for address in addresses.map_err(unreachable)? {
            connected = AsyncTcpStream::connect(&runtime, address).await;
            if connected.is_ok() {
                break;
            }
        }
        let stream = connected.map_err(unreachable)?;
        let AsyncTcpStream::Plain(plain) = &stream else {
            return Err(trouble(Class::Unreachable, &"a stream of an unknown kind"));
        };
        let socket = set_up(plain.get_ref(), &broker.options).map_err(unreachable)?;
        let stream = if broker.options.ssl {
            let connector = tls::connector(&broker.options, broker.hosts.len())
                .map_err(|error| trouble(Class::Unwelcome, &error))?;
            let secured = stream.into_rustls(&connector, &host.name).await;
            secured.map_err(|error| {
                // What our own check says comes as an error that the library did not expect.
                let text = error.to_string().replace("unexpected error: ", "");
                trouble(Class::Unwelcome, &format!("TLS: {text}"))
            })?
        } else {
            stream
        };
        // The library would connect again by itself; there is nothing here to do so with.
        let once = Mutex::new(Some(stream));
        let logs = tracing::dispatcher::get_default(Clone::clone);
        let connection = Connection::connector(
            uri(settings, host, frame),
            runtime,
            async move |_, _| {
                // This is the thread of the connection: it stays silent until its end.
                std::mem::forget(Quiet::begin(logs.clone()));
                let stream = once.lock().unwrap_or_else(PoisonError::into_inner).take();
                stream.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted).into())
            },
            properties(settings),
        );
        let connection = connection.await.map_err(|error| other(&error))?;
        let look = look(&broker.options);
        Ok(Self { purpose, connection: Arc::new(connection), look, _socket: socket })
    }

    /// Tells when it breaks, and when the broker takes nothing from it.
    pub(super) fn watch(
        &self,
        life: Life,
        happenings: mpsc::UnboundedSender<Happening>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (connection, purpose, look) = (self.connection(), self.purpose, self.look);
        async move {
            let mut events = Box::pin(connection.events_listener());
            let lost = loop {
                let next = std::future::poll_fn(|context| {
                    Stream::poll_next(Pin::new(&mut events), context)
                });
                let event = tokio::time::timeout(look, next).await;
                match event {
                    Ok(Some(Event::ConnectionBlocked(reason))) => {
                        let _ = happenings.send(Happening::Blocked(life, purpose, Some(reason)));
                    }
                    Ok(Some(Event::ConnectionUnblocked)) => {
                        let _ = happenings.send(Happening::Blocked(life, purpose, None));
                    }
                    // The end of a channel is seen by whoever uses it.
                    Ok(Some(Event::Error(error))) if !error.is_amqp_soft_error() => {
                        break broken(&error);
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break trouble(Class::Broken, &"the connection has ended"),
                    Err(_) => {
                        if !connection.status().connected() {
                            break trouble(Class::Broken, &"the connection has ended");
                        }
                    }
                }
            };
            let _ = happenings.send(Happening::Lost(life, lost));
        }
    }
}

/// How often to look whether a connection is still there.
fn look(options: &RabbitOptions) -> Duration {
    let half = u64::try_from(options.heartbeat_timeout_threshold).map_or(0, |seconds| seconds / 2);
    if half == 0 { LOOK } else { LOOK.min(Duration::from_secs(half)) }
}

/// Small messages go at once; a peer that is gone is noticed, also while something is being sent.
fn set_up(stream: &tokio::net::TcpStream, options: &RabbitOptions) -> io::Result<Socket> {
    stream.set_nodelay(true)?;
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    let seconds = u32::try_from(options.heartbeat_timeout_threshold).unwrap_or(0);
    if seconds > 0 {
        // A broker is given up within the threshold, and the kernel is late (0.4 s of 10, docs/performance.md): a tenth earlier.
        setsockopt(stream, sockopt::TcpUserTimeout, &seconds.saturating_mul(900))?;
    }
    Ok(Socket(stream.as_fd().try_clone_to_owned()?.into()))
}

fn uri(settings: &Settings, host: &BrokerHost, frame: u32) -> AMQPUri {
    let options = &settings.broker.options;
    let mechanism = match options.rabbit_login_method {
        LoginMethod::Plain => SASLMechanism::Plain,
        LoginMethod::AmqPlain => SASLMechanism::AMQPlain,
        LoginMethod::External => SASLMechanism::External,
        LoginMethod::RabbitCrDemo => SASLMechanism::RabbitCrDemo,
    };
    AMQPUri {
        scheme: AMQPScheme::AMQP,
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: host.user.clone(),
                password: host.password.reveal().to_owned(),
            },
            host: host.name.clone(),
            port: host.port,
        },
        vhost: settings.broker.virtual_host.clone(),
        query: AMQPQueryString {
            frame_max: Some(frame),
            heartbeat: u16::try_from(options.heartbeat_timeout_threshold).ok(),
            auth_mechanism: Some(mechanism),
            ..AMQPQueryString::default()
        },
    }
}

fn properties(settings: &Settings) -> ConnectionProperties {
    ConnectionProperties::default()
        .with_connection_name(settings.name.as_str().into())
        .with_client_property("product".into(), env!("CARGO_PKG_NAME").into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into())
}

pub(super) fn trouble(class: Class, reason: &dyn std::fmt::Display) -> Trouble {
    Trouble { class, reason: reason.to_string() }
}

/// Why a connection could not be opened.
fn other(error: &lapin::Error) -> Trouble {
    match error.kind() {
        ErrorKind::ProtocolError(told) => trouble(Class::Unwelcome, told.get_message()),
        ErrorKind::MissingHeartbeatError => trouble(Class::Mute, error),
        ErrorKind::IOError(error) => trouble(Class::Unreachable, error),
        _ => trouble(Class::Unreachable, error),
    }
}

/// Why an open one is useless now.
pub(super) fn broken(error: &lapin::Error) -> Trouble {
    match error.kind() {
        ErrorKind::ProtocolError(told) => trouble(Class::Broken, told.get_message()),
        ErrorKind::MissingHeartbeatError => trouble(Class::Mute, error),
        ErrorKind::IOError(error) => trouble(Class::Broken, error),
        _ => trouble(Class::Broken, error),
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::socket::getsockopt;

    use super::*;

    fn of_threshold(seconds: i64) -> RabbitOptions {
        RabbitOptions { heartbeat_timeout_threshold: seconds, ..RabbitOptions::default() }
    }

    #[test]
    fn a_connection_is_looked_at_as_often_as_heartbeats_are_sent() {
        let seconds = |threshold| look(&of_threshold(threshold)).as_secs();
        assert_eq!([0, -5, 1, 10, 60, 600].map(seconds), [30, 30, 30, 5, 30, 30]);
    }

    #[test]
    fn what_is_not_acknowledged_ends_a_connection_within_the_threshold() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        for (threshold, millis) in [(10, 9_000), (60, 54_000), (0, 0)] {
            let stream = runtime.block_on(tokio::net::TcpStream::connect(address)).unwrap();
            let _socket = set_up(&stream, &of_threshold(threshold)).unwrap();
            assert_eq!(getsockopt(&stream, sockopt::TcpUserTimeout), Ok(millis), "{threshold}");
        }
    }
}
