//! `cargo xtask mutants`: changes the code in one place at a time and sees whether a test notices.
//!
//! Steps: `cargo mutants` makes the changes, builds and tests each in a copy of the tree, area by
//! area with the quick tests of that crate; we read what came of it. A change that no test noticed is
//! a gap, unless `mutants/equal.txt` says why it has no effect. Must not count what does not compile.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cargo;
use crate::tally::Tally;

/// Survivors that are equal in effect, one a line with the reason.
const EQUAL: &str = include_str!("mutants/equal.txt");

/// Of a hundred changes that compile, so many have to be noticed.
const NOTICED: u32 = 90;

/// Code whose rules other processes rely on, and the quick tests that are to notice a change.
struct Area {
    package: &'static str,
    /// Below the package's `src`.
    files: &'static [&'static str],
    /// What `cargo test` is told.
    tests: &'static [&'static str],
}

const AREAS: [Area; 5] = [
    Area {
        package: "cinder-db",
        files: &[
            "cas*",
            "cas/**",
            "changes.rs",
            "quota*",
            "quota/**",
            "registry*",
            "statement.rs",
            "workers*",
            "queries/{clusters,quota_counts,quotas,services,workers}.rs",
        ],
        // On SQLite, which every build has.
        tests: &["--lib", "--test", "databases", "--", "every::", "sqlite::quota", "tests::"],
    },
    Area {
        package: "cinder-conf",
        files: &["ini*", "substitute*", "kind*", "kind/**", "oslo*", "oslo/**"],
        tests: &["--lib", "--tests"],
    },
    Area {
        package: "cinder-objects",
        files: &["{arguments,changes,envelope,field,pin,plain,python}.rs"],
        tests: &["--lib", "--tests"],
    },
    Area {
        package: "oslo-launcher",
        files: &["{state,roster,throttle,bridge}.rs", "supervising*", "supervising/**"],
        tests: &["--lib"],
    },
    Area {
        package: "oslo-log",
        files: &["mask*", "layout*", "layout/**"],
        tests: &["--lib", "--test", "lines"],
    },
];

/// What the command line asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// One part of the changes, as in `2/8` from 0 on; all, if not given.
    pub(crate) shard: Option<String>,
    /// Crates whose name contains one of these; all, if empty.
    pub(crate) filters: Vec<String>,
}

/// Whether the tool is there.
pub(crate) fn is_installed() -> bool {
    let mut asked = cargo::cargo(&["mutants", "--version"]);
    asked.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|ended| ended.success())
}

/// Makes the changes and judges each area; the caller prints the closing line.
///
/// # Errors
///
/// When the tool is not installed, or the tests fail before anything was changed.
pub(crate) fn run(plan: &Plan) -> Result<Tally> {
    ensure!(is_installed(), "cargo-mutants is not installed: cargo install cargo-mutants --locked");
    let equal = equal(EQUAL)?;
    let mut tally = Tally::default();
    let wanted = |area: &&Area| {
        plan.filters.is_empty() || plan.filters.iter().any(|part| area.package.contains(part))
    };
    for area in AREAS.iter().filter(wanted) {
        let folder = cargo::target_directory()?.join("mutants").join(area.package);
        let outcomes = outcomes(area, plan.shard.as_deref(), &folder)?;
        let verdict = Verdict::of(&outcomes, &equal);
        println!("{}: {verdict}", area.package);
        for survivor in &verdict.unexplained {
            println!("  not noticed: {survivor}");
        }
        if plan.shard.is_none() {
            for line in stale(&outcomes, &equal, area) {
                println!("  no longer a survivor: {line}");
                tally += Tally::failed();
            }
        }
        tally += if verdict.is_good() { Tally::passed() } else { Tally::failed() };
    }
    Ok(tally)
}

/// What became of one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Caught,
    Missed,
    /// It does not compile.
    Unviable,
}

/// A change: its file, what was done to it, where and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    file: String,
    line: u64,
    change: String,
    fate: Fate,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.change)
    }
}

fn outcomes(area: &Area, shard: Option<&str>, folder: &Path) -> Result<Vec<Outcome>> {
    fs::create_dir_all(folder)?;
    cargo_mutants(area, shard, folder)?;
    let path = folder.join("mutants.out/outcomes.json");
    let text = fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    parse(&text).with_context(|| format!("cannot read {}", path.display()))
}

