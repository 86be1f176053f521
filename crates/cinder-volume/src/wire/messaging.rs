//! `[DEFAULT] transport_url` and `[oslo_messaging_rabbit]` as `oslo-messaging` wants them.

use std::fs::File;
use std::path::{Path, PathBuf};

use cinder_conf::cinder::Conf;
use cinder_conf::options::messaging::Rabbit;
use cinder_conf::{Level, Origin, Problem, Scope};
use oslo_messaging::{Broker, BrokerHost, FailoverStrategy, LoginMethod, RabbitOptions, Transport};

use super::{database_url, seconds};
use crate::bus::{BusPlan, Hosts};

/// Below `state_path`.
const DIRECTORY: &str = "rpc";

/// The bus of this configuration.
///
/// # Errors
///
/// What is wrong with its URL or its options and where; never with a password.
pub(crate) fn bus(conf: &Conf) -> Result<BusPlan, Vec<Problem>> {
    let state_path = Path::new(&conf.service.state_path);
    // Clients may have another directory than the daemon, so both make it absolute at once.
    let state_path = std::path::absolute(state_path).unwrap_or_else(|_| state_path.to_owned());
    Ok(BusPlan {
        transport: transport(conf)?,
        directory: state_path.join(DIRECTORY),
        exchange: conf.messaging.control_exchange.clone(),
        response_timeout: seconds(conf.messaging.rpc_response_timeout),
        hosts: Hosts::default(),
    })
}

/// Where the broker of the new files is, if it is one of the same kind: all else about it has to be as it was
/// at the start.
pub(crate) fn moved(before: &Conf, after: &Conf) -> Option<Vec<BrokerHost>> {
    match (transport(before).ok()?, transport(after).ok()?) {
        (Transport::Rabbit(mut before), Transport::Rabbit(after)) => {
            before.hosts.clone_from(&after.hosts);
            (before == after).then_some(after.hosts)
        }
        _ => None,
    }
}

/// What is dangerous about it, and no reason not to start.
pub(crate) fn warnings(conf: &Conf) -> Vec<Problem> {
    let transport = transport(conf);
    let Ok(Transport::Rabbit(broker)) = &transport else { return Vec::new() };
    let unchecked = broker.is_unchecked().then(|| {
        let text =
            "without ssl_ca_file nobody knows which broker it is: its certificate is not checked";
        Problem { level: Level::Warning, ..of_rabbit(conf, broker, "ssl", text.to_owned()) }
    });
    let unreadable = unreadable(broker).map(|(option, text)| Problem {
        level: Level::Warning,
        ..of_rabbit(conf, broker, option, text)
    });
    unchecked.into_iter().chain(unreadable).collect()
}

/// Files that a connection needs; each is read anew for each, so a start does not need them.
fn unreadable(broker: &Broker) -> impl Iterator<Item = (&'static str, String)> {
    let options = &broker.options;
    let files = [
        ("ssl_ca_file", &options.ssl_ca_file),
        ("ssl_cert_file", &options.ssl_cert_file),
        ("ssl_key_file", &options.ssl_key_file),
    ];
    let given = files.into_iter().filter(|(_, path)| options.ssl && !path.is_empty());
    given.filter_map(|(option, path)| {
        let error = File::open(path).err()?;
        Some((option, format!("{path}: {error}; until that is mended there is no connection")))
    })
}

/// What carries messages: `transport_url`, or without one the bus of this machine where the database
/// is a file of it, and the original's default otherwise.
fn transport(conf: &Conf) -> Result<Transport, Vec<Problem>> {
    let place = conf.oslo().read("DEFAULT", "transport_url");
    let origin = place.ok().map(|found| found.origin);
    let is_written = origin.as_ref().is_some_and(|origin| *origin != Origin::Default);
    let is_sqlite = || database_url(conf).is_ok_and(|url| url.file().is_some());
    if !is_written && is_sqlite() {
        return Ok(Transport::Local);
    }
    let url = conf.messaging.transport_url.reveal();
    let transport = transport_of(conf, url).map_err(|text| vec![problem(origin, text)])?;
    if let Transport::Rabbit(broker) = &transport {
        let contradictions = broker.contradictions();
        let problems: Vec<_> = contradictions
            .into_iter()
            .map(|one| of_rabbit(conf, broker, one.option, one.reason))
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
    }
    Ok(transport)
}

/// What such a URL stands for.
///
/// # Errors
///
/// Why it cannot be used, without a password.
pub(super) fn transport_of(conf: &Conf, url: &str) -> Result<Transport, String> {
    let rabbit = conf.section::<Rabbit>();
    let rabbit =
        rabbit.map_err(|problems| format!("[oslo_messaging_rabbit] cannot be read: {problems}"))?;
    let mut transport = Transport::parse(url, &rabbit_options(rabbit))
        .map_err(|error| format!("cannot be used: {error}"))?;
    if let Transport::Rabbit(broker) = &mut transport {
        let lock_path = conf.concurrency.lock_path.as_ref().filter(|path| !path.is_empty());
        broker.lock_path = lock_path.map(PathBuf::from);
    }
    Ok(transport)
}

