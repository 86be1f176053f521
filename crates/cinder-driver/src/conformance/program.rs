//! The program around the cases: which are run, what is printed, and the child that is killed.
//!
//! Prints as the usual harness does, so that whoever counts tests counts these.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use crate::conformance::case::{CHILD, Case, Verdict};
use crate::conformance::{Bench, abilities, basics, concurrency, crash, faults, troubles};

type Body = fn(&Case<'_>) -> Verdict;

/// Every case; its name is a sentence.
const CASES: &[(&str, Body)] = &[
    ("create_delete_and_export_may_come_again", basics::repeated),
    ("names_come_from_ids_and_nothing_is_remembered_between_calls", basics::forgetful),
    ("what_is_gone_or_too_large_or_badly_named_has_the_right_class", basics::refusals),
    ("something_else_of_the_same_name_is_left_alone", basics::strangers),
    ("a_goodbye_says_whether_somebody_else_is_still_connected", basics::connections),
    ("statistics_add_up", basics::statistics),
    ("data_survive_snapshots_clones_and_extensions_byte_by_byte", basics::data),
    ("what_is_written_read_punched_and_discarded_is_what_it_should_be", basics::input_output),
    ("a_cancelled_call_changes_nothing", faults::cancelled),
    ("a_copy_ends_soon_after_it_is_cancelled", faults::cancelled_copy),
    ("many_calls_on_one_volume_leave_it_whole", concurrency::one),
    ("many_calls_on_many_volumes_all_succeed", concurrency::many),
    ("a_call_that_fails_at_any_point_leaves_things_as_they_were", faults::failing),
    ("a_driver_works_on_after_a_panic_at_any_point", faults::panicking),
    ("what_a_kill_at_any_point_leaves_is_settled", crash::killed),
    ("what_was_never_begun_is_undone_and_what_has_ended_is_done", crash::calm),
    ("a_full_back_end_says_so_and_keeps_what_it_has", troubles::full),
    ("a_back_end_that_is_gone_is_down_until_it_is_back", troubles::gone),
    ("a_silent_back_end_keeps_no_more_than_its_caller", troubles::silent),
    ("a_snapshot_can_be_read_where_that_is_handed_out", abilities::snapshot_io),
    ("a_volume_is_reverted_where_that_is_handed_out", abilities::revert),
    ("what_exists_is_managed_where_that_is_handed_out", abilities::manage),
    ("the_inventory_is_what_is_there_where_it_is_handed_out", abilities::inventory),
    ("the_other_abilities_that_are_handed_out_answer_sensibly", abilities::others),
];

/// Runs the cases that the arguments of the program ask for: parts of their names, `--exact`,
/// `--skip PART`, `--list`. Everything else that the usual harness knows is ignored.
pub fn main(
    arguments: impl IntoIterator<Item = String>,
    mut out: impl Write,
    bench: &dyn Bench,
) -> ExitCode {
    let arguments: Vec<String> = arguments.into_iter().collect();
    if let [child, rest @ ..] = arguments.as_slice()
        && child == CHILD
    {
        return crash::child(bench, rest);
    }
    // Nobody reads what is written where the output is closed.
    run(&arguments, &mut out, bench).unwrap_or(ExitCode::FAILURE)
}

fn run(arguments: &[String], out: &mut dyn Write, bench: &dyn Bench) -> std::io::Result<ExitCode> {
    let chosen: Vec<_> = CASES.iter().filter(|(name, _)| is_chosen(name, arguments)).collect();
    if arguments.iter().any(|one| one == "--list") {
        for (name, _) in &chosen {
            writeln!(out, "{name}: test")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "\nrunning {} tests", chosen.len())?;
    let (mut passed, mut failed, mut prevented) = (0, 0, 0);
    for (name, body) in chosen {
        write!(out, "test {name} ... ")?;
        out.flush()?;
        let verdict = catch_unwind(AssertUnwindSafe(|| one(bench, *body)));
        match verdict {
            Ok(Verdict::Passed) => {
                passed += 1;
                writeln!(out, "ok")?;
            }
            // There is nothing to be tried, on any machine: as one that was not asked for.
            Ok(Verdict::Skipped(reason)) => writeln!(out, "not of this one, {reason}")?,
            Ok(Verdict::Prevented(reason)) => {
                prevented += 1;
                writeln!(out, "ignored, {reason}")?;
            }
            Err(_) => {
                failed += 1;
                writeln!(out, "FAILED")?;
            }
        }
    }
    let result = if failed == 0 { "ok" } else { "FAILED" };
    writeln!(
        out,
        "\ntest result: {result}. {passed} passed; {failed} failed; {prevented} ignored; 0 measured; \
         {} filtered out\n",
        CASES.len() - passed - failed - prevented
    )?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs one case on a back end of its own, and looks that nothing is left of it.
fn one(bench: &dyn Bench, body: Body) -> Verdict {
    crate::fail::clear();
    let backend = match bench.prepare() {
        Ok(backend) => backend,
        Err(reason) => return Verdict::Prevented(reason),
    };
    let case = Case::new(backend.as_ref());
    let verdict = body(&case);
    crate::fail::clear();
    let left = backend.leftovers();
    assert!(left.is_empty(), "left behind: {left:?}");
    verdict
}

fn is_chosen(name: &str, arguments: &[String]) -> bool {
    let is_exact = arguments.iter().any(|one| one == "--exact");
    let fits = |part: &String| if is_exact { name == part } else { name.contains(part.as_str()) };
    let (mut parts, mut skips) = (Vec::new(), Vec::new());
    let mut rest = arguments.iter();
    while let Some(one) = rest.next() {
        match one.as_str() {
            "--skip" => skips.extend(rest.next()),
            "--test-threads" | "--format" | "--color" | "--logfile" => _ = rest.next(),
            flag if flag.starts_with('-') => {}
            _ => parts.push(one),
        }
    }
    (parts.is_empty() || parts.into_iter().any(fits)) && !skips.into_iter().any(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_chosen_as_by_the_usual_harness() {
        let chosen = |name: &str, arguments: &str| {
            is_chosen(name, &arguments.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        };
        for (arguments, expected) in [
            ("", true),
            ("--nocapture --test-threads 1", true),
            ("aliv", true),
            ("dead aliv", true),
            ("dead", false),
            ("aliv --exact", false),
            ("is_alive --exact", true),
            ("--skip ali", false),
            ("--skip dead", true),
        ] {
            assert_eq!(chosen("is_alive", arguments), expected, "{arguments}");
        }
    }
}
