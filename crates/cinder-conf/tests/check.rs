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
            service node1@lvm
            service node1@nfs
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
            service node1@a
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
            service node1@a
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
            service node1@a
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
