//! Exports of local block devices: iSCSI and NVMe-oF targets. Back-end options.

use crate::{Alias, Opt, Secret, section};

section! {
    /// How volumes are exported from this node.
    pub struct Target in "backend_defaults" {
        /// Program that manages targets.
        target_helper: String = Opt::choice("", &["tgtadm", "lioadm", "scstadmin", "iscsictl",
                "nvmet", "spdk-nvmeof", "fake"])
            .default_text("tgtadm");
        /// Protocol of the targets.
        target_protocol: String = Opt::choice("", &["iscsi", "iser", "nvmet_rdma", "nvmet_tcp"])
            .default_text("iscsi");
        /// Address that targets listen on.
        target_ip_address: String = Opt::string("").default_text("$my_ip");
        /// More addresses that targets listen on.
        target_secondary_ip_addresses: Vec<String> = Opt::list("").default_list(&[])
            .aliases(&[Alias::name("iscsi_secondary_ip_addresses")]);
        /// Port that targets listen on.
        target_port: u16 = Opt::port("").default_int(3260);
        /// Start of target names.
        target_prefix: String = Opt::string("").default_text("iqn.2010-10.org.openstack:");
        /// Directory where target configurations are kept.
        volumes_dir: String = Opt::string("").default_text("$state_path/volumes");
        /// Ask initiators for a password.
        use_chap_auth: bool = Opt::boolean("").default_bool(false);
        /// Name that initiators give.
        chap_username: String = Opt::string("").default_text("");
        /// Password that initiators give.
        chap_password: Secret = Opt::string("").default_text("").secret();
        /// Whether a target caches writes.
        iscsi_write_cache: String = Opt::choice("", &["on", "off"]).default_text("on");
        /// Flags for the target program.
        iscsi_target_flags: String = Opt::string("").default_text("");
        /// Configuration of the Chelsio target program.
        chiscsi_conf: String = Opt::string("").default_text("/etc/chelsio-iscsi/chiscsi.conf");
        /// Name of the SCST target.
        scst_target_iqn_name: Option<String> = Opt::string("");
        /// Driver of the SCST target.
        scst_target_driver: String = Opt::string("").default_text("iscsi");
        /// Number of the NVMe-oF port.
        nvmet_port_id: u16 = Opt::port("").default_int(1);
        /// First NVMe-oF namespace number.
        nvmet_ns_id: i64 = Opt::integer("").default_int(10);
        /// Version of the connection data for NVMe-oF.
        nvmeof_conn_info_version: i64 = Opt::integer("").default_int(1).min(1).max(2);
        /// Former name of target_helper for iSER.
        iser_helper: String = Opt::string("").default_text("tgtadm").removal(None);
        /// Former address of iSER targets.
        iser_ip_address: String = Opt::string("").default_text("$my_ip").removal(None);
        /// Former port of iSER targets.
        iser_port: u16 = Opt::port("").default_int(3260).removal(None);
        /// Former start of iSER target names.
        iser_target_prefix: String = Opt::string("").default_text("iqn.2010-10.org.openstack:")
            .removal(None);
        /// Former number of looks for an iSER device.
        num_iser_scan_tries: i64 = Opt::integer("").default_int(3).removal(None);
    }
}
