//! What is wrong with an option, with the place where it stands.

use cinder_conf::cinder::Conf;
use cinder_conf::{Level, Problem, Scope};

/// A problem with the value in force of an option, with the place where that stands.
pub(super) fn problem(
    conf: &Conf,
    group: &str,
    option: &str,
    text: impl Into<String>,
) -> Box<Problem> {
    Box::new(Problem {
        level: Level::Error,
        scope: Scope::Program,
        origin: conf.place(group, option),
        group: Some(group.to_owned()),
        option: Some(option.to_owned()),
        text: text.into(),
        hint: None,
    })
}

/// A problem that keeps one back end from starting.
pub(super) fn of_backend(
    conf: &Conf,
    name: &str,
    option: &str,
    text: impl Into<String>,
) -> Box<Problem> {
    for_backend(name, problem(conf, name, option, text))
}

/// The same problem, which is one of this back end only.
pub(super) fn for_backend(name: &str, mut problem: Box<Problem>) -> Box<Problem> {
    problem.scope = Scope::Backend(name.to_owned());
    problem
}
