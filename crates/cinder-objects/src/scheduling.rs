//! What a scheduler is asked for when a back end cannot make a volume and another one might.
//!
//! Must not: know whether it will.

use serde_json::{Map, Value};

use crate::arguments::{Argument, arguments, finished, optional, required};
use crate::error::DecodeError;
use crate::objects::{RequestSpec, Volume};
use crate::pin::Pin;
use crate::wire::Dict;

/// Places a volume: `create_volume` of a scheduler.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceVolume {
    /// The volume.
    pub volume: Volume,
    /// What it is made of, if it is a snapshot.
    pub snapshot_id: Option<String>,
    /// What it is made of, if it is an image.
    pub image_id: Option<String>,
    /// What was asked for, as it came.
    pub request_spec: Option<RequestSpec>,
    /// What schedulers have noted, where this was tried before among it.
    pub filter_properties: Option<Dict>,
    /// What it is made of, if it is a backup.
    pub backup_id: Option<String>,
}

impl PlaceVolume {
    /// Its name in messages.
    pub const NAME: &'static str = "create_volume";
    /// The version of the scheduler's interface that callers say they speak.
    pub const SENT_AS: &'static str = "3.0";

    /// Its arguments as they stand in a message.
    #[must_use]
    pub fn encode(&self, pin: Pin) -> Value {
        let args = [
            ("volume", self.volume.write()),
            ("snapshot_id", self.snapshot_id.write()),
            ("image_id", self.image_id.write()),
            ("request_spec", self.request_spec.write()),
            ("filter_properties", self.filter_properties.write()),
            ("backup_id", self.backup_id.write()),
        ];
        let args: Map<_, _> =
            args.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut args = Value::Object(args);
        pin.relabel(&mut args);
        args
    }

    /// Reads its arguments.
    ///
    /// # Errors
    ///
    /// [`DecodeError`].
    pub fn read(args: &str) -> Result<Self, DecodeError> {
        let mut args = arguments(Self::NAME, args)?;
        let call = Self {
            volume: required(Self::NAME, &mut args, "volume")?,
            snapshot_id: optional(&mut args, "snapshot_id", || None)?,
            image_id: optional(&mut args, "image_id", || None)?,
            request_spec: optional(&mut args, "request_spec", || None)?,
            filter_properties: optional(&mut args, "filter_properties", || None)?,
            backup_id: optional(&mut args, "backup_id", || None)?,
        };
        finished(Self::NAME, &args)?;
        Ok(call)
    }
}
