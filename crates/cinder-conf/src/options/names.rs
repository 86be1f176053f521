//! `[DEFAULT]`: classes, templates and options of the API that the volume service also knows.

use crate::{Opt, section};

section! {
    /// What objects are called, and which classes upstream loads.
    pub struct Names in "DEFAULT" {
        /// Name of a volume on its back end; `%s` is its id.
        volume_name_template: String = Opt::string("").default_text("volume-%s");
        /// Name of a snapshot on its back end; `%s` is its id.
        snapshot_name_template: String = Opt::string("").default_text("snapshot-%s");
        /// Name of a backup; `%s` is its id.
        backup_name_template: String = Opt::string("").default_text("backup-%s");
        /// Type of volumes whose creator names none.
        default_volume_type: String = Opt::string("").default_text("__DEFAULT__").required();
        /// Type of groups whose creator names none.
        default_group_type: Option<String> = Opt::string("");
        /// Project that internal volumes belong to.
        cinder_internal_tenant_project_id: Option<String> = Opt::string("");
        /// User that internal volumes belong to.
        cinder_internal_tenant_user_id: Option<String> = Opt::string("");
        /// Class behind volume requests; kept for upstream's files.
        volume_api_class: String = Opt::string("").default_text("cinder.volume.api.API");
        /// Class behind backup requests; kept for upstream's files.
        backup_api_class: String = Opt::string("").default_text("cinder.backup.api.API");
        /// Class that manages backups; kept for upstream's files.
        backup_manager: String = Opt::string("")
            .default_text("cinder.backup.manager.BackupManager");
        /// Run a backup on the node of the volume.
        backup_use_same_host: bool = Opt::boolean("").default_bool(false);
        /// Class that schedules; kept for upstream's files.
        scheduler_manager: String = Opt::string("")
            .default_text("cinder.scheduler.manager.SchedulerManager");
        /// Class behind transfers; kept for upstream's files.
        transfer_api_class: String = Opt::string("").default_text("cinder.transfer.api.API");
        /// Class behind groups; kept for upstream's files.
        group_api_class: String = Opt::string("").default_text("cinder.group.api.API");
        /// Class behind consistency groups; kept for upstream's files.
        consistencygroup_api_class: String = Opt::string("")
            .default_text("cinder.consistencygroup.api.API");
        /// Class behind compute calls; kept for upstream's files.
        compute_api_class: String = Opt::string("").default_text("cinder.compute.nova.API");
    }
}

section! {
    /// Options of the API that this process reads along.
    pub struct Api in "DEFAULT" {
        /// How the API authenticates.
        auth_strategy: String = Opt::choice("", &["noauth", "noauth_include_project_id",
                "keystone"])
            .default_text("keystone");
        /// Address that the API listens on.
        osapi_volume_listen: String = Opt::string("").default_text("0.0.0.0");
        /// Port that the API listens on.
        osapi_volume_listen_port: u16 = Opt::port("").default_int(8776);
        /// Processes of the API; unset is one per processor.
        osapi_volume_workers: Option<i64> = Opt::integer("");
        /// Encrypt connections to the API.
        osapi_volume_use_ssl: bool = Opt::boolean("").default_bool(false);
        /// Extensions of the API.
        osapi_volume_extension: Vec<String> = Opt::string("").multi()
            .default_list(&["cinder.api.contrib.standard_extensions"]);
        /// Extensions that are switched on.
        osapi_volume_ext_list: Vec<String> = Opt::list("").default_list(&[]);
        /// Longest list in one answer.
        osapi_max_limit: i64 = Opt::integer("").default_int(1000);
        /// Limit the rate of requests.
        api_rate_limit: bool = Opt::boolean("").default_bool(true);
        /// Address of the API in answers.
        public_endpoint: Option<String> = Opt::string("");
        /// File that says which filters lists accept.
        resource_query_filters_file: String = Opt::string("")
            .default_text("/etc/cinder/resource_filters.json");
        /// What project ids look like in URLs.
        project_id_regex: String = Opt::string("").default_text("[0-9a-f\\-]+");
        /// Log API requests under several logger names.
        split_loggers: bool = Opt::boolean("").default_bool(false);
    }
}
