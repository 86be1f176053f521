//! How long `config check`, a start and a reload take: 50 back ends with 5,000 lines, a small file,
//! 400 back ends as a large node has them, and files that are no configuration.
//!
//! `cargo bench -p cinder-conf` prints the best and the median of a hundred runs. The limit for the
//! check of the large file is 50 ms, and for what a HUP reads on the large node.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use cinder_conf::{Fallback, Item, Kind, Request, cinder};

const BACKENDS: usize = 50;
const LINES: usize = 5_000;
const RUNS: usize = 100;

#[allow(clippy::print_stdout, reason = "a benchmark is a program of its own")]
#[allow(clippy::unwrap_used, reason = "a benchmark that cannot set itself up has failed")]
fn main() {
    let dir = tempfile::tempdir().unwrap();
    let large = large();
    std::fs::write(dir.path().join("large.conf"), &large).unwrap();
    std::fs::write(dir.path().join("small.conf"), small()).unwrap();
    std::fs::write(dir.path().join("node.conf"), node()).unwrap();
    std::fs::write(dir.path().join("unknown.conf"), unknown()).unwrap();
    std::fs::write(dir.path().join("sections.conf"), sections()).unwrap();
    println!("large.conf: {} back ends, {} lines", BACKENDS, large.lines().count());
    measure("check large.conf", || {
        cinder::check(request(dir.path(), "large.conf")).services().count()
    });
    measure("load large.conf, all back ends", || {
        let conf = cinder::load(request(dir.path(), "large.conf")).unwrap();
        conf.backend_names().iter().filter(|name| conf.backend(name).is_ok()).count()
    });
    measure("check small.conf", || {
        cinder::check(request(dir.path(), "small.conf")).services().count()
    });
    measure("load small.conf, all back ends", || {
        let conf = cinder::load(request(dir.path(), "small.conf")).unwrap();
        conf.backend_names().iter().filter(|name| conf.backend(name).is_ok()).count()
    });
    let conf = cinder::load(request(dir.path(), "node.conf")).unwrap();
    measure("review node.conf, 400 back ends", || conf.review().unwrap().0.changed.len());
    measure("check 10,000 unknown options", || {
        cinder::check(request(dir.path(), "unknown.conf")).problems.warnings()
    });
    measure("load 10,000 unknown options", || {
        cinder::load(request(dir.path(), "unknown.conf")).unwrap().problems().warnings()
    });
    measure("load 100,000 unknown sections", || {
        cinder::load(request(dir.path(), "sections.conf")).unwrap().problems().warnings()
    });
}

fn request(dir: &Path, file: &str) -> Request {
    let mut request = Request::new("cinder", "cinder-volume", dir);
    request.search_defaults = false;
    request.host_name = "node1".to_owned();
    request.items = vec![Item::File(file.to_owned())];
    request
}

/// Every back end sets about a hundred options, each to its default or to something of its type.
fn large() -> String {
    let names: Vec<String> = (0..BACKENDS).map(|number| format!("b{number}")).collect();
    let mut out = format!("[DEFAULT]\nenabled_backends = {}\n", names.join(", "));
    let options = cinder::tables().filter(|(group, _)| *group == "backend_defaults");
    let settings: Vec<String> = options
        .flat_map(|(_, options)| options)
        .filter_map(|option| {
            let value = match (option.default, option.kind) {
                (Fallback::Text(text), _) => text.to_owned(),
                (Fallback::Int(number), _) => number.to_string(),
                (Fallback::Bool(value), _) => value.to_string(),
                (_, Kind::List { .. }) => "a, b".to_owned(),
                (_, Kind::Dict { .. }) => "backend_id:a,conf:/etc/b".to_owned(),
                (_, Kind::String(text)) => (*text.choices.first().unwrap_or(&"x")).to_owned(),
                _ => return None,
            };
            Some(format!("{} = {value}\n", option.dest))
        })
        .collect();
    let per_backend = (LINES - 2) / BACKENDS - 1;
    for name in names {
        out.push_str(&format!("[{name}]\n"));
        out.extend(settings.iter().cycle().take(per_backend).map(String::as_str));
    }
    out
}

/// As an installer writes it: a few lines for each back end.
fn node() -> String {
    let names: Vec<String> = (0..400).map(|number| format!("b{number}")).collect();
    let sections = names.iter().map(|name| {
        format!("[{name}]\nvolume_backend_name = {name}\nvolume_group = {name}\nlvm_type = thin\n")
    });
    let head = format!("[DEFAULT]\nenabled_backends = {}\n", names.join(", "));
    head + &sections.collect::<String>()
}

fn unknown() -> String {
    let options = (0..10_000).map(|number| format!("volume_grup_{number} = x\n"));
    format!("[DEFAULT]\nenabled_backends = a\n[a]\n{}", options.collect::<String>())
}

fn sections() -> String {
    let sections = (0..100_000).map(|number| format!("[s{number}]\n"));
    format!("[DEFAULT]\nenabled_backends = a\n[a]\n{}", sections.collect::<String>())
}

fn small() -> String {
    "[DEFAULT]\nenabled_backends = a, b, c\n[database]\nconnection = sqlite:///$state_path/x\n\
     [a]\nvolume_group = a\n[b]\nnfs_shares_config = /etc/b\n[c]\nrbd_pool = c\n"
        .to_owned()
}

#[allow(clippy::print_stdout, reason = "a benchmark is a program of its own")]
fn measure(what: &str, work: impl Fn() -> usize) {
    let run = |_| {
        let start = Instant::now();
        let count = std::hint::black_box(work());
        (start.elapsed(), count)
    };
    let mut runs: Vec<(Duration, usize)> = (0..RUNS).map(run).collect();
    runs.sort();
    if let (Some(best), Some(median)) = (runs.first(), runs.get(RUNS / 2)) {
        println!("{what}: best {:?}, median {:?} ({})", best.0, median.0, best.1);
    }
}
