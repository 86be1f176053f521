//! Options of every back end, whatever its driver. They stand in the back end's own section or, for
//! all back ends, in `[backend_defaults]`; never in `[DEFAULT]`.

use crate::{Opt, section};

section! {
    /// What any back end can be told.
    pub struct Backend in "backend_defaults" {
        /// The driver, by upstream's class name or by this service's short one.
        volume_driver: String = Opt::string("").default_text("cinder.volume.drivers.lvm.LVMVolumeDriver");
        /// Name under which volume types find the back end; several back ends may share it.
        volume_backend_name: Option<String> = Opt::string("");
        /// Availability zone of this back end's volumes, instead of the node's.
        backend_availability_zone: Option<String> = Opt::string("");
        /// Figures to report to the scheduler in addition to the driver's, as a JSON object.
        extra_capabilities: String = Opt::string("").default_text("{}");
        /// Percentage of the capacity that is never given out.
        reserved_percentage: i64 = Opt::integer("").default_int(0).min(0).max(100);
        /// How often a failed command is tried again.
        num_shell_tries: i64 = Opt::integer("").default_int(3);
        /// Run a driver that upstream marks as unsupported.
        enable_unsupported_driver: bool = Opt::boolean("").default_bool(false);
        /// Threads for calls that block.
        backend_native_threads_pool_size: i64 = Opt::integer("").default_int(20).min(20);
    }
}
