//! What `config check` says: the operator sees every mistake at once, where it is.

#![cfg(feature = "cinder")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::path::Path;

use cinder_conf::options::lvm::Lvm;
use cinder_conf::options::target::Target;
use cinder_conf::{Item, Request, cinder};
use expect_test::{Expect, expect};

fn request(dir: &Path) -> Request {
    let mut request = Request::new("cinder", "cinder-volume", dir);
    request.search_defaults = false;
    request.host_name = "node1".to_owned();
    request.items = vec![Item::File("cinder.conf".to_owned())];
    request
}

fn check(text: &str, expected: Expect) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("cinder.conf"), text).unwrap();
    let report = cinder::check(request(dir.path()));
    let shown = report.to_string().replace(&format!("{}/", dir.path().display()), "");
    expected.assert_eq(&shown);
}

#[test]
fn all_config_problems_come_with_file_and_line() {
    check(
        "[DEFAULT]\nenabled_backends = lvm, nfs\nreport_interval = soon\n[lvm]\nvolume_grup = vg0\n",
        expect![[r#"
            error   cinder.conf:2  [DEFAULT] enabled_backends: section [nfs] does not exist
            error   cinder.conf:3  [DEFAULT] report_interval: "soon" is not a whole number
            warning cinder.conf:5  [lvm] volume_grup: unknown option; did you mean volume_group?
            2 errors, 1 warning"#]],
    );
}

#[test]
fn malformed_lines_are_all_reported_together_with_wrong_values() {
    check(
        "lost = 1\n[DEFAULT\n[DEFAULT]\n  indented\nenabled_backends = a\nno separator\n\
         debug = maybe\n[a]\ntarget_port = 70000\n",
        expect![[r#"
            error   cinder.conf:2  Failed to parse cinder.conf: at cinder.conf:2, Section must be started before assignment: ''
            error   cinder.conf:2  Failed to parse cinder.conf: at cinder.conf:2, Invalid section (must end with ]): '[DEFAULT'
            error   cinder.conf:4  Failed to parse cinder.conf: at cinder.conf:4, Unexpected continuation line: '  indented'
            error   cinder.conf:6  Failed to parse cinder.conf: at cinder.conf:6, No ':' or '=' found in assignment: 'no ****'
            error   cinder.conf:7  [DEFAULT] debug: "maybe" is not true or false
            error   cinder.conf:9  [a] target_port: "70000" is out of range: it must be less than or equal to 65535
            6 errors, 0 warnings"#]],
    );
}

#[test]
fn options_in_the_wrong_place_are_sent_where_they_belong() {
    check(
        "[DEFAULT]\nenabled_backends = a\nvolume_driver = x\nvolume_group = vg\nconnection = x\n\
         conection = x\nlog-dir = /x\n[a]\nreport_interval = 1\nvolume_dirver = x\n\
         netapp_login = me\nbackend_host = other\n",
        expect![[r#"
            warning cinder.conf:3  [DEFAULT] volume_driver: unknown option; it belongs into a back end's section or [backend_defaults]
            warning cinder.conf:4  [DEFAULT] volume_group: unknown option; it belongs into a back end's section or [backend_defaults]
            warning cinder.conf:5  [DEFAULT] connection: unknown option; it belongs into [database]
            warning cinder.conf:6  [DEFAULT] conection: unknown option; did you mean connection? It belongs into [database]
            warning cinder.conf:7  [DEFAULT] log-dir: unknown option; it is spelled log_dir
            warning cinder.conf:9  [a] report_interval: unknown option; it belongs into [DEFAULT]
            warning cinder.conf:10  [a] volume_dirver: unknown option; did you mean volume_driver?
            service other@a
            0 errors, 7 warnings"#]],
    );
}

#[test]
fn a_back_end_option_in_default_is_judged_by_who_reads_it_there() {
    check(
        "[DEFAULT]\nenabled_backends = a\nfilter_function = \"volume.size < 5\"\n\
         goodness_function = 100\nvolume_copy_bps_limit = 104857600\n\
         volume_copy_blkio_cgroup_name = cinder-copy\nvolume_clear_ionice = -c3\n\
         volume_dd_blocksize = 4M\nmax_over_subscription_ratio = 2.0\n\
         use_multipath_for_image_xfer = true\ntarget_port = 3261\n[a]\n",
        expect![[r#"
            warning cinder.conf:9  [DEFAULT] max_over_subscription_ratio: counts for cinder-scheduler only in this section; for back ends write it into [backend_defaults] or into a back end's section
            warning cinder.conf:10  [DEFAULT] use_multipath_for_image_xfer: counts for cinder-backup only in this section; for back ends write it into [backend_defaults] or into a back end's section
            warning cinder.conf:11  [DEFAULT] target_port: has no effect in this section; for back ends write it into [backend_defaults] or into a back end's section
            service node1@a
            0 errors, 3 warnings"#]],
    );
}

#[test]
fn sections_that_nobody_reads_are_reported() {
    check(
        "[DEFAULT]\nenabled_backends = a,a,A\n[a]\n[old]\nvolume_driver = x\n[databse]\n[default]\n\
         [nova]\nauth_type = password\npassword = x\n[keystone_authtoken]\nauth_section = ks\n\
         [ks]\nanything = goes\n",
        expect![[r#"
            warning cinder.conf:2  [DEFAULT] enabled_backends: a is listed twice; it runs once
            warning cinder.conf:2  [DEFAULT] enabled_backends: a and A are the same section [A]
            warning cinder.conf:4  [old]: section is never used; add old to enabled_backends, or remove the section
            warning cinder.conf:6  [databse]: unknown section; did you mean [database]?
            warning cinder.conf:7  [default]: unknown section; did you mean [DEFAULT]? It is written in capitals
            service node1@a
            service node1@A
            0 errors, 5 warnings"#]],
    );
}

#[test]
fn references_deprecated_names_and_blank_numbers_are_explained() {
    check(
        "[DEFAULT]\nenabled_backends = a\nstate_path = $nowhere/x\nlogdir = /x\nreport_interval =\n\
         backdoor_port = 1\n[a]\nvolumes_dir = $volume_group/x\niscsi_secondary_ip_addresses = 1.2.3.4\n\
         volume_clear = zeero\n[database]\nmax_retries = $max_retries\n",
        expect![[r#"
            error   cinder.conf:3  [DEFAULT] state_path: $nowhere refers to an option that does not exist; write $$ for a dollar sign
            warning cinder.conf:4  [DEFAULT] logdir: is a former name of log_dir
            warning cinder.conf:5  [DEFAULT] report_interval: is empty; the default 10 is used
            warning cinder.conf:6  [DEFAULT] backdoor_port: is deprecated and will go away
            warning cinder.conf:8  [a] volumes_dir: $volume_group is not set in this section and reads as empty; defaults and [backend_defaults] do not count here
            warning cinder.conf:9  [a] iscsi_secondary_ip_addresses: is a former name of target_secondary_ip_addresses
            error   cinder.conf:10  [a] volume_clear: "zeero" is not one of none, zero; did you mean zero?
            error   cinder.conf:12  [database] max_retries: $max_retries leads back to this option, or too far
            3 errors, 5 warnings"#]],
    );
}

#[test]
fn a_secret_is_never_shown_not_even_a_piece_of_it() {
    let text = "[DEFAULT]\nenabled_backends = a\ntransport_url = rabbit://u:hush$hush@h\n[a]\n\
                replication_device = hush\n[database]\nconnection = sqlite://hush\n";
    check(
        text,
        expect![[r#"
            error   cinder.conf:3  [DEFAULT] transport_url: $**** refers to an option that does not exist; write $$ for a dollar sign
            error   cinder.conf:5  [a] replication_device: the value is not a list of key:value pairs
            2 errors, 0 warnings"#]],
    );
    let dir = tempfile::tempdir().unwrap();
    let text = text.replace("$hush", "").replace("device = hush", "device = backend_id:hush");
    std::fs::write(dir.path().join("cinder.conf"), text).unwrap();
    let conf = cinder::load(request(dir.path())).unwrap();
    let backend = conf.backend("a").unwrap();
    let device = backend.options.replication_device.as_ref().unwrap();
    assert_eq!(device.reveal().first().unwrap().get("backend_id").unwrap(), "hush");
    let mut seen = format!("{conf:?} {:?} {backend:?}", conf.database);
    seen.extend(conf.dump().iter().map(ToString::to_string));
    seen.extend(conf.oslo().log_lines());
    seen.extend(conf.oslo().effective().iter().map(ToString::to_string));
    assert!(seen.contains("****") && !seen.contains("hush"), "{seen}");
}

#[test]
fn what_refers_to_a_secret_is_as_secret_as_that() {
    let text = "[DEFAULT]\nenabled_backends = a, b\n\
                [a]\nchap_password = hush\nvolume_group = vg-$chap_password\n\
                volumes_dir = /var/$volume_group\nvolume_backend_name = plain\n\
                [b]\nchap_password = hush\ntarget_port = $chap_password\n";
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("cinder.conf"), text).unwrap();
    let conf = cinder::load(request(dir.path())).unwrap();
    let section: Lvm = conf.backend("a").unwrap().section().unwrap();
    assert_eq!(section.volume_group, "vg-hush");
    let shown: Vec<String> = conf.dump().iter().map(ToString::to_string).collect();
    let line = |start: &str| shown.iter().find(|line| line.starts_with(start)).unwrap().clone();
    assert!(line("[a] volume_group").starts_with("[a] volume_group = ****"));
    assert!(line("[a] volumes_dir").starts_with("[a] volumes_dir = ****"));
    assert!(line("[a] volume_backend_name").starts_with("[a] volume_backend_name = plain"));
    assert!(conf.dump().iter().any(|entry| entry.option == "volumes_dir" && entry.secret));
    let mut seen = shown.join("\n");
    seen.extend(conf.oslo().log_lines());
    seen.extend(conf.oslo().effective().iter().map(ToString::to_string));
    seen += &conf.backend("b").unwrap_err().to_string();
    seen += &cinder::check(request(dir.path())).to_string();
    assert!(!seen.contains("hush"), "{seen}");
}

#[test]
fn an_error_in_a_back_end_stops_that_back_end_only() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[DEFAULT]\nenabled_backends = good, bad, none\n[good]\n[bad]\ntarget_port = x\n";
    std::fs::write(dir.path().join("cinder.conf"), text).unwrap();
    let conf = cinder::load(request(dir.path())).unwrap();
    assert_eq!(conf.backend_names(), ["good", "bad", "none"]);
    assert_eq!(conf.backend("good").unwrap().node, "node1");
    assert_eq!(conf.backend("bad").unwrap_err().errors(), 1);
    assert_eq!(conf.backend("none").unwrap_err().errors(), 1);
}

#[test]
fn nothing_enabled_fails_the_check_but_not_the_load() {
    check(
        "[DEFAULT]\nenabled_backends = ,\n",
        expect![[r#"
            error   [DEFAULT] enabled_backends: names no back end, so the service would stop at once
            1 error, 0 warnings"#]],
    );
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("cinder.conf"), "").unwrap();
    assert!(cinder::load(request(dir.path())).unwrap().backend_names().is_empty());
}

#[test]
fn a_missing_file_is_reported_in_upstreams_words() {
    let dir = tempfile::tempdir().unwrap();
    let problems = cinder::load(request(dir.path())).unwrap_err();
    let path = dir.path().join("cinder.conf");
    let wanted = format!("error   Failed to find some config files: {}", path.display());
    assert_eq!(problems.to_string(), wanted);
}

#[test]
fn a_check_tells_how_far_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[DEFAULT]\nenabled_backends = a, b\n[a]\nx = 1\n[b]\n[a]\ny = 2\n";
    std::fs::write(dir.path().join("cinder.conf"), text).unwrap();
    let mut seen = Vec::new();
    cinder::check_with(request(dir.path()), &mut |done, total| seen.push((done, total)));
    let total = seen.len();
    assert!(total >= 4, "{seen:?}");
    assert_eq!(seen, (0..total).map(|done| (done, total)).collect::<Vec<_>>());
}

#[test]
fn an_option_of_a_back_end_that_only_the_environment_sets_is_set() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[DEFAULT]\nenabled_backends = a\n[backend_defaults]\nvolume_group = shared\n[a]\n";
    std::fs::write(dir.path().join("cinder.conf"), text).unwrap();
    let mut request = request(dir.path());
    request.environment = vec![("OS_A__VOLUME_GROUP".to_owned(), "own".to_owned())];
    let section: Lvm = cinder::load(request).unwrap().backend("a").unwrap().section().unwrap();
    assert_eq!(section.volume_group, "own");
}

#[test]
fn an_option_under_its_former_name_in_a_back_end_comes_before_the_common_one() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[DEFAULT]\nenabled_backends = a\n\
                [backend_defaults]\ntarget_secondary_ip_addresses = 10.0.0.1\n\
                [a]\niscsi_secondary_ip_addresses = 10.0.0.2\n";
    std::fs::write(dir.path().join("cinder.conf"), text).unwrap();
    let conf = cinder::load(request(dir.path())).unwrap();
    let section: Target = conf.backend("a").unwrap().section().unwrap();
    assert_eq!(section.target_secondary_ip_addresses, ["10.0.0.2"]);
}

#[test]
fn a_removed_option_is_sent_to_its_successor_and_never_to_a_stranger() {
    check(
        "[DEFAULT]\nenabled_backends = a\nglance_api_version = 2\nlock_path = /var/lock/cinder\n\
         iscsi_helper = tgtadm\niscsi_ip_address = 192.0.2.1\nos_region_name = x\nrabbit_host = h\nverbose = true\n\
         [oslo_messaging_rabbit]\nheartbeat_in_pthread = False\n[keystone_authtoken]\n\
         auth_uri = http://controller:5000\n[database]\nsql_connection = x\n\
         [a]\ncinder_emc_config_file = /etc/cinder/emc.xml\niscsi_port = 1\niscsi_protocol = iscsi\nhitachi_pool = 1\n",
        expect![[r#"
            warning cinder.conf:3  [DEFAULT] glance_api_version: was removed in release 12.0.0
            warning cinder.conf:4  [DEFAULT] lock_path: was removed in oslo.concurrency 6.0.0; write [oslo_concurrency] lock_path instead
            warning cinder.conf:5  [DEFAULT] iscsi_helper: was removed in release 14.0.0; write target_helper instead, into a back end's section or [backend_defaults]
            warning cinder.conf:6  [DEFAULT] iscsi_ip_address: was removed in release 14.0.0; write target_ip_address instead, into a back end's section or [backend_defaults]
            warning cinder.conf:7  [DEFAULT] os_region_name: was removed in release 13.0.0; write [nova] region_name instead
            warning cinder.conf:8  [DEFAULT] rabbit_host: was removed in oslo.messaging 9.0.0; write transport_url instead
            warning cinder.conf:9  [DEFAULT] verbose: was removed in oslo.log 3.22.0
            warning cinder.conf:11  [oslo_messaging_rabbit] heartbeat_in_pthread: was removed in oslo.messaging 18.0.0
            warning cinder.conf:13  [keystone_authtoken] auth_uri: was removed in keystonemiddleware 13.0.0; write www_authenticate_uri instead
            warning cinder.conf:15  [database] sql_connection: was removed in oslo.db 15.0.0; write connection instead
            warning cinder.conf:17  [a] cinder_emc_config_file: was removed in release 11.0.0
            warning cinder.conf:18  [a] iscsi_port: was removed in release 14.0.0; write target_port instead
            warning cinder.conf:19  [a] iscsi_protocol: was removed in release 14.0.0; write target_protocol instead
            warning cinder.conf:20  [a] hitachi_pool: is a former name of hitachi_pools; write hitachi_pools instead
            service node1@a
            0 errors, 14 warnings"#]],
    );
}

#[test]
fn what_looks_like_a_comment_behind_a_value_is_told() {
    check(
        "[DEFAULT]\nenabled_backends = ceph    # only ceph for now\ndebug = true # loud\n\
         transport_url = rabbit://h/#v\n[ceph]\nrbd_secret_uuid = 0 # from virsh\nsan_login = a\n  # more\n\
         rbd_pool = #1\n[elsewhere]\nx = y\t# z\n",
        expect![[r#"
            error   cinder.conf:2  [DEFAULT] enabled_backends: section [ceph    # only ceph for now] does not exist; a # inside a value is no comment
            error   cinder.conf:3  [DEFAULT] debug: "true # loud" is not true or false
            warning cinder.conf:3  [DEFAULT] debug: a # inside a value is no comment; write it on a line of its own
            warning cinder.conf:6  [ceph] rbd_secret_uuid: a # inside a value is no comment; write it on a line of its own
            warning cinder.conf:7  [ceph] san_login: a # inside a value is no comment; write it on a line of its own
            note    cinder.conf:10  [elsewhere]: unknown section
            warning cinder.conf:11  [elsewhere] x: a # inside a value is no comment; write it on a line of its own
            2 errors, 4 warnings, 1 note"#]],
    );
}

#[test]
fn an_option_that_one_file_sets_twice_is_told_but_not_one_that_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let first = "[DEFAULT]\nenabled_backends = a\nreport_interval = 10\nosapi_volume_extension = x\n\
                 osapi_volume_extension = y\n[a]\nsan_ip = 1\n[DEFAULT]\nreport_interval = 20\n[A]\nsan_ip = 2\n";
    std::fs::write(dir.path().join("1.conf"), first).unwrap();
    std::fs::write(dir.path().join("2.conf"), "[DEFAULT]\nreport_interval = 30\n").unwrap();
    let mut request = request(dir.path());
    request.items = ["1.conf", "2.conf"].map(|name| Item::File(name.to_owned())).to_vec();
    let report = cinder::check(request);
    let shown = report.to_string().replace(&format!("{}/", dir.path().display()), "");
    expect![[r#"
        warning 1.conf:3  [DEFAULT] report_interval: is set again in line 9, and only that counts
        warning 1.conf:7  [a] san_ip: is set again in line 11, and only that counts
        service node1@a
        0 errors, 2 warnings"#]]
    .assert_eq(&shown);
}

#[test]
fn sections_of_other_programs_are_known_or_noted() {
    check(
        "[DEFAULT]\nenabled_backends = a\n[a]\n[fc-zone-manager]\nfc_fabric_names = north, South\n[north]\n\
         fc_fabric_user = x\n[south]\nfc_fabric_user = x\n[audit_middleware_notifications]\ndriver = log\n\
         [privsep_entrypoint]\nhelper_command = x\n[nova]\nauth_section = ks\n[ks]\npassword = x\n[heat_stuff]\nx = 1\n",
        expect![[r#"
            note    cinder.conf:18  [heat_stuff]: unknown section
            service node1@a
            0 errors, 0 warnings, 1 note"#]],
    );
}

#[test]
fn explain_and_dump_know_every_option_that_a_check_accepts() {
    let text = "[DEFAULT]\nenabled_backends = pure\nscheduler_max_attempts = 3\n\
                [keystone_authtoken]\npassword = hush\nauth_url = http://u:hush@h\n\
                [pure]\nbackend_host = other\nsan_ip = 192.0.2.20\nsan_password = hush\npure_api_token = hush\n\
                vmware_storage_profile = a\nvmware_storage_profile = b\n[nova]\nregion_name = north\n\
                [audit_middleware_notifications]\ndriver = log\n[fc-zone-manager]\nfc_fabric_names = n\n[n]\nx = y\n";
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("cinder.conf"), text).unwrap();
    let report = cinder::check(request(dir.path()));
    assert!(report.passes(true), "{report}");
    let conf = cinder::load(request(dir.path())).unwrap();
    let dumped: Vec<String> = conf.dump().iter().map(ToString::to_string).collect();
    for line in [
        "[DEFAULT] scheduler_max_attempts = 3",
        "[pure] san_ip = 192.0.2.20",
        "[pure] san_password = ****",
        "[pure] pure_api_token = ****",
        "[pure] vmware_storage_profile = a",
        "[pure] vmware_storage_profile = b",
        "[nova] region_name = north",
        "[keystone_authtoken] password = ****",
        "[keystone_authtoken] auth_url = http://u:****@h",
        "[audit_middleware_notifications] driver = log",
        "[n] x = y",
    ] {
        assert!(
            dumped.iter().any(|one| one.starts_with(&format!("{line}  # "))),
            "{line}: {dumped:#?}"
        );
    }
    for (name, wanted) in [
        ("san_ip", "now: [pure] san_ip = 192.0.2.20"),
        ("pure.san_password", "now: [pure] san_password = ****"),
        ("[pure] backend_host", "backend_host"),
        ("backend_defaults/san_ip", "now: [pure] san_ip"),
        ("DEFAULT.scheduler_max_attempts", "now: [DEFAULT] scheduler_max_attempts = 3"),
        ("[keystone_authtoken] password", "now: [keystone_authtoken] password = ****"),
        ("nova/region_name", "now: [nova] region_name = north"),
        ("[DEFAULT] filter_function", "[backend_defaults] filter_function"),
        ("[database] connection", "now: [database] connection"),
        ("database/connection", "now: [database] connection"),
        ("database.connection", "now: [database] connection"),
        ("fc-zone-manager.fc_fabric_names", "now: [fc-zone-manager] fc_fabric_names = n"),
        (
            "[audit_middleware_notifications] driver",
            "now: [audit_middleware_notifications] driver = log",
        ),
    ] {
        let text = cinder::explain(name, Some(&conf)).unwrap_or_else(|error| panic!("{error}"));
        assert!(text.contains(wanted) && !text.contains("hush"), "{name}: {text}");
    }
    for (name, wanted) in [
        ("iscsi_helper", "iscsi_helper was removed in release 14.0.0; write target_helper instead"),
        ("volume_grup", "no option is called volume_grup; did you mean volume_group?"),
        ("nova.volume_group", "no option is called nova.volume_group; did you mean volume_group?"),
    ] {
        assert_eq!(cinder::explain(name, Some(&conf)).unwrap_err(), wanted);
    }
}
