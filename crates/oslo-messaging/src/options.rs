//! What `[oslo_messaging_rabbit]` says, as plain values.
//!
//! One declaration per option gives the field, its default, and how the query of a transport URL
//! sets it (`spec/rpc.md` §8). Must not: read configuration; the caller fills the struct.

use crate::error::UrlError;

/// How a value is written, with the limits that the original puts on it.
trait Setting: Sized {
    fn read(text: &str) -> Result<Self, &'static str>;
}

impl Setting for bool {
    /// The words of oslo.config's boolean.
    fn read(text: &str) -> Result<Self, &'static str> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err("not a truth value (true or false)"),
        }
    }
}

impl Setting for i64 {
    fn read(text: &str) -> Result<Self, &'static str> {
        text.trim().parse().map_err(|_| "not a whole number")
    }
}

impl Setting for f64 {
    fn read(text: &str) -> Result<Self, &'static str> {
        let number: f64 = text.trim().parse().map_err(|_| "not a number")?;
        if number.is_finite() { Ok(number) } else { Err("not a finite number") }
    }
}

impl Setting for String {
    fn read(text: &str) -> Result<Self, &'static str> {
        Ok(text.to_owned())
    }
}

/// How a client says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoginMethod {
    /// User and password as one text.
    Plain,
    /// User and password as an AMQP table; the default.
    #[default]
    AmqPlain,
    /// By the client's certificate.
    External,
    /// A demonstration of the broker's, which it does not offer by default.
    RabbitCrDemo,
}

impl Setting for LoginMethod {
    fn read(text: &str) -> Result<Self, &'static str> {
        match text.to_ascii_uppercase().as_str() {
            "PLAIN" => Ok(Self::Plain),
            "AMQPLAIN" => Ok(Self::AmqPlain),
            "EXTERNAL" => Ok(Self::External),
            "RABBIT-CR-DEMO" => Ok(Self::RabbitCrDemo),
            _ => Err("none of PLAIN, AMQPLAIN, EXTERNAL, RABBIT-CR-DEMO"),
        }
    }
}

/// Which host is tried after one that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailoverStrategy {
    /// The next one.
    #[default]
    RoundRobin,
    /// Any of them.
    Shuffle,
}

impl Setting for FailoverStrategy {
    fn read(text: &str) -> Result<Self, &'static str> {
        match text.to_ascii_lowercase().as_str() {
            "round-robin" => Ok(Self::RoundRobin),
            "shuffle" => Ok(Self::Shuffle),
            _ => Err("none of round-robin, shuffle"),
        }
    }
}

