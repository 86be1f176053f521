//! One bus: where servers listen and clients send. Must not: know what is said over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "rabbit")]
use crate::amqp::{BusState, Notices, Post, Rabbit};
use crate::client::Client;
use crate::error::ServeError;
use crate::local;
use crate::memory::Memory;
use crate::outlet::Outlet;
use crate::server::{Server, ServerOptions};
use crate::target::Target;
#[cfg(feature = "rabbit")]
use crate::url::{Broker, BrokerHost};

/// A bus that messages go over.
#[derive(Debug, Clone)]
pub struct Bus(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Local(PathBuf),
    Memory(Arc<Memory>),
    #[cfg(feature = "rabbit")]
    Rabbit(Arc<Rabbit>),
}

impl Bus {
    /// `local:`, Unix sockets below a directory; nothing is opened or made by this.
    #[must_use]
    pub fn local(directory: &Path) -> Self {
        Self(Kind::Local(directory.to_owned()))
    }

    /// `fake://`, within this process; only clones of this value are on the same bus.
    #[must_use]
    pub fn fake() -> Self {
        Self(Kind::Memory(Arc::default()))
    }

    /// `rabbit://`, over a broker; nothing is opened, and no thread started, before the first server or
    /// message. `program` begins the names of the connections. Clones are the same two connections,
    /// which are closed with the last of them and of what was made of them.
    #[cfg(feature = "rabbit")]
    #[must_use]
    pub fn rabbit(broker: Broker, program: &str) -> Self {
        Self(Kind::Rabbit(Arc::new(Rabbit::new(broker, program))))
    }

    /// What is known of the broker and of the servers there; nothing on other buses. It waits for
    /// nobody.
    #[cfg(feature = "rabbit")]
    #[must_use]
    pub fn state(&self) -> Option<Arc<BusState>> {
        match &self.0 {
            Kind::Rabbit(rabbit) => Some(rabbit.state()),
            Kind::Local(_) | Kind::Memory(_) => None,
        }
    }

    /// Has this called whenever [`Bus::state`] has changed in more than numbers; once per bus, before the
    /// first server. It is called on the messaging thread and must wait for nobody. Nothing is
    /// called on buses without a broker.
    #[cfg(feature = "rabbit")]
    pub fn watch(&self, told: impl Fn() + Send + Sync + 'static) {
        match &self.0 {
            Kind::Rabbit(rabbit) => rabbit.watch(Box::new(told)),
            Kind::Local(_) | Kind::Memory(_) => {}
        }
    }

    /// Has a broker reached at these hosts, or with these credentials, from the next connection on. One that is
    /// there stays; one that is tried again is tried at once. Says nothing to other buses.
    #[cfg(feature = "rabbit")]
    pub fn reach(&self, hosts: &[BrokerHost]) {
        match &self.0 {
            Kind::Rabbit(rabbit) if !hosts.is_empty() => rabbit.reach(hosts),
            _ => {}
        }
    }

    /// Listens for these targets. A broker need not be there: [`Bus::state`] says when it is.
    ///
    /// # Errors
    ///
    /// [`ServeError`]; what had been opened is closed again.
    pub fn serve(&self, targets: &[Target], options: ServerOptions) -> Result<Server, ServeError> {
        match &self.0 {
            Kind::Local(directory) => local::serve(directory, targets, options),
            Kind::Memory(memory) => memory.serve(targets, options),
            #[cfg(feature = "rabbit")]
            Kind::Rabbit(rabbit) => rabbit.serve(targets, options),
        }
    }

    /// The way of notifications; nobody keeps them where there is no broker.
    pub(crate) fn outlet(&self) -> Option<Arc<dyn Outlet>> {
        match &self.0 {
            #[cfg(feature = "rabbit")]
            Kind::Rabbit(rabbit) => Some(Arc::new(Notices(Arc::clone(rabbit)))),
            Kind::Local(_) | Kind::Memory(_) => None,
        }
    }

    /// A client of this bus.
    #[must_use]
    pub fn client(&self) -> Client {
        match &self.0 {
            Kind::Local(directory) => Client::new(Arc::new(local::road(directory))),
            Kind::Memory(memory) => Client::new(memory.road()),
            #[cfg(feature = "rabbit")]
            Kind::Rabbit(rabbit) => Client::new(Arc::new(Post(Arc::clone(rabbit)))),
        }
    }
}
