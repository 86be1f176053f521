//! Tracing of requests through services.

use std::collections::BTreeMap;

use crate::{Alias, Fallback, Opt, Secret, section};

section! {
    /// Tracing of requests.
    pub struct Profiler in "profiler" {
        /// Trace requests that ask for it.
        enabled: bool = Opt::boolean("").default_bool(false)
            .aliases(&[Alias::name("profiler_enabled")]);
        /// Where traces are kept.
        connection_string: String = Opt::string("").default_text("messaging://");
        /// Keys of those who may ask for a trace, separated by commas.
        hmac_keys: Secret = Opt::string("").default_text("SECRET_KEY").secret();
        /// Trace requests of the API.
        trace_requests: bool = Opt::boolean("").default_bool(false);
        /// Trace SQL statements.
        trace_sqlalchemy: bool = Opt::boolean("").default_bool(false);
        /// Keep traces with errors apart.
        filter_error_trace: bool = Opt::boolean("").default_bool(false);
        /// Document type in Elasticsearch.
        es_doc_type: String = Opt::string("").default_text("notification");
        /// Time that a result is kept open in Elasticsearch.
        es_scroll_time: String = Opt::string("").default_text("2m");
        /// Documents per answer of Elasticsearch.
        es_scroll_size: i64 = Opt::integer("").default_int(10000);
        /// Seconds to wait for a Redis sentinel.
        socket_timeout: f64 = Opt::float("").default_float(0.1);
        /// Name of the Redis cluster among the sentinels.
        sentinel_service_name: String = Opt::string("").default_text("mymaster");
    }
}

section! {
    /// Traces in Jaeger.
    pub struct ProfilerJaeger in "profiler_jaeger" {
        /// Start of service names.
        service_name_prefix: Option<String> = Opt::string("").removal(None);
        /// Tags of this process, as `key:value` pairs.
        process_tags: BTreeMap<String, String> = Opt::dict("").default(Fallback::Dict(&[]))
            .removal(None);
    }
}

section! {
    /// Traces over OTLP.
    pub struct ProfilerOtlp in "profiler_otlp" {
        /// Start of service names.
        service_name_prefix: Option<String> = Opt::string("");
    }
}
