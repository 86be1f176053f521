//! The LVM driver. Back-end options.

use crate::{Opt, section};

section! {
    /// Volumes as logical volumes of this node.
    pub struct Lvm in "backend_defaults" {
        /// Volume group that volumes are made in.
        volume_group: String = Opt::string("").default_text("cinder-volumes");
        /// Kind of volumes: `thin`, `default` for thick ones, or `auto` to use thin ones where
        /// possible.
        lvm_type: String = Opt::choice("", &["default", "thin", "auto"]).default_text("auto");
        /// Mirrors of each volume.
        lvm_mirrors: i64 = Opt::integer("").default_int(0);
        /// LVM configuration for the commands run; none if the file is absent.
        lvm_conf_file: String = Opt::string("").default_text("/etc/cinder/lvm.conf");
        /// Silence LVM's warnings about open descriptors.
        lvm_suppress_fd_warnings: bool = Opt::boolean("").default_bool(false);
        /// Put all volumes behind one target.
        lvm_share_target: bool = Opt::boolean("").default_bool(false);
    }
}
