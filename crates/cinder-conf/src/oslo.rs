//! Declared options over raw layers: the one place that decides which text an option reads.
//!
//! Order of steps: declare groups and options, [`OsloConfig::load`], read. Values are converted when
//! they are read, as upstream does; a program that wants every value checked first walks all of them
//! (the `cinder` module does). Must not open files itself and must not know any particular option.

#[cfg(feature = "cinder")]
mod inspect;
mod lookup;
mod reload;
mod remote;

use std::{collections::HashMap, sync::Arc};

pub use lookup::Found;
pub(crate) use lookup::plain_default;
pub use reload::{Change, Mutation, Renewal};

use crate::{
    error::{DeclareError, FileError, LoadError, ReadError, Unseen},
    files::{self, ConfigDir, Gathered},
    notice::{Notice, Notices},
    option::Opt,
    problem::{Level, Problem},
    problems::Problems,
    registry::{Group, Registry, Table},
    request::Request,
    source::Store,
    value::Value,
};

/// Options every program of the oslo family has.
const BUILT_IN: [Opt<'static>; 4] = [
    Opt::list("config_file")
        .spelled("config-file")
        .cli_as(None, Some("PATH"))
        .multi_files()
        .help("Configuration file to read; may be given several times, later ones win."),
    Opt::list("config_dir")
        .spelled("config-dir")
        .cli_as(None, Some("DIR"))
        .multi_files()
        .help("Directory whose *.conf files are read in the order of their names."),
    Opt::list("config_source").default_list(&[]).help(
        "Groups that describe remote sources of configuration. This program reads none; a group \
         named here is reported.",
    ),
    Opt::choice("shell_completion", &["bash", "zsh"])
        .cli()
        .help("Print a completion script for this shell and stop."),
];

/// Values that the program sets: folded group → name → value.
type Settings = HashMap<String, HashMap<String, Value>>;

/// A configuration under an own set of declared options.
///
/// ```
/// use cinder_conf::{Opt, OsloConfig, Request, Value};
/// static OPTIONS: [Opt<'static>; 1] = [Opt::integer("workers").default_int(2)];
/// let mut config = OsloConfig::new();
/// config.declare("api", &OPTIONS[0]).unwrap();
/// config.load(Request::new("demo", "demo", "/")).unwrap();
/// assert_eq!(config.get("api", "workers").unwrap(), Value::Int(2));
/// ```
pub struct OsloConfig<'a> {
    registry: Registry<'a>,
    request: Request,
    /// What immutable options read: the layers as first loaded.
    frozen: Arc<Store>,
    /// What mutable options read: the layers as last loaded.
    live: Arc<Store>,
    config_file: Vec<String>,
    config_dir: ConfigDir,
    unseen: Vec<Unseen>,
    /// Variables that could be options; most processes have none, which makes reading cheap.
    environment: HashMap<String, String>,
    overrides: Settings,
    defaults: Settings,
    notices: Notices,
}

/// Shows no values: some of them are secret.
impl std::fmt::Debug for OsloConfig<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let groups: Vec<&str> = self.groups().iter().map(|group| group.name.as_str()).collect();
        f.debug_struct("OsloConfig")
            .field("config_file", &self.config_file)
            .field("groups", &groups)
            .finish_non_exhaustive()
    }
}

