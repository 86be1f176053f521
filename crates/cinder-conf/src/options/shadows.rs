//! Back-end options that are also known in `[DEFAULT]` (`spec/config.md` §6). Each is declared once,
//! with the back-end options.
//!
//! For most of them that has historic reasons only: a value written there is read by nobody. Six are
//! read by upstream's drivers for every back end, and three by other services. Found by searching
//! upstream's whole tree for reads of `CONF` under each of these names.

/// Names of all of them.
pub const SHADOWS: [&str; 57] = [
    "backend_availability_zone",
    "backup_use_temp_snapshot",
    "chap_password",
    "chap_username",
    "chiscsi_conf",
    "disk_geometry",
    "driver_client_cert",
    "driver_client_cert_key",
    "driver_data_namespace",
    "driver_ssl_cert_path",
    "driver_ssl_cert_verify",
    "driver_use_ssl",
    "enable_unsupported_driver",
    "enforce_multipath_for_image_xfer",
    "filter_function",
    "goodness_function",
    "image_upload_use_cinder_backend",
    "image_upload_use_internal_tenant",
    "image_volume_cache_enabled",
    "image_volume_cache_max_count",
    "image_volume_cache_max_size_gb",
    "iscsi_target_flags",
    "iscsi_write_cache",
    "iser_helper",
    "iser_ip_address",
    "iser_port",
    "iser_target_prefix",
    "max_over_subscription_ratio",
    "num_iser_scan_tries",
    "num_shell_tries",
    "num_volume_device_scan_tries",
    "nvmeof_conn_info_version",
    "nvmet_ns_id",
    "nvmet_port_id",
    "replication_device",
    "report_discard_supported",
    "reserved_percentage",
    "scst_target_driver",
    "scst_target_iqn_name",
    "storage_protocol",
    "target_helper",
    "target_ip_address",
    "target_port",
    "target_prefix",
    "target_protocol",
    "target_secondary_ip_addresses",
    "trace_flags",
    "use_chap_auth",
    "use_multipath_for_image_xfer",
    "volume_backend_name",
    "volume_clear",
    "volume_clear_ionice",
    "volume_clear_size",
    "volume_copy_blkio_cgroup_name",
    "volume_copy_bps_limit",
    "volume_dd_blocksize",
    "volumes_dir",
];

/// Those that count for every back end whose own value is left open.
pub const FOR_ALL_BACKENDS: [&str; 6] = [
    "filter_function",
    "goodness_function",
    "volume_clear_ionice",
    "volume_copy_blkio_cgroup_name",
    "volume_copy_bps_limit",
    "volume_dd_blocksize",
];

/// Those that another service reads from `[DEFAULT]` of the same file, and which.
pub const FOR_OTHERS: [(&str, &str); 3] = [
    ("max_over_subscription_ratio", "cinder-scheduler"),
    ("num_volume_device_scan_tries", "cinder-backup"),
    ("use_multipath_for_image_xfer", "cinder-backup"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_reads_is_among_the_names_and_in_one_list_only() {
        assert!(SHADOWS.is_sorted() && FOR_ALL_BACKENDS.is_sorted());
        for name in FOR_ALL_BACKENDS.iter().chain(FOR_OTHERS.iter().map(|(name, _)| name)) {
            assert!(SHADOWS.binary_search(name).is_ok(), "{name}");
        }
        assert!(FOR_OTHERS.iter().all(|(name, _)| !FOR_ALL_BACKENDS.contains(name)));
    }
}
