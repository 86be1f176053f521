//! `[DEFAULT]` and `[glance]`: images, their service and their conversion.

use crate::{Alias, Opt, section};

section! {
    /// Images.
    pub struct Images in "DEFAULT" {
        /// Addresses of the image service; unset takes them from the catalogue.
        glance_api_servers: Option<Vec<String>> = Opt::list("");
        /// Where the catalogue has the image service, as `type:name:endpoint`.
        glance_catalog_info: String = Opt::string("").default_text("image:glance:publicURL");
        /// Accept any certificate from the image service.
        glance_api_insecure: bool = Opt::boolean("").default_bool(false);
        /// Compress the encrypted connection.
        glance_api_ssl_compression: bool = Opt::boolean("").default_bool(false);
        /// Authorities that the image service's certificate is checked against.
        glance_ca_certificates_file: Option<String> = Opt::string("");
        /// Certificate shown to the image service.
        glance_certfile: Option<String> = Opt::string("");
        /// Key of the certificate shown.
        glance_keyfile: Option<String> = Opt::string("");
        /// How often a call is tried again.
        glance_num_retries: i64 = Opt::integer("").default_int(3).min(0);
        /// Seconds to wait for an answer.
        glance_request_timeout: Option<i64> = Opt::integer("");
        /// Image properties that are not copied to a volume's metadata as extra ones.
        glance_core_properties: Vec<String> = Opt::list("")
            .default_list(&["checksum", "container_format", "disk_format", "image_name", "image_id",
                "min_disk", "min_ram", "name", "size"]);
        /// Schemes of direct URLs that may be used to reach an image's data.
        allowed_direct_url_schemes: Vec<String> = Opt::list("").default_list(&[]);
        /// Check the signatures of signed images.
        verify_glance_signatures: String = Opt::choice("", &["disabled", "enabled"])
            .default_text("enabled");
        /// Directory for temporary files while converting.
        image_conversion_dir: String = Opt::string("").default_text("$state_path/conversion");
        /// Refuse images that would need a conversion.
        image_conversion_disable: bool = Opt::boolean("").default_bool(false);
        /// Memory that looking at an image may take, in GiB.
        image_introspection_address_space_limit: i64 = Opt::integer("").default_int(1)
            .aliases(&[Alias::name("image_conversion_address_space_limit")]);
        /// Processor seconds that looking at an image may take.
        image_introspection_cpu_limit: i64 = Opt::integer("").default_int(60)
            .aliases(&[Alias::name("image_conversion_cpu_limit")]);
        /// Former name of the memory limit.
        image_conversion_address_space_limit: i64 = Opt::integer("").default_int(1).removal(None);
        /// Former name of the processor limit.
        image_conversion_cpu_limit: i64 = Opt::integer("").default_int(60).removal(None);
        /// Compress images before they are sent, where allowed.
        image_compress_on_upload: bool = Opt::boolean("").default_bool(true);
        /// Allow compressed images in the container format `compressed`.
        allow_compression_on_image_upload: bool = Opt::boolean("").default_bool(false);
        /// Format of compressed images.
        compression_format: String = Opt::choice("", &["gzip"]).default_text("gzip");
        /// Sub-formats of VMDK images that are accepted.
        vmdk_allowed_types: Vec<String> = Opt::list("")
            .default_list(&["streamOptimized", "monolithicSparse"]);
        /// Name spaces of image properties that users may not set.
        reserved_image_namespaces: Vec<String> = Opt::list("").default_list(&[]);
    }
}

section! {
    /// Credentials for the image service.
    pub struct Glance in "glance" {
        /// Region of the image service.
        region_name: Option<String> = Opt::string("");
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
