//! What the program knows before it reads configuration, and where default files are looked for.
//!
//! Must not ask the process anything itself: home, working directory, environment and arguments
//! come in through [`Request`], so a test can say what they are.

use std::path::{Component, Path, PathBuf};

use crate::{error::Unseen, reader};

/// Everything that decides which files and values count.
#[derive(Clone, Default)]
pub struct Request {
    /// Project name; names the default files `PROJECT.conf`.
    pub project: String,
    /// Program name; names the default files `PROGRAM.conf`.
    pub program: String,
    /// Home directory of the user, for `~`.
    pub home: Option<PathBuf>,
    /// Working directory, for relative paths.
    pub cwd: PathBuf,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// The command line as typed, without the program name; shown in the option dump.
    pub arguments: Vec<String>,
    /// Files, directories and values of the command line, in its order.
    pub items: Vec<Item>,
    /// Whether default files are looked for at all.
    pub search_defaults: bool,
    /// This machine's name: the default of Cinder's option `host`.
    pub host_name: String,
    /// This machine's address: the default of Cinder's option `my_ip`.
    pub my_ip: Option<String>,
}

/// One thing the command line asks for; order matters between files and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// `--config-file`.
    File(String),
    /// `--config-dir`.
    Directory(String),
    /// A value of an option declared for the command line.
    Value {
        /// Group of the option.
        group: String,
        /// Name of the option as files spell it.
        dest: String,
        /// The text given.
        text: String,
    },
}

/// Shows neither environment nor values: both may hold secrets.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("project", &self.project)
            .field("program", &self.program)
            .field("cwd", &self.cwd)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// A request that looks for the default files of `project` and `program`.
    ///
    /// A trailing `.py` of the program name is cut, as upstream does.
    pub fn new(project: &str, program: &str, cwd: impl Into<PathBuf>) -> Self {
        Self {
            project: project.to_owned(),
            program: program.strip_suffix(".py").unwrap_or(program).to_owned(),
            cwd: cwd.into(),
            search_defaults: true,
            ..Self::default()
        }
    }

    /// Value of an environment variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let found = self.environment.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A path as messages show it: `~` expanded, absolute, without `.` and `..`.
    pub(crate) fn absolute(&self, path: &str) -> PathBuf {
        let expanded = match (path.strip_prefix('~'), &self.home) {
            (Some(""), Some(home)) => home.clone(),
            (Some(rest), Some(home)) if rest.starts_with('/') => {
                home.join(rest.trim_start_matches('/'))
            }
            _ => PathBuf::from(path),
        };
        lexical(&self.cwd.join(expanded))
    }

    /// Directories searched for default files, first match wins (`spec/config.md` §1.1).
    fn search_path(&self) -> Vec<PathBuf> {
        let mut path = Vec::new();
        if let Some(home) = &self.home {
            path.push(lexical(&self.cwd.join(home.join(format!(".{}", self.project)))));
            path.push(lexical(&self.cwd.join(home)));
        }
        path.push(PathBuf::from("/etc").join(&self.project));
        path.push(PathBuf::from("/etc"));
        for variable in ["SNAP_COMMON", "SNAP"] {
            if let Some(root) = self.variable(variable).filter(|root| !root.is_empty()) {
                path.push(PathBuf::from(root).join("etc").join(&self.project));
            }
        }
        path
    }

    /// First `PROJECT<suffix>`, then first `PROGRAM<suffix>` on the search path.
    fn defaults(&self, suffix: &str) -> Search {
        let mut search = Search::default();
        if !self.search_defaults {
            return search;
        }
        let path = self.search_path();
        let mut names = vec![format!("{}{suffix}", self.project)];
        if self.program != self.project {
            names.push(format!("{}{suffix}", self.program));
        }
        for name in names {
            search.first(path.iter().map(|directory| directory.join(&name)));
        }
        search
    }

    /// Default files, unless the command line names files.
    pub(crate) fn default_files(&self) -> Search {
        let explicit = |item: &Item| matches!(item, Item::File(_));
        match self.spelled_out("--config-file", explicit) {
            true => Search::default(),
            false => self.defaults(".conf"),
        }
    }

    /// Default directories, unless the command line names directories.
    pub(crate) fn default_directories(&self) -> Search {
        let explicit = |item: &Item| matches!(item, Item::Directory(_));
        match self.spelled_out("--config-dir", explicit) {
            true => Search::default(),
            false => self.defaults(".conf.d"),
        }
    }

    /// An abbreviated `--config-f X` reads X but does not suppress the defaults: upstream looks at
    /// the words typed, so we do too when we have them.
    fn spelled_out(&self, option: &str, explicit: impl Fn(&Item) -> bool) -> bool {
        if self.arguments.is_empty() {
            return self.items.iter().any(explicit);
        }
        let full = |word: &String| {
            word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        };
        self.arguments.iter().any(full)
    }
}

/// What came of looking for default files or directories.
#[derive(Debug, Default)]
pub(crate) struct Search {
    /// Those to read.
    pub found: Vec<PathBuf>,
    /// All that was looked at.
    pub looked_for: Vec<String>,
    /// What cannot be told to be there or not. It would come before what was found.
    pub unseen: Vec<Unseen>,
}

impl Search {
    /// Looks for the first of these that exists.
    fn first(&mut self, paths: impl Iterator<Item = PathBuf>) {
        for path in paths {
            let shown = path.display().to_string();
            self.looked_for.push(shown.clone());
            match reader::look_at(&path) {
                Ok(Some(_)) => return self.found.push(path),
                Ok(None) => {}
                Err(source) => self.unseen.push(Unseen { path: shown, source }),
            }
        }
    }
}

/// Removes `.` and `..` without looking at the disk.
fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}
