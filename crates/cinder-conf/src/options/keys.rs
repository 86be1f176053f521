//! Keys of encrypted volumes: the managers they are kept in.

use crate::{Alias, Kind, Opt, Secret, section};

section! {
    /// Which key manager.
    pub struct KeyManager in "key_manager" {
        /// Key manager: `barbican`, `vault`, or the class of one with a fixed key.
        backend: String = Opt::string("").default_text("barbican")
            .aliases(&[Alias::name("api_class")]);
        /// Key for all volumes, as hexadecimal digits, when the manager has a fixed one.
        fixed_key: Option<String> = Opt::string("");
    }
}

section! {
    /// Barbican.
    pub struct Barbican in "barbican" {
        /// Address of the service; unset takes it from the catalogue.
        barbican_endpoint: Option<String> = Opt::uri("");
        /// Version of its API.
        barbican_api_version: Option<String> = Opt::string("");
        /// Endpoint of the catalogue to use.
        barbican_endpoint_type: String = Opt::choice("", &["public", "internal", "admin"])
            .default_text("public");
        /// Region of the service.
        barbican_region_name: Option<String> = Opt::string("");
        /// Address of the identity service.
        auth_endpoint: String = Opt::uri("").default_text("http://localhost/identity/v3")
            .aliases(&[Alias::at("key_manager", "auth_url")]);
        /// Seconds between two looks for a key that is being made.
        retry_delay: i64 = Opt::integer("").default_int(1);
        /// How often it is looked for.
        number_of_retries: i64 = Opt::integer("").default_int(60);
        /// Check the service's certificate.
        verify_ssl: bool = Opt::boolean("").default_bool(true);
        /// Authorities that the certificate is checked against.
        verify_ssl_path: Option<String> = Opt::string("");
        /// Show this service's own token along with the user's.
        send_service_user_token: bool = Opt::boolean("").default_bool(false);
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

section! {
    /// The token shown to Barbican along with a user's.
    pub struct BarbicanServiceUser in "barbican_service_user" {
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

section! {
    /// HashiCorp Vault.
    pub struct Vault in "vault" {
        /// Address of the service.
        vault_url: String = Opt::new("", Kind::Uri { schemes: &["http", "https"], max_length: None
                })
            .default_text("http://127.0.0.1:8200");
        /// Namespace that keys are in.
        namespace: Option<String> = Opt::string("");
        /// Mount point of the key store.
        kv_mountpoint: String = Opt::string("").default_text("secret");
        /// Path below the mount point.
        kv_path: Option<String> = Opt::string("");
        /// Version of the key store.
        kv_version: i64 = Opt::new("", Kind::Integer { min: None, max: None, choices: &[1, 2] })
            .default_int(2);
        /// How to log in.
        auth_method: String = Opt::choice("", &["approle", "jwt", "kubernetes"])
            .default_text("approle");
        /// Mount point of the login method.
        auth_path: Option<String> = Opt::string("");
        /// Token to use.
        root_token_id: Option<Secret> = Opt::string("").secret();
        /// Role to log in with.
        approle_role_id: Option<Secret> = Opt::string("").secret();
        /// Secret of that role.
        approle_secret_id: Option<Secret> = Opt::string("").secret();
        /// File with a token to log in with.
        token_file: Option<String> = Opt::string("");
        /// Role for that token.
        token_role: Option<String> = Opt::string("");
        /// Seconds to wait for an answer.
        timeout: f64 = Opt::float("").default_float(60.0);
        /// Authorities that the certificate is checked against.
        ssl_ca_crt_file: Option<String> = Opt::string("");
        /// Encrypt the connection; the address decides instead.
        use_ssl: bool = Opt::boolean("").default_bool(false).removal(None);
    }
}
