//! A local server from outside: its sockets, and the thread of its loop.
//!
//! Must not: wait for a client; the loop ([`super::turns`]) serves them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::listener::Listener;
use super::place::Place;
use super::shared::{Command, Shared};
use super::turns::Turns;
use crate::error::ServeError;
use crate::reception::Reception;
use crate::server::{Carrier, Server, ServerOptions};
use crate::target::Target;

/// Listens below `directory` for these targets.
///
/// # Errors
///
/// [`ServeError`]; what had been opened is closed again.
pub(crate) fn serve(
    directory: &Path,
    targets: &[Target],
    options: ServerOptions,
) -> Result<Server, ServeError> {
    let place = Place::new(directory);
    let unusable = |source| ServeError::Directory { path: directory.to_owned(), source };
    place.prepare().map_err(unusable)?;
    let listeners: Result<Vec<_>, _> =
        targets.iter().map(|target| Listener::bind(&place.socket(target))).collect();
    let listeners = listeners?;
    let prefetch = options.prefetch();
    let reception = Arc::new(Reception::new(options.words));
    let thread_error = |source| ServeError::Thread { source };
    let (shared, wake) = Shared::new().map_err(thread_error)?;
    let shared = Arc::new(shared);
    let turns = Turns::new(Arc::clone(&shared), Arc::clone(&reception), listeners, wake, prefetch);
    let thread = std::thread::Builder::new().name("messaging".into());
    let thread = thread.spawn(move || turns.run()).map_err(thread_error)?;
    Ok(Server::new(Box::new(Local { shared, thread: Mutex::new(Some(thread)) }), reception))
}

/// The loop, from outside.
struct Local {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Carrier for Local {
    fn stop_consuming(&self) {
        self.shared.post(Command::StopConsuming);
    }

    fn close(&self) {
        self.shared.post(Command::Close);
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic of that thread has been reported by its hook.
            let _ = thread.join();
        }
    }
}
