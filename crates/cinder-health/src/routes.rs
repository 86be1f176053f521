//! Which path gives which answer.
//!
//! Must not: know how a request comes or an answer goes.

use std::fmt::Write;

use crate::exposition::{CONTENT_TYPE, exposition};
use crate::page;
use crate::request::Request;
use crate::response::Response;
use crate::snapshot::{Snapshot, Source};

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

/// All paths, over one source.
pub(crate) struct Routes<'s> {
    source: &'s mut dyn Source,
}

impl<'s> Routes<'s> {
    pub(crate) fn new(source: &'s mut dyn Source) -> Self {
        Self { source }
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Response {
        match request.path.as_str() {
            "/healthz" => self.health(),
            "/operations" => {
                let snapshot = self.source.snapshot_with_ended(usize::MAX);
                Response::new(200, JSON, json(&snapshot))
            }
            "/readyz" => self.ready(),
            "/livez" => match self.source.alive() {
                Ok(()) => Response::line(200, "the supervisor reacts"),
                Err(why) => Response::line(503, &why),
            },
            "/metrics" => Response::new(200, CONTENT_TYPE, exposition(self.source.metrics())),
            "/" => Response::new(200, HTML, page::whole(&self.page())),
            "/overview" => Response::new(200, HTML, page::part(&self.page())),
            "/overview.css" => Response::new(200, "text/css; charset=utf-8", page::STYLE),
            "/overview.js" => Response::new(200, "text/javascript; charset=utf-8", page::SCRIPT),
            _ => Response::plain(404),
        }
    }

    fn health(&mut self) -> Response {
        let snapshot = self.source.snapshot();
        let status = if snapshot.is_healthy() { 200 } else { 503 };
        Response::new(status, JSON, json(&snapshot))
    }

    fn page(&mut self) -> Snapshot {
        self.source.snapshot_with_ended(page::ENDED)
    }

    /// Ready for something: as long as one back end is up there is work that can be done.
    fn ready(&mut self) -> Response {
        let snapshot = self.source.snapshot();
        let status = if snapshot.up() > 0 { 200 } else { 503 };
        Response::line(status, &told(&snapshot))
    }
}

fn json(snapshot: &Snapshot) -> String {
    // Plain strings and numbers can always be written.
    let mut text = serde_json::to_string(snapshot).unwrap_or_default();
    text.push('\n');
    text
}

/// The sentence with the first few that are not up.
fn told(snapshot: &Snapshot) -> String {
    let mut text = snapshot.sentence();
    for one in snapshot.not_up().take(4) {
        let why = if one.reason.is_empty() { one.state.as_str() } else { &one.reason };
        // Writing to a String cannot fail.
        let _ = write!(text, "; {}: {}", one.name, why.replace(char::is_control, " "));
    }
    text
}
