//! What is declared on a broker, by us and by the original with the same file, under twelve sets of options. Only with
//! `CINDER_PYTHON`.
//!
//! Each set has two virtual hosts: one of ours, which the original enters later and uses beside us, and one of the original's
//! alone. One broker, one daemon of ours per set, one Python for all; what there is, is asked for once for all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::broker::broker;
use crate::cargo;
use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::original;
use crate::e2e::props::scene::Scene;
use crate::servers::rabbitmq::RabbitMq;
use crate::wait::{secs, wait_for};

/// The samples of `docs/examples`.
const SAMPLES: [&str; 3] = ["single", "mirrored", "quorum"];

/// The other sets, beside their names.
const SETS: [(&str, &[(&str, &str)]); 9] = [
    ("durable", &[("amqp_durable_queues", "true"), ("rabbit_transient_queues_ttl", "0")]),
    ("automatic", &[("amqp_auto_delete", "true"), ("enable_cancel_on_failover", "true")]),
    ("both", &[("amqp_durable_queues", "true"), ("amqp_auto_delete", "true")]),
    (
        "limited",
        &[
            ("rabbit_quorum_queue", "true"),
            ("rabbit_quorum_delivery_limit", "7"),
            ("rabbit_quorum_max_memory_length", "1000"),
            ("rabbit_quorum_max_memory_bytes", "1000000"),
        ],
    ),
    (
        "transient",
        &[
            ("rabbit_transient_quorum_queue", "true"),
            ("rabbit_quorum_delivery_limit", "7"),
            ("rabbit_quorum_max_memory_bytes", "1000000"),
            ("rabbit_qos_prefetch_count", "5"),
        ],
    ),
    (
        "all-quorum",
        &[
            ("rabbit_quorum_queue", "true"),
            ("rabbit_transient_quorum_queue", "true"),
            ("rabbit_quorum_max_memory_length", "1000"),
            ("rabbit_transient_queues_ttl", "60"),
        ],
    ),
    (
        "stream",
        &[
            ("rabbit_transient_quorum_queue", "true"),
            ("rabbit_stream_fanout", "true"),
            ("rabbit_qos_prefetch_count", "10"),
            ("rabbit_transient_queues_ttl", "0"),
        ],
    ),
    ("named", &[("use_queue_manager", "true"), ("rabbit_ha_queues", "true")]),
    (
        "named-quorum",
        &[
            ("use_queue_manager", "true"),
            ("rabbit_quorum_queue", "true"),
            ("rabbit_transient_quorum_queue", "true"),
            ("processname", "a name with spaces"),
        ],
    ),
];

fn sample(name: &str) -> Result<(String, String)> {
    let path = cargo::root().join(format!("docs/examples/broker-{name}.conf"));
    let text = fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    Ok((path.to_string_lossy().into_owned(), text))
}

/// The options of a sample's `[oslo_messaging_rabbit]`.
fn options_of(text: &str) -> Vec<(&str, &str)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let inside = lines.skip_while(|line| *line != "[oslo_messaging_rabbit]").skip(1);
    let inside = inside.take_while(|line| !line.starts_with('['));
    inside.filter_map(|line| line.split_once(" = ")).collect()
}

/// A virtual host's entities and consumers, a line each, without what makes names unique.
type Topology = BTreeMap<String, Vec<String>>;

/// The topologies of all virtual hosts.
fn declared(scene: &Scene, broker: &RabbitMq) -> Result<Topology> {
    let file = scene.path("declared");
    let code = format!(
        "N = fun({{resource, _, _, Name}}) -> Name end, \
         S = fun(I) -> [{{K, case V of [_|_] -> lists:sort(V); _ -> V end}} || {{K, V}} <- I] end, \
         file:write_file(\"{}\", [[ \
           [io_lib:format(\"~s queue ~s ~0p~n\", [V, N(amqqueue:get_name(Q)), \
             S(rabbit_amqqueue:info(Q, [durable, auto_delete, arguments]))]) || Q <- rabbit_amqqueue:list(V)], \
           [io_lib:format(\"~s exchange ~s ~0p~n\", [V, N(element(2, X)), \
             rabbit_exchange:info(X, [type, durable, auto_delete, arguments])]) || X <- rabbit_exchange:list(V)], \
           [io_lib:format(\"~s bind ~s ~s ~s ~0p~n\", [V, N(F), K, N(D), A]) || \
             {{binding, F, K, D, A}} <- rabbit_binding:list(V)], \
           [io_lib:format(\"~s consumer ~s ~s ~0p~n\", [V, N(proplists:get_value(queue_name, C)), \
             proplists:get_value(consumer_tag, C), \
             [proplists:get_value(P, C) || P <- [ack_required, arguments]]]) || \
             C <- rabbit_amqqueue:consumers_all(V)]] || V <- rabbit_vhost:list_names()]).",
        file.display()
    );
    broker.eval(&code)?;
    let mut all = Topology::new();
    for line in fs::read_to_string(&file)?.lines() {
        let (host, what) = line.split_once(' ').context("no virtual host")?;
        if !what.starts_with("exchange amq.") && !what.starts_with("exchange  ") {
            all.entry(host.to_owned()).or_default().push(general(what));
        }
    }
    all.values_mut().for_each(|lines| lines.sort());
    Ok(all)
}

