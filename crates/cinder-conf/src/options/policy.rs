//! Rules about who may do what, and small library sections.

use crate::{Kind, Opt, section};

section! {
    /// Rules about who may do what.
    pub struct Policy in "oslo_policy" {
        /// File with the rules, relative to the configuration.
        policy_file: String = Opt::string("").default_text("policy.yaml");
        /// Directories with more rules; may be given several times.
        policy_dirs: Vec<String> = Opt::string("").multi().default_list(&["policy.d"]);
        /// Rule for what no rule is about.
        policy_default_rule: String = Opt::string("").default_text("default");
        /// Use the new default rules alone, without the old ones.
        enforce_new_defaults: bool = Opt::boolean("").default_bool(true);
        /// Format of questions to a remote rule server.
        remote_content_type: String = Opt::choice("", &["application/x-www-form-urlencoded",
                "application/json"])
            .default_text("application/x-www-form-urlencoded");
        /// Seconds to wait for a remote rule server.
        remote_timeout: f64 = Opt::new("", Kind::Float { min: Some(0.0), max: None })
            .default_float(60.0);
        /// Check that server's certificate.
        remote_ssl_verify_server_crt: bool = Opt::boolean("").default_bool(false);
        /// Authorities that the certificate is checked against.
        remote_ssl_ca_crt_file: Option<String> = Opt::string("");
        /// Certificate shown to that server.
        remote_ssl_client_crt_file: Option<String> = Opt::string("");
        /// Key of the certificate shown.
        remote_ssl_client_key_file: Option<String> = Opt::string("");
    }
}

section! {
    /// Filters in front of the API.
    pub struct Middleware in "oslo_middleware" {
        /// Users and passwords for basic authentication.
        http_basic_auth_user_file: String = Opt::string("").default_text("/etc/htpasswd");
    }
}

section! {
    /// Objects on the wire.
    pub struct VersionedObjects in "oslo_versionedobjects" {
        /// Stop when an error's text cannot be formatted; for tests.
        fatal_exception_format_errors: bool = Opt::boolean("").default_bool(false);
    }
}
