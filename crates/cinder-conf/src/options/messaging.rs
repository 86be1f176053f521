//! `[DEFAULT]` and `[oslo_messaging_*]`: the message bus and what is sent over it.

use crate::{Alias, Kind, Opt, Secret, section};

section! {
    /// Where the message bus is.
    pub struct Messaging in "DEFAULT" {
        /// URL of the message bus: `rabbit://user:password@host:5672/vhost`, several hosts
        /// separated by commas.
        transport_url: Secret = Opt::string("").default_text("rabbit://").secret();
        /// Exchange that topics are in when the transport names none.
        control_exchange: String = Opt::string("").default_text("openstack");
        /// Seconds that a call over the message bus waits for its answer.
        rpc_response_timeout: i64 = Opt::integer("").default_int(60);
        /// Requests of one back end that are carried out at a time; further ones stay with their
        /// senders.
        executor_thread_pool_size: i64 = Opt::integer("").default_int(64)
            .aliases(&[Alias::name("rpc_thread_pool_size")]);
        /// Answer `oslo_rpc_server_ping`, by which others find out whether somebody is there.
        rpc_ping_enabled: bool = Opt::boolean("").default_bool(false);
    }
}

section! {
    /// The RabbitMQ connection.
    pub struct Rabbit in "oslo_messaging_rabbit" {
        /// Encrypt the connection.
        ssl: bool = Opt::boolean("").default_bool(false);
        /// Authorities that the broker's certificate is checked against.
        ssl_ca_file: String = Opt::string("").default_text("");
        /// Certificate shown to the broker.
        ssl_cert_file: String = Opt::string("").default_text("");
        /// Key of the certificate shown.
        ssl_key_file: String = Opt::string("").default_text("");
        /// Oldest TLS version allowed; empty leaves it to the TLS library.
        ssl_version: String = Opt::string("").default_text("");
        /// Insist on a TLS library in FIPS mode.
        ssl_enforce_fips_mode: bool = Opt::boolean("").default_bool(false).removal(None);
        /// Compare the broker's name with its certificate.
        ssl_enforce_hostname_verification: bool = Opt::boolean("").default_bool(true).removal(None);
        /// SASL mechanism used to log in.
        rabbit_login_method: String = Opt::choice("", &["PLAIN", "AMQPLAIN", "EXTERNAL",
                "RABBIT-CR-DEMO"])
            .default_text("AMQPLAIN");
        /// Seconds before the first repeated attempt to connect.
        rabbit_retry_interval: i64 = Opt::integer("").default_int(1).min(1);
        /// Seconds by which that wait grows at every attempt.
        rabbit_retry_backoff: i64 = Opt::integer("").default_int(2).min(0);
        /// Longest wait between two attempts, in seconds.
        rabbit_interval_max: i64 = Opt::integer("").default_int(30).min(1);
        /// Seconds to wait after a connection was lost, before it is opened again.
        kombu_reconnect_delay: f64 = Opt::new("", Kind::Float { min: Some(0.0), max: Some(4.5) })
            .default_float(1.0);
        /// Longest random addition to that wait, in seconds, so that many services do not come back
        /// together.
        kombu_reconnect_splay: f64 = Opt::new("", Kind::Float { min: Some(0.0), max: None })
            .default_float(0.0);
        /// Seconds to wait for a missing consumer before a message to it is given up.
        kombu_missing_consumer_retry_timeout: i64 = Opt::integer("").default_int(60)
            .aliases(&[Alias::name("kombu_reconnect_timeout")]);
        /// Order in which the hosts of the URL are tried.
        kombu_failover_strategy: String = Opt::choice("", &["round-robin", "shuffle"])
            .default_text("round-robin");
        /// Compression of message bodies; unset sends them plain.
        kombu_compression: Option<String> = Opt::string("");
        /// Make queues survive a restart of the broker.
        amqp_durable_queues: bool = Opt::boolean("").default_bool(false);
        /// Remove queues when the last consumer leaves.
        amqp_auto_delete: bool = Opt::boolean("").default_bool(false);
        /// Mirror queues by policy; for brokers before RabbitMQ 3.
        rabbit_ha_queues: bool = Opt::boolean("").default_bool(false);
        /// Use quorum queues for everything that is durable.
        rabbit_quorum_queue: bool = Opt::boolean("").default_bool(false);
        /// Use quorum queues for reply and fan-out queues as well.
        rabbit_transient_quorum_queue: bool = Opt::boolean("").default_bool(false);
        /// Deliveries after which a quorum queue drops a message; 0 never drops.
        rabbit_quorum_delivery_limit: i64 = Opt::integer("").default_int(0);
        /// Messages that a quorum queue keeps in memory; 0 is no limit.
        rabbit_quorum_max_memory_length: i64 = Opt::integer("").default_int(0);
        /// Bytes that a quorum queue keeps in memory; 0 is no limit.
        rabbit_quorum_max_memory_bytes: i64 = Opt::integer("").default_int(0);
        /// Seconds after which an unused reply or fan-out queue is removed; 0 keeps it.
        rabbit_transient_queues_ttl: i64 = Opt::integer("").default_int(1800).min(0);
        /// Use one stream instead of a queue per consumer for fan-out.
        rabbit_stream_fanout: bool = Opt::boolean("").default_bool(false);
        /// Messages taken in advance; 0 is no limit.
        rabbit_qos_prefetch_count: i64 = Opt::integer("").default_int(0);
        /// Seconds without a heartbeat after which the connection counts as lost; 0 sends none.
        heartbeat_timeout_threshold: i64 = Opt::integer("").default_int(60);
        /// How often within that time a heartbeat is looked for.
        heartbeat_rate: i64 = Opt::integer("").default_int(3);
        /// Report a reply that reaches no queue.
        direct_mandatory_flag: bool = Opt::boolean("").default_bool(true).removal(None);
        /// Let the broker cancel consumers when a mirrored queue moves.
        enable_cancel_on_failover: bool = Opt::boolean("").default_bool(false);
        /// Name queues after host and process, so that they are found again after a restart.
        use_queue_manager: bool = Opt::boolean("").default_bool(false);
        /// Host part of such queue names.
        hostname: Option<String> = Opt::string("").sample_default("<your_hostname>");
        /// Process part of such queue names.
        processname: String = Opt::string("").default_text("cinder-volume")
            ;
        /// Connections kept for sending.
        rpc_conn_pool_size: i64 = Opt::integer("").default_int(30).min(1);
        /// Connections kept even when idle.
        conn_pool_min_size: i64 = Opt::integer("").default_int(2);
        /// Seconds after which an idle connection is closed.
        conn_pool_ttl: i64 = Opt::integer("").default_int(1200);
    }
}