fn cargo_mutants(area: &Area, shard: Option<&str>, folder: &Path) -> Result<()> {
    let mut command = cargo::cargo(&["mutants", "--package", area.package, "--jobs", "1"]);
    command
        .args(["--no-shuffle", "--colors", "never", "--cap-lints", "true", "--output"])
        .arg(folder);
    for file in area.files {
        command.args(["--file", &format!("crates/{}/src/{file}", area.package)]);
    }
    // A name for a type with its error in it: such a change never compiles, and costs a build.
    command.args(["--exclude-re", "with QueryResult::"]);
    command.args(shard.map(|shard| format!("--shard={shard}")));
    command.arg("--").args(area.tests);
    // The copy is another one each time; what it is built of stays.
    command.env("CARGO_TARGET_DIR", build_directory()?);
    let ended =
        command.status().with_context(|| format!("cannot run {}", cargo::shown(&command)))?;
    // 2: something was missed, 3: something took too long. We judge both ourselves.
    ensure!(matches!(ended.code(), Some(0 | 2 | 3)), "{}: {ended}", cargo::shown(&command));
    Ok(())
}

fn build_directory() -> Result<PathBuf> {
    Ok(cargo::target_directory()?.join("mutants/build"))
}

/// Reads the file that `cargo mutants` leaves.
fn parse(text: &str) -> Result<Vec<Outcome>> {
    let report: Value = serde_json::from_str(text)?;
    let all = report["outcomes"].as_array().context("it has no outcomes")?;
    let mutants = all.iter().filter(|one| one["scenario"]["Mutant"].is_object());
    mutants.map(outcome).collect()
}

fn outcome(entry: &Value) -> Result<Outcome> {
    let mutant = &entry["scenario"]["Mutant"];
    let summary = entry["summary"].as_str().context("an outcome has no summary")?;
    let file = mutant["file"].as_str().context("a change has no file")?;
    let name = mutant["name"].as_str().context("a change has no name")?;
    let fate = match summary {
        // Tests that go on for ever are a way to notice, too.
        "CaughtMutant" | "Timeout" => Fate::Caught,
        "MissedMutant" => Fate::Missed,
        "Unviable" => Fate::Unviable,
        other => anyhow::bail!("{name} ended as {other}"),
    };
    // A name is `file:line:column: change`; lines move, and none of our lists should.
    let change = name.splitn(4, ':').nth(3).unwrap_or(name).trim().to_owned();
    let line = mutant["span"]["start"]["line"].as_u64().unwrap_or(0);
    Ok(Outcome { file: file.to_owned(), line, change, fate })
}

/// A survivor that may survive: its file and the change.
type Equal<'a> = (&'a str, &'a str);

/// Reads `file | change | reason` lines; `#` begins a comment.
fn equal(text: &str) -> Result<Vec<Equal<'_>>> {
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entry = |line| {
        let parts: Vec<&str> = str::split(line, " | ").map(str::trim).collect();
        match parts[..] {
            [file, change, reason] if !reason.is_empty() => Ok((file, change)),
            _ => Err(anyhow::anyhow!("equal.txt: {line}: not `file | change | reason`")),
        }
    };
    lines.map(entry).collect()
}

/// Entries of this area that no survivor needs: the code has changed, or a test came.
fn stale<'a>(outcomes: &[Outcome], equal: &[Equal<'a>], area: &Area) -> Vec<&'a str> {
    let folder = format!("crates/{}/", area.package);
    let survives = |(file, change): &Equal<'_>| {
        let it =
            |one: &Outcome| one.fate == Fate::Missed && one.file == *file && one.change == *change;
        outcomes.iter().any(it)
    };
    let of_area = equal.iter().filter(|(file, _)| file.starts_with(&folder));
    of_area.filter(|entry| !survives(entry)).map(|(_, change)| *change).collect()
}

/// The sum of an area.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    caught: u32,
    missed: u32,
    unviable: u32,
    /// Those of the missed for which no reason is known.
    unexplained: Vec<String>,
}

