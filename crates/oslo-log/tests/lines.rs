//! Events in, lines out: the subscriber as a program uses it, writing to a file.

#![expect(clippy::unwrap_used, reason = "a helper that fails must fail its test")]

use std::error::Error;
use std::fmt;
use std::path::Path;

use expect_test::{Expect, expect};
use oslo_log::{LogHandle, LogOptions};

/// Runs `body` under a subscriber and returns what it wrote, with everything that differs
/// from run to run left out by the formats.
fn lines_of(options: LogOptions, body: impl FnOnce(&LogHandle)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions { log_file: Some(dir.path().join("x.log")), ..options };
    let (subscriber, log) = oslo_log::subscriber(&options).unwrap();
    tracing::subscriber::with_default(subscriber, || body(&log));
    assert_eq!(log.dropped_lines(), 0);
    std::fs::read_to_string(dir.path().join("x.log")).unwrap()
}

fn timeless() -> LogOptions {
    LogOptions {
        logging_default_format_string: "%(levelname)s %(name)s [-] %(instance)s%(message)s".into(),
        logging_context_format_string:
            "%(levelname)s %(name)s [%(global_request_id)s %(request_id)s %(user_identity)s] %(instance)s%(message)s"
                .into(),
        logging_exception_prefix: "ERROR %(name)s %(instance)s".into(),
        logging_debug_format_suffix: "%(funcName)s %(filename)s".into(),
        ..LogOptions::default()
    }
}

fn check(body: impl FnOnce(&LogHandle), expected: Expect) {
    expected.assert_eq(&lines_of(timeless(), body));
}

