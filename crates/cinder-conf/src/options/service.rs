//! `[DEFAULT]`: which back ends run, how the service names itself and how often it reports.

use crate::{Opt, section};

section! {
    /// The volume service as a whole.
    pub struct Service in "DEFAULT" {
        /// Back ends to run, each the name of a section of its own. Required: without it the service
        /// stops at once.
        enabled_backends: Option<Vec<String>> = Opt::list("");
        /// Name of this node in the service table, in queue names and in every volume's host field. Two
        /// nodes must not share it unless they replace each other.
        host: String = Opt::string("").sample_default("<your_hostname>");
        /// Cluster this node belongs to when several nodes serve the same storage actively.
        cluster: Option<String> = Opt::string("");
        /// Address of this node that other services can reach.
        my_ip: String = Opt::host_address("").sample_default("<HOST_IP_ADDRESS>");
        /// Directory below which the service keeps its own files.
        state_path: String = Opt::string("").default_text("/var/lib/cinder").cli_as(None, Some("STATE_PATH"));
        /// Availability zone of the volumes made here.
        storage_availability_zone: String = Opt::string("").default_text("nova");
        /// Zone for volumes whose creator names none; unset means the zone above.
        default_availability_zone: Option<String> = Opt::string("");
        /// Use the default zone when the wanted one does not exist, instead of refusing.
        allow_availability_zone_fallback: bool = Opt::boolean("").default_bool(false);
        /// Whether a service that registers for the first time accepts work right away.
        enable_new_services: bool = Opt::boolean("").default_bool(true);
        /// Seconds between two heartbeats in the service table; 0 sends none.
        report_interval: i64 = Opt::integer("").default_int(10);
        /// Seconds without a heartbeat after which others take the service for dead. Must be larger than
        /// report_interval.
        service_down_time: i64 = Opt::integer("").default_int(60);
        /// Seconds between two rounds of periodic tasks; 0 runs none.
        periodic_interval: i64 = Opt::integer("").default_int(60);
        /// Longest random delay, in seconds, before the first round of periodic tasks, so that many nodes
        /// do not start together; 0 switches it off.
        periodic_fuzzy_delay: i64 = Opt::integer("").default_int(60);
        /// Whether periodic tasks may be run by an outside scheduler.
        run_external_periodic_tasks: bool = Opt::boolean("").default_bool(true);
        /// Seconds between two collections of a back end's figures for the scheduler.
        backend_stats_polling_interval: i64 = Opt::integer("").default_int(60).min(3);
        /// Seconds that workers get to finish their operations after a stop request; 0 waits for ever.
        graceful_shutdown_timeout: i64 = Opt::integer("").default_int(60);
        /// Write every option and its value to the log, at DEBUG, when the service starts.
        log_options: bool = Opt::boolean("").default_bool(true);
        /// How often setting up a driver is tried again.
        reinit_driver_count: i64 = Opt::integer("").default_int(3);
        /// Number of volumes and snapshots loaded at a time when a back end starts; 0 loads all at once.
        init_host_max_objects_retrieval: i64 = Opt::integer("").default_int(0);
        /// Finish interrupted deletions in the background instead of before the back end is up.
        volume_service_inithost_offload: bool = Opt::boolean("").default_bool(false);
        /// Class that manages volumes; kept for upstream's files, this service has one manager.
        volume_manager: String = Opt::string("").default_text("cinder.volume.manager.VolumeManager");
        /// Configuration of the helper that runs commands as root.
        rootwrap_config: String = Opt::string("").default_text("/etc/cinder/rootwrap.conf");
        /// Fibre Channel zoning: `fabric` to let the service manage zones.
        zoning_mode: Option<String> = Opt::string("");
        /// Name to use instead of `host` for one back end; has effect only in that back end's section.
        backend_host: Option<String> = Opt::string("").cli_as(None, Some("BACKEND_HOST"));
        /// Run only this back end, in the foreground and without a supervisor.
        backend_name: Option<String> = Opt::string("").cli_as(None, Some("BACKEND_NAME"));
        /// Port of upstream's debugging interpreter. This service has none; the value is ignored.
        backdoor_port: Option<String> = Opt::string("").removal(Some(BACKDOOR));
        /// Socket of upstream's debugging interpreter. This service has none; the value is ignored.
        backdoor_socket: Option<String> = Opt::string("").removal(Some(BACKDOOR));
        /// Upstream's test aid for replacing functions; ignored.
        monkey_patch: bool = Opt::boolean("").default_bool(false);
        /// Upstream's test aid for replacing functions; ignored.
        monkey_patch_modules: Vec<String> = Opt::list("").default_list(&[]);
    }
}

const BACKDOOR: &str = "an interpreter inside a running service is not offered";
