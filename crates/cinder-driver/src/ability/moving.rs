//! Abilities about images, types, hosts and owners of a volume.

use std::collections::BTreeMap;

use cinder_types::{ProjectId, UserId, VolumeStatus};

use crate::context::OpContext;
use crate::error::DriverError;
use crate::seams::ImageView;
use crate::update::VolumeUpdate;
use crate::view::{TypeView, VolumeView};

/// An image can become a volume without being copied by us.
pub trait CloneImage {
    /// Makes the volume from an image that lies where the driver can clone it; `None` if it does
    /// not, and nothing was done.
    ///
    /// # Errors
    ///
    /// When it was begun and failed.
    fn clone_image(
        &self,
        volume: &VolumeView,
        image: &ImageView,
        context: &OpContext,
    ) -> Result<Option<VolumeUpdate>, DriverError>;
}

/// How two types differ: each key with the old and the new value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the part of the types of that name")]
pub struct TypeChange {
    pub extra_specs: BTreeMap<String, (Option<String>, Option<String>)>,
    pub qos_specs: BTreeMap<String, (Option<String>, Option<String>)>,
    pub encryption: BTreeMap<String, (Option<String>, Option<String>)>,
}

/// Where a volume is to go.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// `host@backend#pool`.
    pub host: String,
    /// The cluster, if it is in one.
    pub cluster_name: Option<String>,
    /// What that back end says about itself.
    pub capabilities: crate::value::Map,
}

/// A volume can get another type where it is.
pub trait Retype {
    /// Gives it the type; `None` if it has to move for that, and nothing was done.
    ///
    /// # Errors
    ///
    /// The volume then has its old type.
    fn retype(
        &self,
        volume: &VolumeView,
        new_type: &TypeView,
        change: &TypeChange,
        destination: &Destination,
        context: &OpContext,
    ) -> Result<Option<VolumeUpdate>, DriverError>;
}

/// A volume can be moved by the back end.
pub trait Migrate {
    /// Moves it; `None` if the manager has to copy it, and nothing was done.
    ///
    /// # Errors
    ///
    /// The volume is then where it was.
    fn migrate_volume(
        &self,
        volume: &VolumeView,
        destination: &Destination,
        context: &OpContext,
    ) -> Result<Option<VolumeUpdate>, DriverError>;

    /// After a copy to this back end: gives the new volume the name of the old one, if it can.
    ///
    /// # Errors
    ///
    /// The new volume then keeps its own name.
    fn update_migrated_volume(
        &self,
        volume: &VolumeView,
        new_volume: &VolumeView,
        original_status: &VolumeStatus,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError>;
}

/// The driver has to know whose a volume is.
pub trait Transfer {
    /// Gives a volume to somebody else.
    ///
    /// # Errors
    ///
    /// The volume is then whose it was.
    fn accept_transfer(
        &self,
        volume: &VolumeView,
        new_user: &UserId,
        new_project: &ProjectId,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError>;
}
