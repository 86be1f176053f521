//! Which names may stand where: ours, former ones, and those of other services and vendors.
//!
//! Must not read values, except for the few that name further sections.

use std::collections::{HashMap, HashSet};

use super::{
    foreign::{self, Foreign},
    tables::{self, tables},
};
use crate::{option::Opt, oslo::OsloConfig, source::fold, suggest::nearest, value::Value};

/// Sections whose credentials come from a plugin that the section itself names.
const CREDENTIALS: [&str; 5] =
    ["keystone_authtoken", "service_user", "glance", "barbican_service_user", "nova"];

/// Options that credential plugins add to such a section.
const PLUGIN_OPTIONS: [&str; 40] = [
    "access_token",
    "access_token_endpoint",
    "access_token_type",
    "admin_tenant_name",
    "admin_token",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "auth_methods",
    "auth_url",
    "client_id",
    "client_secret",
    "default_domain_id",
    "default_domain_name",
    "discovery_endpoint",
    "domain_id",
    "domain_name",
    "endpoint",
    "endpoint_override",
    "identity_provider",
    "max_version",
    "min_version",
    "openid_scope",
    "passcode",
    "password",
    "project_domain_id",
    "project_domain_name",
    "project_id",
    "project_name",
    "protocol",
    "service_name",
    "system_scope",
    "tenant_id",
    "tenant_name",
    "token",
    "trust_id",
    "user_domain_id",
    "user_domain_name",
    "user_id",
    "username",
];

/// Sections that other parts of an installation read, of which nothing more is known.
pub(super) const OTHERS: [&str; 2] = ["audit_middleware_notifications", "privsep_entrypoint"];

/// Options whose values are names of further sections, in whatever section they stand.
const NAMING: [&str; 3] = ["auth_section", "auth-section", "fc_fabric_names"];

/// The names that mean something in this configuration.
pub(super) struct Known<'k> {
    oslo: &'k OsloConfig<'static>,
    /// Folded names of enabled back ends.
    backends: HashSet<String>,
    /// Sections that options refer to; folded.
    named: HashSet<String>,
    /// Folded group and former name → group and option of today.
    former: HashMap<(String, String), (String, &'static Opt<'static>)>,
}

impl<'k> Known<'k> {
    pub fn new(oslo: &'k OsloConfig<'static>, backends: &[String]) -> Self {
        let mut former = HashMap::new();
        for (group, option) in oslo.options() {
            for alias in option.aliases {
                let section = fold(alias.group.unwrap_or(&group.name));
                let name = alias.name.unwrap_or(option.dest);
                for name in [name.to_owned(), name.replace('-', "_")] {
                    let today = (group.name.clone(), option);
                    former.entry((section.clone(), name)).or_insert(today);
                }
            }
        }
        let backends = backends.iter().map(|name| fold(name)).collect();
        Self { oslo, backends, named: named_sections(oslo), former }
    }

    /// A section of the service itself.
    pub fn is_global(&self, name: &str) -> bool {
        let folded = fold(name);
        folded == "DEFAULT"
            || folded == "backend_defaults"
            || tables::GLOBAL.iter().any(|(group, _)| fold(group) == folded)
    }

    /// Whether anything reads the section.
    pub fn section(&self, folded: &str) -> bool {
        self.is_global(folded)
            || self.backends.contains(folded)
            || self.named.contains(folded)
            || foreign::groups().contains_key(folded)
            || OTHERS.contains(&folded)
    }

    pub fn section_names(&self) -> impl Iterator<Item = &str> {
        let ours = self.oslo.groups().iter().map(|group| group.name.as_str());
        ours.chain(foreign::groups().keys().copied())
    }

    /// Whether a driver, ours or not, has such an option.
    pub fn is_backend_option(&self, key: &str) -> bool {
        tables::backend_option(key).is_some()
            || key == "backend_host"
            || foreign::option("backend_defaults", key).is_some()
    }

    /// Today's option for a former name.
    pub fn former(&self, folded: &str, key: &str) -> Option<(String, &'static Opt<'static>)> {
        self.former.get(&(folded.to_owned(), key.to_owned())).cloned()
    }

