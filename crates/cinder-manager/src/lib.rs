//! Volume operations: from a request to rows and storage, also over a crash.
//!
//! A [`Manager`] carries out one back end's operations. Each is claimed or recorded before its first side effect, goes
//! on in steps that can be done again, and is taken up after a crash ([`Manager::clean_up`]). It sees rows
//! through `cinder-db` and storage through a [`cinder_driver::Driver`]; the conversion between rows, objects and a driver's views stands in one
//! place. Must not: name a driver, know SQL, AMQP or an option's name.

#![forbid(unsafe_code)]

mod abandon;
mod allocated;
mod busy;
mod cleanup;
mod convert;
mod course;
mod dispatch;
mod entry;
mod error;
mod exports;
mod front;
pub mod locks;
mod manager;
mod not_here;
mod notifier;
mod notify;
mod orphans;
pub mod points;
mod quota;
pub mod records;
mod snapshot;
mod stats;
mod strays;
mod unreadable;
mod volume;

pub use course::{Course, Unseen};
pub use error::Failure;
pub use front::{Front, FrontError, NewVolume, volume_object};
pub use manager::{BlockSizes, Deadlines, Manager, Options, Scheduler, Surroundings};
pub use notifier::{Notification, Notifier};
pub use strays::Strays;
