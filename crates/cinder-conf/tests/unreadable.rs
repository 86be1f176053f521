//! What cannot be read is never taken for absent: not a directory, nor a place of the search path.
//!
//! Links that lead in a circle stand for all that keeps one from looking, because not even root is
//! spared those. Missing permissions are tried by the scenarios.

#![cfg(feature = "cinder")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use cinder_conf::{
    Item, Problems, Request,
    cinder::{self, Report},
};

const GOOD: &str = "[DEFAULT]\nenabled_backends = a\n[a]\n";
const CIRCLE: &str = "Too many levels of symbolic links (os error 40)";

/// A home directory, and a later place of the search path that stands for `/etc/cinder`.
struct Places {
    dir: tempfile::TempDir,
}

impl Places {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("home/.cinder")).unwrap();
        fs::create_dir_all(dir.path().join("snap/etc/cinder")).unwrap();
        Self { dir }
    }

    fn home(&self, name: &str) -> PathBuf {
        self.dir.path().join("home/.cinder").join(name)
    }

    fn later(&self, name: &str) -> PathBuf {
        self.dir.path().join("snap/etc/cinder").join(name)
    }

    fn request(&self) -> Request {
        let mut request = Request::new("cinder", "cinder-volume", self.dir.path());
        request.host_name = "node1".to_owned();
        request.home = Some(self.dir.path().join("home"));
        request.environment =
            vec![("SNAP".to_owned(), self.dir.path().join("snap").display().to_string())];
        request
    }

    fn named(&self, items: &[Item]) -> Request {
        let mut request = self.request();
        request.search_defaults = false;
        request.items = items.to_vec();
        request
    }
}

fn circle(path: &Path) {
    symlink(path, path).unwrap();
}

fn check(request: Request) -> Report {
    cinder::check(request)
}

fn refusal(request: Request) -> Problems {
    cinder::load(request).unwrap_err()
}

#[test]
fn a_named_directory_that_is_missing_is_an_error_in_upstreams_words() {
    let places = Places::new();
    let problems = refusal(places.named(&[Item::Directory("nowhere".to_owned())]));
    let wanted = "error   Failed to read config file directory: nowhere";
    assert_eq!(problems.to_string(), wanted);
}

#[test]
fn a_named_directory_that_cannot_be_read_is_an_error_with_the_systems_reason() {
    let places = Places::new();
    let path = places.home("parts");
    for reason in [CIRCLE, "Not a directory (os error 20)"] {
        let _ = fs::remove_file(&path);
        match reason {
            CIRCLE => circle(&path),
            _ => fs::write(&path, "").unwrap(),
        }
        let request = places.named(&[Item::Directory(path.display().to_string())]);
        let shown = path.display();
        let wanted = format!("error   Failed to read config file directory: {shown}: {reason}");
        assert_eq!(refusal(request).to_string(), wanted);
    }
}

#[test]
fn a_place_that_cannot_be_read_is_a_warning_when_other_configuration_was_found() {
    let places = Places::new();
    circle(&places.home("cinder.conf"));
    circle(&places.home("cinder.conf.d"));
    fs::write(places.later("cinder.conf"), GOOD).unwrap();
    let problems = check(places.request()).problems;
    let home = places.home("");
    let home = home.display().to_string();
    let home = home.trim_end_matches('/');
    let wanted = format!(
        "warning cinder.conf, cinder.conf.d in {home} could not be read: {CIRCLE}; what may stand \
         there does not count"
    );
    assert_eq!(problems.to_string(), wanted);
    let conf = cinder::load(places.request()).unwrap();
    assert_eq!(conf.config_files(), [places.later("cinder.conf").display().to_string()]);
    assert_eq!(conf.problems().warnings(), 1);
}

#[test]
fn a_place_that_cannot_be_read_is_an_error_when_nothing_was_found() {
    let places = Places::new();
    circle(&places.home("cinder.conf"));
    let text = refusal(places.request()).to_string();
    assert!(text.starts_with("error   no configuration file found; looked for "), "{text}");
    let path = places.home("cinder.conf").display().to_string();
    let later = places.later("cinder-volume.conf.d").display().to_string();
    assert!(text.contains(&format!("{path}, ")) && text.contains(&later), "{text}");
    let end = format!(", of which {path} ({CIRCLE}) could not be read");
    assert!(text.ends_with(&end), "{text}");
}

#[test]
fn a_link_that_leads_nowhere_was_meant_to_lead_somewhere() {
    let places = Places::new();
    symlink("/no/such/volume/cinder.conf", places.home("cinder.conf")).unwrap();
    let text = refusal(places.request()).to_string();
    assert!(text.contains("cinder.conf (a link that leads nowhere) could not be read"), "{text}");
}

#[test]
fn a_home_that_is_no_directory_holds_no_configuration() {
    let places = Places::new();
    let mut request = places.request();
    request.home = Some("/dev/null".into());
    let problems = check(request).problems.to_string();
    assert!(!problems.contains("could not be read"), "{problems}");
}

#[test]
fn files_whose_names_are_no_text_are_read_like_others() {
    use std::os::unix::ffi::OsStrExt;
    let places = Places::new();
    let parts = places.later("cinder.conf.d");
    fs::create_dir(&parts).unwrap();
    fs::write(parts.join(std::ffi::OsStr::from_bytes(b"\xff.conf")), GOOD).unwrap();
    fs::write(parts.join(".hidden.conf"), "nonsense").unwrap();
    fs::write(parts.join("no.configuration"), "nonsense").unwrap();
    assert_eq!(check(places.request()).services().collect::<Vec<_>>(), ["node1@a"]);
}

#[test]
fn a_reload_that_cannot_read_a_directory_any_more_changes_nothing() {
    let places = Places::new();
    let parts = places.home("parts");
    fs::create_dir(&parts).unwrap();
    fs::write(parts.join("a.conf"), GOOD).unwrap();
    let mut conf =
        cinder::load(places.named(&[Item::Directory(parts.display().to_string())])).unwrap();
    fs::rename(&parts, places.home("elsewhere")).unwrap();
    circle(&parts);
    let problems = conf.mutate().unwrap_err().to_string();
    assert!(problems.contains("Failed to read config file directory"), "{problems}");
    assert_eq!(conf.backend_names(), ["a"]);
}
