//! Which options of `[oslo_messaging_rabbit]` exclude each other, or ask for what this program has not.
//!
//! A start with one of them is refused: those that the original refuses, those that a broker answers with a
//! refusal of every queue, and those that could only be ignored. Pure. Must not: know a file; whoever
//! asks knows where an option stands.

use std::fmt;

use crate::options::RabbitOptions;
use crate::url::Broker;

/// RabbitMQ takes no longer `x-expires`, in seconds.
const LONGEST_TTL: i64 = 4_294_967;
/// What a frame has room for.
const MOST_PREFETCH: i64 = u16::MAX as i64;
/// Bytes of host and process in a queue's name, which has 255 of them in all.
const LONGEST_PARTS: usize = 120;

/// An option that cannot be as it is, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// Its name.
    pub option: &'static str,
    /// What is wrong, as the end of a sentence that begins with its name.
    pub reason: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.option, self.reason)
    }
}

impl Broker {
    /// Everything that keeps its options from being followed.
    #[must_use]
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let options = &self.options;
        let mut found = Vec::new();
        let mut check = |is_so: bool, option, reason: &str| {
            if is_so {
                found.push(Contradiction { option, reason: reason.to_owned() });
            }
        };
        queues(options, &mut check);
        names(self, &mut check);
        transport(options, &mut check);
        found
    }

    /// Whether it is spoken to over TLS without anybody knowing whether it is the right one.
    #[must_use]
    pub const fn is_unchecked(&self) -> bool {
        self.options.ssl && self.options.ssl_ca_file.is_empty()
    }
}

