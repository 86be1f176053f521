//! Input that means no good, or is no configuration at all: a clear error, at once, in little memory.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::{fs, path::Path, time::Instant};

use cinder_conf::{FileError, Item, LoadError, Opt, OsloConfig, ReadError, Request};

static OPTIONS: [Opt<'static>; 2] = [Opt::string("foo"), Opt::list("bar")];

fn config<'a>(dir: &Path) -> (OsloConfig<'a>, Vec<LoadError>) {
    let mut config = OsloConfig::new();
    config.declare_all("DEFAULT", &OPTIONS).unwrap();
    let mut request = Request::new("demo", "demo", dir);
    request.search_defaults = false;
    request.items = vec![Item::File("c.conf".to_owned())];
    let errors = config.load(request).err().unwrap_or_default();
    (config, errors)
}

fn file_error(content: &[u8]) -> FileError {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("c.conf"), content).unwrap();
    match config(dir.path()).1.pop().unwrap() {
        LoadError::File(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn a_directory_in_place_of_a_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("c.conf")).unwrap();
    let (_, errors) = config(dir.path());
    assert!(matches!(&errors[..], [LoadError::File(FileError::IsDirectory { .. })]), "{errors:?}");
}

#[test]
fn a_pipe_is_refused_instead_of_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("c.conf")).status();
    assert!(made.unwrap().success());
    let (_, errors) = config(dir.path());
    assert!(matches!(&errors[..], [LoadError::File(FileError::NotAFile { .. })]), "{errors:?}");
}

#[test]
fn a_socket_is_refused_and_the_null_device_is_an_empty_file() {
    let dir = tempfile::tempdir().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("c.conf")).unwrap();
    let (_, errors) = config(dir.path());
    assert!(
        matches!(&errors[..], [LoadError::File(FileError::NotAFile { kind: "a socket", .. })]),
        "{errors:?}"
    );
    let other = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/null", other.path().join("c.conf")).unwrap();
    assert!(config(other.path()).1.is_empty());
}

#[test]
fn bytes_that_are_no_text_are_located() {
    let error = file_error(b"[DEFAULT]\nfoo = \xff\n");
    assert!(matches!(error, FileError::NotUtf8 { line: 2, byte: 0xff, position: 16, .. }));
    assert!(matches!(file_error(b"\xef\xbb\xbf[DEFAULT]\n"), FileError::Malformed { .. }));
}

#[test]
fn a_hundred_megabytes_are_refused_without_being_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = fs::File::create(dir.path().join("c.conf")).unwrap();
    file.set_len(100 << 20).unwrap();
    let (_, errors) = config(dir.path());
    assert!(matches!(&errors[..], [LoadError::File(FileError::TooLarge { .. })]), "{errors:?}");
}

#[test]
fn a_line_as_long_as_allowed_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let long = "x".repeat(15 << 20);
    fs::write(
        dir.path().join("c.conf"),
        format!("[DEFAULT]\nfoo = {long}\nbar = {}\n", ",".repeat(1 << 16)),
    )
    .unwrap();
    let (config, errors) = config(dir.path());
    assert!(errors.is_empty());
    assert_eq!(config.get("DEFAULT", "foo").unwrap().to_text().len(), 15 << 20);
    assert_eq!(config.get("DEFAULT", "bar").unwrap().to_text(), "[]");
}

#[test]
fn a_directory_full_of_large_files_is_left_when_it_is_too_much() {
    let dir = tempfile::tempdir().unwrap();
    for name in 0..9 {
        let file = fs::File::create(dir.path().join(format!("{name}.conf"))).unwrap();
        file.set_len(15 << 20).unwrap();
    }
    let mut config = OsloConfig::new();
    let mut request = Request::new("demo", "demo", dir.path());
    request.search_defaults = false;
    request.items = vec![Item::Directory(".".to_owned())];
    let errors = config.load(request).unwrap_err();
    let too_much = |error: &&LoadError| matches!(error, LoadError::File(FileError::TooMuch { .. }));
    let told: Vec<String> = errors.iter().filter(too_much).map(|error| error.to_string()).collect();
    let path = dir.path().join("4.conf");
    let wanted = "the configuration files are larger than 64 MiB together";
    assert_eq!(told, [format!("with {} {wanted}", path.display())]);
}

#[test]
fn zero_bytes_are_ordinary_characters() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("c.conf"), "[DEFAULT]\nfoo = a\0b\n").unwrap();
    assert_eq!(config(dir.path()).0.get("DEFAULT", "foo").unwrap().to_text(), "a\0b");
}

/// Options `o0 = $o1$o1`, `o1 = $o2$o2`, …: two to the power of the depth, unless somebody counts.
fn chain(depth: usize, link: impl Fn(usize) -> String) -> Result<String, ReadError> {
    let names: Vec<String> = (0..=depth).map(|number| format!("o{number}")).collect();
    let options: Vec<Opt<'_>> = names.iter().map(|name| Opt::string(name)).collect();
    let mut text = "[DEFAULT]\n".to_owned();
    for number in 0..depth {
        text.push_str(&format!("o{number} = {}\n", link(number + 1)));
    }
    text.push_str(&format!("o{depth} = end\n"));
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("c.conf"), text).unwrap();
    let mut config = OsloConfig::new();
    config.declare_all("DEFAULT", &options).unwrap();
    let mut request = Request::new("demo", "demo", dir.path());
    request.search_defaults = false;
    request.items = vec![Item::File("c.conf".to_owned())];
    config.load(request).unwrap();
    config.get("DEFAULT", "o0").map(|value| value.to_text())
}

#[test]
fn a_chain_of_references_is_followed_so_far_and_no_further() {
    assert_eq!(chain(100, |next| format!("$o{next}")).unwrap(), "end");
    assert!(matches!(chain(10_000, |next| format!("$o{next}")), Err(ReadError::Reference(_))));
}

#[test]
fn references_that_double_at_every_step_are_cut_short() {
    let start = Instant::now();
    let doubled = chain(60, |next| format!("$o{next}$o{next}"));
    assert!(matches!(doubled, Err(ReadError::Reference(_))));
    let large = chain(3, |next| format!("$o{next}").repeat(5_000));
    assert!(matches!(large, Err(ReadError::Reference(_))));
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn an_unreadable_file_is_reported_in_upstreams_words() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.conf");
    fs::write(&path, "[DEFAULT]\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        // Root may read anything, so there is nothing to refuse.
        return;
    }
    let (_, errors) = config(dir.path());
    let wanted = format!("Failed to open some config files: {}", path.display());
    assert_eq!(errors[0].to_string(), wanted);
}