#[derive(Debug)]
struct Failure(&'static str, Option<Box<Failure>>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

fn failure(texts: &[&'static str]) -> Failure {
    let mut causes = texts.iter().rev().map(|text| Failure(text, None));
    let innermost = causes.next().unwrap();
    causes.fold(innermost, |cause, outer| Failure(outer.0, Some(Box::new(cause))))
}

#[test]
fn the_default_format_is_the_originals_down_to_the_byte() {
    let text = lines_of(LogOptions::default(), |_| {
        tracing::info!(target: "cinder.service", "Starting {} workers", 3);
    });
    let (time, rest) = text.split_at("2026-11-22 17:22:25.185".len());
    assert_eq!(
        rest,
        format!(" {} INFO cinder.service [-] Starting 3 workers\n", std::process::id())
    );
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00 00:00:00.000");
}

#[test]
fn levels_and_logger_names_are_printed_in_the_originals_words() {
    check(
        |_| {
            tracing::error!(target: "cinder.service", critical = true, "one");
            tracing::error!(target: "oslo_service.backend._eventlet.service", "two");
            tracing::warn!("three");
            tracing::info!(target: "cinder_db::registry", "four");
            tracing::info!(logger = "cinder", "five");
            tracing::debug!("not shown");
        },
        expect![[r#"
            CRITICAL cinder.service [-] one
            ERROR oslo_service.backend._eventlet.service [-] two
            WARNING lines [-] three
            INFO cinder_db.registry [-] four
            INFO cinder [-] five
        "#]],
    );
}

#[test]
fn fields_that_no_format_names_are_not_printed() {
    check(
        |_| {
            tracing::info!(backend = "lvm", size = 3, instance = "uuid-1", "text");
            tracing::info!(backend = "lvm");
        },
        expect![[r#"
            INFO lines [-] [instance: uuid-1] text
            INFO lines [-] 
        "#]],
    );
}

#[test]
fn a_span_with_a_request_id_is_the_context_of_the_lines_inside() {
    check(
        |_| {
            let token = tracing::field::Empty;
            let outer = tracing::error_span!(
                "rpc", request_id = "req-1", user = "uid", project = %"pid", auth_token = token,
            );
            outer.in_scope(|| {
                tracing::info!("outer");
                tracing::info_span!("step", volume_id = 7).in_scope(|| tracing::info!("step"));
                outer.record("global_request_id", "lost: the span was made without this field");
                outer.record("user", "other");
                tracing::info!("recorded later");
                tracing::error_span!("admin", request_id = "req-2", resource_uuid = "vol-1")
                    .in_scope(|| tracing::info!("inner"));
                tracing::info!(request_id = "req-3", "with its own id");
            });
            tracing::info!("outside");
        },
        expect![[r#"
            INFO lines [None req-1 uid pid - - - -] outer
            INFO lines [None req-1 uid pid - - - -] step
            INFO lines [None req-1 other pid - - - -] recorded later
            INFO lines [None req-2 - - - - - -] [instance: vol-1] inner
            INFO lines [None req-3 other pid - - - -] with its own id
            INFO lines [-] outside
        "#]],
    );
}

#[test]
fn a_context_span_survives_the_level_of_its_logger() {
    let options = LogOptions { default_log_levels: vec!["quiet=CRITICAL".into()], ..timeless() };
    let text = lines_of(options, |_| {
        tracing::info_span!(target: "quiet", "rpc", request_id = "req-1")
            .in_scope(|| tracing::info!("text"));
    });
    assert_eq!(text, "INFO lines [None req-1 - - - - - -] text\n");
}

#[test]
fn a_token_in_a_context_is_never_printed() {
    let options = LogOptions {
        logging_context_format_string: "%(auth_token)s %(message)s".into(),
        ..timeless()
    };
    let text = lines_of(options, |_| {
        tracing::error_span!("rpc", request_id = "req-1", auth_token = "t0k3n")
            .in_scope(|| tracing::info!("text"));
        tracing::info!(request_id = "req-1", auth_token = "t0k3n", "text");
    });
    assert_eq!(text, "*** text\n*** text\n");
}

#[test]
fn an_error_is_summed_up_behind_the_message_and_every_cause_printed_once() {
    check(
        |_| {
            let deep = failure(&["cannot register", "cannot connect", "refused"]);
            let repeating = failure(&["cannot register: refused", "refused", "two\nlines"]);
            let flat = failure(&["boom"]);
            tracing::error!(error = &deep as &dyn Error, "Volume service h@b failed to start.");
            tracing::warn!(error = &repeating as &dyn Error, instance = "i", "text");
            tracing::error!(error = &flat as &dyn Error, error_class = "DBError", "text");
            tracing::error!(error = %flat, "as text");
            tracing::info!(error = &deep as &dyn Error, "below WARNING");
        },
        expect![[r#"
            ERROR lines [-] Volume service h@b failed to start.: cannot register
            ERROR lines caused by: cannot connect
            ERROR lines caused by: refused
            ERROR lines 
            WARNING lines [-] [instance: i] text: cannot register: refused
            ERROR lines [instance: i] caused by: two
            ERROR lines [instance: i] lines
            ERROR lines [instance: i] 
            ERROR lines [-] text: DBError: boom
            ERROR lines [-] as text: boom
            INFO lines [-] below WARNING
            ERROR lines cannot register
            ERROR lines caused by: cannot connect
            ERROR lines caused by: refused
            ERROR lines 
        "#]],
    );
}

#[test]
fn debug_can_be_switched_at_run_time_and_loggers_keep_their_own_level() {
    let options =
        LogOptions { default_log_levels: vec!["amqp=WARN".into(), "x=DEBUG".into()], ..timeless() };
    let text = lines_of(options, |log| {
        let speak = |round: u32| {
            tracing::debug!("root {round}");
            tracing::info!(target: "amqp::channel", "amqp {round}");
            tracing::debug!(target: "x.y", "x {round}");
        };
        speak(1);
        assert!(log.set_debug(true));
        assert!(!log.set_debug(true));
        speak(2);
        assert!(log.set_debug(false));
        speak(3);
    });
    expect![[r#"
        DEBUG x.y [-] x 1 lines lines.rs
        DEBUG lines [-] root 2 lines lines.rs
        DEBUG x.y [-] x 2 lines lines.rs
        DEBUG x.y [-] x 3 lines lines.rs
    "#]]
    .assert_eq(&text);
}

#[test]
fn levels_can_be_set_and_asked_for_at_run_time_by_the_beginnings_of_names() {
    let options = LogOptions { default_log_levels: vec!["levelled=WARN".into()], ..timeless() };
    let text = lines_of(options, |log| {
        let speak = |round: u32| {
            tracing::debug!(target: "levels.volume.manager", "manager {round}");
            tracing::info!(target: "levels.service", "service {round}");
            tracing::info!(target: "levelled::channel", "levelled {round}");
        };
        speak(1);
        log.know(&["levels::volume::manager"]);
        let levels = |prefix: &str| -> Vec<String> {
            log.levels(prefix).into_iter().map(|(name, level)| format!("{name}={level}")).collect()
        };
        assert_eq!(levels("levels."), ["levels.service=INFO", "levels.volume.manager=INFO"]);
        log.set_level("levels.v", tracing::Level::DEBUG);
        log.set_level("levelled.ch", tracing::Level::INFO);
        speak(2);
        assert_eq!(levels("levelled"), ["levelled.channel=INFO"]);
        assert_eq!(levels("levels.v"), ["levels.volume.manager=DEBUG"]);
        log.set_level("", tracing::Level::ERROR);
        speak(3);
        assert_eq!(levels("levels.volume.m"), ["levels.volume.manager=ERROR"]);
        assert!(levels("nosuch").is_empty());
    });
    expect![[r#"
        INFO levels.service [-] service 1
        DEBUG levels.volume.manager [-] manager 2 lines lines.rs
        INFO levels.service [-] service 2
        INFO levelled.channel [-] levelled 2
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_callsite_that_may_be_critical_is_judged_by_what_it_is() {
    let options = LogOptions { default_log_levels: vec!["lines=CRITICAL".into()], ..timeless() };
    let text = lines_of(options, |_| {
        for critical in [false, true] {
            tracing::error!(critical, "text");
        }
        tracing::error!("plain");
    });
    assert_eq!(text, "CRITICAL lines [-] text\n");
}

#[test]
fn a_value_that_logs_while_it_is_printed_does_no_harm() {
    struct Chatty;
    impl fmt::Display for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            tracing::info!("from inside");
            f.write_str("chatty")
        }
    }
    let text = lines_of(timeless(), |_| tracing::info!("{Chatty}"));
    // `tracing` itself may swallow the inner event; the outer one must be whole.
    assert!(text.ends_with("INFO lines [-] chatty\n"), "{text}");
}

#[test]
fn beyond_the_rate_limit_one_line_says_so_and_what_is_critical_passes() {
    let options = LogOptions { rate_limit_interval: 3600, rate_limit_burst: 2, ..timeless() };
    let text = lines_of(options, |_| {
        for number in 0..5 {
            tracing::info!(target: "cinder", "line {number}");
        }
        tracing::error!(target: "cinder", "dropped, too");
        tracing::error!(target: "cinder", critical = true, "passes");
    });
    expect![[r"
        INFO cinder [-] line 0
        INFO cinder [-] line 1
        ERROR root [-] Logging rate limit: drop after 2 records/3600 sec
        CRITICAL cinder [-] passes
    "]]
    .assert_eq(&text);
}

#[test]
fn as_json_an_event_keeps_its_fields_and_its_error_once() {
    let options = LogOptions { use_json: true, host_name: Some("node1".into()), ..timeless() };
    let text = lines_of(options, |_| {
        let request = tracing::error_span!("rpc", request_id = "req-1", is_admin = true);
        request.in_scope(|| {
            let error = failure(&["outer", "inner"]);
            let error = &error as &dyn Error;
            tracing::warn!(target: "cinder", error, volume_id = "v-1", size = 3, new = false, "two\nlines");
        });
    });
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(text.lines().count(), 1);
    for (key, expected) in [
        ("message", serde_json::json!("two\nlines")),
        ("hostname", serde_json::json!("node1")),
        ("error_summary", serde_json::json!("outer")),
        ("traceback", serde_json::json!("outer\ncaused by: inner")),
    ] {
        assert_eq!(record[key], expected, "{text}");
    }
    assert_eq!(record["context"]["is_admin"], true);
    let extra = r#""extra": {"new": false, "project": null, "size": 3, "version": "unknown", "volume_id": "v-1"}}"#;
    assert!(text.trim_end().ends_with(extra), "{text}");
}

#[test]
fn a_file_that_cannot_be_opened_ends_the_start_and_a_format_never_does() {
    let absent =
        LogOptions { log_dir: Some(Path::new("/no/such").into()), ..LogOptions::default() };
    let refused = oslo_log::subscriber(&absent).unwrap_err().to_string();
    assert_eq!(refused, "cannot open log file /no/such/cinder-volume.log");
    let odd =
        LogOptions { logging_default_format_string: "%(nme)s %(message)s".into(), ..timeless() };
    expect![[r#"
        %(nme)s logging_default_format_string: unknown key %(nme) at character 1 of the format; it is printed as it stands
        %(nme)s hello
    "#]]
    .assert_eq(&lines_of(odd, |log| {
        log.warn_unsupported();
        tracing::info!("hello");
    }));
}

/// Names, values and errors come from anywhere: none may forge a line or drive a terminal.
#[test]
fn control_characters_of_any_value_are_written_and_never_act() {
    let evil = "x\n2026-01-01 INFO cinder [-] forged\r\x1b[2J\0\u{202e}";
    let text = lines_of(timeless(), |_| {
        tracing::info!("Volume {evil} is gone");
        tracing::warn!(error = evil, "It failed");
        tracing::info_span!("request", request_id = evil).in_scope(|| tracing::info!("hello"));
        tracing::info!(instance = evil, resource = evil, "hello");
    });
    assert_eq!(text.lines().count(), 4, "{text}");
    let acts = |c: &char| *c != '\n' && (c.is_control() || *c == '\u{202e}');
    assert_eq!(text.chars().find(acts), None, "{text}");
    assert!(
        text.contains("x\\n2026-01-01 INFO cinder [-] forged\\r\\x1b[2J\\x00\\u{202e}"),
        "{text}"
    );
}

/// Also in the lines behind a record, each of which has a prefix that says so.
#[test]
fn control_characters_of_causes_are_written_and_their_lines_have_the_prefix() {
    #[derive(Debug)]
    struct Evil(Option<Box<Evil>>);
    impl fmt::Display for Evil {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(if self.0.is_some() { "outer" } else { "two\n\x1b[2Jlines" })
        }
    }
    impl Error for Evil {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.0.as_deref().map(|cause| cause as _)
        }
    }
    let options = LogOptions { logging_exception_prefix: "BEHIND ".into(), ..timeless() };
    let error = Evil(Some(Box::new(Evil(None))));
    let text = lines_of(options, |_| {
        tracing::error!(error = &error as &(dyn Error + 'static), "It failed");
    });
    assert!(!text.contains('\x1b'), "{text}");
    assert!(text.lines().skip(1).all(|line| line.starts_with("BEHIND ")), "{text}");
}

#[test]
fn errors_are_told_to_whoever_wants_them_by_logger_and_message() {
    use std::sync::{Arc, Mutex};
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mine = Arc::clone(&heard);
    let lines = lines_of(timeless(), |log| {
        log.publish_errors(move |logger: &str, message: &str| {
            mine.lock().unwrap().push(format!("{logger}: {message}"));
        });
        tracing::warn!(target: "a", "a warning");
        tracing::error!(target: "a", error = &failure(&["why"]) as &dyn Error, "an error");
        tracing::error!(target: "a", critical = true, "the end");
    });
    assert_eq!(*heard.lock().unwrap(), ["a: an error", "a: the end"]);
    assert_eq!(lines.lines().count(), 3, "{lines}");
}
