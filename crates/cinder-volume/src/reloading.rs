//! What a HUP reads and decides, and how the parent and its workers put it in force.
//!
//! Order of steps: [`Verdict::read`] beside the parent, in a process that may hang; then
//! [`Change::apply`] in the parent, which tells the log; then the same in every worker, which neither
//! reads nor judges. Verdict and change travel as JSON and are checked by whoever gets them.

use std::path::PathBuf;
use std::time::SystemTime;

use cinder_conf::cinder::Conf;
use cinder_conf::{LOGGER, Level, Mutation, Notice, NoticeLevel, Problems, Renewal};
use oslo_launcher::ReloadRefused;
use oslo_log::{HandlersFile, LogHandle};
use oslo_messaging::{BrokerHost, Secret};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tracing::{error, info, warn};

use crate::bus::Hosts;
use crate::{configure, wire};

const TARGET: &str = "cinder.cmd.volume";

/// Bytes of text that go from the process that reads to the parent's log; the rest is counted.
/// Escaped as JSON it is six times as long at worst, which still fits into an answer.
const MOST_TEXT: usize = 128 << 10;

/// What reading the files again has led to.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    records: Vec<Record>,
    decision: Decision,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Decision {
    Accepted(Change),
    /// With so many errors.
    Refused(usize),
}

/// A line for the log of the parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    level: Loudness,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Loudness {
    Info,
    Warning,
    Error,
}

/// All that may change while the daemon runs.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    renewal: Renewal,
    handlers: Handlers,
    /// Where the broker is, if there is one and nothing else about it has changed.
    hosts: Option<Vec<Host>>,
    /// What the parent tells once it is in force; nobody else has to.
    #[serde(skip)]
    records: Vec<Record>,
}

/// A node of the broker, with user and password: it travels between processes of the daemon.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Host {
    name: String,
    port: u16,
    user: String,
    password: String,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.name, self.port)
    }
}

impl From<&BrokerHost> for Host {
    fn from(host: &BrokerHost) -> Self {
        let BrokerHost { name, port, user, password } = host;
        let (name, user) = (name.clone(), user.clone());
        Self { name, port: *port, user, password: password.reveal().to_owned() }
    }
}

impl From<&Host> for BrokerHost {
    fn from(host: &Host) -> Self {
        let Host { name, port, user, password } = host;
        let password = Secret::new(password);
        Self { name: name.clone(), port: *port, user: user.clone(), password }
    }
}

/// What becomes of the file of `log_config_append`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Handlers {
    /// There is none.
    None,
    File {
        path: PathBuf,
        text: String,
        modified: Option<SystemTime>,
    },
    /// It is bad, for this reason. That changes nothing about the log, and is no reason to refuse
    /// the rest.
    Bad(String),
}

impl Verdict {
    /// Reads all files and judges them. May hang with a file system that does not answer.
    pub(crate) fn read(conf: &Conf, log: &LogHandle, hosts: &Hosts) -> Self {
        let mut records = Records::default();
        let mut moved = None;
        let review = conf.review_with(|fresh| {
            moved = wire::moved(conf, fresh);
            wire::refusals(fresh)
        });
        let decision = match review {
            Ok((mut mutation, renewal)) => {
                if let Some(new) = &moved {
                    records.of_hosts(&mut mutation, new, hosts.get().as_deref());
                }
                records.notices(mutation.notices);
                records.of_the_bus(&mutation.ignored);
                let handlers = Handlers::read(conf, &renewal, log);
                let hosts = moved.map(|new| new.iter().map(Host::from).collect());
                Decision::Accepted(Change { renewal, handlers, hosts, records: Vec::new() })
            }
            Err(problems) => {
                records.problems(&problems);
                Decision::Refused(problems.errors())
            }
        };
        Self { records: records.kept(), decision }
    }

    /// As bytes, for another process.
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// The way back.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ReloadRefused> {
        decode(bytes)
    }

    /// The change, unless there is to be none, which is told.
    ///
    /// # Errors
    ///
    /// When the new files are no configuration to go on with.
    pub(crate) fn accept(self) -> Result<Change, ReloadRefused> {
        match self.decision {
            Decision::Accepted(change) => Ok(Change { records: self.records, ..change }),
            Decision::Refused(errors) => {
                tell(&self.records);
                error!(
                    target: TARGET,
                    "The new configuration has {errors} errors; the old one stays in force"
                );
                Err(ReloadRefused)
            }
        }
    }
}

