//! Cinder's view of a configuration: typed sections, back ends by name, every problem at once.
//!
//! Order of steps in [`load`]: read everything, convert every value that anybody set, judge back
//! ends one by one, build the typed sections. Must not start anything and must not touch state.

mod backend;
mod check;
mod dump;
mod foreign;
mod history;
mod known;
mod report;
mod tables;
mod tools;

use std::collections::BTreeMap;

pub use backend::BackendConf;
pub use report::{Report, check, check_with, look};
pub use tables::{cli_options, tables};
pub use tools::{explain, reference, sample};

use crate::{
    cli::Arguments,
    error::{Origin, ReadError},
    notice::{Notice, NoticeLevel},
    options::{
        database::{Database, DatabaseClient},
        logging::Logging,
        messaging::Messaging,
        process::{Concurrency, Coordination, Health, Reports, Supervisor},
        service::Service,
    },
    oslo::{Mutation, OsloConfig, Renewal, plain_default},
    problem::{Level, Problem},
    problems::Problems,
    request::Request,
    section::Section,
    value::Value,
};

/// The configuration of a volume service, checked.
///
/// Sections that every part of the service needs are plain fields; any other is one
/// [`Conf::section`] away.
#[derive(Debug)]
pub struct Conf {
    /// `[DEFAULT]`: back ends, names, intervals.
    pub service: Service,
    /// `[DEFAULT]`: logging.
    pub logging: Logging,
    /// `[DEFAULT]`: message bus.
    pub messaging: Messaging,
    /// `[database]`.
    pub database: Database,
    /// `[database_client]`.
    pub database_client: DatabaseClient,
    /// `[oslo_reports]`.
    pub reports: Reports,
    /// `[coordination]`.
    pub coordination: Coordination,
    /// `[oslo_concurrency]`.
    pub concurrency: Concurrency,
    /// `[supervisor]`.
    pub supervisor: Supervisor,
    /// `[health]`.
    pub health: Health,
    oslo: OsloConfig<'static>,
    problems: Problems,
    /// Whether defaults stand for what cannot be read: a check looks at the rest all the same.
    lenient: bool,
}

/// Reads and checks the configuration of a volume service.
///
/// # Errors
///
/// All problems, warnings included, when at least one of them keeps the service from starting. An
/// error in a back end's own section does not: it waits in [`Conf::backend`].
pub fn load(request: Request) -> Result<Conf, Problems> {
    let (oslo, problems) = check::examine(request);
    if problems.is_fatal() {
        return Err(problems);
    }
    Conf::build(oslo, problems, false)
}

/// The arguments of a volume service.
pub fn arguments() -> Arguments<'static> {
    Arguments::new(cli_options())
}

impl Conf {
    fn build(
        oslo: OsloConfig<'static>,
        problems: Problems,
        lenient: bool,
    ) -> Result<Self, Problems> {
        let built = (|| -> Result<Self, Problems> {
            Ok(Self {
                service: typed(&oslo, lenient)?,
                logging: typed(&oslo, lenient)?,
                messaging: typed(&oslo, lenient)?,
                database: typed(&oslo, lenient)?,
                database_client: typed(&oslo, lenient)?,
                reports: typed(&oslo, lenient)?,
                coordination: typed(&oslo, lenient)?,
                concurrency: typed(&oslo, lenient)?,
                supervisor: typed(&oslo, lenient)?,
                health: typed(&oslo, lenient)?,
                problems: Problems::default(),
                lenient,
                oslo,
            })
        })();
        match built {
            Ok(conf) => Ok(Self { problems, ..conf }),
            Err(more) => {
                let mut problems = problems;
                problems.extend(more);
                Err(problems)
            }
        }
    }

    /// Any other section, typed.
    ///
    /// # Errors
    ///
    /// A problem only if the section's declarations are not among Cinder's tables, or for a back
    /// end's section, which [`Conf::backend`] reads.
    pub fn section<T: Section>(&self) -> Result<T, Problems> {
        typed(&self.oslo, self.lenient)
    }

    /// Names of the enabled back ends, in order, without empty ones and repetitions.
    pub fn backend_names(&self) -> Vec<String> {
        check::enabled(&self.oslo)
    }

    /// One back end's own configuration.
    ///
    /// # Errors
    ///
    /// Every problem that keeps this back end from starting.
    pub fn backend(&self, name: &str) -> Result<BackendConf, Problems> {
        let problems = self.problems.of_backend(name);
        if !problems.is_empty() {
            return Err(problems);
        }
        BackendConf::read(&self.oslo, name)
    }

    /// Where the value in force of an option stands, as its back end reads it if it is one's; nothing for a default.
    pub fn place(&self, group: &str, option: &str) -> Option<Origin> {
        let names = self.backend_names();
        let of_backend =
            names.iter().find(|name| *name == group).zip(tables::backend_option(option));
        let found = match of_backend {
            Some((name, option)) => backend::lookup(&self.oslo, name, option),
            None => self.oslo.read(group, option),
        };
        found.ok().map(|found| found.origin).filter(|origin| *origin != Origin::Default)
    }

