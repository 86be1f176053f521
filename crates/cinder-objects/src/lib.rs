//! Cinder's versioned objects, and the requests of its volume service that carry them, as they stand
//! in messages.
//!
//! [`Request::decode`] makes a method's arguments out of JSON, [`Call`] knows what a method returns,
//! [`VersionedObject`] what an object looks like on the wire. What cannot be read is a
//! [`DecodeError`], which knows the exception that the original's caller would see
//! (`spec/objects.md §2`). Must not: know a bus or a database, do I/O, log.
//!
//! ```
//! use cinder_objects::{DeleteVolume, Pin, Request, Volume};
//!
//! let volume = Volume { id: "5f2c".to_owned().into(), size: 1.into(), ..Volume::default() };
//! let call = DeleteVolume { volume, unmanage_only: false, cascade: true };
//! let (method, args) = Request::from(call).encode(Pin::CURRENT);
//!
//! let request = Request::decode(method.name(), method.sent_as(), &args.to_string()).unwrap();
//! let Request::DeleteVolume(call) = request else { panic!("another method") };
//! assert!(call.cascade);
//! assert_eq!(call.volume.id().unwrap().as_str(), "5f2c");
//! ```

#![forbid(unsafe_code)]

mod answers;
mod arguments;
mod changes;
mod date;
mod envelope;
mod error;
mod field;
mod kept;
mod kinds;
mod methods;
mod objects;
mod pin;
mod plain;
mod python;
mod scheduling;
mod wire;

pub use answers::{Answer, AnyForm, BackupDevice};
pub use arguments::Argument;
pub use changes::Changes;
pub use date::Date;
pub use envelope::{Envelope, FieldSpec, VersionedObject};
pub use error::{DecodeError, NotLoaded};
pub use field::Field;
pub use kept::KeptUntil;
pub use methods::*;
pub use objects::*;
pub use pin::{CappedVersionUnknown, Pin};
pub use scheduling::PlaceVolume;
pub use wire::Dict;
