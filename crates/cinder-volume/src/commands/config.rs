//! `config check` and `config dump`: what is wrong, and what is in force.

use std::io::Write;

use cinder_conf::Request;
use cinder_conf::cinder::{self, Conf};

use crate::exit::{self, Failure};

/// Prints every problem of a configuration and the services it would register.
///
/// # Errors
///
/// Only when the output cannot be written.
pub fn check(
    request: Request,
    strict: bool,
    json: bool,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let (problems, services) = match cinder::load(request) {
        Ok(conf) => {
            let names = conf.backend_names();
            let hosts = names.iter().filter_map(|name| conf.backend(name).ok()).map(|b| b.host);
            (conf.problems().clone(), hosts.collect())
        }
        Err(problems) => (problems, Vec::new()),
    };
    if json {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        writeln!(out, "{}", serde_json::json!({"problems": lines, "services": services}))?;
    } else {
        for problem in &problems {
            writeln!(out, "{problem}")?;
        }
        for service in &services {
            writeln!(out, "service {service}")?;
        }
        writeln!(out, "{} errors, {} warnings", problems.errors(), problems.warnings())?;
    }
    let bad = problems.has_errors() || strict && !problems.is_empty();
    Ok(if bad { exit::FAILURE } else { exit::OK })
}

/// Prints every option in force and where it comes from; secrets are masked.
///
/// # Errors
///
/// Only when the output cannot be written.
pub fn dump(conf: &Conf, out: &mut dyn Write) -> Result<i32, Failure> {
    for entry in conf.oslo().effective() {
        writeln!(out, "{entry}")?;
    }
    Ok(exit::OK)
}
