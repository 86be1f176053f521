//! Looks at everything anybody set and says what is wrong with it, all at once.
//!
//! Must not stop at the first problem, and must not touch anything but configuration files. Only
//! what somebody set is looked at: declared defaults are right, a test sees to that.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use super::{
    history,
    known::Known,
    tables::{self, InDefault},
};
use crate::{
    error::Origin,
    option::Opt,
    oslo::OsloConfig,
    problem::{Level, Problem},
    problems::Problems,
    registry::Group,
    request::Request,
    shown::acts,
    source::{Occurrence, fold},
    substitute::{self, Piece},
    suggest::{Suggestions, nearest},
    value::Value,
};

/// Reads the files and judges them; the configuration returned may be incomplete when there are
/// errors.
pub(super) fn examine(request: Request) -> (OsloConfig<'static>, Problems) {
    examine_with(request, &mut |_, _| {}, Suggestions::none())
}

/// As [`examine`]; `progress` is told how many of how many sections are done, and unknown names are
/// compared with known ones as far as `suggestions` go.
pub(super) fn examine_with(
    request: Request,
    progress: &mut dyn FnMut(usize, usize),
    suggestions: Suggestions,
) -> (OsloConfig<'static>, Problems) {
    let mut oslo = OsloConfig::new();
    tables::declare_global(&mut oslo);
    machine_defaults(&mut oslo, &request);
    let mut problems = match oslo.load(request) {
        Ok(()) => Problems::default(),
        Err(errors) => oslo.describe(&errors),
    };
    let backends = backend_names(&oslo);
    for name in &backends {
        tables::declare_backend(&mut oslo, name);
    }
    let mut examiner = Examiner {
        known: Known::new(&oslo, &backends),
        backends: backends.iter().map(|name| (fold(name), name.as_str())).collect(),
        oslo: &oslo,
        problems: Problems::default(),
        progress,
        suggestions,
    };
    examiner.unseen();
    examiner.enabled_backends(&backends);
    examiner.names_in_rows(&backends);
    examiner.sections();
    examiner.environment();
    problems.extend(examiner.problems);
    problems.sort(oslo.config_files());
    (oslo, problems)
}

/// Defaults that depend on the machine.
fn machine_defaults(oslo: &mut OsloConfig<'static>, request: &Request) {
    let host = Value::Text(request.host_name.clone());
    oslo.set_default("oslo_messaging_rabbit", "hostname", host.clone());
    oslo.set_default("DEFAULT", "host", host);
    let my_ip = request.my_ip.clone().unwrap_or_else(|| "127.0.0.1".to_owned());
    oslo.set_default("DEFAULT", "my_ip", Value::Text(my_ip));
}

/// Enabled back ends as configured, empty items left out.
fn backend_names(oslo: &OsloConfig<'static>) -> Vec<String> {
    let Ok(Value::List(items)) = oslo.get("DEFAULT", "enabled_backends") else { return Vec::new() };
    let name = |item| match item {
        Value::Text(name) if !name.is_empty() => Some(name),
        _ => None,
    };
    items.into_iter().filter_map(name).collect()
}

/// Enabled back ends without repetitions.
pub(super) fn enabled(oslo: &OsloConfig<'static>) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut names = backend_names(oslo);
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// What is wrong with a name that does something instead of being shown.
const ACTS: &str = "holds a control character, which no name of a service can have";

/// What is wrong with a value that somebody has put a comment behind.
const NO_COMMENT: &str = "a # inside a value is no comment";

/// What stands before something that looks like a comment and is part of the value.
fn without_comment(text: &str) -> Option<&str> {
    let starts = |(at, character): (usize, char)| {
        let before = text.get(..at)?;
        (character == '#' && before.ends_with(char::is_whitespace)).then(|| before.trim_end())
    };
    text.char_indices().find_map(starts)
}

struct Examiner<'e> {
    oslo: &'e OsloConfig<'static>,
    known: Known<'e>,
    /// Folded section name → name as enabled.
    backends: HashMap<String, &'e str>,
    problems: Problems,
    progress: &'e mut dyn FnMut(usize, usize),
    suggestions: Suggestions,
}

