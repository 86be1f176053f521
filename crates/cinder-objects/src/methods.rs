//! The methods that a volume service can be asked for: arguments, what they return, and when their
//! messages are acknowledged.
//!
//! One entry each, in the order of `tests/data/rpc-methods.json`, with which a test compares it. What
//! is not in the table cannot be called. Behind a semicolon stand arguments that may be left out.
//! Must not: carry out anything.

use serde_json::{Map, Value};

use crate::answers::{Answer, AnyForm, BackupDevice};
use crate::arguments::{Argument, arguments, finished, is_spoken, optional, required};
use crate::error::DecodeError;
use crate::kept::KeptUntil;
use crate::objects::{
    Backup, CleanupRequest, Group, GroupSnapshot, LogLevel, LogLevelList, ManageableSnapshot,
    ManageableVolume, RequestSpec, Snapshot, Volume, VolumeAttachment,
};
use crate::pin::Pin;
use crate::python::quoted;
use crate::wire::Dict;

/// One method with its arguments.
pub trait Call: Sized {
    /// Which method it is.
    const METHOD: Method;
    /// What its caller gets.
    type Answer: Answer;

    /// Reads its arguments.
    ///
    /// # Errors
    ///
    /// [`DecodeError`].
    fn decode(args: Map<String, Value>) -> Result<Self, DecodeError>;

    /// Its arguments as they stand in a message.
    fn encode(&self, pin: Pin) -> Value;
}

macro_rules! wire_name {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $wire:literal) => {
        $wire
    };
}

macro_rules! methods {
    ($(
        $(#[$about:meta])*
        $method:ident $call:ident $sent:literal $kept:ident -> $answer:ty {
            $($must:ident: $must_type:ty,)*
            $(; $($may:ident $(as $wire:literal)?: $may_type:ty = $fallback:expr,)*)?
        }
    )*) => {
        /// What can be called.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method {
            $($(#[$about])* $call,)*
        }

        impl Method {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$call),*];
            /// Their names in the same order, for metrics.
            pub const NAMES: &[&str] = &[$(stringify!($method)),*];

            /// Its name in messages.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$call => stringify!($method),)* }
            }

            /// The version of the interface that callers say they speak.
            #[must_use]
            pub fn sent_as(self) -> &'static str {
                match self { $(Self::$call => $sent,)* }
            }

            /// When its message is acknowledged.
            #[must_use]
            pub fn kept_until(self) -> KeptUntil {
                match self { $(Self::$call => KeptUntil::$kept,)* }
            }

            /// Arguments that have to be there.
            #[must_use]
            pub fn required(self) -> &'static [&'static str] {
                match self { $(Self::$call => &[$(stringify!($must)),*],)* }
            }

            /// Arguments that may be left out.
            #[must_use]
            pub fn optional(self) -> &'static [&'static str] {
                match self { $(Self::$call => &[$($(wire_name!($may $($wire)?)),*)?],)* }
            }
        }

        $(
            $(#[$about])*
            #[derive(Debug, Clone, PartialEq)]
            pub struct $call {
                $(
                    #[doc = concat!("Argument `", stringify!($must), "`.")]
                    pub $must: $must_type,
                )*
                $($(
                    #[doc = concat!("Argument `", wire_name!($may $($wire)?), "`.")]
                    pub $may: $may_type,
                )*)?
            }

            impl Call for $call {
                const METHOD: Method = Method::$call;
                type Answer = $answer;

                #[allow(unused_mut, reason = "some methods take nothing")]
                fn decode(mut args: Map<String, Value>) -> Result<Self, DecodeError> {
                    let call = Self {
                        $($must: required(stringify!($method), &mut args, stringify!($must))?,)*
                        $($($may: optional(
                            &mut args,
                            wire_name!($may $($wire)?),
                            || $fallback,
                        )?,)*)?
                    };
                    finished(stringify!($method), &args)?;
                    Ok(call)
                }

                #[allow(unused_mut, reason = "some methods take nothing")]
                fn encode(&self, pin: Pin) -> Value {
                    let mut args = Map::new();
                    $(args.insert(stringify!($must).to_owned(), Argument::write(&self.$must));)*
                    $($(args.insert(wire_name!($may $($wire)?).to_owned(), Argument::write(&self.$may));)*)?
                    let mut args = Value::Object(args);
                    pin.relabel(&mut args);
                    args
                }
            }

            impl From<$call> for Request {
                fn from(call: $call) -> Self {
                    Self::$call(Box::new(call))
                }
            }
        )*

        /// A method with its arguments.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Request {
            $($(#[$about])* $call(Box<$call>),)*
        }

        impl Request {
            /// Which method it is.
            #[must_use]
            pub fn method(&self) -> Method {
                match self { $(Self::$call(_) => Method::$call,)* }
            }

            /// Reads the arguments of a method.
            ///
            /// # Errors
            ///
            /// [`DecodeError`].
            pub fn read(method: Method, args: &str) -> Result<Self, DecodeError> {
                let args = arguments(method.name(), args)?;
                match method {
                    $(Method::$call => $call::decode(args).map(Self::from),)*
                }
            }

            /// Its method, and its arguments as they stand in a message.
            #[must_use]
            pub fn encode(&self, pin: Pin) -> (Method, Value) {
                match self { $(Self::$call(call) => (Method::$call, call.encode(pin)),)* }
            }
        }
    };
}

