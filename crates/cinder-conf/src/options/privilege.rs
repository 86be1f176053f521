//! Commands that need root, and the library that attaches volumes.

use crate::{Opt, section};

section! {
    /// The helper for commands of this service that need root.
    pub struct SysAdmin in "cinder_sys_admin" {
        /// User that the helper runs as.
        user: Option<String> = Opt::string("");
        /// Group that the helper runs as.
        group: Option<String> = Opt::string("");
        /// Kernel capabilities that the helper keeps, by name or number.
        capabilities: Vec<String> = Opt::list("").default_list(&["0", "1", "2", "3", "12", "21"]);
        /// Command that starts the helper; unset derives it from rootwrap_config.
        helper_command: Option<String> = Opt::string("");
        /// Calls that the helper serves at the same time.
        thread_pool_size: Option<i64> = Opt::integer("").min(1)
            .sample_default("<number of processors>");
        /// Logger that the helper's output goes to.
        logger_name: String = Opt::string("").default_text("oslo_privsep.daemon");
        /// Log the helper's errors in full.
        log_daemon_traceback: bool = Opt::boolean("").default_bool(false);
    }
}

section! {
    /// The helper for attaching volumes.
    pub struct BrickPrivileges in "privsep_osbrick" {
        /// User that the helper runs as.
        user: Option<String> = Opt::string("");
        /// Group that the helper runs as.
        group: Option<String> = Opt::string("");
        /// Kernel capabilities that the helper keeps, by name or number.
        capabilities: Vec<String> = Opt::list("").default_list(&["21", "2"]);
        /// Command that starts the helper; unset derives it from rootwrap_config.
        helper_command: Option<String> = Opt::string("");
        /// Calls that the helper serves at the same time.
        thread_pool_size: Option<i64> = Opt::integer("").min(1)
            .sample_default("<number of processors>");
        /// Logger that the helper's output goes to.
        logger_name: String = Opt::string("").default_text("brick_privsep_hide_output");
        /// Log the helper's errors in full.
        log_daemon_traceback: bool = Opt::boolean("").default_bool(false);
    }
}

section! {
    /// Attaching of volumes.
    pub struct Brick in "os_brick" {
        /// Directory of locks shared with other services of this node.
        lock_path: Option<String> = Opt::string("");
        /// How often a multipath device is looked for.
        wait_mpath_device_attempts: i64 = Opt::integer("").default_int(4).min(1);
        /// Seconds before the first repeated look; doubles every time.
        wait_mpath_device_interval: i64 = Opt::integer("").default_int(1).min(1);
        /// Address of the LightOS discovery client.
        lightos_discovery_client_address: String = Opt::host_address("").default_text("localhost");
        /// Port of the LightOS discovery client.
        lightos_discovery_client_port: u16 = Opt::port("").default_int(6060);
        /// Directory of the LightOS discovery client's files.
        lightos_discovery_client_dir_path: String = Opt::string("")
            .default_text("/etc/discovery-client/discovery.d/");
    }
}
