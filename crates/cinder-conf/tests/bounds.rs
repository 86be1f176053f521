//! However bad a file is: what is kept, said and looked up stays small, and is counted.

#![cfg(feature = "cinder")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use cinder_conf::{
    Item, Level, Problems, Request,
    cinder::{self, Report},
};

fn request(text: &str) -> (tempfile::TempDir, Request) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("c.conf"), text).unwrap();
    let mut request = Request::new("cinder", "cinder-volume", dir.path());
    request.search_defaults = false;
    request.host_name = "node1".to_owned();
    request.items = vec![Item::File("c.conf".to_owned())];
    (dir, request)
}

fn check(text: &str) -> Report {
    let (_dir, request) = request(text);
    cinder::check(request)
}

fn suggestions(problems: &Problems) -> usize {
    problems.to_string().matches("did you mean").count()
}

/// Names that no option has and that are like many.
fn unknown(count: usize) -> String {
    let lines = (0..count).map(|number| format!("volume_group{number:02} = x\n"));
    format!("[DEFAULT]\nenabled_backends = a\n[a]\n{}", lines.collect::<String>())
}

#[test]
fn of_ten_thousand_unknown_options_a_check_compares_the_first_fifty() {
    let problems = check(&unknown(10_000)).problems;
    assert_eq!(problems.warnings(), 10_000);
    assert_eq!(suggestions(&problems), 50);
    let hinted = |problem: &&cinder_conf::Problem| problem.hint.is_some();
    let first: Vec<_> = problems.iter().filter(hinted).filter_map(|p| p.option.clone()).collect();
    assert_eq!((first[0].as_str(), first[49].as_str()), ("volume_group00", "volume_group49"));
}

#[test]
fn of_ten_thousand_unknown_options_a_start_compares_none() {
    let (_dir, request) = request(&unknown(10_000));
    let conf = cinder::load(request).unwrap();
    assert_eq!(conf.problems().warnings(), 10_000);
    assert_eq!(suggestions(conf.problems()), 0);
    let log: Vec<_> = conf.problems().remarks().collect();
    assert_eq!(log, [(Level::Warning, "and 9500 more warnings".to_owned())]);
}

#[test]
fn a_reload_compares_none_either() {
    let (dir, request) = request("[DEFAULT]\nenabled_backends = a\n[a]\n");
    let mut conf = cinder::load(request).unwrap();
    let bad = format!("{}[DEFAULT]\nreport_interval = x\n", unknown(10_000));
    std::fs::write(dir.path().join("c.conf"), bad).unwrap();
    let problems = conf.mutate().unwrap_err();
    assert_eq!((problems.errors(), problems.warnings()), (1, 10_000));
    assert_eq!(suggestions(&problems), 0);
    assert_eq!(problems.iter().count(), 501);
}

#[test]
fn a_name_in_the_wrong_place_is_sent_where_it_belongs_without_comparing() {
    let (_dir, request) = request("[DEFAULT]\nenabled_backends = a\nconnection = x\n[a]\n");
    let problems = cinder::load(request).unwrap().problems().to_string();
    assert!(problems.ends_with("unknown option; it belongs into [database]"), "{problems}");
}

fn sections(count: usize) -> String {
    let sections = (0..count).map(|number| format!("[s{number}]\n"));
    format!("[DEFAULT]\nenabled_backends = a\n[a]\n{}", sections.collect::<String>())
}

#[test]
fn many_unknown_sections_give_a_short_report_that_counts_them() {
    let report = check(&sections(100_000));
    assert_eq!(report.problems.notes(), 100_000);
    let text = report.to_string();
    assert!(text.len() < 100_000, "{} bytes", text.len());
    assert!(
        text.contains(
            "\nand 99500 more notes\nservice node1@a\n0 errors, 0 warnings, 100000 notes"
        )
    );
}

#[test]
fn a_million_sections_or_options_are_no_configuration() {
    let options: String = (0..1_000_000).map(|number| format!("x{number} =\n")).collect();
    for text in [sections(1_000_000), format!("[DEFAULT]\n{options}")] {
        let problems = check(&text).problems.to_string();
        let wanted = "there are more than 200000 sections and options, which no configuration has";
        assert!(problems.starts_with("error   with ") && problems.ends_with(wanted), "{problems}");
    }
}

#[test]
fn a_number_of_fifteen_mebibytes_is_shown_by_its_first_digits() {
    let digits = "9".repeat(15 << 20);
    let problems = check(&format!("[DEFAULT]\nreport_interval = x{digits}\n")).problems;
    let text = problems.to_string();
    assert!(text.len() < 500, "{} bytes", text.len());
    let shown = format!("x{}… (15728441 more characters)\" is not", "9".repeat(199));
    assert!(text.contains(&shown), "{text}");
}

#[test]
fn names_as_long_as_a_file_are_cut_wherever_they_stand() {
    let long = "x".repeat(1 << 20);
    let text = format!(
        "[DEFAULT]\nenabled_backends = a\n{long} = 1\n[{long}]\n[a]\n\
         volume_clear = {long}\nvolumes_dir = $volume_group/{long}\nlvm_type = ${long}\n\
         [b]\n{long}"
    );
    let report = check(&text);
    for problem in &report.problems {
        let shown = problem.to_string();
        assert!(shown.len() < 2_500, "{} bytes: {}", shown.len(), &shown[..300]);
    }
    let counts = [report.problems.errors(), report.problems.warnings(), report.problems.notes()];
    assert_eq!(counts, [4, 1, 2]);
}

#[test]
fn an_error_behind_thousands_of_others_still_counts() {
    let lines = "no separator\n".repeat(10_000);
    let report = check(&format!("[DEFAULT]\nenabled_backends = a\n[a]\n{lines}"));
    assert_eq!(report.problems.errors(), 10_000);
    assert!(report.to_string().contains("\nand 9500 more errors\n"));
    let names: Vec<String> = (0..600).map(|number| format!("b{number}")).collect();
    let sections: String =
        names.iter().map(|name| format!("[{name}]\nreserved_percentage = x\n")).collect();
    let (_dir, request) = request(&format!(
        "[DEFAULT]\nenabled_backends = good, {}\n[good]\n{sections}",
        names.join(",")
    ));
    let conf = cinder::load(request).unwrap();
    assert_eq!(conf.problems().errors(), 600);
    assert!(conf.backend("good").is_ok());
    assert!(names.iter().all(|name| conf.backend(name).is_err()));
}