impl Change {
    /// Puts it in force in this process. Reads nothing.
    ///
    /// # Errors
    ///
    /// When it cannot have been read for this configuration; nothing has changed then.
    pub(crate) fn apply(
        &self,
        conf: &mut Conf,
        log: &LogHandle,
        hosts: &Hosts,
    ) -> Result<(), ReloadRefused> {
        if let Err(problems) = conf.renew(&self.renewal) {
            configure::log_problems(&problems);
            error!(target: TARGET, "What was read does not fit; the old configuration stays in force");
            return Err(ReloadRefused);
        }
        if let Some(new) = &self.hosts {
            hosts.set(new.iter().map(BrokerHost::from).collect());
        }
        log.set_debug(conf.logging.debug);
        if let Some(file) = self.handlers.wanted()
            && let Err(cause) = log.reload(file)
        {
            error!(
                target: TARGET,
                error = &cause as &(dyn std::error::Error + 'static),
                "The log goes on as it was"
            );
        }
        Ok(())
    }

    /// Logs what has changed, and what has not.
    pub(crate) fn tell(&self) {
        tell(&self.records);
        if let Handlers::Bad(reason) = &self.handlers {
            error!(target: TARGET, "The log goes on as it was: {reason}");
        }
    }

    /// As bytes, for workers.
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// The way back.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ReloadRefused> {
        decode(bytes)
    }
}

impl Handlers {
    fn read(conf: &Conf, renewal: &Renewal, log: &LogHandle) -> Self {
        // What cannot be read now is refused, and told, when it is to be put in force.
        let path = conf.logging_after(renewal).ok().and_then(|logging| logging.log_config_append);
        let read = crate::logging::handlers(path.as_deref());
        // What it names is opened here first, where it may hang.
        match read.and_then(|file| log.try_reload(file.clone()).map(|()| file)) {
            Ok(None) => Self::None,
            Ok(Some(HandlersFile { path, text, modified })) => {
                Self::File { path, text: text.to_string(), modified }
            }
            Err(cause) => Self::Bad(format!("{:#}", anyhow::Error::from(cause))),
        }
    }

    /// The file to go on with, or none; nothing at all if the log stays as it is.
    #[expect(clippy::option_option, reason = "none is something else than no change")]
    fn wanted(&self) -> Option<Option<HandlersFile>> {
        match self {
            Self::None => Some(None),
            Self::File { path, text, modified } => {
                let (path, text) = (path.clone(), text.as_str().into());
                Some(Some(HandlersFile { path, text, modified: *modified }))
            }
            Self::Bad(_) => None,
        }
    }
}

/// Collects records up to a size.
#[derive(Debug, Default)]
struct Records {
    kept: Vec<Record>,
    bytes: usize,
    omitted: usize,
}

impl Records {
    fn push(&mut self, level: Loudness, text: String) {
        if self.omitted > 0 || self.bytes + text.len() > MOST_TEXT {
            self.omitted += 1;
            return;
        }
        self.bytes += text.len();
        self.kept.push(Record { level, text });
    }

    fn notices(&mut self, notices: Vec<Notice>) {
        for Notice { level, text } in notices {
            let level = match level {
                NoticeLevel::Info => Loudness::Info,
                NoticeLevel::Warning => Loudness::Warning,
                NoticeLevel::Error => Loudness::Error,
            };
            self.push(level, text);
        }
    }

    /// Where the broker is may change although the option may not: what says that it is ignored is left out.
    fn of_hosts(
        &mut self,
        mutation: &mut Mutation,
        new: &[BrokerHost],
        now: Option<&[BrokerHost]>,
    ) {
        const OPTION: &str = "DEFAULT.transport_url";
        let is_other = mutation.ignored.iter().any(|name| name == OPTION);
        mutation.ignored.retain(|name| name != OPTION);
        mutation.notices.retain(|notice| !notice.text.ends_with(&format!(" {OPTION}")));
        if now.map_or(is_other, |now| now != new) {
            let addresses: Vec<_> = new.iter().map(ToString::to_string).collect();
            let addresses = addresses.join(", ");
            let text = format!(
                "The message broker is reached as {OPTION} says from the next connection on: {addresses}"
            );
            self.push(Loudness::Info, text);
        }
    }

    /// That the bus is another one is worth a word of its own: those who have changed it wait for
    /// messages that do not come.
    fn of_the_bus(&mut self, ignored: &[String]) {
        let is_bus = |name: &&String| {
            name.starts_with("oslo_messaging_rabbit.")
                || ["DEFAULT.transport_url", "DEFAULT.control_exchange"].contains(&name.as_str())
        };
        let names: Vec<_> = ignored.iter().filter(is_bus).map(String::as_str).collect();
        if !names.is_empty() {
            let names = names.join(", ");
            let text = format!("The message bus stays what it was: {names} needs a restart");
            self.push(Loudness::Warning, text);
        }
    }

