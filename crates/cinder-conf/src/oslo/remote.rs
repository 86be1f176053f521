//! `config_source`: the groups are judged as upstream judges them; nothing is fetched.
//!
//! Must not touch the network: a storage daemon that waits for a web server before it starts is
//! not worth the two clouds that use this. A source is reported like one that cannot be reached.

use super::OsloConfig;
use crate::{notice::NoticeLevel, option::Opt, value::Value};

static DRIVER: Opt<'static> =
    Opt::choice("driver", &["remote_file", "castellan"]).help("Kind of the remote source.");
static REMOTE_FILE: [Opt<'static>; 5] = [
    Opt::uri("uri").required().help("Address of the file."),
    Opt::string("ca_path").help("Authorities that the server's certificate is checked against."),
    Opt::string("client_cert").help("Certificate shown to the server."),
    Opt::string("client_key").help("Key of the certificate shown."),
    Opt::integer("timeout").default_int(60).help("Seconds to wait for the server."),
];

impl OsloConfig<'_> {
    pub(super) fn open_remote_sources(&mut self) {
        let Ok(Value::List(groups)) = self.get("DEFAULT", "config_source") else { return };
        for group in groups {
            let Value::Text(group) = group else { continue };
            if !group.is_empty() {
                self.open_remote_source(&group);
            }
        }
    }

    fn open_remote_source(&mut self, group: &str) {
        let error = |text: String| (NoticeLevel::Error, text);
        // A group that a program declared differently keeps the program's declaration.
        let (level, text) = match self.declare(group, &DRIVER).map(|_| self.get(group, "driver")) {
            Err(reason) => error(format!("could not load configuration from '{group}'. {reason}")),
            Ok(Err(reason)) => {
                error(format!("could not load configuration from '{group}'. {reason}"))
            }
            Ok(Ok(Value::Text(driver))) => return self.refuse(group, &driver),
            Ok(Ok(_)) => {
                error(format!("could not load configuration from '{group}', no 'driver' is set."))
            }
        };
        self.notices.push(level, text);
    }

    fn refuse(&mut self, group: &str, driver: &str) {
        let text = format!("loading configuration from '{group}' using '{driver}'");
        self.notices.push(NoticeLevel::Info, text);
        let mut reason = "this program reads no remote sources".to_owned();
        if driver == "remote_file" {
            // The required `uri` makes a start without it fail, here as there.
            let _declared = self.declare_all(group, &REMOTE_FILE);
            if !matches!(self.get(group, "uri"), Ok(Value::Text(_))) {
                reason = "Invalid URL 'None': No scheme supplied. Perhaps you meant https://None?"
                    .to_owned();
            }
        }
        let text =
            format!("could not load configuration from '{group}' using {driver} driver: {reason}");
        self.notices.push(NoticeLevel::Error, text);
    }
}
