//! The result of `config check`.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{Conf, backend, check as judge};
use crate::{
    error::Origin,
    problem::{Level, Problem, Scope},
    problems::Problems,
    request::Request,
    shown::{printable, without_secrets},
    suggest::Suggestions,
};

/// Everything `config check` has to say.
#[derive(Debug, Clone)]
pub struct Report {
    /// All problems.
    pub problems: Problems,
    /// The enabled back ends, each with the name of its service, `host@backend`.
    backends: Vec<(String, String)>,
    /// Files read, in order.
    pub files: Vec<String>,
}

/// Checks a configuration without starting anything and without touching state.
pub fn check(request: Request) -> Report {
    check_with(request, &mut |_, _| {})
}

/// As [`check`]; `progress` is told how many of how many sections are done.
pub fn check_with(request: Request, progress: &mut dyn FnMut(usize, usize)) -> Report {
    look(request, progress).0
}

/// As [`check_with`], and the configuration for whoever can judge more of it. Where something cannot be read, its
/// default stands there, and the report has an error about it; with none at all the report says why.
pub fn look(request: Request, progress: &mut dyn FnMut(usize, usize)) -> (Report, Option<Conf>) {
    let (oslo, mut problems) = judge::examine_with(request, progress, Suggestions::for_a_reader());
    let names = judge::enabled(&oslo);
    // Without readable files, that nothing is enabled is no news.
    if names.is_empty() && !problems.has_errors() {
        let text = "names no back end, so the service would stop at once";
        problems.push(Problem::new(Level::Error, text).of("DEFAULT", "enabled_backends"));
    }
    let mut backends = Vec::new();
    for name in names {
        match backend::node(&oslo, &name) {
            Ok(node) => {
                let service = format!("{node}@{name}");
                backends.push((name, printable(&without_secrets(&service)).into_owned()));
            }
            Err(more) => problems.extend(more),
        }
    }
    problems.sort(oslo.config_files());
    let files = oslo.config_files().to_vec();
    let mut report = Report { problems, backends, files };
    let conf = match Conf::build(oslo, report.problems.clone(), true) {
        Ok(conf) => Some(conf),
        Err(problems) => {
            report.problems = problems;
            None
        }
    };
    (report, conf)
}

impl Report {
    /// Adds what somebody found who knows more than options: whether a value can be used.
    ///
    /// An error is left out if the option has one already: what stands there has not been used.
    pub fn add(&mut self, problem: Problem) {
        let same = |one: &&Problem| {
            one.level == Level::Error
                && one.option.is_some()
                && (&one.group, &one.option) == (&problem.group, &problem.option)
        };
        if problem.level == Level::Error && self.problems.iter().any(|one| same(&one)) {
            return;
        }
        self.problems.push(problem);
        self.problems.sort(&self.files);
    }

    /// Names of the services that a start would register, `host@backend`: none of a back end that does not start.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        let none_starts = self.problems.is_fatal();
        let starts = move |name: &String| !none_starts && self.problems.of_backend(name).is_empty();
        let those = self.backends.iter().filter(move |(name, _)| starts(name));
        those.map(|(_, service)| service.as_str())
    }

    /// Whether a start with this configuration is fine; with `strict`, warnings count too.
    pub fn passes(&self, strict: bool) -> bool {
        !(self.problems.has_errors() || strict && self.problems.warnings() > 0)
    }
}

/// Problems one per line, then the services.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        for (_, remark) in self.problems.remarks() {
            writeln!(f, "{remark}")?;
        }
        for service in self.services() {
            writeln!(f, "service {service}")?;
        }
        let (errors, warnings) = (self.problems.errors(), self.problems.warnings());
        let plural = |count| if count == 1 { "" } else { "s" };
        write!(f, "{errors} error{}, {warnings} warning{}", plural(errors), plural(warnings))?;
        match self.problems.notes() {
            0 => Ok(()),
            notes => write!(f, ", {notes} note{}", plural(notes)),
        }
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Report", 7)?;
        out.serialize_field("errors", &self.problems.errors())?;
        out.serialize_field("warnings", &self.problems.warnings())?;
        out.serialize_field("problems", &self.problems.iter().collect::<Vec<_>>())?;
        out.serialize_field("notes", &self.problems.notes())?;
        let omitted = Level::ALL.map(|level| self.problems.omitted(level)).iter().sum::<usize>();
        out.serialize_field("omitted", &omitted)?;
        out.serialize_field("services", &self.services().collect::<Vec<_>>())?;
        out.serialize_field("files", &self.files)?;
        out.end()
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (file, line) = match &self.origin {
            Some(Origin::File { path, line }) => (Some(path.clone()), Some(*line)),
            Some(origin) => (Some(origin.to_string()), None),
            None => (None, None),
        };
        let backend = match &self.scope {
            Scope::Program => None,
            Scope::Backend(name) => Some(printable(&without_secrets(name)).into_owned()),
        };
        let mut out = serializer.serialize_struct("Problem", 8)?;
        out.serialize_field("level", &self.level.to_string())?;
        out.serialize_field("file", &file)?;
        out.serialize_field("line", &line)?;
        out.serialize_field("group", &self.group)?;
        out.serialize_field("option", &self.option)?;
        out.serialize_field("text", &self.text)?;
        out.serialize_field("hint", &self.hint)?;
        out.serialize_field("backend", &backend)?;
        out.end()
    }
}
