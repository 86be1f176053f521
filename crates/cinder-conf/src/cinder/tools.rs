//! `config sample`, `config explain` and the reference page, all made from the declarations.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::{self, Write},
};

use super::{
    Conf, backend,
    tables::{self, InDefault, OWN, tables},
};
use crate::{
    dump::Entry,
    option::Opt,
    oslo::OsloConfig,
    sample::{self, SampleSection},
    suggest::nearest,
};

/// Every option of the service, annotated, in the layout of upstream's generator.
pub fn sample() -> String {
    let groups = by_group();
    let sections: Vec<SampleSection<'_, 'static>> = groups
        .iter()
        .map(|(group, options)| SampleSection {
            group: group.name(),
            source: if OWN.contains(&group.name()) { "cinder-volume" } else { "cinder" },
            options,
        })
        .collect();
    sample::sample(&sections)
}

/// `[DEFAULT]` first, then groups by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Default,
    Named(&'static str),
}

impl Order {
    const fn name(self) -> &'static str {
        match self {
            Self::Default => "DEFAULT",
            Self::Named(name) => name,
        }
    }
}

fn by_group() -> BTreeMap<Order, Vec<&'static Opt<'static>>> {
    let mut groups: BTreeMap<Order, Vec<&'static Opt<'static>>> = BTreeMap::new();
    for (group, options) in tables() {
        let order = if group == "DEFAULT" { Order::Default } else { Order::Named(group) };
        groups.entry(order).or_default().extend(options);
    }
    // These two can be given on the command line only, so no file shows them.
    let built_in = OsloConfig::built_in_options().iter().filter(|option| option.cli.is_none());
    groups.entry(Order::Default).or_default().extend(built_in);
    groups
}

/// Everything known about the options of a name; with a configuration, also the values in force.
///
/// # Errors
///
/// The message for a name that no option has, with the nearest one that exists.
pub fn explain(name: &str, conf: Option<&Conf>) -> Result<String, String> {
    let (group, dest) = match name.split_once('.') {
        Some((group, dest)) => (Some(group), dest),
        None => (None, name),
    };
    let dest = dest.replace('-', "_");
    let mut out = String::new();
    let mut seen = HashSet::new();
    for (own_group, options) in by_group() {
        let own_group = own_group.name();
        if group.is_some_and(|group| group != own_group) {
            continue;
        }
        for option in options.into_iter().filter(|option| option.dest == dest) {
            if seen.insert(own_group) {
                describe(&mut out, own_group, option, conf).expect("a String takes any text");
            }
        }
    }
    if !out.is_empty() {
        return Ok(out.trim_end().to_owned());
    }
    let names: Vec<&str> = tables().flat_map(|(_, o)| o.iter().map(|o| o.dest)).collect();
    let near = nearest(&dest, names).map(|near| format!("; did you mean {near}?"));
    Err(format!("no option is called {name}{}", near.unwrap_or_default()))
}

fn describe(
    out: &mut String,
    group: &str,
    option: &Opt<'static>,
    conf: Option<&Conf>,
) -> fmt::Result {
    writeln!(out, "[{group}] {}", option.dest)?;
    for paragraph in option.help_text().lines() {
        writeln!(out, "    {paragraph}")?;
    }
    writeln!(out, "    type: {}", type_text(option))?;
    let default = option.sample_default.map(str::to_owned);
    let default = default.or_else(|| sample::default_text(option));
    writeln!(out, "    default: {}", default.as_deref().unwrap_or("unset"))?;
    let change = if option.mutable { "while the service runs (SIGHUP)" } else { "at a restart" };
    writeln!(out, "    takes effect: {change}")?;
    for alias in option.aliases {
        let name = alias.name.unwrap_or(option.dest);
        writeln!(out, "    former name: [{}] {name}", alias.group.unwrap_or(group))?;
    }
    if option.secret {
        writeln!(out, "    secret: its value is never shown")?;
    }
    if let Some(removal) = option.removal {
        let reason = removal.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        writeln!(out, "    deprecated, will go away{reason}")?;
    }
    if option.cli.is_some() {
        writeln!(out, "    argument: --{}", option.name)?;
    }
    if group == "backend_defaults" {
        let last = match tables::in_default(option.dest) {
            InDefault::ForAllBackends => ", else [DEFAULT]".to_owned(),
            InDefault::For(service) => format!("; [DEFAULT] counts for {service} only"),
            InDefault::Unknown | InDefault::ForNobody => "; not [DEFAULT]".to_owned(),
        };
        writeln!(out, "    where: a back end's section, else [backend_defaults]{last}")?;
    }
    if let Some(conf) = conf {
        in_force(out, group, option, conf)?;
    }
    out.push('\n');
    Ok(())
}