impl Verdict {
    fn of(outcomes: &[Outcome], equal: &[Equal<'_>]) -> Self {
        let number = |fate| {
            let with = outcomes.iter().filter(|one| one.fate == fate).count();
            u32::try_from(with).unwrap_or(u32::MAX)
        };
        let is_known = |one: &&Outcome| !equal.contains(&(one.file.as_str(), one.change.as_str()));
        let missed = outcomes.iter().filter(|one| one.fate == Fate::Missed);
        Self {
            caught: number(Fate::Caught),
            missed: number(Fate::Missed),
            unviable: number(Fate::Unviable),
            unexplained: missed.filter(is_known).map(Outcome::to_string).collect(),
        }
    }

    /// Caught of a hundred that compile, rounded down.
    fn percent(&self) -> u32 {
        let viable = self.caught + self.missed;
        (100 * self.caught).checked_div(viable).unwrap_or(100)
    }

    fn is_good(&self) -> bool {
        self.percent() >= NOTICED && self.unexplained.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { caught, missed, unviable, .. } = self;
        let percent = self.percent();
        write!(
            f,
            "{caught} caught, {missed} missed, {unviable} do not compile; {percent} % noticed"
        )
    }
}

/// The shard that is due on a day, of so many.
pub(crate) fn shard_of_day(days: u64, shards: u64) -> String {
    format!("{}/{shards}", days % shards)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{"outcomes": [
        {"scenario": "Baseline", "summary": "Success"},
        {"scenario": {"Mutant": {"name": "crates/a/src/b.rs:3:5: replace f -> bool with true",
          "file": "crates/a/src/b.rs", "span": {"start": {"line": 3, "column": 5}}}},
         "summary": "CaughtMutant"},
        {"scenario": {"Mutant": {"name": "crates/a/src/b.rs:4:7: replace == with != in a::f",
          "file": "crates/a/src/b.rs", "span": {"start": {"line": 4, "column": 7}}}},
         "summary": "MissedMutant"},
        {"scenario": {"Mutant": {"name": "crates/a/src/b.rs:5:7: replace g with ()",
          "file": "crates/a/src/b.rs", "span": {"start": {"line": 5, "column": 7}}}},
         "summary": "Unviable"},
        {"scenario": {"Mutant": {"name": "crates/a/src/b.rs:6:7: replace h with ()",
          "file": "crates/a/src/b.rs", "span": {"start": {"line": 6, "column": 7}}}},
         "summary": "Timeout"}]}"#;
    const KNOWN: &str =
        "# why\n\ncrates/a/src/b.rs | replace == with != in a::f | both are empty\n";

    #[test]
    fn what_does_not_compile_does_not_count_and_what_hangs_is_noticed() {
        let outcomes = parse(REPORT).unwrap();
        let verdict = Verdict::of(&outcomes, &[]);
        assert_eq!(verdict.to_string(), "2 caught, 1 missed, 1 do not compile; 66 % noticed");
        let survivor = "crates/a/src/b.rs:4: replace == with != in a::f";
        assert_eq!(verdict.unexplained, [survivor]);
        assert!(!verdict.is_good());
    }

    #[test]
    fn a_survivor_with_a_reason_may_be_one_of_ten() {
        let known = equal(KNOWN).unwrap();
        let [caught, missed, ..] = &parse(REPORT).unwrap()[..] else { panic!() };
        let mut outcomes = vec![caught.clone(); 9];
        outcomes.push(missed.clone());
        assert!(Verdict::of(&outcomes, &known).is_good());
        assert!(!Verdict::of(&outcomes, &[]).is_good(), "without its reason");
        outcomes.push(missed.clone());
        assert!(!Verdict::of(&outcomes, &known).is_good(), "two of eleven");
        assert!(Verdict::of(&[], &[]).is_good(), "nothing was changed");
    }

    #[test]
    fn a_reason_for_what_is_noticed_is_stale() {
        let known = equal(KNOWN).unwrap();
        let area = Area { package: "a", files: &[], tests: &[] };
        let outcomes = parse(REPORT).unwrap();
        assert!(stale(&outcomes, &known, &area).is_empty());
        assert_eq!(stale(&outcomes[..1], &known, &area), ["replace == with != in a::f"]);
        let other = Area { package: "b", files: &[], tests: &[] };
        assert!(stale(&outcomes[..1], &known, &other).is_empty(), "it is another area's");
    }

    #[test]
    fn every_reason_is_one() {
        equal(EQUAL).unwrap();
        for line in ["a.rs | replace", "a.rs | replace | ", "a.rs: replace == with != in f"] {
            assert!(equal(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_days_take_turns() {
        assert_eq!(shard_of_day(27, 14), "13/14");
        assert_eq!(shard_of_day(28, 14), "0/14");
    }

    #[test]
    fn the_files_of_all_areas_exist() {
        for area in &AREAS {
            let sources = cargo::root().join("crates").join(area.package).join("src");
            for pattern in area.files {
                let stem = pattern.split(['*', '{', '.']).next().unwrap_or_default();
                let (folder, begin) = stem.rsplit_once('/').unwrap_or(("", stem));
                let names = fs::read_dir(sources.join(folder)).unwrap();
                let found = names
                    .flatten()
                    .any(|entry| entry.file_name().to_string_lossy().starts_with(begin));
                assert!(found, "{}: {pattern}", area.package);
            }
        }
    }
}
