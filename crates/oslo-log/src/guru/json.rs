//! A report as one JSON object, for programs that collect reports.
//!
//! Must not: know more than the text does.

use serde_json::{Value, json};

use super::{Report, process, thread};

/// As the text, a report is cut off: sections first give up their lines.
const MAX_LINES: usize = 10_000;

pub(super) fn render(report: &Report) -> String {
    let value = json!({
        "process": report.subject(),
        "package": {
            "product": report.product,
            "vendor": report.vendor,
            "version": report.version,
        },
        "threads": threads(report),
        "tasks": report.tasks,
        "processes": processes(report.subject()),
        "configuration": configuration(report),
        "sections": report.sections.iter().map(|section| {
            let lines: Vec<&str> = section.text.lines().take(MAX_LINES).collect();
            json!({"title": section.title, "lines": lines})
        }).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

fn threads(report: &Report) -> Vec<Value> {
    let (threads, _) = thread::all(report.subject());
    let described = threads.iter().map(|thread| {
        let stack = report.stacks.iter().find(|stack| stack.thread == thread.id);
        let frames = stack.map(|stack| stack.frames.as_slice()).unwrap_or_default();
        let frames: Vec<_> = frames
            .iter()
            .map(
                |frame| json!({"function": frame.function, "file": frame.file, "line": frame.line}),
            )
            .collect();
        json!({
            "id": thread.id,
            "name": thread.name,
            "state": thread.state,
            "waits_in": thread.wait_channel,
            "system_call": thread.call,
            "stack": frames,
            "problem": stack.and_then(|stack| stack.problem.as_ref()),
        })
    });
    described.collect()
}

fn processes(subject: u32) -> Vec<Value> {
    let described = process::tree(subject).into_iter().map(|process| {
        json!({
            "pid": process.pid,
            "parent": process.parent.parse::<u32>().ok(),
            "user": process.user,
            "uid": process.uid.parse::<u32>().ok(),
            "state": process.state,
        })
    });
    described.collect()
}

fn configuration(report: &Report) -> Vec<Value> {
    let described = report.configuration.iter().map(|value| {
        json!({
            "group": value.group,
            "option": value.option,
            "value": value.shown(),
            "origin": value.origin,
        })
    });
    described.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::guru::{ConfigValue, Frame, Report, Section, Stack};

    #[test]
    fn everything_of_the_text_is_there_and_no_secret() {
        let me = std::process::id();
        let frame = Frame { function: "main".into(), file: Some("m.rs".into()), line: Some(3) };
        let report = Report {
            version: Some("1".into()),
            stacks: vec![Stack { thread: me, frames: vec![frame], problem: None }],
            configuration: vec![ConfigValue {
                group: "lvm".into(),
                option: "san_password".into(),
                value: "hunter2".into(),
                secret: true,
                origin: Some("c.conf:2".into()),
            }],
            sections: vec![Section { title: "Workers".into(), text: "a up\nb down\n".into() }],
            ..Report::default()
        };
        let text = report.render_json();
        assert!(!text.contains("hunter2"), "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["process"], me);
        assert_eq!(value["package"]["version"], "1");
        // Not the first of all threads when their numbers have begun anew.
        let threads = value["threads"].as_array().unwrap();
        let main = threads.iter().find(|thread| thread["id"] == me).unwrap();
        assert_eq!(main["stack"][0]["line"], 3);
        assert_eq!(value["processes"][0]["pid"], me);
        assert_eq!(value["configuration"][0]["value"], "***");
        assert_eq!(value["configuration"][0]["origin"], "c.conf:2");
        assert_eq!(value["sections"][0]["lines"][1], "b down");
    }
}