section! {
    /// Notifications for meters and other services.
    pub struct Notifications in "oslo_messaging_notifications" {
        /// How notifications are sent: `messagingv2` for the bus, `log`, `noop`; may be given
        /// several times. None sends nothing.
        driver: Vec<String> = Opt::string("").multi().default_list(&[]);
        /// URL of the bus for notifications, if it is not the one of the service.
        transport_url: Option<Secret> = Opt::string("").secret();
        /// Topics to send to.
        topics: Vec<String> = Opt::list("").default_list(&["notifications"]);
        /// Attempts before a notification is given up; -1 tries for ever, 0 never again.
        retry: i64 = Opt::integer("").default_int(-1);
    }
}

section! {
    /// Figures about remote calls.
    pub struct Metrics in "oslo_messaging_metrics" {
        /// Send figures about remote calls to a collector.
        metrics_enabled: bool = Opt::boolean("").default_bool(false);
        /// Socket of the collector.
        metrics_socket_file: String = Opt::string("")
            .default_text("/var/tmp/metrics_collector.sock");
        /// Name of this process in the figures.
        metrics_process_name: String = Opt::string("").default_text("");
        /// Figures kept while the collector is away.
        metrics_buffer_size: i64 = Opt::integer("").default_int(1000);
        /// Seconds to wait for the sending thread at the end.
        metrics_thread_stop_timeout: i64 = Opt::integer("").default_int(10);
    }
}

section! {
    /// Traces of remote calls.
    pub struct Tracing in "oslo_messaging_tracing" {
        /// Send traces of remote calls.
        tracing_enabled: bool = Opt::boolean("").default_bool(false);
        /// Name of this service in traces.
        tracing_service_name: String = Opt::string("").default_text("openstack");
        /// Where traces are sent.
        otel_exporter_otlp_endpoint: String = Opt::string("").default_text("http://localhost:4318");
        /// Protocol of the traces.
        otlp_protocol: String = Opt::choice("", &["http/protobuf", "grpc"])
            .default_text("http/protobuf");
        /// Send traces without encryption.
        insecure: bool = Opt::boolean("").default_bool(false);
    }
}
