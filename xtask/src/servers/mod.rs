//! Throwaway database servers: MariaDB and PostgreSQL on free loopback ports.
//!
//! Each has its own directory, is started for one run, and is ended by its pid. The programs are
//! Debian's (`mariadb-server`, `postgresql`); their own command-line clients ask the questions, so
//! that this crate needs no client library. pgbouncer can stand before a PostgreSQL. A RabbitMQ is
//! there for the tests of messages. Must not touch a server that somebody else started.

mod certificates;
mod mariadb;
mod pooler;
/// As the tests of oslo-messaging reserve them.
#[path = "../../../crates/oslo-messaging/tests/broker/ports.rs"]
pub(crate) mod ports;
mod postgres;
pub(crate) mod rabbitmq;
mod server;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, anyhow};

use crate::cargo;

pub(crate) use certificates::{Certificates, missing as certificates_missing};
pub(crate) use pooler::{Pooler, missing as pooler_missing};
pub(crate) use server::{Database, Server};

/// A kind of server that the daemon can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    MariaDb,
    Postgres,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::MariaDb, Self::Postgres];

    /// The variable in which the tests of cinder-db look for such a server.
    pub(crate) fn test_variable(self) -> &'static str {
        match self {
            Self::MariaDb => "CINDER_DB_TEST_MYSQL",
            Self::Postgres => "CINDER_DB_TEST_POSTGRES",
        }
    }

    /// As a person calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::MariaDb => "MariaDB",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// What Debian calls the package with the server.
    fn package(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb-server",
            Self::Postgres => "postgresql",
        }
    }

    /// Why it cannot be used on this machine, if so.
    pub(crate) fn missing(self) -> Option<String> {
        let (server, feature, library) = match self {
            Self::MariaDb => (mariadb::program("mariadbd"), "mysql", "libmariadb-dev"),
            Self::Postgres => (postgres::program("postgres"), "postgres", "libpq-dev"),
        };
        let name = self.name();
        if server.is_none() {
            Some(format!("{name} is not installed (Debian: {})", self.package()))
        } else if !cargo::database_features().contains(&feature) {
            Some(format!("no client library of {name} (Debian: {library} and pkg-config)"))
        } else {
            None
        }
    }
}

/// Looks for a program in these directories, in order.
fn find(name: &str, directories: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    directories.into_iter().map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// The servers that one run shares, each started only if something needs it.
#[derive(Default)]
pub(crate) struct Servers {
    started: Vec<(Kind, Result<Arc<Server>>)>,
}

impl Servers {
    /// Starts a server of each of these kinds.
    ///
    /// One that cannot be started is remembered with its reason, so that only those who need it
    /// fail.
    pub(crate) fn start(kinds: impl IntoIterator<Item = Kind>) -> Self {
        let started = kinds.into_iter().map(|kind| (kind, Server::start(kind))).collect();
        Self { started }
    }

    /// The server of this kind.
    ///
    /// # Errors
    ///
    /// Why it could not be started.
    pub(crate) fn get(&self, kind: Kind) -> Result<&Arc<Server>> {
        let found = self.started.iter().find(|(known, _)| *known == kind);
        match found {
            Some((_, Ok(server))) => Ok(server),
            Some((_, Err(reason))) => Err(anyhow!("{} did not start: {reason:#}", kind.name())),
            None => Err(anyhow!("no {} was started for this run", kind.name())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::os::fd::AsRawFd as _;

    use nix::errno::Errno;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, socket};

    use super::ports::ReservedPort;

    /// As the kernel asks when it looks for any port: is nobody there at all?
    fn is_taken(port: u16) -> bool {
        let flags = SockFlag::empty();
        let socket = socket(AddressFamily::Inet, SockType::Stream, flags, None).unwrap();
        let bound = bind(socket.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, port));
        bound.is_err_and(|error| error == Errno::EADDRINUSE)
    }

    #[test]
    fn a_reserved_port_is_taken_while_its_server_is_down_and_its_server_still_gets_it() {
        let reserved = ReservedPort::new().unwrap();
        let port = reserved.port();
        for _ in 0..2 {
            assert!(is_taken(port));
            drop(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
        }
    }
}
