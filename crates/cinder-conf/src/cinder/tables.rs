//! Which tables stand in which groups.

use std::sync::{Arc, LazyLock};

use crate::{
    option::{Fallback, Opt},
    options::{
        FOR_ALL_BACKENDS, FOR_OTHERS, SHADOWS, backend, cache, database, images, keys, keystone,
        limits, local, logging, lvm, messaging, names, nfs, policy, privilege, process, profiler,
        rbd, service, target,
    },
    oslo::OsloConfig,
    registry::Table,
    section::Section,
};

/// Every section outside back ends: group and declarations.
pub(super) const GLOBAL: &[(&str, &[Opt<'static>])] = &[
    of::<service::Service>(),
    of::<logging::Logging>(),
    of::<messaging::Messaging>(),
    of::<images::Images>(),
    of::<limits::Limits>(),
    of::<names::Names>(),
    of::<names::Api>(),
    of::<keys::Barbican>(),
    of::<keys::BarbicanServiceUser>(),
    of::<cache::Cache>(),
    of::<privilege::SysAdmin>(),
    of::<process::Coordination>(),
    of::<database::Database>(),
    of::<database::DatabaseClient>(),
    of::<images::Glance>(),
    of::<process::Health>(),
    of::<keys::KeyManager>(),
    of::<keystone::KeystoneAuthtoken>(),
    of::<privilege::Brick>(),
    of::<process::Concurrency>(),
    of::<messaging::Metrics>(),
    of::<messaging::Notifications>(),
    of::<messaging::Rabbit>(),
    of::<messaging::Tracing>(),
    of::<policy::Middleware>(),
    of::<policy::Policy>(),
    of::<process::Reports>(),
    of::<policy::VersionedObjects>(),
    of::<privilege::BrickPrivileges>(),
    of::<profiler::Profiler>(),
    of::<profiler::ProfilerJaeger>(),
    of::<profiler::ProfilerOtlp>(),
    of::<keystone::ServiceUser>(),
    of::<process::Supervisor>(),
    of::<keys::Vault>(),
];

/// Sections that this service has and upstream's do not.
pub(super) const OWN: [&str; 3] = ["database_client", "health", "supervisor"];

/// Every table of back-end options.
pub(super) const BACKEND: &[&[Opt<'static>]] = &[
    backend::Backend::OPTIONS,
    backend::Transfer::OPTIONS,
    backend::ArrayAccess::OPTIONS,
    target::Target::OPTIONS,
    lvm::Lvm::OPTIONS,
    nfs::Nfs::OPTIONS,
    local::Local::OPTIONS,
    rbd::Rbd::OPTIONS,
];

const fn of<T: Section>() -> (&'static str, &'static [Opt<'static>]) {
    (T::GROUP, T::OPTIONS)
}

/// Read from the back end's own section only, without `[backend_defaults]`.
pub(super) static BACKEND_HOST: Opt<'static> = Opt::string("backend_host")
    .help("Name to use instead of `host` for this back end, in front of the `@`.");

/// The same options with nothing as default, for the back ends' own sections: what a section does
/// not say is looked up in `[backend_defaults]`.
static IN_SECTION: LazyLock<Vec<Opt<'static>>> = LazyLock::new(|| {
    let unset = |option: &Opt<'static>| Opt { default: Fallback::Unset, ..*option };
    BACKEND.iter().flat_map(|table| table.iter()).chain([&BACKEND_HOST]).map(unset).collect()
});
static SECTION_TABLE: LazyLock<Arc<Table<'static>>> =
    LazyLock::new(|| Arc::new(Table::of(IN_SECTION.iter())));
static DEFAULTS_TABLE: LazyLock<Arc<Table<'static>>> =
    LazyLock::new(|| Arc::new(Table::of(BACKEND.iter().flat_map(|table| table.iter()))));

/// Declares everything but the back ends' own sections.
pub(super) fn declare_global(oslo: &mut OsloConfig<'static>) {
    for (group, options) in GLOBAL {
        let table = Arc::new(Table::of(options.iter()));
        oslo.share_table(group, &table);
    }
    let shadows = SHADOWS.iter().filter_map(|name| DEFAULTS_TABLE.get(name));
    oslo.share_table("DEFAULT", &Arc::new(Table::of(shadows)));
    oslo.share_table("backend_defaults", &DEFAULTS_TABLE);
}

/// Declares one back end's section.
pub(super) fn declare_backend(oslo: &mut OsloConfig<'static>, name: &str) {
    oslo.share_table(name, &SECTION_TABLE);
}

/// Options that are also arguments, with their groups.
pub fn cli_options() -> Vec<(&'static str, &'static Opt<'static>)> {
    let own = GLOBAL.iter().flat_map(|(group, options)| options.iter().map(|o| (*group, o)));
    let built_in = OsloConfig::built_in_options().iter().map(|option| ("DEFAULT", option));
    built_in.chain(own).filter(|(_, option)| option.cli.is_some()).collect()
}

/// What a back-end option does in `[DEFAULT]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InDefault {
    /// It is not known there.
    Unknown,
    /// It counts for every back end whose own value is left open.
    ForAllBackends,
    /// It counts for this other service only.
    For(&'static str),
    /// Nobody reads it.
    ForNobody,
}

/// What the option of this name does in `[DEFAULT]`.
pub(super) fn in_default(name: &str) -> InDefault {
    if SHADOWS.binary_search(&name).is_err() {
        InDefault::Unknown
    } else if FOR_ALL_BACKENDS.contains(&name) {
        InDefault::ForAllBackends
    } else if let Some((_, service)) = FOR_OTHERS.iter().find(|(known, _)| *known == name) {
        InDefault::For(service)
    } else {
        InDefault::ForNobody
    }
}

/// A back-end option of ours.
pub(super) fn backend_option(name: &str) -> Option<&'static Opt<'static>> {
    DEFAULTS_TABLE.get(name)
}

/// Every table with its group, back-end tables under `[backend_defaults]`.
///
/// The 57 names in [`crate::options::SHADOWS`] are known in `[DEFAULT]` as well.
pub fn tables() -> impl Iterator<Item = (&'static str, &'static [Opt<'static>])> {
    let backend = BACKEND.iter().map(|options| ("backend_defaults", *options));
    GLOBAL.iter().copied().chain(backend)
}
