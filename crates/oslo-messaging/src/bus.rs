//! One bus: where servers listen and clients send. Must not: know what is said over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::client::Client;
use crate::error::ServeError;
use crate::local;
use crate::memory::Memory;
use crate::server::{Server, ServerOptions};
use crate::target::Target;

/// A bus that messages go over.
#[derive(Debug, Clone)]
pub struct Bus(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Local(PathBuf),
    Memory(Arc<Memory>),
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

    /// Listens for these targets.
    ///
    /// # Errors
    ///
    /// [`ServeError`]; what had been opened is closed again.
    pub fn serve(&self, targets: &[Target], options: ServerOptions) -> Result<Server, ServeError> {
        match &self.0 {
            Kind::Local(directory) => local::serve(directory, targets, options),
            Kind::Memory(memory) => memory.serve(targets, options),
        }
    }

    /// A client of this bus.
    #[must_use]
    pub fn client(&self) -> Client {
        match &self.0 {
            Kind::Local(directory) => Client::new(Arc::new(local::road(directory))),
            Kind::Memory(memory) => Client::new(memory.road()),
        }
    }
}