    /// The option of another service or driver that stands under this name in this section.
    pub fn foreign(&self, folded: &str, key: &str) -> Option<Foreign> {
        let in_backend = || foreign::option("backend_defaults", key);
        let of_backend = || self.backends.contains(folded).then(in_backend).flatten();
        foreign::option(folded, key).or_else(of_backend)
    }

    /// Whether somebody else reads the option, so that it is no mistake.
    pub fn accepted(&self, folded: &str, key: &str) -> bool {
        self.foreign(folded, key).is_some()
            || self.named.contains(folded)
            || OTHERS.contains(&folded)
            || (CREDENTIALS.contains(&folded) && is_of_credentials(key))
    }

    /// The section's name for tables that know back ends by no other.
    pub fn kind_of_section<'f>(&self, folded: &'f str) -> &'f str {
        if self.backends.contains(folded) { "backend_defaults" } else { folded }
    }

    /// Where a name belongs that is right, or nearly: known without comparing it with others.
    pub fn place(&self, folded: &str, key: &str) -> Option<String> {
        let underscored = key.to_lowercase().replace('-', "_");
        let own = self.oslo.group(folded).and_then(|group| group.table.get(&underscored));
        if own.is_some() {
            return Some(format!("it is spelled {underscored}"));
        }
        self.home_of(&underscored).map(|home| format!("it belongs into {home}"))
    }

    /// What was probably meant by a name that nobody has.
    pub fn likely(&self, folded: &str, key: &str) -> Option<String> {
        let group = self.oslo.group(folded);
        let own = group.into_iter().flat_map(|group| group.table.iter().map(|option| option.dest));
        let in_backend = self.backends.contains(folded) || folded == "backend_defaults";
        let foreign = if in_backend { "backend_defaults" } else { folded };
        let others =
            foreign::groups().get(foreign).into_iter().flat_map(|names| names.keys().copied());
        // Ours first: a name of another vendor's driver is the less likely meaning.
        let near = nearest(key, own).or_else(|| nearest(key, others));
        if let Some(near) = near {
            return Some(format!("did you mean {near}?"));
        }
        let everywhere = tables().flat_map(|(_, options)| options.iter().map(|o| o.dest));
        let near = nearest(key, everywhere)?;
        Some(format!("did you mean {near}? It belongs into {}", self.home_of(near)?))
    }

    /// The sections an option of exactly this name belongs into.
    fn home_of(&self, key: &str) -> Option<String> {
        if self.is_backend_option(key) {
            return Some("a back end's section or [backend_defaults]".to_owned());
        }
        let declared = |(group, options): &&(&str, &[Opt<'static>])| {
            CREDENTIALS.iter().all(|credentials| credentials != group)
                && options.iter().any(|option| option.dest == key)
        };
        let homes: Vec<String> =
            tables::GLOBAL.iter().filter(declared).map(|(group, _)| format!("[{group}]")).collect();
        // A name that stands in many sections says nothing about which was meant.
        (1..=2).contains(&homes.len()).then(|| homes.join(" or "))
    }
}

/// Whether credential plugins have such an option, with dashes or underscores.
pub(super) fn is_of_credentials(key: &str) -> bool {
    PLUGIN_OPTIONS.contains(&key.replace('-', "_").as_str())
}

/// Whether such options may stand in a section (folded).
pub(super) fn takes_credentials(folded: &str) -> bool {
    CREDENTIALS.contains(&folded)
}

/// The sections in which such options may stand.
pub(super) fn credentials() -> String {
    CREDENTIALS.map(|section| format!("[{section}]")).join(", ")
}

/// Sections named by options: those of [`NAMING`] wherever they stand, and `config_source`.
fn named_sections(oslo: &OsloConfig<'static>) -> HashSet<String> {
    let mut named = HashSet::new();
    for header in oslo.headers() {
        let folded = fold(&header.name);
        for one in NAMING.iter().filter_map(|key| oslo.raw(&folded, key).last()) {
            named.extend(one.text.split(',').map(|name| fold(name.trim())));
        }
    }
    if let Ok(Value::List(sections)) = oslo.get("DEFAULT", "config_source") {
        named.extend(sections.iter().map(|section| fold(&section.to_text())));
    }
    named
}
