//! Generated texts: the reference page is current, the sample reads back as nothing but defaults.

#![cfg(feature = "cinder")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use cinder_conf::{Item, Request, cinder};
use expect_test::expect_file;

#[test]
fn the_reference_page_is_what_the_declarations_say() {
    expect_file!["../../../docs/configuration.md"].assert_eq(&cinder::reference());
}

#[test]
fn the_sample_sets_nothing_and_its_lines_are_accepted_when_uncommented() {
    let sample = cinder::sample();
    let dir = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        std::fs::write(dir.path().join("c.conf"), text).unwrap();
        let mut request = Request::new("cinder", "cinder-volume", dir.path());
        request.search_defaults = false;
        request.host_name = "node1".to_owned();
        request.items = vec![Item::File("c.conf".to_owned())];
        cinder::check(request)
    };
    // Nothing set: the one complaint is that nothing is enabled.
    assert_eq!(check(&sample).problems.errors(), 1, "{}", check(&sample));
    let set: String = sample
        .lines()
        .map(|line| match line.strip_prefix('#') {
            // `#name = default` is a setting, `# text` a comment, `<…>` no value one could write.
            Some(setting) if !setting.starts_with([' ', '#']) && !setting.contains('<') => setting,
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let report = check(&set.replace("#enabled_backends = <None>", "enabled_backends ="));
    let errors: Vec<String> = report
        .problems
        .iter()
        .filter(|p| p.to_string().starts_with("error"))
        .map(|p| p.to_string())
        .collect();
    assert_eq!(errors.len(), 1, "{}", errors.join("\n"));
}

#[test]
fn the_sample_has_upstreams_layout() {
    let sample = cinder::sample();
    let start = sample.find("# Log at DEBUG").unwrap();
    let part: String = sample[start..].split_inclusive('\n').take(11).collect();
    expect_test::expect![[r#"
        # Log at DEBUG instead of INFO. (boolean value)
        # Note: This option can be changed without restarting.
        #debug = false

        # Logging configuration file in the format of Python's logging module.
        # When it is set, all other logging options but the formats are
        # ignored. (string value)
        # Note: This option can be changed without restarting.
        # Deprecated group/name - [DEFAULT]/log-config
        # Deprecated group/name - [DEFAULT]/log_config
        #log_config_append = <None>
    "#]]
    .assert_eq(&part);
}

#[test]
fn an_option_is_explained_with_the_value_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[DEFAULT]\nenabled_backends = a, b\n[backend_defaults]\ntarget_port = 3261\n[a]\ntarget_port = 3262\n[b]\n";
    std::fs::write(dir.path().join("c.conf"), text).unwrap();
    let mut request = Request::new("cinder", "cinder-volume", dir.path());
    request.search_defaults = false;
    request.host_name = "node1".to_owned();
    request.items = vec![Item::File("c.conf".to_owned())];
    let conf = cinder::load(request).unwrap();
    let text = cinder::explain("target-port", Some(&conf)).unwrap();
    let text = text.replace(&format!("{}/", dir.path().display()), "");
    expect_test::expect![[r#"
        [backend_defaults] target_port
            Port that targets listen on.
            type: Port(min=0, max=65535)
            default: 3260
            takes effect: at a restart
            where: a back end's section, else [backend_defaults]; not [DEFAULT]
            now: [backend_defaults] target_port = 3261  # c.conf:4
            now: [a] target_port = 3262  # c.conf:6"#]]
    .assert_eq(&text);
    let unknown = cinder::explain("targt_port", None).unwrap_err();
    assert_eq!(unknown, "no option is called targt_port; did you mean target_port?");
}

#[test]
fn the_dump_shows_what_each_back_end_reads_and_from_where() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[DEFAULT]\nenabled_backends = a\n[backend_defaults]\ntarget_port = 3261\n[a]\n\
                chap_password = hush\nvolume_group = vg\nreserved_percentage =\n";
    std::fs::write(dir.path().join("c.conf"), text).unwrap();
    let mut request = Request::new("cinder", "cinder-volume", dir.path());
    request.search_defaults = false;
    request.host_name = "node1".to_owned();
    request.items = vec![Item::File("c.conf".to_owned())];
    request.environment = vec![("OS_A__NUM_SHELL_TRIES".to_owned(), "7".to_owned())];
    let conf = cinder::load(request).unwrap();
    let wanted =
        ["target_port", "chap_password", "volume_group", "num_shell_tries", "reserved_percentage"];
    let lines: Vec<String> = conf
        .dump()
        .iter()
        .filter(|entry| entry.group == "a" && wanted.contains(&entry.option.as_str()))
        .map(|entry| entry.to_string().replace(&format!("{}/", dir.path().display()), ""))
        .collect();
    expect_test::expect![[r#"
        [a] reserved_percentage = 0  # default
        [a] num_shell_tries = 7  # environment OS_A__NUM_SHELL_TRIES
        [a] target_port = 3261  # c.conf:4
        [a] chap_password = ****  # c.conf:6
        [a] volume_group = vg  # c.conf:7"#]]
    .assert_eq(&lines.join("\n"));
    let json = serde_json::to_value(conf.dump()).unwrap();
    assert!(!json.to_string().contains("hush"));
}

#[test]
fn what_back_ends_leave_open_they_take_from_default_where_upstreams_do() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[DEFAULT]\nenabled_backends = open, own, zero\nfilter_function = \"f\"\n\
                volume_copy_bps_limit = 5\nvolume_dd_blocksize = 4M\ntarget_port = 1\n\
                volume_copy_blkio_cgroup_name = copy\n[backend_defaults]\n\
                volume_clear_ionice = -c2\n[open]\n[own]\nfilter_function = own\n\
                volume_copy_bps_limit = 7\nvolume_dd_blocksize = 1M\n[zero]\n\
                volume_copy_bps_limit = 0\nvolume_copy_blkio_cgroup_name =\n";
    std::fs::write(dir.path().join("c.conf"), text).unwrap();
    let mut request = Request::new("cinder", "cinder-volume", dir.path());
    request.search_defaults = false;
    request.host_name = "node1".to_owned();
    request.items = vec![Item::File("c.conf".to_owned())];
    // A variable of another option: then everything is looked up, set or not.
    request.environment = vec![("OS_OPEN__NUM_SHELL_TRIES".to_owned(), "7".to_owned())];
    let conf = cinder::load(request).unwrap();
    let values = |name: &str| {
        let backend = conf.backend(name).unwrap();
        let text = |option: &str| backend.get(option).unwrap().to_text();
        ["filter_function", "volume_copy_bps_limit", "volume_copy_blkio_cgroup_name"]
            .into_iter()
            .chain(["volume_dd_blocksize", "volume_clear_ionice", "goodness_function"])
            .chain(["target_port"])
            .map(text)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(values("open"), "f 5 copy 4M -c2 None 3260");
    assert_eq!(values("own"), "own 7 copy 1M -c2 None 3260");
    assert_eq!(values("zero"), "f 5 copy 4M -c2 None 3260");
    let shown = |text: &str| text.replace(&format!("{}/", dir.path().display()), "");
    let entries = conf.dump();
    let dumped = entries.iter().find(|e| e.group == "open" && e.option == "volume_dd_blocksize");
    assert_eq!(shown(&dumped.unwrap().to_string()), "[open] volume_dd_blocksize = 4M  # c.conf:5");
    expect_test::expect![[r#"
        [backend_defaults] volume_dd_blocksize
            Block size for copying.
            type: String
            default: 1M
            takes effect: at a restart
            where: a back end's section, else [backend_defaults], else [DEFAULT]
            now: [backend_defaults] volume_dd_blocksize = 1M  # default
            now: [open] volume_dd_blocksize = 4M  # c.conf:5
            now: [own] volume_dd_blocksize = 1M  # c.conf:14
            now: [zero] volume_dd_blocksize = 4M  # c.conf:5"#]]
    .assert_eq(&shown(&cinder::explain("volume_dd_blocksize", Some(&conf)).unwrap()));
}
