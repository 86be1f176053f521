//! The NFS driver. Back-end options.

use crate::{Opt, Secret, section};

section! {
    /// Volumes as files on NFS shares.
    pub struct Nfs in "backend_defaults" {
        /// File with one share per line.
        nfs_shares_config: String = Opt::string("").default_text("/etc/cinder/nfs_shares");
        /// Directory that shares are mounted below.
        nfs_mount_point_base: String = Opt::string("").default_text("$state_path/mnt");
        /// Options of mounts.
        nfs_mount_options: Option<String> = Opt::string("");
        /// How often mounting is tried.
        nfs_mount_attempts: i64 = Opt::integer("").default_int(3);
        /// Make sparse files; else allocate everything at once.
        nfs_sparsed_volumes: bool = Opt::boolean("").default_bool(true);
        /// Make QCOW2 files instead of raw ones.
        nfs_qcow2_volumes: bool = Opt::boolean("").default_bool(false);
        /// Allow snapshots, which need QCOW2 overlays.
        nfs_snapshot_support: bool = Opt::boolean("").default_bool(false);
        /// Server of the one share, instead of a list of shares.
        nas_host: String = Opt::string("").default_text("");
        /// Path of the one share.
        nas_share_path: String = Opt::string("").default_text("");
        /// Options of its mount.
        nas_mount_options: Option<String> = Opt::string("");
        /// Whether its volumes are thin or thick.
        nas_volume_prov_type: String = Opt::choice("", &["thin", "thick"]).default_text("thin");
        /// User for the server's management.
        nas_login: String = Opt::string("").default_text("admin");
        /// Password for the server's management.
        nas_password: Secret = Opt::string("").default_text("").secret();
        /// Key for the server's management.
        nas_private_key: String = Opt::string("").default_text("");
        /// Port of the server's management.
        nas_ssh_port: u16 = Opt::port("").default_int(22);
        /// Work on files as the service's user instead of root: `true`, `false`, or `auto` to
        /// decide by what the share allows.
        nas_secure_file_operations: String = Opt::string("").default_text("auto");
        /// Restrict files to the service's user: `true`, `false` or `auto`.
        nas_secure_file_permissions: String = Opt::string("").default_text("auto");
    }
}