/// A problem with an option of `[oslo_messaging_rabbit]`, where it stands: in its section, or in the query of
/// the URL.
fn of_rabbit(conf: &Conf, broker: &Broker, option: &str, text: String) -> Problem {
    if broker.from_url.iter().any(|name| name == option) {
        let origin = conf.oslo().read("DEFAULT", "transport_url").ok().map(|found| found.origin);
        return problem(origin, format!("{option} in it {text}"));
    }
    let origin = conf.oslo().read("oslo_messaging_rabbit", option).ok().map(|found| found.origin);
    let (group, option) = (Some("oslo_messaging_rabbit".to_owned()), Some(option.to_owned()));
    Problem { group, option, ..problem(origin, text) }
}

fn problem(origin: Option<Origin>, text: String) -> Problem {
    Problem {
        level: Level::Error,
        scope: Scope::Program,
        origin,
        group: Some("DEFAULT".to_owned()),
        option: Some("transport_url".to_owned()),
        text,
        hint: None,
    }
}

/// Each option as it stands; a choice is one of those that the declaration allows.
fn rabbit_options(rabbit: Rabbit) -> RabbitOptions {
    RabbitOptions {
        ssl: rabbit.ssl,
        ssl_ca_file: rabbit.ssl_ca_file,
        ssl_cert_file: rabbit.ssl_cert_file,
        ssl_key_file: rabbit.ssl_key_file,
        ssl_version: rabbit.ssl_version,
        ssl_enforce_fips_mode: rabbit.ssl_enforce_fips_mode,
        ssl_enforce_hostname_verification: rabbit.ssl_enforce_hostname_verification,
        rabbit_login_method: match rabbit.rabbit_login_method.as_str() {
            "PLAIN" => LoginMethod::Plain,
            "EXTERNAL" => LoginMethod::External,
            "RABBIT-CR-DEMO" => LoginMethod::RabbitCrDemo,
            _ => LoginMethod::AmqPlain,
        },
        rabbit_retry_interval: rabbit.rabbit_retry_interval,
        rabbit_retry_backoff: rabbit.rabbit_retry_backoff,
        rabbit_interval_max: rabbit.rabbit_interval_max,
        kombu_reconnect_delay: rabbit.kombu_reconnect_delay,
        kombu_reconnect_splay: rabbit.kombu_reconnect_splay,
        kombu_missing_consumer_retry_timeout: rabbit.kombu_missing_consumer_retry_timeout,
        kombu_failover_strategy: match rabbit.kombu_failover_strategy.as_str() {
            "shuffle" => FailoverStrategy::Shuffle,
            _ => FailoverStrategy::RoundRobin,
        },
        kombu_compression: rabbit.kombu_compression.unwrap_or_default(),
        amqp_durable_queues: rabbit.amqp_durable_queues,
        amqp_auto_delete: rabbit.amqp_auto_delete,
        rabbit_ha_queues: rabbit.rabbit_ha_queues,
        rabbit_quorum_queue: rabbit.rabbit_quorum_queue,
        rabbit_transient_quorum_queue: rabbit.rabbit_transient_quorum_queue,
        rabbit_quorum_delivery_limit: rabbit.rabbit_quorum_delivery_limit,
        rabbit_quorum_max_memory_length: rabbit.rabbit_quorum_max_memory_length,
        rabbit_quorum_max_memory_bytes: rabbit.rabbit_quorum_max_memory_bytes,
        rabbit_transient_queues_ttl: rabbit.rabbit_transient_queues_ttl,
        rabbit_stream_fanout: rabbit.rabbit_stream_fanout,
        rabbit_qos_prefetch_count: rabbit.rabbit_qos_prefetch_count,
        heartbeat_timeout_threshold: rabbit.heartbeat_timeout_threshold,
        heartbeat_rate: rabbit.heartbeat_rate,
        direct_mandatory_flag: rabbit.direct_mandatory_flag,
        enable_cancel_on_failover: rabbit.enable_cancel_on_failover,
        use_queue_manager: rabbit.use_queue_manager,
        hostname: rabbit.hostname.unwrap_or_default(),
        processname: rabbit.processname,
        rpc_conn_pool_size: rabbit.rpc_conn_pool_size,
        conn_pool_min_size: rabbit.conn_pool_min_size,
        conn_pool_ttl: rabbit.conn_pool_ttl,
    }
}
