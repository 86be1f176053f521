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
            "/readyz" => self.ready(),
            "/livez" => match self.source.alive() {
                Ok(()) => Response::line(200, "the supervisor reacts"),
                Err(why) => Response::line(503, &why),
            },
            "/metrics" => Response::new(200, CONTENT_TYPE, exposition(self.source.metrics())),
            "/" => Response::new(200, HTML, page::whole(&self.source.snapshot())),
            "/overview" => Response::new(200, HTML, page::part(&self.source.snapshot())),
            "/overview.css" => Response::new(200, "text/css; charset=utf-8", page::STYLE),
            "/overview.js" => Response::new(200, "text/javascript; charset=utf-8", page::SCRIPT),
            _ => Response::plain(404),
        }
    }

    fn health(&mut self) -> Response {
        let snapshot = self.source.snapshot();
        let status = if snapshot.is_healthy() { 200 } else { 503 };
        // Plain strings and numbers can always be written.
        let mut text = serde_json::to_string(&snapshot).unwrap_or_default();
        text.push('\n');
        Response::new(status, JSON, text)
    }

    /// Ready for something: as long as one back end is up there is work that can be done.
    fn ready(&mut self) -> Response {
        let snapshot = self.source.snapshot();
        let status = if snapshot.up() > 0 { 200 } else { 503 };
        Response::line(status, &told(&snapshot))
    }
}

/// The sentence with the first few that are not up.
fn told(snapshot: &Snapshot) -> String {
    let mut text = snapshot.sentence();
    let down = snapshot.back_ends.iter().filter(|one| one.state != crate::State::Up);
    for one in down.take(4) {
        let why = if one.reason.is_empty() { one.state.as_str() } else { &one.reason };
        // Writing to a String cannot fail.
        let _ = write!(text, "; {}: {}", one.name, why.replace(char::is_control, " "));
    }
    text
}
