//! Places between two steps at which a test may kill the process (`cinder_driver::fail`).
//!
//! Each is named after what has just been done. Must not: stand where a step is half done.

cinder_driver::fail_points! {
    /// A create: its entry is ours.
    CREATE_CLAIMED = "manager::create_volume::claimed";
    /// A create: the message is acknowledged.
    CREATE_RECORDED = "manager::create_volume::recorded";
    /// A create: the driver has made it.
    CREATE_MADE = "manager::create_volume::made";
    /// A create: the row says so.
    CREATE_WRITTEN = "manager::create_volume::written";
    /// A create that failed: it has no host, and the scheduler does not know yet.
    CREATE_UNPLACED = "manager::create_volume::unplaced";
    /// A deletion: its entry is ours.
    DELETE_CLAIMED = "manager::delete_volume::claimed";
    /// A deletion: the message is acknowledged.
    DELETE_RECORDED = "manager::delete_volume::recorded";
    /// A deletion: the storage has it no more.
    DELETE_GONE = "manager::delete_volume::gone";
    /// A deletion: what it frees is reserved.
    DELETE_RESERVED = "manager::delete_volume::reserved";
    /// A deletion: the row is gone.
    DELETE_WRITTEN = "manager::delete_volume::written";
    /// A snapshot: its entry is ours.
    SNAPSHOT_CLAIMED = "manager::create_snapshot::claimed";
    /// A snapshot: the message is acknowledged.
    SNAPSHOT_RECORDED = "manager::create_snapshot::recorded";
    /// A snapshot: the driver has made it.
    SNAPSHOT_MADE = "manager::create_snapshot::made";
    /// A snapshot: the row says so.
    SNAPSHOT_WRITTEN = "manager::create_snapshot::written";
    /// The deletion of a snapshot: it is on record.
    UNSNAPSHOT_RECORDED = "manager::delete_snapshot::recorded";
    /// The deletion of a snapshot: the storage has it no more.
    UNSNAPSHOT_GONE = "manager::delete_snapshot::gone";
    /// The deletion of a snapshot: the row is gone.
    UNSNAPSHOT_WRITTEN = "manager::delete_snapshot::written";
    /// An extension: it is on record.
    EXTEND_RECORDED = "manager::extend_volume::recorded";
    /// An extension: the storage is larger.
    EXTEND_MADE = "manager::extend_volume::made";
    /// An extension: the row says so.
    EXTEND_WRITTEN = "manager::extend_volume::written";
    /// A revert: it is on record.
    REVERT_RECORDED = "manager::revert_to_snapshot::recorded";
    /// A revert: the driver has done it.
    REVERT_MADE = "manager::revert_to_snapshot::made";
    /// A revert: the rows say so.
    REVERT_WRITTEN = "manager::revert_to_snapshot::written";
    /// A clean-up: the entry is ours.
    CLEANUP_CLAIMED = "manager::cleanup::claimed";
}
