//! Looks at everything anybody set and says what is wrong with it, all at once.
//!
//! Must not stop at the first problem, and must not touch anything but configuration files.

use std::collections::HashSet;

use super::{option_of, tables};
use crate::{
    error::LoadError,
    options::service::Service,
    oslo::OsloConfig,
    problem::{Level, Problem, Problems},
    request::Request,
    source::fold,
    value::Value,
};

/// Reads the files and judges them; the configuration returned may be incomplete when there are
/// errors.
pub(super) fn examine(request: Request) -> (OsloConfig<'static>, Problems) {
    let mut oslo = OsloConfig::new();
    tables::declare_global(&mut oslo);
    oslo.set_default("DEFAULT", "host", Value::Text(request.host_name.clone()));
    let my_ip = request.my_ip.clone().unwrap_or_else(|| "127.0.0.1".to_owned());
    oslo.set_default("DEFAULT", "my_ip", Value::Text(my_ip));
    let mut problems = match oslo.load(request) {
        Ok(()) => Problems::default(),
        Err(errors) => of_load(&oslo, &errors),
    };
    for name in backend_names(&oslo) {
        tables::declare_backend(&mut oslo, &name);
    }
    values(&oslo, &mut problems);
    backends(&oslo, &mut problems);
    problems.sort(oslo.config_files());
    (oslo, problems)
}

pub(super) fn of_load(oslo: &OsloConfig<'static>, errors: &[LoadError]) -> Problems {
    Problems(errors.iter().map(|e| Problem::of_load(e, option_of(oslo, e))).collect())
}

/// Converts every value set anywhere outside back ends' sections.
fn values(oslo: &OsloConfig<'static>, problems: &mut Problems) {
    let backends: HashSet<String> = backend_names(oslo).iter().map(|name| fold(name)).collect();
    for (group, option) in oslo.options() {
        // Options that are also arguments have been converted while loading.
        if option.cli.is_some() {
            continue;
        }
        if let Err(error) = oslo.find(group, option) {
            let problem = Problem::of_read(&error, Some(option));
            problems.push(match backends.contains(&group.folded) {
                true => problem.backend(&group.name),
                false => problem,
            });
        }
    }
}

fn backends(oslo: &OsloConfig<'static>, problems: &mut Problems) {
    let names = backend_names(oslo);
    let place = oslo.read("DEFAULT", "enabled_backends").ok().map(|found| found.origin);
    let headers: HashSet<String> = oslo.headers().iter().map(|h| fold(&h.name)).collect();
    let said = |level, text: String| {
        let problem = Problem::new(level, text).of("DEFAULT", "enabled_backends");
        match &place {
            Some(origin) => problem.at(origin.clone()),
            None => problem,
        }
    };
    let mut seen = HashSet::new();
    for name in &names {
        if !seen.insert(name.clone()) {
            problems.push(said(Level::Warning, format!("{name} is listed twice; it runs once")));
        } else if !headers.contains(&fold(name)) {
            let text = format!("section [{name}] does not exist");
            problems.push(said(Level::Error, text).backend(name));
        }
    }
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
pub(super) fn enabled(service: &Service) -> Vec<String> {
    let mut seen = HashSet::new();
    let names = service.enabled_backends.iter().flatten();
    names.filter(|name| !name.is_empty() && seen.insert(name.as_str())).cloned().collect()
}
