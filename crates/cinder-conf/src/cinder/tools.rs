//! `config sample`, `config explain` and the reference page, all made from the declarations.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::{self, Write},
};

use super::{
    Conf, backend, foreign, history, known,
    tables::{self, InDefault, OWN, tables},
};
use crate::{
    dump::Entry,
    option::Opt,
    options::SHADOWS,
    oslo::OsloConfig,
    sample::{self, SampleSection},
    source::fold,
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

/// Everything known about the options of a name; with a configuration, also the values in force. The name may have its
/// group with it: `group.option`, `group/option` or `[group] option`, also with a back end's name as the group.
///
/// # Errors
///
/// The message for a name that no option has, with what became of it or the nearest one that exists.
pub fn explain(name: &str, conf: Option<&Conf>) -> Result<String, String> {
    let (group, dest) = parts(name);
    let dest = dest.replace('-', "_");
    let group = group.map(|group| kind_of_group(group, &dest));
    let is_wanted = |one: &str| group.as_deref().is_none_or(|group| group == fold(one));
    let mut out = String::new();
    let mut seen = HashSet::new();
    let host = is_wanted("backend_defaults") && dest == tables::BACKEND_HOST.dest;
    let host = host.then_some((
        Order::Named("backend_defaults"),
        vec![&tables::BACKEND_HOST as &Opt<'static>],
    ));
    for (own_group, options) in by_group().into_iter().chain(host) {
        let own_group = own_group.name();
        for option in
            options.into_iter().filter(|option| is_wanted(own_group) && option.dest == dest)
        {
            if seen.insert(own_group) {
                describe(&mut out, own_group, option, conf).expect("a String takes any text");
            }
        }
    }
    let mut others: Vec<&str> =
        foreign::groups().keys().copied().filter(|one| is_wanted(one)).collect();
    others.sort_unstable();
    for own_group in others {
        if let Some(option) = foreign::option(own_group, &dest).filter(|_| seen.insert(own_group)) {
            let kind = format!(
                "{}{}",
                option.kind,
                if option.multi { ", may be given several times" } else { "" }
            );
            let who = "other services or other vendors' drivers; this program ignores it";
            of_others(&mut out, own_group, &dest, &kind, who, conf);
        }
    }
    let in_credentials = group.as_deref().is_none_or(known::takes_credentials);
    if out.is_empty() && in_credentials && known::is_of_credentials(&dest) {
        let sections = group.as_deref().map_or_else(known::credentials, str::to_owned);
        let who = "the plugin for credentials that auth_type names";
        of_others(&mut out, &sections, &dest, "String", who, conf);
    }
    if let Some(group) =
        group.as_deref().filter(|group| out.is_empty() && known::OTHERS.contains(group))
    {
        of_others(
            &mut out,
            group,
            &dest,
            "String",
            "another program; this one does not look at the section",
            conf,
        );
    }
    if !out.is_empty() {
        return Ok(out.trim_end().to_owned());
    }
    let section = group.as_deref().unwrap_or("DEFAULT");
    if let Some(past) = history::of(section, &dest).or_else(|| history::anywhere(&dest)) {
        let hint = past.hint("").map(|hint| format!("; {hint}")).unwrap_or_default();
        return Err(format!("{name} {}{hint}", past.text()));
    }
    let names: Vec<&str> = tables().flat_map(|(_, o)| o.iter().map(|o| o.dest)).collect();
    let near = nearest(&dest, names).map(|near| format!("; did you mean {near}?"));
    Err(format!("no option is called {name}{}", near.unwrap_or_default()))
}

/// Group and option of a name, in any of the forms in which people and our own messages write it.
fn parts(name: &str) -> (Option<&str>, &str) {
    let name = name.trim();
    if let Some((group, option)) = name.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (Some(group.trim()), option.trim());
    }
    match name.rsplit_once(['/', '.']) {
        Some((group, option)) => (Some(group), option),
        None => (None, name),
    }
}

/// The group, folded, under which an option of a section is known: a back end's are those of all back ends.
fn kind_of_group(group: &str, dest: &str) -> String {
    let folded = fold(group);
    let is_global = tables::GLOBAL.iter().any(|(global, _)| fold(global) == folded);
    let is_shadow = folded == "DEFAULT" && SHADOWS.binary_search(&dest).is_ok();
    let is_known = is_global
        || foreign::groups().contains_key(folded.as_str())
        || known::OTHERS.contains(&folded.as_str())
        || known::takes_credentials(&folded);
    if is_known && !is_shadow { folded } else { "backend_defaults".to_owned() }
}

/// An option that somebody else reads.
fn of_others(
    out: &mut String,
    group: &str,
    dest: &str,
    kind: &str,
    who: &str,
    conf: Option<&Conf>,
) {
    let mut write = || -> fmt::Result {
        let group_shown =
            if group.starts_with('[') { group.to_owned() } else { format!("[{group}]") };
        writeln!(out, "{group_shown} {dest}")?;
        writeln!(out, "    type: {kind}")?;
        writeln!(out, "    read by: {who}")?;
        for entry in conf.map(Conf::of_others).into_iter().flatten() {
            let of_backend = || {
                group == "backend_defaults"
                    && !foreign::groups().contains_key(fold(&entry.group).as_str())
            };
            let same =
                fold(&entry.group) == fold(group) || group.contains(&format!("[{}]", entry.group));
            if entry.option.replace('-', "_") == dest && (same || of_backend()) {
                writeln!(out, "    now: {entry}")?;
            }
        }
        out.push('\n');
        Ok(())
    };
    write().expect("a String takes any text");
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