    /// Errors first, because there may be no room for all.
    fn problems(&mut self, problems: &Problems) {
        for level in [Level::Error, Level::Warning, Level::Note] {
            for problem in problems.iter().filter(|problem| problem.level == level) {
                self.push(level.into(), problem.statement());
            }
        }
        for (level, remark) in problems.remarks() {
            self.push(level.into(), remark);
        }
    }

    fn kept(mut self) -> Vec<Record> {
        if self.omitted > 0 {
            let text = format!("and {} more lines", self.omitted);
            self.kept.push(Record { level: Loudness::Warning, text });
        }
        self.kept
    }
}

impl From<Level> for Loudness {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warning => Self::Warning,
            Level::Note => Self::Info,
        }
    }
}

fn tell(records: &[Record]) {
    for Record { level, text } in records {
        match level {
            Loudness::Info => info!(target: LOGGER, "{text}"),
            Loudness::Warning => warn!(target: LOGGER, "{text}"),
            Loudness::Error => error!(target: LOGGER, "{text}"),
        }
    }
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Fails for maps without texts as keys, of which there are none; nobody can decode nothing.
    serde_json::to_vec(value).unwrap_or_default()
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ReloadRefused> {
    serde_json::from_slice(bytes).map_err(|cause| {
        error!(
            target: TARGET,
            "What was read cannot be understood ({cause}); the old configuration stays in force"
        );
        ReloadRefused
    })
}

#[cfg(test)]
mod tests {
    use cinder_conf::Request;
    use cinder_conf::cinder;

    use super::*;

    fn conf(text: &str) -> (tempfile::TempDir, Conf) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("c.conf"), text).unwrap();
        let mut request = Request::new("cinder", "cinder-volume", dir.path());
        request.search_defaults = false;
        request.host_name = "node1".to_owned();
        request.items = vec![cinder_conf::Item::File("c.conf".to_owned())];
        let conf = cinder::load(request).unwrap();
        (dir, conf)
    }

    fn log() -> LogHandle {
        let options = oslo_log::LogOptions::default();
        oslo_log::OsloLayer::new(&options).unwrap().1
    }

    #[test]
    fn a_change_passes_from_the_reader_over_the_parent_to_a_worker() {
        let text = "[DEFAULT]\nenabled_backends = a\n[a]\n";
        let (dir, mut parent) = conf(text);
        let (_, mut worker) = conf(text);
        let handlers = dir.path().join("handlers.ini");
        std::fs::write(&handlers, "[loggers]\n").unwrap();
        let new = text.replace(
            "[a]",
            &format!("debug = true\nlog_config_append = {}\n[a]", handlers.display()),
        );
        std::fs::write(dir.path().join("c.conf"), new).unwrap();
        let read = Verdict::read(&parent, &log(), &Hosts::default()).encode();
        let change = Verdict::decode(&read).unwrap().accept().unwrap();
        change.apply(&mut parent, &log(), &Hosts::default()).unwrap();
        let texts: Vec<_> = change.records.iter().map(|record| record.text.as_str()).collect();
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(matches!(&change.handlers, Handlers::Bad(why) if why.contains("handlers.ini: ")));
        std::fs::remove_dir_all(dir.path()).unwrap();
        let change = Change::decode(&change.encode()).unwrap();
        change.apply(&mut worker, &log(), &Hosts::default()).unwrap();
        assert!(parent.logging.debug && worker.logging.debug);
    }

    #[test]
    fn a_refusal_fits_into_an_answer_whatever_is_wrong() {
        let (dir, conf) = conf("[DEFAULT]\nenabled_backends = a\n[a]\n");
        let names = (0..5_000).map(|number| format!("[\u{1}{}{number}]\n", "\u{2}".repeat(190)));
        let text = format!("[DEFAULT]\ndebug = x\n{}", names.collect::<String>());
        std::fs::write(dir.path().join("c.conf"), text).unwrap();
        let verdict = Verdict::read(&conf, &log(), &Hosts::default());
        let bytes = verdict.encode();
        assert!(bytes.len() <= oslo_launcher::LARGEST_ANSWER, "{} bytes", bytes.len());
        assert!(verdict.records[0].text.contains("debug"), "{:?}", verdict.records[0]);
        assert!(verdict.records.last().unwrap().text.starts_with("and "));
        assert_eq!(Verdict::decode(&bytes).unwrap().accept(), Err(ReloadRefused));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bytes in [&b""[..], b"{}", b"\xff", br#"{"records":[],"decision":"Maybe"}"#] {
            assert_eq!(Verdict::decode(bytes), Err(ReloadRefused));
            assert_eq!(Change::decode(bytes), Err(ReloadRefused));
        }
    }
}