impl Default for OsloConfig<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> OsloConfig<'a> {
    /// The options every program has without declaring them.
    pub fn built_in_options() -> &'static [Opt<'static>] {
        static TABLE: [Opt<'static>; 4] = BUILT_IN;
        &TABLE
    }

    /// An empty configuration that knows the built-in options only.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        registry.open("DEFAULT").table = Arc::new(Table::of(Self::built_in_options()));
        Self {
            registry,
            request: Request::default(),
            frozen: Arc::default(),
            live: Arc::default(),
            config_file: Vec::new(),
            config_dir: ConfigDir::default(),
            unseen: Vec::new(),
            environment: HashMap::new(),
            overrides: HashMap::new(),
            defaults: HashMap::new(),
            notices: Notices::default(),
        }
    }

    /// Declares an option; `false` when the very same declaration was there already.
    ///
    /// # Errors
    ///
    /// [`DeclareError`] for a name taken or not allowed, and for a default that is not of the
    /// option's type.
    pub fn declare(&mut self, group: &str, option: &'a Opt<'a>) -> Result<bool, DeclareError> {
        self.registry.declare(group, option)
    }

    /// Declares a whole table.
    ///
    /// # Errors
    ///
    /// As [`OsloConfig::declare`], for the first option refused.
    pub fn declare_all(&mut self, group: &str, options: &'a [Opt<'a>]) -> Result<(), DeclareError> {
        options.iter().try_for_each(|option| self.declare(group, option).map(drop))
    }

    /// Reads everything the request leads to; keeps what could be read even when something failed.
    ///
    /// # Errors
    ///
    /// Every problem found: files first, then options that are also arguments, then required ones.
    pub fn load(&mut self, request: Request) -> Result<(), Vec<LoadError>> {
        let ours = request.environment.iter().filter(|(name, _)| name.starts_with("OS_"));
        self.environment = ours.cloned().collect();
        self.request = request;
        let gathered = files::gather(&self.request);
        let (store, errors) = self.accept(gathered);
        self.frozen = Arc::new(store);
        self.live = Arc::clone(&self.frozen);
        self.finish(errors)
    }

    fn accept(&mut self, gathered: Gathered) -> (Store, Vec<LoadError>) {
        let Gathered { layers, errors, unseen, config_file, config_dir } = gathered;
        self.unseen = unseen;
        self.config_file = config_file;
        self.config_dir = config_dir;
        let mut errors: Vec<LoadError> = errors.into_iter().map(LoadError::File).collect();
        let store = Store::build(layers).unwrap_or_else(|error| {
            errors.push(LoadError::Merge(error));
            Store::default()
        });
        (store, errors)
    }

    fn finish(&mut self, mut errors: Vec<LoadError>) -> Result<(), Vec<LoadError>> {
        errors.extend(self.check_arguments());
        if !errors.iter().any(|error| matches!(error, LoadError::File(_))) {
            self.open_remote_sources();
            errors.extend(self.check_required());
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Options that are also arguments are converted at load, wherever their value stands.
    fn check_arguments(&self) -> Vec<LoadError> {
        let mut errors = Vec::new();
        for (group, option) in self.options().filter(|(_, option)| option.cli.is_some()) {
            match self.find(group, option) {
                Err(ReadError::Value(error)) => {
                    errors.push(LoadError::Argument {
                        spelling: option.dest.to_owned(),
                        kind: option.kind.describe(),
                        text: error.text.clone(),
                        detail: error,
                    });
                }
                Err(error) => errors.push(LoadError::Read(error)),
                Ok(_) => {}
            }
        }
        errors
    }

    fn check_required(&self) -> Vec<LoadError> {
        let mut errors = Vec::new();
        for (group, option) in self.options().filter(|(_, option)| option.required) {
            match self.find(group, option) {
                Ok(found) if found.value.is_none() => errors.push(LoadError::Required {
                    group: group.name.clone(),
                    option: option.name.to_owned(),
                }),
                Ok(_) => {}
                // A wrong argument has been reported above.
                Err(_) if option.cli.is_some() => {}
                Err(error) => errors.push(LoadError::Read(error)),
            }
        }
        errors
    }

    /// Reads an option by the name files use.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when nobody declared it, its text is not of its type, or a `$name` in it
    /// leads nowhere.
    pub fn get(&self, group: &str, name: &str) -> Result<Value, ReadError> {
        self.read(group, name).map(|found| found.value)
    }

    /// Reads an option together with where its value comes from.
    ///
    /// # Errors
    ///
    /// As [`OsloConfig::get`].
    pub fn read(&self, group: &str, name: &str) -> Result<Found, ReadError> {
        let missing = || ReadError::NoSuchGroup { group: group.to_owned() };
        let group = self.registry.group(group).ok_or_else(missing)?;
        let option = match group.table.get(name) {
            Some(option) => option,
            None => self.by_former_name(group, name)?,
        };
        self.find(group, option)
    }

    /// Reads a whole group into a struct whose fields carry the options' names.
    ///
    /// A number left blank in the file counts as its declared default, so that a field without
    /// `Option` always has a value.
    ///
    /// # Errors
    ///
    /// The first option that cannot be read, or a field that does not fit
    /// ([`SectionError::Shape`]), which is a mistake in the struct.
    pub fn section<T: serde::de::DeserializeOwned>(&self, group: &str) -> Result<T, SectionError> {
        let missing = || ReadError::NoSuchGroup { group: group.to_owned() };
        let group = self.registry.group(group).ok_or_else(missing)?;
        let mut fields: config::Map<String, config::Value> = config::Map::new();
        for option in group.table.iter() {
            let value = self.field(self.find(group, option)?.value, option);
            fields.insert(option.dest.to_owned(), value.into());
        }
        let table = config::Value::new(Some(&group.name), fields);
        table.try_deserialize().map_err(|source| SectionError::Shape(Box::new(source)))
    }

    /// Value of a field: a blank number falls back to the declared default.
    pub(crate) fn field(&self, value: Value, option: &Opt<'_>) -> Value {
        if value.is_none() && !option.default.is_unset() {
            return plain_default(option);
        }
        value
    }

    /// Sets a value above everything else.
    pub fn set_override(&mut self, group: &str, name: &str, value: Value) {
        let group = self.overrides.entry(crate::source::fold(group)).or_default();
        group.insert(name.to_owned(), value);
    }

    /// Sets a default above the declared one.
    pub fn set_default(&mut self, group: &str, name: &str, value: Value) {
        let group = self.defaults.entry(crate::source::fold(group)).or_default();
        group.insert(name.to_owned(), value);
    }

    /// Takes the log records that reading has caused so far.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.notices.take()
    }

    /// Files read: the explicit ones, or the default ones.
    pub fn config_files(&self) -> &[String] {
        &self.config_file
    }

    /// Directories read: the last explicit one, or the default ones.
    pub fn config_directories(&self) -> Vec<String> {
        match &self.config_dir {
            ConfigDir::Defaults(directories) => directories.clone(),
            ConfigDir::Explicit(directory) => vec![directory.clone()],
        }
    }

    /// Places on the search path that may hold configuration and could not be looked at, while other
    /// configuration was found.
    pub fn unseen(&self) -> &[Unseen] {
        &self.unseen
    }

    /// Words load errors for an operator: one line each, with file and line.
    pub fn describe(&self, errors: &[LoadError]) -> Problems {
        let mut problems = Problems::default();
        for error in errors {
            match error {
                LoadError::File(FileError::MoreMalformed { count, .. }) => {
                    problems.omit(Level::Error, *count);
                }
                error => problems.push(Problem::of_load(error, self.option_of(error))),
            }
        }
        problems
    }

    /// The option an error is about.
    fn option_of(&self, error: &LoadError) -> Option<&'a Opt<'a>> {
        let (group, option) = match error {
            LoadError::Argument { detail, .. } => (&detail.group, &detail.option),
            LoadError::Read(ReadError::Value(error)) => (&error.group, &error.option),
            _ => return None,
        };
        let table = &self.group(group)?.table;
        table.iter().find(|known| known.name == option)
    }

    /// The request it was loaded with.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// All groups in the order declared.
    pub(crate) fn groups(&self) -> &[Group<'a>] {
        self.registry.groups()
    }

    pub(crate) fn group(&self, name: &str) -> Option<&Group<'a>> {
        self.registry.group(name)
    }

    /// All options with their groups, in the order declared.
    pub(crate) fn options(&self) -> impl Iterator<Item = (&Group<'a>, &'a Opt<'a>)> {
        let groups = self.registry.groups().iter();
        groups.flat_map(|group| group.table.iter().map(move |option| (group, option)))
    }
}

/// Why a section could not be read into a struct.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SectionError {
    /// An option of it cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The struct does not fit the declarations.
    #[error("struct and declarations disagree")]
    Shape(#[source] Box<config::ConfigError>),
}