/// Without the part of a fan-out queue's name that is different in each life.
fn general(line: &str) -> String {
    const MARK: &str = "_fanout_";
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(MARK) {
        let (before, behind) = rest.split_at(at + MARK.len());
        text += before;
        // Of the number that ends a lasting name, its host and process stay.
        let end = match behind.split_once(':') {
            Some((host, tail)) if !host.contains(' ') => {
                let colon = tail.find(':').unwrap_or(tail.len());
                let digits = tail[colon..].find(' ').unwrap_or(tail.len() - colon);
                text += &behind[..host.len() + 1 + colon];
                host.len() + 1 + colon + digits
            }
            _ => behind.find(' ').unwrap_or(behind.len()),
        };
        text += "*";
        rest = &behind[end..];
    }
    text + rest
}

/// The original's library in one Python for all files.
struct Theirs(Child);

impl Drop for Theirs {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Theirs {
    /// Starts it and waits until it serves under every name.
    fn start(scene: &Scene, broker: &RabbitMq, names: &[&str]) -> Result<Self> {
        let script = scene.write("topology.py", include_str!("../props/original_topology.py"))?;
        let mut command = scene.command(original::program("python"));
        command.env("PYTHONWARNINGS", "ignore").arg(script);
        command.args(["ours-NAME", &format!("{}ours-NAME", broker.url())]);
        let files = fs::create_dir_all(scene.path("theirs")).map(|()| scene.path("theirs"))?;
        for name in names {
            let text = fs::read_to_string(scene.path(&format!("ours-{name}.conf")))?;
            let file = files.join(format!("ours-{name}.conf"));
            fs::write(&file, text.replace("/ours-", "/theirs-"))?;
            command.arg(file);
        }
        let errors = fs::File::create(scene.path("theirs.err"))?;
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut this = Self(command.spawn().context("cannot start Python")?);
        let lines = BufReader::new(this.0.stdout.take().context("piped")?).lines();
        // One that fails says why and ends; with the last one its output ends.
        let ready: BTreeSet<String> = lines.map_while(Result::ok).take(names.len()).collect();
        let expected: BTreeSet<_> = names.iter().map(|name| format!("ready ours-{name}")).collect();
        let said = crate::process::text_of(&scene.path("theirs.err"));
        ensure!(ready == expected, "{ready:?}: {said}");
        Ok(this)
    }
}

/// A configuration at its own virtual host, with all that two daemons on one machine may not share.
fn config(
    scene: &Scene,
    broker: &RabbitMq,
    name: &str,
    options: &[(&str, &str)],
) -> Result<Config> {
    let directory = scene.path(&format!("state-{name}"));
    fs::create_dir_all(&directory)?;
    let config = Config::new(&directory, &["a"]);
    let url = format!("{}ours-{name}", broker.url());
    let node = format!("e2e-{}", std::process::id());
    let config = config.set("DEFAULT", "transport_url", &url);
    let config =
        original::configured(scene, config)?.set("oslo_messaging_rabbit", "hostname", &node);
    Ok(options
        .iter()
        .fold(config, |config, (option, value)| config.set("oslo_messaging_rabbit", option, value)))
}

/// The samples can be read, beside a configuration that they are to be part of.
fn check_samples(scene: &Scene) -> Result<()> {
    let base = scene.write("base.conf", &scene.config(&["a"]).text())?;
    for name in SAMPLES {
        let (path, _) = sample(name)?;
        let files = ["--config-file", &base.to_string_lossy(), "--config-file", &path];
        let checked = scene.run(&[&["config", "check"][..], &files].concat())?;
        ensure!(
            checked.code == Some(0) && checked.out.contains("0 errors, 0 warnings"),
            "{checked:?}"
        );
    }
    Ok(())
}

/// Makes all virtual hosts in one go: a command takes a second.
fn make_hosts(broker: &RabbitMq, names: &[&str]) -> Result<()> {
    let hosts: Vec<_> =
        names.iter().flat_map(|name| [format!("ours-{name}"), format!("theirs-{name}")]).collect();
    let hosts: Vec<_> = hosts
        .iter()
        .map(|host| format!("<<\"{host}\">>"))
        .chain(["<<\"whole\">>".to_owned()])
        .collect();
    let all = "<<\".*\">>";
    broker.eval(&format!(
        "[begin ok = rabbit_vhost:add(V, <<\"test\">>), \
         ok = rabbit_auth_backend_internal:set_permissions(<<\"guest\">>, V, {all}, {all}, {all}, <<\"test\">>) end \
         || V <- [{}]].",
        hosts.join(", ")
    ))?;
    Ok(())
}

/// So many services have declared everything. The broker lists no consumers of streams.
fn is_whole(lines: &[String], services: usize) -> bool {
    let found = lines.iter().filter(|line| line.starts_with("consumer ")).count();
    let each = if lines.iter().any(|line| line.contains("<<\"stream\">>")) { 4 } else { 6 };
    found == each * services
        && lines.iter().any(|line| line.starts_with("exchange cinder-scheduler_fanout "))
}

/// `ours` as it was before the original came, `together` afterwards.
fn compare(names: &[&str], ours: &Topology, together: &Topology) -> Result<()> {
    for name in names {
        let (mine, other) = (&ours[&format!("ours-{name}")], &together[&format!("theirs-{name}")]);
        ensure!(mine == other, "{name}: ours is {mine:#?}, theirs is {other:#?}");
        // Side by side on one virtual host they are twice as many, and nothing else.
        let both = &together[&format!("ours-{name}")];
        ensure!(is_whole(both, 2), "{name}: {both:#?}");
        let set = |lines: &[String]| lines.iter().cloned().collect::<BTreeSet<_>>();
        ensure!(set(both) == set(mine), "{name}: together {both:#?}, alone {mine:#?}");
    }
    let mine = &ours["ours-quorum"];
    ensure!(mine == &together["whole"], "ours is {mine:#?}, theirs {:#?}", together["whole"]);
    Ok(())
}

pub(crate) fn twelve_sets_of_options_lead_to_what_the_original_declares(
    scene: &Scene,
) -> Result<()> {
    check_samples(scene)?;
    let mut broker = broker()?;
    broker.serve()?;
    let samples: Vec<_> = SAMPLES.iter().map(|name| sample(name)).collect::<Result<_>>()?;
    let samples = samples.iter().map(|(_, text)| options_of(text));
    let sets: Vec<_> = SAMPLES.into_iter().zip(samples).collect();
    let sets: Vec<_> =
        sets.into_iter().chain(SETS.map(|(name, options)| (name, options.to_vec()))).collect();
    ensure!(sets.len() == 12 && sets[2].1.len() > 4, "{sets:?}");
    let names: Vec<_> = sets.iter().map(|(name, _)| *name).collect();
    make_hosts(&broker, &names)?;
    let mut daemons: Vec<Daemon> = Vec::new();
    for (name, options) in &sets {
        let config = config(scene, &broker, name, options)?;
        daemons.push(scene.start_beside(&format!("ours-{name}"), &config)?);
    }
    // All of the original, for the set that has most of it.
    let whole = config(scene, &broker, "quorum", &sets[2].1)?
        .set("DEFAULT", "transport_url", &format!("{}whole", broker.url()))
        .set("database", "connection", &format!("sqlite:///{}", scene.database().display()));
    let file = scene.write("cinder.conf", &original::with_driver(whole, "a").text())?;
    let made = scene.run(&["--config-file", &file.to_string_lossy(), "db", "init"])?;
    ensure!(made.code == Some(0), "{made:?}");
    let original = original::start(scene, "cinder-volume")?;
    let ours = wait_for("all daemons to have declared everything", secs(120), || {
        let found = declared(scene, &broker)?;
        for name in &names {
            let lines = found.get(&format!("ours-{name}")).context("nothing")?;
            ensure!(is_whole(lines, 1), "{name}: {lines:#?}");
        }
        Ok(found)
    })?;
    let theirs = Theirs::start(scene, &broker, &names)?;
    let together = wait_for("both to be there", secs(120), || {
        let found = declared(scene, &broker)?;
        let lines = found.get("whole").context("nothing")?;
        ensure!(is_whole(lines, 1), "the whole of the original: {lines:#?}");
        Ok(found)
    })?;
    compare(&names, &ours, &together)?;
    for (name, daemon) in names.iter().zip(&daemons) {
        for line in [" ERROR ", "is not durable on the broker", "is away"] {
            ensure!(daemon.count(line) == 0, "{name}: {}", daemon.log());
        }
        daemon.signal(Signal::SIGTERM)?;
    }
    for daemon in &daemons {
        daemon.expect_exit(0)?;
    }
    drop(theirs);
    original.end_with(Signal::SIGTERM, 0)?;
    wait_for("queues with lasting names to be left", SOON, || {
        let left = declared(scene, &broker)?;
        let queues = |name: &str| {
            let lines = left.get(&format!("ours-{name}")).into_iter().flatten();
            lines.filter(|line| line.starts_with("queue ") && line.contains("_fanout")).count()
        };
        // Two of ours, and two of the Python that was killed, but where they share one stream.
        let found = (queues("single"), queues("stream"), queues("named"));
        ensure!(found == (2, 2, 4), "{found:?}");
        Ok(())
    })?;
    for process in ["cinder-volume", "a name with spaces"] {
        let file = format!("/dev/shm/e2e-{}_{process}_qmanager", std::process::id());
        fs::remove_file(&file).with_context(|| file)?;
    }
    Ok(())
}

pub(crate) fn options_that_cannot_be_followed_are_refused_with_file_and_line(
    scene: &Scene,
) -> Result<()> {
    let at = |url: &str| scene.config(&["a"]).set("DEFAULT", "transport_url", url);
    let local = "rabbit://u:hunter2@127.0.0.1:1/";
    for (options, option, part) in [
        (
            &[("rabbit_ha_queues", "true"), ("rabbit_quorum_queue", "true")][..],
            "rabbit_ha_queues",
            "excludes",
        ),
        (&[("rabbit_stream_fanout", "true")], "rabbit_stream_fanout", "needs"),
        (
            &[("amqp_auto_delete", "true"), ("rabbit_quorum_queue", "true")],
            "amqp_auto_delete",
            "excludes",
        ),
        (&[("rpc_conn_pool_size", "1")], "rpc_conn_pool_size", "conn_pool_min_size"),
        (&[("use_queue_manager", "true")], "use_queue_manager", "lock_path"),
        (&[("kombu_compression", "gzip")], "kombu_compression", "is not here"),
        (&[("ssl", "true"), ("ssl_version", "TLSv1_1")], "ssl_version", "older than TLS 1.2"),
        (
            &[("ssl", "true"), ("ssl_enforce_fips_mode", "true")],
            "ssl_enforce_fips_mode",
            "enforced",
        ),
    ] {
        let config = options.iter().fold(at(local), |config, (option, value)| {
            config.set("oslo_messaging_rabbit", option, value)
        });
        let place = format!("cinder.conf:{}", config.line_of("oslo_messaging_rabbit", option));
        let outcome = scene.run_config(&config)?;
        let file = scene.path("cinder.conf");
        let check = scene.run(&["--config-file", &file.to_string_lossy(), "config", "check"])?;
        for outcome in [outcome, check] {
            let all = outcome.all();
            let line = all.lines().find(|line| line.contains(&place) && line.contains(part));
            let line = line.with_context(|| format!("{place} is not named: {outcome:?}"))?;
            ensure!(outcome.code == Some(1) && line.contains(option), "{outcome:?}");
        }
    }
    // What the URL says is the URL's.
    let config = at(&format!("{local}?kombu_compression=bz2"));
    let place = format!("cinder.conf:{}", config.line_of("DEFAULT", "transport_url"));
    let said = scene.run_config(&config)?;
    ensure!(said.code == Some(1) && said.all().contains(&place), "{said:?}");
    ensure!(
        said.all().contains("kombu_compression") && !said.all().contains("hunter2"),
        "{said:?}"
    );
    // And what is only dangerous is said, once, and nothing is refused for it.
    let config = at(local).set("oslo_messaging_rabbit", "ssl", "true");
    let place = format!("cinder.conf:{}", config.line_of("oslo_messaging_rabbit", "ssl"));
    let daemon = scene.start(&config)?;
    daemon.wait_log("its certificate is not checked", 1)?;
    ensure!(
        daemon.log().lines().any(|line| line.contains(" WARNING ") && line.contains(&place)),
        "{}",
        daemon.log()
    );
    daemon.wait_beats(1)?;
    ensure!(daemon.count("its certificate is not checked") == 1, "{}", daemon.log());
    daemon.end_with(Signal::SIGTERM, 0)?;
    let file = scene.path("cinder.conf");
    let check = scene.run(&["--config-file", &file.to_string_lossy(), "config", "check"])?;
    ensure!(check.code == Some(0) && check.out.contains(&place), "{check:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_a_name_unique_is_left_out_and_the_rest_stays() {
        for (line, expected) in [
            ("queue t_fanout_0f3 [x]", "queue t_fanout_* [x]"),
            ("bind t_fanout t t_fanout_n:p:12 []", "bind t_fanout t t_fanout_n:p* []"),
            ("queue t_fanout_n:a b:3 [{a,1}]", "queue t_fanout_n:a b* [{a,1}]"),
            ("exchange t_fanout [x]", "exchange t_fanout [x]"),
        ] {
            assert_eq!(general(line), expected);
        }
    }
}
