//! The page for people: one card per back end, readable on a phone, without any framework.
//!
//! What is not up comes first, and is named in the verdict and in the title, which is all that a tab shows. It is whole
//! when it comes. A script then fetches its changing part every two seconds and changes the texts that are
//! others by now, so nothing flickers, and nobody loses their place or what they have selected; without
//! script the browser loads it anew every ten. Must not: trust any text, all of it is escaped.

use std::fmt::{self, Display, Write};

use crate::snapshot::{BackEnd, Ended, Messages, Restarts, Snapshot, State};

pub(crate) const STYLE: &str = include_str!("page/overview.css");
pub(crate) const SCRIPT: &str = include_str!("page/overview.js");

/// How many ended operations of a back end it shows.
pub(crate) const ENDED: usize = 5;

/// How many back ends that are not up the verdict names.
const NAMED: usize = 3;

/// The whole page.
pub(crate) fn whole(snapshot: &Snapshot) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"overview.css\">\n\
         <noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>\n\
         <script src=\"overview.js\" defer></script>\n</head>\n<body>\n\
         <header><h1>cinder-volume</h1><p>{host}</p></header>\n\
         <p id=\"stale\" role=\"alert\" hidden>No answer from the daemon. This is how it was.</p>\n\
         <main id=\"overview\">\n{part}</main>\n\
         <footer><a href=\"healthz\">JSON</a> <a href=\"metrics\">metrics</a> \
         <span>Rust {version}, compatible with Cinder {release}</span></footer>\n</body>\n</html>\n",
        host = Escaped(&snapshot.host),
        title = Escaped(&title(snapshot)),
        part = part(snapshot),
        version = Escaped(&snapshot.version),
        release = Escaped(&snapshot.release),
    )
}

/// The part of the page that changes.
pub(crate) fn part(snapshot: &Snapshot) -> String {
    let health = if snapshot.is_healthy() { "good" } else { "bad" };
    let mut text = format!(
        "<p class=\"verdict {health}\" data-title=\"{}\">{}</p>\n<ul class=\"cards\">\n",
        Escaped(&title(snapshot)),
        Escaped(&verdict(snapshot))
    );
    let is_up = |one: &&BackEnd| one.state == State::Up;
    for one in snapshot.not_up().chain(snapshot.back_ends.iter().filter(is_up)) {
        card(&mut text, one);
    }
    text.push_str("</ul>\n<dl class=\"row\">\n");
    fact(&mut text, "Supervisor", format_args!("pid {}", snapshot.supervisor.pid));
    fact(&mut text, "Own memory", Bytes(snapshot.supervisor.private_bytes));
    fact(&mut text, "This server", format_args!("pid {}", snapshot.health.pid));
    fact(&mut text, "Own memory", Bytes(snapshot.health.private_bytes));
    fact(&mut text, "Restarts", snapshot.health.restarts.total());
    text.push_str("</dl>\n");
    text
}

