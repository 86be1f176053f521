//! `[cache]`: a cache of answers.

use crate::{Alias, Opt, Secret, section};

section! {
    /// A cache of answers.
    pub struct Cache in "cache" {
        /// Use a cache.
        enabled: bool = Opt::boolean("").default_bool(false);
        /// Kind of cache.
        backend: String = Opt::choice("", &["oslo_cache.memcache_pool", "oslo_cache.dict",
                "oslo_cache.etcd3gw", "dogpile.cache.pymemcache", "dogpile.cache.memcached",
                "dogpile.cache.pylibmc", "dogpile.cache.bmemcached", "dogpile.cache.dbm",
                "dogpile.cache.redis", "dogpile.cache.redis_sentinel", "dogpile.cache.memory",
                "dogpile.cache.memory_pickle", "dogpile.cache.null"])
            .default_text("dogpile.cache.null");
        /// Start of the names of its settings.
        config_prefix: String = Opt::string("").default_text("cache.oslo");
        /// Seconds that an entry is kept.
        expiration_time: i64 = Opt::integer("").default_int(600).min(1);
        /// Seconds after which the cache itself drops an entry.
        backend_expiration_time: Option<i64> = Opt::integer("").min(1);
        /// Argument for the cache, as `name:value`; may be given several times.
        backend_argument: Secret<Vec<String>> = Opt::string("").multi().default_list(&[]).secret();
        /// Classes that change how the cache works.
        proxies: Vec<String> = Opt::list("").default_list(&[]);
        /// Log every access.
        debug_cache_backend: bool = Opt::boolean("").default_bool(false);
        /// Servers of a memcached cache.
        memcache_servers: Vec<String> = Opt::list("").default_list(&["localhost:11211"]);
        /// Seconds before a server that failed is tried again.
        memcache_dead_retry: i64 = Opt::integer("").default_int(300);
        /// Connections per server.
        memcache_pool_maxsize: i64 = Opt::integer("").default_int(10);
        /// Seconds after which an idle connection is closed.
        memcache_pool_unused_timeout: i64 = Opt::integer("").default_int(60);
        /// Seconds to wait for a free connection.
        memcache_pool_connection_get_timeout: i64 = Opt::integer("").default_int(10);
        /// Drop all entries after a server came back.
        memcache_pool_flush_on_reconnect: bool = Opt::boolean("").default_bool(false);
        /// Log in to the servers.
        memcache_sasl_enabled: bool = Opt::boolean("").default_bool(false);
        /// Server of a Redis cache.
        redis_server: String = Opt::string("").default_text("localhost:6379");
        /// Number of the Redis database.
        redis_db: i64 = Opt::integer("").default_int(0).min(0);
        /// Sentinels of a Redis cluster.
        redis_sentinels: Vec<String> = Opt::list("").default_list(&["localhost:26379"]);
        /// Name of the cluster among the sentinels.
        redis_sentinel_service_name: String = Opt::string("").default_text("mymaster");
        /// Name to log in with.
        username: Option<String> = Opt::string("")
            .aliases(&[Alias::name("memcache_username"), Alias::name("redis_username")]);
        /// Password to log in with.
        password: Option<Secret> = Opt::string("").secret()
            .aliases(&[Alias::name("memcache_password"), Alias::name("redis_password")]);
        /// Seconds to wait for a server.
        socket_timeout: f64 = Opt::float("").default_float(1.0)
            .aliases(&[Alias::name("memcache_socket_timeout"),
                Alias::name("redis_socket_timeout")]);
        /// Encrypt connections.
        tls_enabled: bool = Opt::boolean("").default_bool(false);
        /// Authorities that the servers' certificates are checked against.
        tls_cafile: Option<String> = Opt::string("");
        /// Certificate shown to the servers.
        tls_certfile: Option<String> = Opt::string("");
        /// Key of the certificate shown.
        tls_keyfile: Option<String> = Opt::string("");
        /// Encryption methods accepted.
        tls_allowed_ciphers: Option<String> = Opt::string("");
        /// Ask idle connections for signs of life.
        enable_socket_keepalive: bool = Opt::boolean("").default_bool(false);
        /// Seconds of silence before the first question.
        socket_keepalive_idle: i64 = Opt::integer("").default_int(1).min(0);
        /// Seconds between two questions.
        socket_keepalive_interval: i64 = Opt::integer("").default_int(1).min(0);
        /// Unanswered questions before the connection is dropped.
        socket_keepalive_count: i64 = Opt::integer("").default_int(1).min(0);
        /// Repeat calls that failed.
        enable_retry_client: bool = Opt::boolean("").default_bool(false);
        /// How often a call is repeated.
        retry_attempts: i64 = Opt::integer("").default_int(2).min(1);
        /// Seconds between two repetitions.
        retry_delay: f64 = Opt::float("").default_float(0.0);
        /// Failures of a server before it is left out.
        hashclient_retry_attempts: i64 = Opt::integer("").default_int(2).min(1);
        /// Seconds before a failed call to it is repeated.
        hashclient_retry_timeout: f64 = Opt::float("").default_float(1.0)
            .aliases(&[Alias::name("hashclient_retry_delay")]);
        /// Seconds before a server left out is tried again.
        hashclient_dead_timeout: f64 = Opt::float("").default_float(60.0)
            .aliases(&[Alias::name("dead_timeout")]);
    }
}