macro_rules! rabbit_options {
    ($($(#[doc = $text:literal])+ $name:ident: $kind:ty = $default:expr
        $(, min $min:literal)? $(, max $max:literal)?;)+) => {
        /// `[oslo_messaging_rabbit]`, each field named as its option and with its default.
        #[derive(Debug, Clone, PartialEq)]
        pub struct RabbitOptions {
            $($(#[doc = $text])+ pub $name: $kind,)+
        }

        impl Default for RabbitOptions {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl RabbitOptions {
            /// Sets an option by name from text, as the query of a transport URL does.
            ///
            /// # Errors
            ///
            /// [`UrlError::UnknownOption`], [`UrlError::OptionValue`].
            pub fn set(&mut self, name: &str, text: &str) -> Result<(), UrlError> {
                match name {
                    $(stringify!($name) => {
                        let read = <$kind as Setting>::read(text);
                        let value = read.map_err(|what| UrlError::option(name, text, what))?;
                        $(if value < $min {
                            let what = concat!("less than ", $min);
                            return Err(UrlError::option(name, text, what));
                        })?
                        $(if value > $max {
                            let what = concat!("more than ", $max);
                            return Err(UrlError::option(name, text, what));
                        })?
                        self.$name = value;
                    })+
                    _ => return Err(UrlError::UnknownOption { name: name.to_owned() }),
                }
                Ok(())
            }
        }
    };
}

rabbit_options! {
    /// Encrypt the connection.
    ssl: bool = false;
    /// Authorities that the broker's certificate is checked against; empty checks nothing.
    ssl_ca_file: String = String::new();
    /// Certificate shown to the broker.
    ssl_cert_file: String = String::new();
    /// Key of the certificate shown.
    ssl_key_file: String = String::new();
    /// Oldest TLS version allowed.
    ssl_version: String = String::new();
    /// Insist on a TLS library in FIPS mode.
    ssl_enforce_fips_mode: bool = false;
    /// Compare the broker's name with its certificate.
    ssl_enforce_hostname_verification: bool = true;
    /// SASL mechanism used to log in.
    rabbit_login_method: LoginMethod = LoginMethod::AmqPlain;
    /// Seconds before the first repeated attempt to connect.
    rabbit_retry_interval: i64 = 1, min 1;
    /// Seconds by which that wait grows at every attempt.
    rabbit_retry_backoff: i64 = 2, min 0;
    /// Longest wait between two attempts, in seconds.
    rabbit_interval_max: i64 = 30, min 1;
    /// Seconds to wait after a connection was lost.
    kombu_reconnect_delay: f64 = 1.0, min 0.0, max 4.5;
    /// Longest random addition to that wait, in seconds.
    kombu_reconnect_splay: f64 = 0.0, min 0.0;
    /// Seconds to wait for a missing reply queue.
    kombu_missing_consumer_retry_timeout: i64 = 60;
    /// Which host is tried after one that failed.
    kombu_failover_strategy: FailoverStrategy = FailoverStrategy::RoundRobin;
    /// Compression of message bodies; empty sends them plain.
    kombu_compression: String = String::new();
    /// Exchange and point-to-point queues survive a restart of the broker.
    amqp_durable_queues: bool = false;
    /// They go away with their last consumer.
    amqp_auto_delete: bool = false;
    /// Mirrored queues of brokers before RabbitMQ 3.
    rabbit_ha_queues: bool = false;
    /// Point-to-point queues are quorum queues.
    rabbit_quorum_queue: bool = false;
    /// Reply and fan-out queues are, too.
    rabbit_transient_quorum_queue: bool = false;
    /// Deliveries after which a quorum queue drops a message; 0 never drops.
    rabbit_quorum_delivery_limit: i64 = 0;
    /// Messages that a quorum queue keeps in memory; 0 is no limit.
    rabbit_quorum_max_memory_length: i64 = 0;
    /// Bytes that a quorum queue keeps in memory; 0 is no limit.
    rabbit_quorum_max_memory_bytes: i64 = 0;
    /// Seconds after which an unused reply or fan-out queue is removed; 0 keeps it.
    rabbit_transient_queues_ttl: i64 = 1800, min 0;
    /// One stream instead of a queue per consumer for fan-out.
    rabbit_stream_fanout: bool = false;
    /// Messages taken in advance; 0 is no limit.
    rabbit_qos_prefetch_count: i64 = 0;
    /// Seconds without a heartbeat after which the connection counts as lost; 0 sends none.
    heartbeat_timeout_threshold: i64 = 60;
    /// How often within that time a heartbeat is looked for.
    heartbeat_rate: i64 = 3;
    /// Report a reply that reaches no queue.
    direct_mandatory_flag: bool = true;
    /// Let the broker cancel consumers when a mirrored queue moves.
    enable_cancel_on_failover: bool = false;
    /// Names queues after host and process.
    use_queue_manager: bool = false;
    /// Host part of such names.
    hostname: String = String::new();
    /// Process part of such names.
    processname: String = String::new();
    /// Connections kept for sending; accepted, this program keeps one.
    rpc_conn_pool_size: i64 = 30, min 1;
    /// Connections kept even when idle; accepted.
    conn_pool_min_size: i64 = 2;
    /// Seconds after which an idle connection is closed; accepted.
    conn_pool_ttl: i64 = 1200;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_set_by_name_within_its_limits() {
        let mut options = RabbitOptions::default();
        for (name, text) in [
            ("ssl", "YES"),
            ("heartbeat_timeout_threshold", "-5"),
            ("rabbit_login_method", "plain"),
            ("kombu_reconnect_delay", "4.5"),
            ("kombu_failover_strategy", "shuffle"),
        ] {
            options.set(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert!(options.ssl);
        assert_eq!(options.heartbeat_timeout_threshold, -5);
        assert_eq!(options.rabbit_login_method, LoginMethod::Plain);
        assert_eq!(options.kombu_failover_strategy, FailoverStrategy::Shuffle);
    }

    #[test]
    fn what_the_original_refuses_is_refused_with_name_and_reason() {
        for (name, text, reason) in [
            ("ssl", "maybe", "not a truth value"),
            ("rabbit_retry_interval", "0", "less than 1"),
            ("rabbit_interval_max", "x", "not a whole number"),
            ("kombu_reconnect_delay", "4.6", "more than 4.5"),
            ("kombu_reconnect_splay", "inf", "not a finite number"),
            ("rabbit_transient_queues_ttl", "-1", "less than 0"),
            ("rabbit_login_method", "GSSAPI", "none of PLAIN"),
            ("kombu_failover_strategy", "first", "none of round-robin"),
            ("shoe_size", "44", "no option"),
        ] {
            let error = RabbitOptions::default().set(name, text).expect_err(name).to_string();
            assert!(error.contains(name) && error.contains(reason), "{error}");
        }
    }
}