/// How many are up, and the first few that are not.
fn verdict(snapshot: &Snapshot) -> String {
    let named: Vec<_> = snapshot
        .not_up()
        .take(NAMED)
        .map(|one| format!("{} is {}", one.name, one.state.as_str()))
        .collect();
    let more = snapshot.not_up().count().saturating_sub(NAMED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let between = if named.is_empty() { "" } else { ": " };
    format!("{}{between}{}{more}", snapshot.sentence(), named.join(", "))
}

/// The same for a tab: what is wrong before where.
fn title(snapshot: &Snapshot) -> String {
    let place = format!("cinder-volume on {}", snapshot.host);
    match snapshot.is_healthy() {
        true => place,
        false => format!("{} – {place}", verdict(snapshot)),
    }
}

fn card(text: &mut String, one: &BackEnd) {
    let state = one.state.as_str();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "<li class=\"card {state}\">\n<h2>{}<span class=\"state\">{state}</span></h2>\n\
         <p class=\"host\">{}</p>\n",
        Escaped(&one.name),
        Escaped(&one.host)
    );
    if !one.reason.is_empty() {
        let _ = writeln!(text, "<p class=\"reason\">{}</p>", Escaped(&one.reason));
    }
    for note in &one.notes {
        let _ = writeln!(text, "<p class=\"reason\">{}</p>", Escaped(note));
    }
    if one.state != State::Failed {
        text.push_str("<dl>\n");
        fact(text, "Heartbeat", Ago(one.heartbeat_age_seconds));
        fact(text, "Restarts", Causes(one.restarts));
        fact(text, "Running for", Age(one.uptime_seconds));
        fact(text, "Own memory", Bytes(one.private_bytes));
        fact(text, "Process", if one.pid == 0 { "–".to_owned() } else { one.pid.to_string() });
        text.push_str("</dl>\n");
    }
    if !one.operations.is_empty() {
        text.push_str("<ol class=\"operations\">\n");
        for operation in &one.operations {
            let _ = write!(
                text,
                "<li><b>{}</b> {} <i>{}</i>",
                Escaped(&operation.kind),
                Escaped(&operation.id),
                Age(Some(operation.age_seconds))
            );
            if !operation.step.is_empty() {
                let (step, age) = (Escaped(&operation.step), operation.step_age_seconds);
                let _ = write!(text, "<br>{step} <i>{}</i>", Age(Some(age)));
            }
            if !operation.request.is_empty() {
                let _ = write!(text, "<br><small>{}</small>", Escaped(&operation.request));
            }
            text.push_str("</li>\n");
        }
        text.push_str("</ol>\n");
    }
    if !one.waiting.is_empty() {
        let waiting = one.waiting.iter().map(|of| format!("{} for {}", of.count, of.lane));
        let waiting = waiting.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "<p class=\"waiting\">Waiting: {}</p>", Escaped(&waiting));
    }
    if !one.ended.is_empty() {
        text.push_str("<ol class=\"ended\">\n");
        one.ended.iter().for_each(|one| ended(text, one));
        text.push_str("</ol>\n");
    }
    messages(text, &one.messages);
    text.push_str("</li>\n");
}

fn ended(text: &mut String, one: &Ended) {
    let (kind, id, result) = (Escaped(&one.kind), Escaped(&one.id), Escaped(&one.result));
    let (why, took, ago) = (Escaped(&one.why), one.took_seconds, Ago(Some(one.age_seconds)));
    // Writing to a String cannot fail.
    let _ =
        writeln!(text, "<li>{kind} {id} <b>{result}</b> {why} <i>in {took:.1} s, {ago}</i></li>");
}

/// The way of messages.
fn messages(text: &mut String, of: &Messages) {
    if of.connections.is_empty() && of.servers.is_empty() {
        return;
    }
    // Writing to a String cannot fail.
    text.push_str("<ul class=\"messages\">\n");
    for one in &of.connections {
        let (purpose, host) = (Escaped(&one.purpose), Escaped(&one.host));
        let (state, age) = (Escaped(&one.state), Age(one.since_seconds));
        let _ = write!(text, "<li>{purpose} <b>{host}</b> {state} <i>{age}</i>");
        if !one.blocked.is_empty() {
            let _ = write!(text, "<br>it takes nothing: {}", Escaped(&one.blocked));
        }
        text.push_str("</li>\n");
    }
    for one in &of.servers {
        let state = if one.is_served { "served" } else { "not served" };
        let (queues, age) = (one.queues.join(", "), Age(one.since_seconds));
        let _ = writeln!(text, "<li>{} <b>{state}</b> <i>{age}</i></li>", Escaped(&queues));
    }
    if !of.connections.is_empty() {
        let (waiting, dead) = (of.waiting_replies, of.dead_reply_queues);
        let _ = writeln!(text, "<li>{waiting} replies wait, {dead} reply queues given up</li>");
    }
    text.push_str("</ul>\n");
}

fn fact(text: &mut String, name: &str, value: impl Display) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "<div><dt>{name}</dt><dd>{value}</dd></div>");
}

/// Text that cannot become markup.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// Seconds in the two units that matter.
struct Age(Option<f64>);

impl Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(age) = self.0 else { return f.write_str("–") };
        let seconds = age.max(0.0) as u64;
        let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
        match seconds {
            0..60 => write!(f, "{seconds} s"),
            60..3_600 => write!(f, "{minutes} min {} s", seconds % 60),
            3_600..86_400 => write!(f, "{hours} h {} min", minutes % 60),
            _ => write!(f, "{days} d {} h", hours % 24),
        }
    }
}

struct Ago(Option<f64>);

