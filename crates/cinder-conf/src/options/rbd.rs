//! The Ceph RBD driver. Back-end options.

use crate::{Opt, section};

section! {
    /// Volumes as RBD images.
    pub struct Rbd in "backend_defaults" {
        /// Pool that volumes are made in.
        rbd_pool: String = Opt::string("").default_text("rbd");
        /// Ceph user.
        rbd_user: Option<String> = Opt::string("");
        /// Name of the cluster.
        rbd_cluster_name: String = Opt::string("").default_text("ceph");
        /// Configuration file of the cluster; empty lets the library look for one.
        rbd_ceph_conf: String = Opt::string("").default_text("");
        /// Secret of the hypervisors that holds the user's key.
        rbd_secret_uuid: Option<String> = Opt::string("");
        /// Make volumes from snapshots independent at once.
        rbd_flatten_volume_from_snapshot: bool = Opt::boolean("").default_bool(false);
        /// Clones of clones before a new one is made independent; 0 never clones.
        rbd_max_clone_depth: i64 = Opt::integer("").default_int(5);
        /// Flattenings that run at the same time.
        rbd_concurrent_flatten_operations: i64 = Opt::integer("").default_int(3).min(0);
        /// Size of RADOS objects in MiB.
        rbd_store_chunk_size: i64 = Opt::integer("").default_int(4);
        /// Seconds to wait for the cluster; negative takes the library's value.
        rados_connect_timeout: i64 = Opt::integer("").default_int(-1);
        /// How often connecting is tried again.
        rados_connection_retries: i64 = Opt::integer("").default_int(3);
        /// Seconds between two attempts to connect.
        rados_connection_interval: i64 = Opt::integer("").default_int(5);
        /// Seconds to wait for a secondary cluster.
        replication_connect_timeout: i64 = Opt::integer("").default_int(5);
        /// Report the capacity that is left to this pool instead of a fixed one.
        report_dynamic_total_capacity: bool = Opt::boolean("").default_bool(true);
        /// Whether nothing else writes to the pool, so that its figures need not be counted image
        /// by image.
        rbd_exclusive_cinder_pool: bool = Opt::boolean("").default_bool(true);
        /// Move deleted volumes to the trash.
        enable_deferred_deletion: bool = Opt::boolean("").default_bool(false);
        /// Seconds before trash is purged.
        deferred_deletion_delay: i64 = Opt::integer("").default_int(0);
        /// Seconds between two purges.
        deferred_deletion_purge_interval: i64 = Opt::integer("").default_int(60);
    }
}
