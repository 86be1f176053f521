//! Options of every back end, whatever its driver. They stand in the back end's own section or, for
//! all back ends, in `[backend_defaults]`; a few count in `[DEFAULT]`, too (`shadows.rs`).

use std::collections::BTreeMap;

use super::{any_case, matching};
use crate::{Opt, Secret, section};

section! {
    /// What any back end can be told.
    pub struct Backend in "backend_defaults" {
        /// The driver, by upstream's class name or by this service's short one.
        volume_driver: String = Opt::string("")
            .default_text("cinder.volume.drivers.lvm.LVMVolumeDriver");
        /// Name under which volume types find the back end; several back ends may share it.
        volume_backend_name: Option<String> = Opt::string("");
        /// Availability zone of this back end's volumes, instead of the node's.
        backend_availability_zone: Option<String> = Opt::string("");
        /// Figures to report to the scheduler in addition to the driver's, as a JSON object.
        extra_capabilities: String = Opt::string("").default_text("{}");
        /// Percentage of the capacity that is never given out.
        reserved_percentage: i64 = Opt::integer("").default_int(0).min(0).max(100).mutable();
        /// How many times the capacity may be promised on thin storage: a number, or `auto` to
        /// derive it from what is there.
        max_over_subscription_ratio: String = Opt::new("", matching("^(auto|\\d*\\.\\d+|\\d+)$"))
            .default_text("20.0").mutable();
        /// Expression that tells the scheduler which volumes this back end takes.
        filter_function: Option<String> = Opt::string("");
        /// Expression that tells the scheduler how much this back end likes a volume.
        goodness_function: Option<String> = Opt::string("");
        /// Run a driver that upstream marks as unsupported.
        enable_unsupported_driver: bool = Opt::boolean("").default_bool(false);
        /// Another array to replicate to, as `key:value` pairs; may be given several times.
        replication_device: Option<Secret<Vec<BTreeMap<String, String>>>> = Opt::dict("").multi()
            .secret();
        /// How often a failed command is tried again.
        num_shell_tries: i64 = Opt::integer("").default_int(3);
        /// How often a new device is looked for.
        num_volume_device_scan_tries: i64 = Opt::integer("").default_int(3);
        /// Threads for calls that block.
        backend_native_threads_pool_size: i64 = Opt::integer("").default_int(20).min(20);
        /// Tell clients that freed blocks may be given back.
        report_discard_supported: bool = Opt::boolean("").default_bool(false);
        /// Protocol over which volumes are reached, for drivers that know several.
        storage_protocol: String = Opt::new("", any_case(&["iSCSI", "FC"])).default_text("iSCSI");
        /// Whether host names are unique in the network; else initiators are told apart by address.
        unique_fqdn_network: bool = Opt::boolean("").default_bool(true);
        /// What a driver writes to the log at DEBUG: `method`, `api`.
        trace_flags: Option<Vec<String>> = Opt::list("");
        /// Make backups of attached volumes from a temporary snapshot instead of a clone.
        backup_use_temp_snapshot: bool = Opt::boolean("").default_bool(false);
        /// Leave warnings about certificates out of the log.
        suppress_requests_ssl_warnings: bool = Opt::boolean("").default_bool(false);
        /// Sector sizes shown to clients.
        disk_geometry: Option<String> = Opt::choice("", &["512", "512e", "4k"]);
    }
}

section! {
    /// Copying and wiping of volumes.
    pub struct Transfer in "backend_defaults" {
        /// How freed volumes are wiped.
        volume_clear: String = Opt::choice("", &["none", "zero"]).default_text("zero");
        /// MiB to wipe at the start of a volume; 0 wipes all of it.
        volume_clear_size: i64 = Opt::integer("").default_int(0).max(1024);
        /// Disk priority of wiping, as `ionice` takes it.
        volume_clear_ionice: Option<String> = Opt::string("");
        /// Block size for copying.
        volume_dd_blocksize: String = Opt::string("").default_text("1M");
        /// Limit for copying, in bytes per second; 0 is none.
        volume_copy_bps_limit: i64 = Opt::integer("").default_int(0);
        /// Control group that keeps the limit.
        volume_copy_blkio_cgroup_name: String = Opt::string("").default_text("cinder-volume-copy");
        /// Reach volumes over several paths while copying.
        use_multipath_for_image_xfer: bool = Opt::boolean("").default_bool(false);
        /// Refuse to copy when several paths cannot be had.
        enforce_multipath_for_image_xfer: bool = Opt::boolean("").default_bool(false);
        /// Store an uploaded image as a volume where the image service allows it.
        image_upload_use_cinder_backend: bool = Opt::boolean("").default_bool(false);
        /// Let such volumes belong to the internal project.
        image_upload_use_internal_tenant: bool = Opt::boolean("").default_bool(false);
        /// Keep volumes made from images, to make the next one faster.
        image_volume_cache_enabled: bool = Opt::boolean("").default_bool(false);
        /// Size of that cache in GiB; 0 is no limit.
        image_volume_cache_max_size_gb: i64 = Opt::integer("").default_int(0);
        /// Volumes in that cache; 0 is no limit.
        image_volume_cache_max_count: i64 = Opt::integer("").default_int(0);
    }
}

section! {
    /// How a driver talks to its array.
    pub struct ArrayAccess in "backend_defaults" {
        /// Encrypt the connection to the array.
        driver_use_ssl: bool = Opt::boolean("").default_bool(false);
        /// Check the array's certificate.
        driver_ssl_cert_verify: bool = Opt::boolean("").default_bool(false);
        /// Authorities that the certificate is checked against.
        driver_ssl_cert_path: Option<String> = Opt::string("");
        /// Certificate shown to the array.
        driver_client_cert: Option<String> = Opt::string("");
        /// Key of the certificate shown.
        driver_client_cert_key: Option<String> = Opt::string("");
        /// Namespace for the driver's own data on the array.
        driver_data_namespace: Option<String> = Opt::string("");
    }
}