impl Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(_) => write!(f, "{} ago", Age(self.0)),
            None => f.write_str("none yet"),
        }
    }
}

struct Bytes(Option<u64>);

impl Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, "{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
            None => f.write_str("–"),
        }
    }
}

/// The number, and what for if there were any.
struct Causes(Restarts);

impl Display for Causes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.total())?;
        let causes = self.0.by_cause().into_iter().filter(|(_, count)| *count > 0);
        for (number, (cause, count)) in causes.enumerate() {
            write!(f, "{}{count} {cause}", if number == 0 { " (" } else { ", " })?;
        }
        if self.0.total() > 0 { f.write_str(")") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Connection, MessageServer, Operation, Waiting};

    #[test]
    fn no_text_becomes_markup() {
        let nasty = "<script>alert('x & \"y\"')</script>".to_owned();
        let one = BackEnd {
            name: nasty.clone(),
            host: nasty.clone(),
            reason: nasty.clone(),
            operations: vec![Operation {
                kind: nasty.clone(),
                id: nasty.clone(),
                request: nasty.clone(),
                step: nasty.clone(),
                ..Operation::default()
            }],
            waiting: vec![Waiting { lane: nasty.clone(), count: 1 }],
            ended: vec![Ended {
                kind: nasty.clone(),
                id: nasty.clone(),
                result: nasty.clone(),
                why: nasty.clone(),
                ..Ended::default()
            }],
            notes: vec![nasty.clone()],
            messages: Messages {
                connections: vec![Connection {
                    purpose: nasty.clone(),
                    host: nasty.clone(),
                    state: nasty.clone(),
                    blocked: nasty.clone(),
                    ..Connection::default()
                }],
                servers: vec![MessageServer {
                    queues: vec![nasty.clone()],
                    ..MessageServer::default()
                }],
                ..Messages::default()
            },
            ..BackEnd::default()
        };
        let page = whole(&Snapshot {
            host: nasty.clone(),
            version: nasty.clone(),
            release: nasty,
            back_ends: vec![one],
            ..Snapshot::default()
        });
        assert!(!page.contains("<script>"), "{page}");
        let escaped = "&lt;script&gt;alert(&#39;x &amp; &quot;y&quot;&#39;)&lt;/script&gt;";
        assert_eq!(page.matches(escaped).count(), 26);
    }

    #[test]
    fn what_is_not_up_comes_first_and_is_named_in_verdict_and_title() {
        let one = |name: &str, state| BackEnd { name: name.into(), state, ..BackEnd::default() };
        let mut snapshot = Snapshot {
            host: "node1".into(),
            back_ends: vec![one("a", State::Up), one("b", State::Down), one("c", State::Up)],
            ..Snapshot::default()
        };
        let page = whole(&snapshot);
        let title = "2 of 3 back ends up: b is down – cinder-volume on node1";
        assert!(page.contains(&format!("<title>{title}</title>")), "{page}");
        assert!(page.contains(&format!("data-title=\"{title}\">2 of 3 back ends up: b is down<")));
        let at = |name: &str| page.find(&format!("<h2>{name}<")).unwrap();
        assert!(at("b") < at("a") && at("a") < at("c"));
        snapshot.back_ends[1].state = State::Up;
        assert!(whole(&snapshot).contains("<title>cinder-volume on node1</title>"));
        snapshot.back_ends = (0..5).map(|_| one("x", State::Gone)).collect();
        assert!(verdict(&snapshot).ends_with("x is gone, x is gone, x is gone, and 2 more"));
    }

    #[test]
    fn numbers_are_told_as_people_say_them() {
        let age = |seconds| Age(Some(seconds)).to_string();
        assert_eq!(age(0.4), "0 s");
        assert_eq!(age(3_599.0), "59 min 59 s");
        assert_eq!(age(7_320.0), "2 h 2 min");
        assert_eq!(age(200_000.0), "2 d 7 h");
        assert_eq!(Ago(None).to_string(), "none yet");
        assert_eq!(Bytes(Some(3 << 19)).to_string(), "1.5 MiB");
        assert_eq!(Causes(Restarts::default()).to_string(), "0");
        let some = Restarts { exit: 1, roll: 2, ..Restarts::default() };
        assert_eq!(Causes(some).to_string(), "3 (1 exit, 2 roll)");
    }
}
