//! `config check`, `dump`, `sample` and `explain`: what is wrong, in force, possible, meant.

use std::io::Write;

use cinder_conf::Request;
use cinder_conf::cinder::{self, Conf};

use crate::exit::{self, Failure};
use crate::progress::Progress;
use crate::surroundings::Surroundings;
use crate::wire;

/// What of a check can be chosen.
pub(crate) struct Check<'c> {
    /// Warnings fail, too.
    pub strict: bool,
    /// One JSON object instead of lines.
    pub json: bool,
    /// `--backend_name`.
    pub only: Option<&'c str>,
}

/// Prints every problem of a configuration and the services it would register.
///
/// # Errors
///
/// Only when the output cannot be written.
pub(crate) fn check(
    request: Request,
    wish: &Check<'_>,
    surroundings: &Surroundings,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let mut progress = Progress::new("checking sections", surroundings);
    let (mut report, conf) = cinder::look(request, &mut |done, total| progress.step(done, total));
    drop(progress);
    // What a start would find wrong besides, as far as there is something to start with.
    if let Some(conf) = conf {
        let found = wire::judgement(&conf, wish.only, surroundings);
        found.into_iter().for_each(|problem| report.add(problem));
    }
    if wish.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        writeln!(out, "{report}")?;
    }
    Ok(if report.passes(wish.strict) { exit::OK } else { exit::FAILURE })
}

/// Prints every option in force and where it comes from; secrets are masked.
///
/// # Errors
///
/// Only when the output cannot be written.
pub(crate) fn dump(conf: &Conf, out: &mut dyn Write) -> Result<i32, Failure> {
    for entry in conf.dump() {
        writeln!(out, "{entry}")?;
    }
    Ok(exit::OK)
}

/// Prints an annotated sample of a configuration file.
///
/// # Errors
///
/// Only when the output cannot be written.
pub(crate) fn sample(out: &mut dyn Write) -> Result<i32, Failure> {
    out.write_all(cinder::sample().as_bytes())?;
    Ok(exit::OK)
}

/// Prints everything known about one option, with its value if the configuration can be read.
///
/// # Errors
///
/// When no option has this name; and when the configuration cannot be read, after everything that
/// is known without it.
pub(crate) fn explain(
    name: &str,
    conf: Result<Conf, Failure>,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let text = cinder::explain(name, conf.as_ref().ok())
        .map_err(|unknown| Failure::Lines(vec![unknown], exit::FAILURE))?;
    writeln!(out, "{}", text.trim_end())?;
    conf.map(|_| exit::OK)
}