impl Method {
    /// The method of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|method| method.name() == name)
    }

    /// Its place in [`Method::ALL`].
    #[must_use]
    pub fn number(self) -> usize {
        self as usize
    }
}

impl Request {
    /// Reads a request as it stands in a message.
    ///
    /// # Errors
    ///
    /// [`DecodeError`], also for a method that does not exist and a version that is not spoken.
    pub fn decode(method: &str, version: &str, args: &str) -> Result<Self, DecodeError> {
        if !is_spoken(version) {
            let (version, method) = (quoted(version), quoted(method));
            return Err(DecodeError::UnsupportedVersion { version, method });
        }
        let known = Method::named(method);
        let known = known.ok_or_else(|| DecodeError::NoSuchMethod { method: quoted(method) })?;
        Self::read(known, args)
    }
}

methods! {
    /// Makes a volume, empty or out of something.
    create_volume CreateVolume "3.0" Claimed -> String {
        volume: Volume,
        ;
        request_spec: Option<RequestSpec> = None,
        filter_properties: Option<Dict> = None,
        allow_reschedule: bool = true,
    }
    /// Gives a volume the data back that its latest snapshot has.
    revert_to_snapshot RevertToSnapshot "3.15" Filed -> () {
        volume: Volume,
        snapshot: Snapshot,
    }
    /// Deletes a volume, or lets go of one.
    delete_volume DeleteVolume "3.0" Claimed -> Option<bool> {
        volume: Volume,
        ;
        unmanage_only: bool = false,
        cascade: bool = false,
    }
    /// Makes a snapshot of a volume.
    create_snapshot CreateSnapshot "3.0" Claimed -> String {
        snapshot: Snapshot,
    }
    /// Deletes a snapshot, or lets go of one.
    delete_snapshot DeleteSnapshot "3.0" Filed -> Option<bool> {
        snapshot: Snapshot,
        ;
        unmanage_only: bool = false,
    }
    /// Attaches a volume, as the API before attachments does.
    attach_volume AttachVolume "3.3" Filed -> VolumeAttachment {
        volume_id: String,
        instance_uuid: Option<String>,
        host_name: Option<String>,
        mountpoint: Option<String>,
        mode: Option<String>,
        ;
        volume: Option<Volume> = None,
    }
    /// Detaches a volume, as the API before attachments does.
    detach_volume DetachVolume "3.4" Filed -> () {
        volume_id: String,
        ;
        attachment_id: Option<String> = None,
        volume: Option<Volume> = None,
    }
    /// Uploads a volume as an image.
    copy_volume_to_image CopyVolumeToImage "3.0" Filed -> () {
        volume_id: String,
        image_meta: Dict,
    }
    /// Exports a volume to a connector.
    initialize_connection InitializeConnection "3.0" Taken -> Dict {
        volume: Volume,
        connector: Dict,
    }
    /// Takes the export back.
    terminate_connection TerminateConnection "3.0" Taken -> () {
        volume_id: String,
        connector: Option<Dict>,
        ;
        force: bool = false,
    }
    /// Takes an export down for good.
    remove_export RemoveExport "3.0" Filed -> () {
        volume_id: String,
    }
    /// Tells schedulers what the back end can do.
    publish_service_capabilities PublishServiceCapabilities "3.0" Taken -> () {}
    /// Gives a volume to another project.
    accept_transfer AcceptTransfer "3.16" Filed -> Option<Dict> {
        volume_id: String,
        new_user: String,
        new_project: String,
        ;
        no_snapshots: bool = false,
    }
    /// Makes a volume larger.
    extend_volume ExtendVolume "3.0" Filed -> () {
        volume: Volume,
        new_size: i64,
        reservations: Option<Vec<String>>,
    }
    /// Ends an extension that an instance had to take part in.
    extend_volume_completion ExtendVolumeCompletion "3.19" Filed -> () {
        volume: Volume,
        new_size: i64,
        reservations: Option<Vec<String>>,
        error: bool,
    }
    /// Moves a volume to another back end.
    migrate_volume MigrateVolume "3.5" Filed -> () {
        volume: Volume,
        host: Dict,
        ;
        force_host_copy: bool = false,
        new_type_id: Option<String> = None,
        diff: Option<Dict> = None,
    }
    /// Ends a move.
    migrate_volume_completion MigrateVolumeCompletion "3.0" Filed -> String {
        volume: Volume,
        new_volume: Volume,
        ;
        error: bool = false,
    }
    /// Gives a volume another type, moving it if it has to be.
    retype Retype "3.5" Filed -> () {
        volume: Volume,
        new_type_id: String,
        host: Dict,
        ;
        migration_policy: String = "never".to_owned(),
        reservations: Option<Vec<String>> = None,
        old_reservations: Option<Vec<String>> = None,
    }
    /// Takes a volume of the storage over.
    manage_existing ManageExisting "3.0" Filed -> String {
        volume: Volume,
        ;
        reference as "ref": Option<Dict> = None,
    }
    /// Lets a driver rename what was moved.
    update_migrated_volume UpdateMigratedVolume "3.0" Filed -> () {
        volume: Volume,
        new_volume: Volume,
        volume_status: String,
    }
    /// Stops what a failed-over back end must not take.
    freeze_host FreezeHost "3.0" Taken -> bool {}
    /// Ends that.
    thaw_host ThawHost "3.0" Taken -> bool {}
    /// Makes a back end serve from its replica.
    failover Failover "3.8" Filed -> () {
        ;
        secondary_backend_id: Option<String> = None,
    }
    /// The same as older callers ask for it.
    failover_host FailoverHost "3.0" Filed -> () {
        ;
        secondary_backend_id: Option<String> = None,
    }
    /// Tells the services of a cluster of it.
    failover_completed FailoverCompleted "3.8" Taken -> () {
        updates: Dict,
    }
    /// Takes a snapshot of the storage over.
    manage_existing_snapshot ManageExistingSnapshot "3.0" Filed -> String {
        snapshot: Snapshot,
        ;
        reference as "ref": Option<Dict> = None,
    }
    /// Asks what a back end can do.
    get_capabilities GetCapabilities "3.0" Taken -> Dict {
        discover: bool,
    }
    /// Asks for what a backup can be read from.
    get_backup_device GetBackupDevice "3.17" Filed -> BackupDevice {
        backup: Backup,
        ;
        want_objects: bool = false,
        async_call: bool = false,
    }
    /// Asks how files of a back end are treated.
    secure_file_operations_enabled SecureFileOperationsEnabled "3.0" Taken -> bool {
        volume: Volume,
    }
    /// Asks for volumes of the storage that could be taken over.
    get_manageable_volumes GetManageableVolumes "3.10" Taken -> AnyForm<Vec<ManageableVolume>> {
        marker: Value,
        limit: Option<i64>,
        offset: Option<i64>,
        sort_keys: Vec<String>,
        sort_dirs: Vec<String>,
        ;
        want_objects: bool = false,
    }
    /// Asks for snapshots of the storage that could be taken over.
    get_manageable_snapshots GetManageableSnapshots "3.10" Taken -> AnyForm<Vec<ManageableSnapshot>> {
        marker: Value,
        limit: Option<i64>,
        offset: Option<i64>,
        sort_keys: Vec<String>,
        sort_dirs: Vec<String>,
        ;
        want_objects: bool = false,
    }
    /// Makes a group.
    create_group CreateGroup "3.0" Filed -> Group {
        group: Group,
    }
    /// Deletes a group.
    delete_group DeleteGroup "3.0" Filed -> () {
        group: Group,
    }
    /// Adds volumes to a group, and takes some out.
    update_group UpdateGroup "3.0" Filed -> () {
        group: Group,
        ;
        add_volumes: Option<String> = None,
        remove_volumes: Option<String> = None,
    }
    /// Makes a group out of another, or of a snapshot of one.
    create_group_from_src CreateGroupFromSrc "3.0" Filed -> Group {
        group: Group,
        ;
        group_snapshot: Option<GroupSnapshot> = None,
        source_group: Option<Group> = None,
    }
    /// Makes a snapshot of a group.
    create_group_snapshot CreateGroupSnapshot "3.0" Filed -> GroupSnapshot {
        group_snapshot: GroupSnapshot,
    }
    /// Deletes a snapshot of a group.
    delete_group_snapshot DeleteGroupSnapshot "3.0" Filed -> () {
        group_snapshot: GroupSnapshot,
    }
    /// Exports a snapshot to a connector.
    initialize_connection_snapshot InitializeConnectionSnapshot "3.13" Taken -> Dict {
        snapshot_id: String,
        connector: Dict,
    }
    /// Takes the export of a snapshot back.
    terminate_connection_snapshot TerminateConnectionSnapshot "3.13" Taken -> () {
        snapshot_id: String,
        connector: Option<Dict>,
        ;
        force: bool = false,
    }
    /// Takes an export of a snapshot down for good.
    remove_export_snapshot RemoveExportSnapshot "3.13" Filed -> () {
        snapshot_id: String,
    }
    /// Exports a volume for an attachment.
    attachment_update AttachmentUpdate "3.9" Filed -> Dict {
        vref: Volume,
        connector: Dict,
        attachment_id: String,
    }
    /// Ends an attachment.
    attachment_delete AttachmentDelete "3.9" Filed -> () {
        attachment_id: String,
        vref: Volume,
    }
    /// Cleans up after a service.
    do_cleanup DoCleanup "3.7" Filed -> () {
        cleanup_request: CleanupRequest,
    }
    /// Changes what is logged.
    set_log_levels SetLogLevels "3.12" Taken -> () {
        log_request: LogLevel,
    }
    /// Asks what is logged.
    get_log_levels GetLogLevels "3.12" Taken -> LogLevelList {
        log_request: LogLevel,
    }
    /// Has a group replicated.
    enable_replication EnableReplication "3.14" Filed -> () {
        group: Group,
    }
    /// Ends that.
    disable_replication DisableReplication "3.14" Filed -> () {
        group: Group,
    }
    /// Makes a group be served from its replica.
    failover_replication FailoverReplication "3.14" Filed -> () {
        group: Group,
        ;
        allow_attached_volume: bool = false,
        secondary_backend_id: Option<String> = None,
    }
    /// Asks where a group is replicated to.
    list_replication_targets ListReplicationTargets "3.14" Taken -> Dict {
        group: Group,
    }
    /// Gives a volume the data of an image.
    reimage Reimage "3.20" Filed -> () {
        volume: Volume,
        image_meta: Dict,
        ;
        image_snap: Option<Snapshot> = None,
    }
}