    /// The node that a back end belongs to, as [`BackendConf::node`], even if its section is bad.
    ///
    /// # Errors
    ///
    /// When not even that can be read.
    pub fn node_of(&self, name: &str) -> Result<String, Problems> {
        backend::node(&self.oslo, name)
    }

    /// How the log shall be written once this is in force.
    ///
    /// # Errors
    ///
    /// When it cannot have been read for this configuration.
    pub fn logging_after(&self, renewal: &Renewal) -> Result<Logging, Problems> {
        let mut fields = BTreeMap::new();
        for option in Logging::OPTIONS {
            let value = self.oslo.get_after(renewal, Logging::GROUP, option.dest);
            let value = value.map_err(|error| of_read(&error, option))?;
            fields.insert(option.dest, self.oslo.field(value, option));
        }
        shape(Logging::GROUP, fields)
    }

    /// Everything found that did not keep the service from starting: warnings, and the errors of
    /// single back ends.
    pub const fn problems(&self) -> &Problems {
        &self.problems
    }

    /// Log records for upstream's logger `oslo_config.cfg` that reading has caused so far.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.oslo.take_notices()
    }

    /// Sets `service_down_time` for this process, above everything configured.
    pub fn correct_service_down_time(&mut self, seconds: i64) {
        self.oslo.set_override("DEFAULT", "service_down_time", Value::Int(seconds.into()));
        self.service.service_down_time = seconds;
    }

    /// Reads the files again and lets mutable options change: [`review`](Self::review), then
    /// [`renew`](Self::renew).
    ///
    /// # Errors
    ///
    /// Every problem of the new files; the configuration in force stays as it was.
    pub fn mutate(&mut self) -> Result<Mutation, Problems> {
        let (mutation, renewal) = self.review()?;
        self.renew(&renewal)?;
        Ok(mutation)
    }

    /// Reads the files again, once, and says what would change (SIGHUP); changes nothing.
    ///
    /// # Errors
    ///
    /// Every problem of the new files.
    pub fn review(&self) -> Result<(Mutation, Renewal), Problems> {
        self.review_with(|_| Vec::new())
    }

    /// As [`review`](Self::review); `further` is what a program finds wrong with the new files besides.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn review_with(
        &self,
        further: impl FnOnce(&Self) -> Vec<Problem>,
    ) -> Result<(Mutation, Renewal), Problems> {
        let (fresh, problems) = check::examine(self.oslo.request().clone());
        if problems.is_fatal() {
            return Err(problems);
        }
        let mut fresh = Self::build(fresh, problems, false)?;
        for problem in further(&fresh) {
            fresh.problems.push(problem);
        }
        if fresh.problems.is_fatal() {
            return Err(fresh.problems);
        }
        let fresh = fresh.oslo;
        let compared = self.oslo.compare(fresh.layers());
        let (mut mutation, renewal) = compared.map_err(|errors| self.oslo.describe(&errors))?;
        let unseen = fresh.unseen().iter().map(|unseen| Notice {
            level: NoticeLevel::Warning,
            text: format!("{} could not be read: {}", unseen.path, unseen.source),
        });
        mutation.notices.splice(0..0, unseen);
        Ok((mutation, renewal))
    }

    /// Puts in force what a review has found, in this process or in another one of this daemon.
    ///
    /// # Errors
    ///
    /// When it cannot have been found with this configuration; nothing has changed then.
    pub fn renew(&mut self, renewal: &Renewal) -> Result<(), Problems> {
        self.oslo.renew(renewal).map_err(|errors| self.oslo.describe(&errors))?;
        self.logging = typed(&self.oslo, self.lenient)?;
        Ok(())
    }

    /// Files read, in order.
    pub fn config_files(&self) -> &[String] {
        self.oslo.config_files()
    }

    /// The configuration below the typed sections, for tools that look at any option.
    pub const fn oslo(&self) -> &OsloConfig<'static> {
        &self.oslo
    }
}

fn typed<T: Section>(oslo: &OsloConfig<'static>, lenient: bool) -> Result<T, Problems> {
    let mut fields = BTreeMap::new();
    for option in T::OPTIONS {
        let value = match oslo.read(T::GROUP, option.dest) {
            Ok(found) => oslo.field(found.value, option),
            Err(_) if lenient => plain_default(option),
            Err(error) => return Err(of_read(&error, option)),
        };
        fields.insert(option.dest, value);
    }
    shape(T::GROUP, fields)
}

fn shape<T: Section>(group: &str, fields: BTreeMap<&str, Value>) -> Result<T, Problems> {
    let fields: config::Map<String, config::Value> =
        fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    config::Value::new(None, fields).try_deserialize().map_err(|error| {
        let text = format!("section does not fit its type: {error}");
        Problem::new(Level::Error, text).of(group, "").into()
    })
}

fn of_read(error: &ReadError, option: &crate::Opt<'_>) -> Problems {
    Problem::of_read(error, Some(option)).into()
}