/// Type and limits in words.
fn type_text(option: &Opt<'_>) -> String {
    let kind = option.kind.describe();
    if option.multi { format!("{kind}, may be given several times") } else { kind }
}

fn in_force(out: &mut String, group: &str, option: &Opt<'static>, conf: &Conf) -> fmt::Result {
    let of_group = conf.oslo().entry(group, option.dest);
    let mut entries: Vec<Entry> = of_group.into_iter().filter(|one| !one.is_unset()).collect();
    if group == "backend_defaults" {
        // A back end that only repeats what stands above is left out.
        let set = |name: &String| {
            let found = backend::lookup(&conf.oslo, name, option);
            let entry = Entry::new(name, option, found);
            let known = |one: &Entry| one.origin == entry.origin && one.value == entry.value;
            (!entry.is_unset() && !entries.iter().any(known)).then_some(entry)
        };
        let own: Vec<Entry> = conf.backend_names().iter().filter_map(set).collect();
        entries.extend(own);
    }
    entries.into_iter().try_for_each(|entry| writeln!(out, "    now: {entry}"))
}

/// The option reference, as Markdown.
pub fn reference() -> String {
    let mut out = String::from(HEAD);
    for (group, options) in by_group() {
        let group = group.name();
        write!(out, "\n## [{group}]\n").expect("a String takes any text");
        if let Some((_, note)) = NOTES.iter().find(|(noted, _)| *noted == group) {
            write!(out, "\n{note}\n").expect("a String takes any text");
        }
        for option in options {
            entry(&mut out, group, option).expect("a String takes any text");
        }
    }
    out
}

const HEAD: &str = "\
<!-- Made by `cargo run -p cinder-conf --example reference > docs/configuration.md`; do not edit. -->

# Options

Every option that the volume service knows, by section. `config explain NAME` prints one of them
together with the value in force and where it comes from.

* Back ends read their own section, then `[backend_defaults]`, then the default. `[DEFAULT]` counts
  for them only where an option says so.
* **secret** values are shown as `****`. **mutable** options change at SIGHUP, all others at a restart.
* Options of other services and of other vendors' drivers are accepted in the same file and ignored.
";

const OURS: &str = "A section of this service alone; upstream's services ignore it.";

const NOTES: [(&str, &str); 5] = [
    (
        "backend_defaults",
        "What back ends can be told. The same options stand in a back end's own section, together \
         with `backend_host` (text): the name to use instead of `host` for this back end.",
    ),
    ("database_client", OURS),
    ("health", OURS),
    ("supervisor", OURS),
    (
        "keystone_authtoken",
        "Credentials (`auth_url`, `username`, `password`, …) stand here, too; which ones depends \
         on `auth_type`.",
    ),
];

fn entry(out: &mut String, group: &str, option: &Opt<'_>) -> fmt::Result {
    write!(out, "\n**`{}`**", option.dest)?;
    let kind = option.kind.sample_name(option.multi).trim_end_matches(" value");
    write!(out, " — {kind}")?;
    let described = option.kind.describe();
    if let Some((_, limits)) = described.split_once('(') {
        write!(out, ", `{}`", limits.trim_end_matches(')'))?;
    }
    let default = option.sample_default.map(str::to_owned);
    match default.or_else(|| sample::default_text(option)) {
        Some(default) if default.is_empty() => write!(out, ", default empty")?,
        Some(default) => write!(out, ", default `{default}`")?,
        None => write!(out, ", no default")?,
    }
    for (set, word) in [(option.secret, "secret"), (option.mutable, "mutable")] {
        if set {
            write!(out, ", **{word}**")?;
        }
    }
    if option.cli.is_some() {
        write!(out, ", argument `--{}`", option.name)?;
    }
    writeln!(out, "\\")?;
    let help = option.help_text().replace('\n', " ");
    match option.removal {
        Some(_) => write!(out, "Deprecated. {help}")?,
        None => write!(out, "{help}")?,
    }
    let former: Vec<String> = option
        .aliases
        .iter()
        .map(|a| format!("`[{}] {}`", a.group.unwrap_or(group), a.name.unwrap_or(option.dest)))
        .collect();
    if !former.is_empty() {
        write!(out, " Formerly {}.", former.join(", "))?;
    }
    if group == "backend_defaults" && tables::in_default(option.dest) == InDefault::ForAllBackends {
        write!(out, " In `[DEFAULT]` it counts for every back end that leaves it open.")?;
    }
    out.push('\n');
    Ok(())
}
