//! All problems of a configuration: the first of each level, and the number of all.
//!
//! A file that is no configuration at all can have a million problems. Nobody reads them, and the
//! process that reads the file again has other things to do than to hold them; but what does not
//! start because of them must not start.

use std::collections::BTreeSet;

#[cfg(feature = "cinder")]
use crate::error::Origin;
use crate::problem::{Level, Problem, Scope};

/// Problems of each level that are kept and shown.
pub(crate) const MOST_KEPT: usize = 500;

/// All problems of a configuration, in the order of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    kept: Vec<Problem>,
    errors: Count,
    warnings: Count,
    notes: Count,
    /// Whether an error keeps the whole program from starting.
    fatal: bool,
    /// Back ends with an error that is not kept.
    silent: BTreeSet<String>,
}

/// Problems of one level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    all: usize,
    kept: usize,
}

impl Problems {
    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.errors.all > 0
    }

    /// Whether one of them keeps the whole program from starting, not a single back end.
    pub fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// Number of errors.
    pub fn errors(&self) -> usize {
        self.errors.all
    }

    /// Number of warnings.
    pub fn warnings(&self) -> usize {
        self.warnings.all
    }

    /// Number of notes.
    pub fn notes(&self) -> usize {
        self.notes.all
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.errors.all + self.warnings.all + self.notes.all == 0
    }

    /// One by one, as far as they are kept.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.kept.iter()
    }

    /// How many problems of a level are not among those of [`Problems::iter`].
    pub fn omitted(&self, level: Level) -> usize {
        let Count { all, kept } = match level {
            Level::Error => self.errors,
            Level::Warning => self.warnings,
            Level::Note => self.notes,
        };
        all - kept
    }

    /// A line for each level of which some are not kept: `and 9500 more warnings`.
    pub fn remarks(&self) -> impl Iterator<Item = (Level, String)> {
        Level::ALL.into_iter().filter_map(|level| {
            let omitted = self.omitted(level);
            let plural = if omitted == 1 { "" } else { "s" };
            (omitted > 0).then(|| (level, format!("and {omitted} more {level}{plural}")))
        })
    }

    /// Whether one more of this level would be kept. Without room it need not be worded.
    pub(crate) fn has_room(&self, level: Level) -> bool {
        let count = match level {
            Level::Error => self.errors,
            Level::Warning => self.warnings,
            Level::Note => self.notes,
        };
        count.kept < MOST_KEPT
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        let room = self.has_room(problem.level);
        if problem.level == Level::Error {
            match &problem.scope {
                Scope::Program => self.fatal = true,
                Scope::Backend(name) if !room => {
                    self.silent.insert(name.clone());
                }
                Scope::Backend(_) => {}
            }
        }
        let count = self.count(problem.level);
        count.all += 1;
        if room {
            count.kept += 1;
            self.kept.push(problem.presentable());
        }
    }

    /// Counts problems of the whole program that nobody has worded.
    pub(crate) fn omit(&mut self, level: Level, number: usize) {
        self.count(level).all += number;
        self.fatal |= level == Level::Error && number > 0;
    }

    #[cfg(feature = "cinder")]
    pub(crate) fn extend(&mut self, others: Self) {
        let omitted = Level::ALL.map(|level| (level, others.omitted(level)));
        others.kept.into_iter().for_each(|problem| self.push(problem));
        for (level, number) in omitted {
            self.count(level).all += number;
        }
        self.fatal |= others.fatal;
        self.silent.extend(others.silent);
    }

    fn count(&mut self, level: Level) -> &mut Count {
        match level {
            Level::Error => &mut self.errors,
            Level::Warning => &mut self.warnings,
            Level::Note => &mut self.notes,
        }
    }

    /// The errors that keep this back end from starting.
    #[cfg(feature = "cinder")]
    pub(crate) fn of_backend(&self, name: &str) -> Self {
        let scope = Scope::Backend(name.to_owned());
        let mine = self.iter().filter(|one| one.level == Level::Error && one.scope == scope);
        let mut found = Self::default();
        mine.for_each(|problem| found.push(problem.clone()));
        if found.is_empty() && self.silent.contains(name) {
            let text = format!("more than {MOST_KEPT} errors were found, those here are not kept");
            found.push(Problem::new(Level::Error, text).of(name, "").backend(name));
        }
        found
    }

    /// By file in the order read, then by line; what has no line comes first.
    #[cfg(feature = "cinder")]
    pub(crate) fn sort(&mut self, files: &[String]) {
        self.kept.sort_by_key(|problem| match &problem.origin {
            Some(Origin::File { path, line }) => {
                let file = files.iter().position(|file| file == path).unwrap_or(files.len());
                (1, file, *line)
            }
            Some(_) => (2, 0, 0),
            None => (0, 0, 0),
        });
        self.kept.dedup();
        for level in Level::ALL {
            let kept = self.kept.iter().filter(|problem| problem.level == level).count();
            let count = self.count(level);
            count.all -= count.kept - kept;
            count.kept = kept;
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        let mut problems = Self::default();
        problems.push(problem);
        problems
    }
}

impl<'p> IntoIterator for &'p Problems {
    type Item = &'p Problem;
    type IntoIter = std::slice::Iter<'p, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One line per problem, and one for those that are not kept.
impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self.kept.iter().map(ToString::to_string);
        let lines = lines.chain(self.remarks().map(|(_, remark)| remark));
        for (at, line) in lines.enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&line)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(level: Level, number: usize) -> Problem {
        Problem::new(level, format!("problem {number}"))
    }

    #[test]
    fn of_ten_thousand_warnings_a_few_are_kept_and_all_are_counted() {
        let mut problems = Problems::default();
        (0..10_000).for_each(|number| problems.push(problem(Level::Warning, number)));
        problems.push(problem(Level::Error, 0));
        assert_eq!((problems.errors(), problems.warnings()), (1, 10_000));
        assert_eq!(problems.iter().count(), MOST_KEPT + 1);
        let text = problems.to_string();
        assert!(text.ends_with("error   problem 0\nand 9500 more warnings"), "{text}");
    }

    #[cfg(feature = "cinder")]
    #[test]
    fn problems_that_are_added_to_others_keep_their_number() {
        let mut problems = Problems::default();
        (0..10_000).for_each(|number| problems.push(problem(Level::Warning, number)));
        problems.omit(Level::Error, 7);
        let mut all = Problems::default();
        all.extend(problems.clone());
        assert_eq!(all, problems);
        assert!(all.is_fatal());
    }

    #[test]
    fn texts_of_problems_are_cut() {
        let long = "x".repeat(15 << 20);
        let problem = Problem::new(Level::Error, long.clone()).of(&long, &long).hint(long.clone());
        let shown = Problems::from(problem).to_string();
        assert!(shown.len() < 3_000, "{}", shown.len());
    }

    #[cfg(feature = "cinder")]
    #[test]
    fn a_back_end_whose_errors_are_not_kept_does_not_start_all_the_same() {
        let mut problems = Problems::default();
        for number in 0..=MOST_KEPT {
            problems.push(problem(Level::Error, number).backend(&format!("b{number}")));
        }
        assert!(!problems.is_fatal() && problems.has_errors());
        assert_eq!(problems.of_backend("b0").to_string(), "error   problem 0");
        let last = problems.of_backend(&format!("b{MOST_KEPT}"));
        assert!(last.to_string().contains("more than 500 errors were found"), "{last}");
        assert!(problems.of_backend("other").is_empty());
    }
}