impl Examiner<'_> {
    /// Places where configuration may stand that does not count, because nobody can read it.
    fn unseen(&mut self) {
        let mut directories: BTreeMap<(&Path, String), Vec<&str>> = BTreeMap::new();
        for unseen in self.oslo.unseen() {
            let path = Path::new(&unseen.path);
            let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { continue };
            let names = directories.entry((directory, unseen.source.to_string())).or_default();
            names.extend(name.to_str());
        }
        for ((directory, reason), names) in directories {
            let (names, directory) = (names.join(", "), directory.display());
            let text = format!("{names} in {directory} could not be read: {reason}");
            self.problems.push(
                Problem::new(Level::Warning, text).hint("what may stand there does not count"),
            );
        }
    }

    /// The list itself: repetitions, missing sections, names that are something else.
    fn enabled_backends(&mut self, names: &[String]) {
        let place = self.oslo.read("DEFAULT", "enabled_backends").ok().map(|found| found.origin);
        let headers: HashSet<String> = self.oslo.headers().iter().map(|h| fold(&h.name)).collect();
        let mut seen: HashMap<String, &str> = HashMap::new();
        for name in names {
            let (level, text, scoped) = match seen.insert(fold(name), name) {
                None if name.contains(acts) => (Level::Error, format!("{name} {ACTS}"), true),
                Some(before) if before == name => {
                    (Level::Warning, format!("{name} is listed twice; it runs once"), false)
                }
                Some(before) => {
                    let text = format!("{before} and {name} are the same section [{name}]");
                    (Level::Warning, text, false)
                }
                None if self.known.is_global(name) => {
                    let text = format!("[{name}] is a section of the service, not of a back end");
                    (Level::Warning, text, false)
                }
                None if !headers.contains(&fold(name)) => {
                    (Level::Error, format!("section [{name}] does not exist"), true)
                }
                None => continue,
            };
            let mut problem = Problem::new(level, text).of("DEFAULT", "enabled_backends");
            problem.origin.clone_from(&place);
            problem.hint = without_comment(name).map(|_| NO_COMMENT.to_owned());
            self.problems.push(if scoped { problem.backend(name) } else { problem });
        }
    }

    /// Names that get into rows, topics and every line about a service: nothing in them may act.
    fn names_in_rows(&mut self, backends: &[String]) {
        let of_node = ["host", "cluster"].map(|option| ("DEFAULT", option, None));
        let of_backend = |name| (name, "backend_host", Some(name));
        let of_backends = backends.iter().map(String::as_str).map(of_backend);
        for (group, option, backend) in of_node.into_iter().chain(of_backends) {
            let Ok(found) = self.oslo.read(group, option) else { continue };
            let Value::Text(text) = &found.value else { continue };
            if text.contains(acts) {
                let problem = Problem::new(Level::Error, format!("{text:?} {ACTS}"));
                let problem = problem.at(found.origin).of(group, option);
                self.problems.push(match backend {
                    Some(name) => problem.backend(name),
                    None => problem,
                });
            }
        }
    }

    /// Every section of every file, once per name.
    fn sections(&mut self) {
        let mut seen = HashSet::new();
        let headers = self.oslo.headers();
        for (done, header) in headers.iter().enumerate() {
            (self.progress)(done, headers.len());
            let folded = fold(&header.name);
            if !seen.insert(folded.clone()) {
                continue;
            }
            if self.known.section(&folded) {
                self.keys(&header.name, &folded);
            } else if matches!(self.oslo.header_place(header), Origin::File { .. }) {
                if !(self.problems.has_room(Level::Warning) && self.problems.has_room(Level::Note))
                {
                    self.problems.omit(Level::Note, 1);
                    continue;
                }
                if let Some(problem) = self.strange_section(&header.name, &folded) {
                    let problem = problem.at(self.oslo.header_place(header));
                    self.problems.push(problem.of(&header.name, ""));
                }
            }
            self.comments(&header.name, &folded);
        }
    }

    /// Values that end in what somebody has taken for a comment. The list of back ends has said so already.
    fn comments(&mut self, shown: &str, folded: &str) {
        let is_list = |key: &str| folded == "DEFAULT" && key == "enabled_backends";
        for (key, found) in self.oslo.raw_keys(folded).filter(|(key, _)| !is_list(key)) {
            for one in found {
                if without_comment(&one.text).is_none() {
                    continue;
                }
                let place = self.oslo.place(one);
                if matches!(place, Origin::File { .. }) {
                    self.problems.push(
                        Problem::new(Level::Warning, NO_COMMENT)
                            .at(place)
                            .of(shown, key)
                            .hint("write it on a line of its own"),
                    );
                }
            }
        }
    }

    fn strange_section(&mut self, name: &str, folded: &str) -> Option<Problem> {
        // Whoever enabled it has written a comment behind it, which is told there.
        let enabled = self.backends.values().filter_map(|backend| without_comment(backend));
        if enabled.map(fold).any(|enabled| enabled == folded) {
            return None;
        }
        Some(self.unread_section(name, folded))
    }

    fn unread_section(&mut self, name: &str, folded: &str) -> Problem {
        let mut keys = self.oslo.raw_keys(folded).map(|(key, _)| key);
        if keys.any(|key| self.known.is_backend_option(key)) {
            let text = "section is never used";
            return Problem::new(Level::Warning, text)
                .hint(format!("add {name} to enabled_backends, or remove the section"));
        }
        let problem = |level| Problem::new(level, "unknown section");
        if folded == "default" {
            let hint = "did you mean [DEFAULT]? It is written in capitals";
            return problem(Level::Warning).hint(hint);
        }
        let near =
            self.suggestions.take().then(|| nearest(name.trim(), self.known.section_names()));
        match near.flatten() {
            Some(near) => problem(Level::Warning).hint(format!("did you mean [{near}]?")),
            // It may be one that another program of the same installation reads.
            None => problem(Level::Note),
        }
    }

    fn keys(&mut self, shown: &str, folded: &str) {
        let group = self.oslo.group(folded);
        let backend = self.backends.get(folded).copied();
        let mut keys: Vec<(&str, &[Occurrence])> = self.oslo.raw_keys(folded).collect();
        keys.sort_by_key(|(_, found)| found.first().map(|first| (first.rank, first.line)));
        for (key, found) in keys {
            let Some(last) = found.last() else { continue };
            self.set_twice(shown, folded, key, found);
            if let Some(option) = group.and_then(|group| group.table.get(key)) {
                let Some(group) = group else { continue };
                let own = |_: &&str| key == "backend_host" || tables::backend_option(key).is_some();
                self.value(group, option, last, backend.filter(own));
                if folded == "DEFAULT" {
                    self.not_for_backends(option, last);
                }
            } else if let Some((new_group, option)) = self.known.former(folded, key) {
                self.former(shown, key, last, &new_group, option);
                if let Some(group) = self.oslo.group(&new_group) {
                    self.value(group, option, last, backend);
                }
            } else if !self.known.accepted(folded, key) {
                self.unknown(shown, folded, key, found);
            }
        }
    }

    /// An option that one file sets more than once, where only the last time counts. That a later file has another
    /// value is what later files are for.
    fn set_twice(&mut self, shown: &str, folded: &str, key: &str, found: &[Occurrence]) {
        let declared = self.oslo.group(folded).and_then(|group| group.table.get(key));
        let is_single = match (declared, self.known.foreign(folded, key)) {
            (Some(option), _) => !option.multi,
            (None, Some(foreign)) => !foreign.multi,
            (None, None) => false,
        };
        for pair in found.windows(2) {
            let [before, after] = pair else { continue };
            let place = self.oslo.place(before);
            if is_single && before.rank == after.rank && matches!(place, Origin::File { .. }) {
                let text = format!("is set again in line {}, and only that counts", after.line);
                self.problems.push(Problem::new(Level::Warning, text).at(place).of(shown, key));
            }
        }
    }

    /// A declared option that somebody set.
    fn value(
        &mut self,
        group: &Group<'static>,
        option: &'static Opt<'static>,
        last: &Occurrence,
        backend: Option<&str>,
    ) {
        let place = self.oslo.place(last);
        let name = option.dest;
        let scoped = |problem: Problem| match backend {
            Some(backend) => problem.backend(backend),
            None => problem,
        };
        if option.removal.is_some() {
            let text = "is deprecated and will go away";
            let problem = Problem::new(Level::Warning, text).at(place.clone());
            self.problems.push(problem.of(&group.name, name));
        }
        match self.oslo.find(group, option) {
            // Options that are also arguments have been judged while loading.
            Err(_) if option.cli.is_some() => {}
            Err(error) => {
                self.problems.push(scoped(Problem::of_read(&error, Some(option))));
            }
            Ok(found) if found.value.is_none() && backend.is_none() => {
                if let Some(default) = crate::sample::default_text(option) {
                    let text = format!("is empty; the default {default} is used");
                    let problem = Problem::new(Level::Warning, text).at(place);
                    self.problems.push(problem.of(&group.name, name));
                }
            }
            Ok(_) if backend.is_some() && last.text.contains('$') => {
                self.empty_references(group, name, last);
            }
            Ok(_) => {}
        }
    }

    /// In a back end's section `$name` sees the section and `[DEFAULT]` only.
    fn empty_references(&mut self, group: &Group<'static>, name: &str, last: &Occurrence) {
        for piece in substitute::pieces(&last.text) {
            let Piece::Reference(reference) = piece else { continue };
            let Some(option) = group.table.get(reference) else { continue };
            if self.oslo.find(group, option).is_ok_and(|found| found.value.is_none()) {
                let text = format!("${reference} is not set in this section and reads as empty");
                let problem = Problem::new(Level::Warning, text)
                    .at(self.oslo.place(last))
                    .of(&group.name, name)
                    .hint("defaults and [backend_defaults] do not count here");
                self.problems.push(problem);
            }
        }
    }

    /// A back-end option in `[DEFAULT]` that no back end reads there.
    fn not_for_backends(&mut self, option: &Opt<'static>, last: &Occurrence) {
        let text = match tables::in_default(option.dest) {
            InDefault::Unknown | InDefault::ForAllBackends => return,
            InDefault::For(service) => format!("counts for {service} only in this section"),
            InDefault::ForNobody => "has no effect in this section".to_owned(),
        };
        let problem = Problem::new(Level::Warning, text)
            .at(self.oslo.place(last))
            .of("DEFAULT", option.dest)
            .hint("for back ends write it into [backend_defaults] or into a back end's section");
        self.problems.push(problem);
    }

    fn former(
        &mut self,
        shown: &str,
        key: &str,
        last: &Occurrence,
        group: &str,
        option: &Opt<'static>,
    ) {
        let new = match fold(group) == fold(shown) {
            true => option.dest.to_owned(),
            false => format!("[{group}] {}", option.dest),
        };
        let fatal = self.oslo.get("DEFAULT", "fatal_deprecations") == Ok(Value::Bool(true));
        let level = if fatal { Level::Error } else { Level::Warning };
        let problem = Problem::new(level, format!("is a former name of {new}"))
            .at(self.oslo.place(last))
            .of(shown, key);
        self.problems.push(problem);
    }

    fn unknown(&mut self, shown: &str, folded: &str, key: &str, found: &[Occurrence]) {
        if !self.problems.has_room(Level::Warning) {
            return self.problems.omit(Level::Warning, found.len());
        }
        let kind = self.known.kind_of_section(folded);
        let (text, hint) = match history::of(kind, key) {
            Some(past) => (past.text(), past.hint(kind)),
            None => {
                let likely =
                    || self.suggestions.take().then(|| self.known.likely(folded, key)).flatten();
                ("unknown option".to_owned(), self.known.place(folded, key).or_else(likely))
            }
        };
        for one in found {
            let problem =
                Problem::new(Level::Warning, text.clone()).at(self.oslo.place(one)).of(shown, key);
            self.problems.push(match &hint {
                Some(hint) => problem.hint(hint.clone()),
                None => problem,
            });
        }
    }

    /// Values from `OS_<GROUP>__<OPTION>`.
    fn environment(&mut self) {
        for (variable, _) in &self.oslo.request().environment {
            let Some(rest) = variable.strip_prefix("OS_") else { continue };
            let Some((group, name)) = rest.split_once("__") else { continue };
            let groups = self.oslo.groups().iter();
            let Some(group) = groups.into_iter().find(|g| g.name.to_uppercase() == group) else {
                continue;
            };
            let named = |option: &&Opt<'_>| option.dest.to_uppercase() == name;
            let Some(option) = group.table.iter().find(named) else { continue };
            let backend = self.backends.get(&group.folded).copied();
            if let Err(error) = self.oslo.find(group, option) {
                let problem = Problem::of_read(&error, Some(option));
                self.problems.push(match backend {
                    Some(backend) => problem.backend(backend),
                    None => problem,
                });
            }
        }
    }
}