fn queues(options: &RabbitOptions, check: &mut dyn FnMut(bool, &'static str, &str)) {
    let (quorum, transient) = (options.rabbit_quorum_queue, options.rabbit_transient_quorum_queue);
    for (is_on, reason) in [
        (quorum, "excludes rabbit_quorum_queue: a queue is mirrored or a quorum queue"),
        (
            transient,
            "excludes rabbit_transient_quorum_queue: a queue is mirrored or a quorum queue",
        ),
    ] {
        check(options.rabbit_ha_queues && is_on, "rabbit_ha_queues", reason);
    }
    let automatic = options.amqp_auto_delete && quorum;
    let reason = "excludes rabbit_quorum_queue: a broker deletes no quorum queue by itself";
    check(automatic, "amqp_auto_delete", reason);
    let cancels = options.enable_cancel_on_failover && (quorum || transient);
    let reason = "excludes rabbit_quorum_queue and rabbit_transient_quorum_queue: a broker knows no such \
                  consumer of a quorum queue";
    check(cancels, "enable_cancel_on_failover", reason);
    let streams = options.rabbit_stream_fanout;
    check(
        streams && options.rabbit_qos_prefetch_count <= 0,
        "rabbit_stream_fanout",
        "needs rabbit_qos_prefetch_count, more than 0",
    );
    let reason = "needs rabbit_transient_quorum_queue = true";
    check(streams && !transient, "rabbit_stream_fanout", reason);
    for (limit, option) in [
        (options.rabbit_quorum_delivery_limit, "rabbit_quorum_delivery_limit"),
        (options.rabbit_quorum_max_memory_length, "rabbit_quorum_max_memory_length"),
        (options.rabbit_quorum_max_memory_bytes, "rabbit_quorum_max_memory_bytes"),
    ] {
        let reason = "is less than 0, which no broker takes";
        check((quorum || transient) && limit < 0, option, reason);
    }
    check(
        options.rabbit_transient_queues_ttl > LONGEST_TTL,
        "rabbit_transient_queues_ttl",
        "is more than 4294967 seconds, which no broker takes",
    );
    check(
        options.rabbit_qos_prefetch_count > MOST_PREFETCH,
        "rabbit_qos_prefetch_count",
        "is more than 65535",
    );
    check(
        options.rpc_conn_pool_size < options.conn_pool_min_size,
        "rpc_conn_pool_size",
        "is less than conn_pool_min_size",
    );
}

fn names(broker: &Broker, check: &mut dyn FnMut(bool, &'static str, &str)) {
    let options = &broker.options;
    if !options.use_queue_manager {
        return;
    }
    let is_there = broker.lock_path.is_some();
    check(!is_there, "use_queue_manager", "needs [oslo_concurrency] lock_path");
    for (name, option) in [(&options.hostname, "hostname"), (&options.processname, "processname")] {
        check(name.is_empty(), option, "is empty, and use_queue_manager makes names of it");
        let is_path = name.contains('/') || name.chars().any(char::is_control);
        let reason = "makes a name of a file with use_queue_manager, and has a / or a control character in it";
        check(is_path, option, reason);
    }
    let length = options.hostname.len() + options.processname.len();
    let reason = "is too long together with processname: 120 bytes at most go into a queue's name";
    check(length > LONGEST_PARTS, "hostname", reason);
}

fn transport(options: &RabbitOptions, check: &mut dyn FnMut(bool, &'static str, &str)) {
    // Peers would send what is packed, which is refused unread here.
    let packed = !options.kombu_compression.is_empty();
    check(packed, "kombu_compression", "is not here: bodies are neither packed nor unpacked");
    if !options.ssl {
        return;
    }
    let fips = options.ssl_enforce_fips_mode;
    check(fips, "ssl_enforce_fips_mode", "cannot be enforced: this program's TLS has no such mode");
    match options.ssl_version.to_ascii_lowercase().as_str() {
        "" | "sslv23" | "tlsv1_2" | "tlsv1_3" => {}
        "sslv2" | "sslv3" | "tlsv1" | "tlsv1_1" => check(
            true,
            "ssl_version",
            "is older than TLS 1.2, and not spoken; SSLv23, or nothing, is the newest that both have",
        ),
        _ => check(true, "ssl_version", "is none of SSLv23, TLSv1_2, TLSv1_3"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::Transport;

    fn found(query: &str) -> Vec<String> {
        let url = format!("rabbit://h/?{query}");
        let Ok(Transport::Rabbit(mut broker)) = Transport::parse(&url, &RabbitOptions::default())
        else {
            panic!("{url}")
        };
        broker.lock_path = (!query.contains("nowhere")).then(|| "/x".into());
        broker.contradictions().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_contradiction_is_named_by_its_option() {
        const QUORUM: &str = "rabbit_quorum_queue=true";
        const TRANSIENT: &str = "rabbit_transient_quorum_queue=true";
        const MANAGED: &str = "use_queue_manager=true&hostname=n&processname=p";
        for (first, second, option) in [
            ("rabbit_ha_queues=true", QUORUM, "rabbit_ha_queues: excludes rabbit_quorum_queue"),
            ("rabbit_ha_queues=true", TRANSIENT, "rabbit_ha_queues: excludes rabbit_transient"),
            ("amqp_auto_delete=true", QUORUM, "amqp_auto_delete: "),
            ("enable_cancel_on_failover=true", QUORUM, "enable_cancel_on_failover: "),
            ("enable_cancel_on_failover=true", TRANSIENT, "enable_cancel_on_failover: "),
            ("rabbit_stream_fanout=true", TRANSIENT, "rabbit_stream_fanout: needs rabbit_qos"),
            (
                "rabbit_stream_fanout=true",
                "rabbit_qos_prefetch_count=1",
                "rabbit_stream_fanout: needs rabbit_transient",
            ),
            ("rabbit_quorum_delivery_limit=-1", QUORUM, "rabbit_quorum_delivery_limit: "),
            ("rabbit_quorum_max_memory_length=-1", TRANSIENT, "rabbit_quorum_max_memory_length: "),
            ("rabbit_quorum_max_memory_bytes=-1", TRANSIENT, "rabbit_quorum_max_memory_bytes: "),
            ("rabbit_transient_queues_ttl=4294968", "", "rabbit_transient_queues_ttl: "),
            ("rabbit_qos_prefetch_count=65536", "", "rabbit_qos_prefetch_count: "),
            ("rpc_conn_pool_size=1", "", "rpc_conn_pool_size: "),
            ("use_queue_manager=true&hostname=n/../m&processname=p", "", "hostname: "),
            ("use_queue_manager=true&hostname=n&processname=a%0Ab", "", "processname: "),
            ("use_queue_manager=true&processname=p", "", "hostname: is empty"),
            ("kombu_compression=gzip", "", "kombu_compression: "),
            ("ssl=true&ssl_enforce_fips_mode=true", "", "ssl_enforce_fips_mode: "),
            ("ssl=true&ssl_version=TLSv1", "", "ssl_version: is older than TLS 1.2"),
            ("ssl=true&ssl_version=sslv3", "", "ssl_version: is older than TLS 1.2"),
            ("ssl=true&ssl_version=TLSv1_1", "", "ssl_version: is older than TLS 1.2"),
            ("ssl=true&ssl_version=SSLv9", "", "ssl_version: is none of"),
        ] {
            let all = found(&format!("{first}&{second}"));
            assert_eq!(all.len(), 1, "{first} {second}: {all:?}");
            assert!(all[0].starts_with(option), "{first} {second}: {all:?}");
            assert!(found(second).is_empty() || second.is_empty(), "{second}");
        }
        let long = format!("use_queue_manager=true&hostname={}&processname=p", "h".repeat(120));
        assert!(found(&long)[0].starts_with("hostname: is too long"));
        let nowhere = found(&format!("{MANAGED}nowhere"));
        assert_eq!(nowhere, ["use_queue_manager: needs [oslo_concurrency] lock_path"]);
        assert!(found(MANAGED).is_empty());
    }

    #[test]
    fn what_is_never_used_may_be_anything() {
        let query = "ssl_version=SSLv2&ssl_enforce_fips_mode=true&hostname=a/b&rabbit_quorum_delivery_limit=-1";
        assert!(found(query).is_empty(), "{:?}", found(query));
    }
}
