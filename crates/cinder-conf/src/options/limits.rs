//! `[DEFAULT]`: quotas, rates and life times.

use crate::{Opt, section};

section! {
    /// Quotas, rates and life times.
    pub struct Limits in "DEFAULT" {
        /// Volumes a project may have; -1 is no limit.
        quota_volumes: i64 = Opt::integer("").default_int(10);
        /// Snapshots a project may have; -1 is no limit.
        quota_snapshots: i64 = Opt::integer("").default_int(10);
        /// GiB of volumes and snapshots a project may have; -1 is no limit.
        quota_gigabytes: i64 = Opt::integer("").default_int(1000);
        /// Backups a project may have; -1 is no limit.
        quota_backups: i64 = Opt::integer("").default_int(10);
        /// GiB of backups a project may have; -1 is no limit.
        quota_backup_gigabytes: i64 = Opt::integer("").default_int(1000);
        /// Volume groups a project may have; -1 is no limit.
        quota_groups: i64 = Opt::integer("").default_int(10);
        /// Largest volume in GiB; -1 is no limit.
        per_volume_size_limit: i64 = Opt::integer("").default_int(-1);
        /// Do not count snapshots towards the GiB.
        no_snapshot_gb_quota: bool = Opt::boolean("").default_bool(false);
        /// Take defaults from the quota class in the database.
        use_default_quota_class: bool = Opt::boolean("").default_bool(true);
        /// Class that keeps quotas; kept for upstream's files.
        quota_driver: String = Opt::string("").default_text("cinder.quota.DbQuotaDriver");
        /// Seconds after which an unused reservation is released.
        reservation_expire: i64 = Opt::integer("").default_int(86400);
        /// Seconds between two releases of old reservations.
        reservation_clean_interval: i64 = Opt::integer("").default_text("$reservation_expire");
        /// Reservations after which usage is counted afresh; 0 never does.
        until_refresh: i64 = Opt::integer("").default_int(0);
        /// Seconds after which usage is counted afresh; 0 never does.
        max_age: i64 = Opt::integer("").default_int(0);
        /// Seconds that messages to users are kept.
        message_ttl: i64 = Opt::integer("").default_int(2592000);
        /// Seconds between two removals of old messages.
        message_reap_interval: i64 = Opt::integer("").default_int(86400);
        /// Seconds to wait for the new volume of a migration.
        migration_create_volume_timeout_secs: i64 = Opt::integer("").default_int(300);
        /// Period of usage reports: hour, day, month or year.
        volume_usage_audit_period: String = Opt::string("").default_text("month");
    }
}
