//! Identity: how tokens are checked and how this service shows its own.

use super::any_case;
use crate::{Alias, Opt, Secret, section};

section! {
    /// Checking of tokens.
    pub struct KeystoneAuthtoken in "keystone_authtoken" {
        /// Public address of the identity service, for clients without a token.
        www_authenticate_uri: Option<String> = Opt::string("");
        /// Version of the identity API.
        auth_version: Option<String> = Opt::string("");
        /// Kind of credentials; loads the options of that kind into this section.
        auth_type: Option<String> = Opt::string("").aliases(&[Alias::name("auth_plugin")]);
        /// Other section that holds the credentials.
        auth_section: Option<String> = Opt::string("");
        /// Endpoint of the identity service to use.
        interface: String = Opt::string("").default_text("internal");
        /// Region of the identity service.
        region_name: Option<String> = Opt::string("");
        /// Name of this service in the catalogue, for rules of application credentials.
        service_type: Option<String> = Opt::string("");
        /// Let the service decide about requests without a valid token.
        delay_auth_decision: bool = Opt::boolean("").default_bool(false);
        /// Seconds to wait for the identity service.
        http_connect_timeout: Option<i64> = Opt::integer("");
        /// How often a call is tried again.
        http_request_max_retries: i64 = Opt::integer("").default_int(3);
        /// Key of the request environment that holds a cache.
        cache: Option<String> = Opt::string("");
        /// Authorities that the identity service's certificate is checked against.
        cafile: Option<String> = Opt::string("");
        /// Certificate shown to the identity service.
        certfile: Option<String> = Opt::string("");
        /// Key of the certificate shown.
        keyfile: Option<String> = Opt::string("");
        /// Accept any certificate.
        insecure: bool = Opt::boolean("").default_bool(false);
        /// Cache servers for tokens; unset keeps them in memory.
        memcached_servers: Option<Vec<String>> = Opt::list("")
            .aliases(&[Alias::name("memcache_servers")]);
        /// Seconds that a token is kept; -1 keeps none.
        token_cache_time: i64 = Opt::integer("").default_int(300);
        /// Protection of cached tokens.
        memcache_security_strategy: String = Opt::new("", any_case(&["None", "MAC", "ENCRYPT"]))
            .default_text("None");
        /// Key of that protection.
        memcache_secret_key: Option<Secret> = Opt::string("").secret();
        /// Seconds before a cache server that failed is tried again.
        memcache_pool_dead_retry: i64 = Opt::integer("").default_int(300);
        /// Connections per cache server.
        memcache_pool_maxsize: i64 = Opt::integer("").default_int(10);
        /// Seconds to wait for a cache server.
        memcache_pool_socket_timeout: i64 = Opt::integer("").default_int(3);
        /// Seconds after which an idle connection is closed.
        memcache_pool_unused_timeout: i64 = Opt::integer("").default_int(60);
        /// Seconds to wait for a free connection.
        memcache_pool_conn_get_timeout: i64 = Opt::integer("").default_int(10);
        /// Share connections between threads.
        memcache_use_advanced_pool: bool = Opt::boolean("").default_bool(true);
        /// Log in to cache servers.
        memcache_sasl_enabled: bool = Opt::boolean("").default_bool(false);
        /// Name for cache servers.
        memcache_username: Option<String> = Opt::string("");
        /// Password for cache servers.
        memcache_password: Option<Secret> = Opt::string("").secret();
        /// Encrypt connections to cache servers.
        memcache_tls_enabled: bool = Opt::boolean("").default_bool(false);
        /// Authorities that cache servers' certificates are checked against.
        memcache_tls_cafile: Option<String> = Opt::string("");
        /// Certificate shown to cache servers.
        memcache_tls_certfile: Option<String> = Opt::string("");
        /// Key of the certificate shown.
        memcache_tls_keyfile: Option<String> = Opt::string("");
        /// Encryption methods accepted from cache servers.
        memcache_tls_allowed_ciphers: Option<String> = Opt::string("");
        /// Ask for the catalogue along with a token.
        include_service_catalog: bool = Opt::boolean("").default_bool(true);
        /// How tokens bound to a client are treated.
        enforce_token_bind: String = Opt::string("").default_text("permissive");
        /// Roles that make a token a service's.
        service_token_roles: Vec<String> = Opt::list("").default_list(&["service"]);
        /// Insist on one of these roles.
        service_token_roles_required: bool = Opt::boolean("").default_bool(true);
    }
}

section! {
    /// The token this service shows along with a user's.
    pub struct ServiceUser in "service_user" {
        /// Show it.
        send_service_user_token: bool = Opt::boolean("").default_bool(false);
        /// Kind of credentials; loads the options of that kind into this section.
        auth_type: Option<String> = Opt::string("").aliases(&[Alias::name("auth_plugin")]);
        /// Other section that holds the credentials.
        auth_section: Option<String> = Opt::string("");
        /// Authorities that server certificates are checked against.
        cafile: Option<String> = Opt::string("");
        /// Certificate shown to servers.
        certfile: Option<String> = Opt::string("");
        /// Key of the certificate shown.
        keyfile: Option<String> = Opt::string("");
        /// Accept any certificate.
        insecure: bool = Opt::boolean("").default_bool(false);
        /// Seconds to wait for an answer.
        timeout: Option<f64> = Opt::float("");
        /// Keep the duration of each call.
        collect_timing: bool = Opt::boolean("collect-timing").default_bool(false);
        /// Log requests under several logger names.
        split_loggers: bool = Opt::boolean("split-loggers").default_bool(false);
        /// Encryption methods accepted.
        tls_ciphers: Option<String> = Opt::string("tls-ciphers");
        /// Oldest TLS version accepted.
        tls_min_version: Option<String> = Opt::choice("tls-min-version", &["1.2", "1.3"]);
    }
}
