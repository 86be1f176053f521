//! SIGHUP: a good, a bad and a vanished file; only mutable options change.

#![cfg(feature = "cinder")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::{fs, path::Path};

use cinder_conf::{
    Item, Request,
    cinder::{self, Conf},
};

const FIRST: &str = "[DEFAULT]\nenabled_backends = a\nstate_path = /one\n[a]\n";

fn load(dir: &Path) -> Conf {
    fs::write(dir.join("c.conf"), FIRST).unwrap();
    let mut request = Request::new("cinder", "cinder-volume", dir);
    request.search_defaults = false;
    request.host_name = "node1".to_owned();
    request.items = vec![Item::File("c.conf".to_owned())];
    cinder::load(request).unwrap()
}

fn texts(mutation: &cinder_conf::Mutation) -> Vec<&str> {
    mutation.notices.iter().map(|notice| notice.text.as_str()).collect()
}

#[test]
fn a_good_file_changes_mutable_options_and_reports_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut conf = load(dir.path());
    let second = "[DEFAULT]\nenabled_backends = a\nstate_path = /two\ndebug = true\n[a]\n\
                  volume_group = x\n";
    fs::write(dir.path().join("c.conf"), second).unwrap();
    let mutation = conf.mutate().unwrap();
    assert_eq!(
        texts(&mutation),
        [
            "Ignoring change to immutable option DEFAULT.state_path",
            "Ignoring change to immutable option a.volume_group",
            "Option DEFAULT.debug changed from [None] to [true]",
        ]
    );
    assert!(conf.logging.debug);
    assert_eq!(conf.service.state_path, "/one");
    assert!(conf.mutate().unwrap().changed.is_empty());
}

#[test]
fn a_bad_file_changes_nothing_and_says_everything() {
    let dir = tempfile::tempdir().unwrap();
    let mut conf = load(dir.path());
    let bad =
        "[DEFAULT]\nenabled_backends = a\ndebug = true\nno separator\nreport_interval = x\n[a]\n";
    fs::write(dir.path().join("c.conf"), bad).unwrap();
    assert_eq!(conf.mutate().unwrap_err().errors(), 2);
    assert!(!conf.logging.debug);
    fs::write(dir.path().join("c.conf"), bad.replace("no separator\n", "")).unwrap();
    assert_eq!(conf.mutate().unwrap_err().errors(), 1);
    assert!(!conf.logging.debug);
}

#[test]
fn a_vanished_file_leaves_the_old_configuration_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let mut conf = load(dir.path());
    fs::remove_file(dir.path().join("c.conf")).unwrap();
    let problems = conf.mutate().unwrap_err().to_string();
    assert!(problems.starts_with("error   Failed to find some config files: "), "{problems}");
    assert_eq!(conf.backend("a").unwrap().node, "node1");
    assert_eq!(conf.config_files().len(), 1);
}

#[test]
fn the_spelling_of_an_unchanged_option_is_no_change() {
    let dir = tempfile::tempdir().unwrap();
    let mut conf = load(dir.path());
    fs::write(dir.path().join("c.conf"), FIRST.replace("= /one", ":   '/one'  ")).unwrap();
    assert_eq!(texts(&conf.mutate().unwrap()), Vec::<&str>::new());
}

#[test]
fn what_one_process_has_read_others_follow_without_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let (reader, mut follower) = (load(dir.path()), load(dir.path()));
    let second = "[DEFAULT]\nenabled_backends = a\nstate_path = /two\ndebug = true\n\
                  log_config = $state_path/l\n[a]\n";
    fs::write(dir.path().join("c.conf"), second).unwrap();
    let (mutation, renewal) = reader.review().unwrap();
    assert_eq!(mutation.changed.len(), 2);
    assert!(!reader.logging.debug, "a review changes nothing");
    fs::remove_file(dir.path().join("c.conf")).unwrap();
    let handed = serde_json::to_vec(&renewal).unwrap();
    follower.renew(&serde_json::from_slice(&handed).unwrap()).unwrap();
    assert!(follower.logging.debug);
    assert_eq!(follower.logging.log_config_append.as_deref(), Some("/one/l"));
    let origin = follower.oslo().entry("DEFAULT", "debug").unwrap().to_string();
    assert!(origin.ends_with("c.conf:4"), "{origin}");
}

#[test]
fn what_nobody_can_have_read_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let mut conf = load(dir.path());
    for text in [
        r#"{"layers": [], "texts": [{"section": "DEFAULT", "key": "debug", "layer": 7, "line": 0,
            "text": "maybe"}]}"#,
        r#"{"layers": [null], "texts": [{"section": "DEFAULT", "key": "log_config_append",
            "layer": 0, "line": 1, "text": "$nowhere"}]}"#,
    ] {
        assert!(conf.renew(&serde_json::from_str(text).unwrap()).is_err(), "{text}");
    }
    let immutable = r#"{"layers": [null], "texts": [{"section": "DEFAULT", "key": "state_path",
        "layer": 0, "line": 1, "text": "/three"}]}"#;
    conf.renew(&serde_json::from_str(immutable).unwrap()).unwrap();
    assert_eq!(conf.oslo().get("DEFAULT", "state_path").unwrap().to_text(), "/one");
}
