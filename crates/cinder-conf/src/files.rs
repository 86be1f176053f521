//! Reads files and directories into layers, in the order that decides precedence.
//!
//! Must not block and must not swallow memory ([`crate::reader`] sees to that). Reading goes on after
//! an error, so that all of them can be shown at once. What cannot be read is never taken for absent.

use std::{
    ffi::OsString,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::{
    error::{FileError, Unseen},
    ini::{self, Assignment, Ini, SectionHeader},
    reader,
    request::{Item, Request, Search},
    source::LayerName,
};

/// Largest file taken in. The longest configuration seen in the field has a few hundred KiB; a
/// mistyped path to an image must not fill the memory.
const LARGEST_FILE: u64 = 16 << 20;
/// Largest sum of all files: a directory of images is no better.
const LARGEST_SUM: u64 = 64 << 20;
/// Section headers and options of all files together; two thousand back ends with all that they can
/// be told have fewer.
const MOST_ENTRIES: usize = 200_000;

/// Everything the request leads to, in reading order.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub layers: Vec<(LayerName, Ini)>,
    pub errors: Vec<FileError>,
    /// Where something may stand that was not read, without being an error.
    pub unseen: Vec<Unseen>,
    /// Value of the built-in option `config_file`.
    pub config_file: Vec<String>,
    /// Value of the built-in option `config_dir`: a list, or the last one given.
    pub config_dir: ConfigDir,
}

/// What `config_dir` reads as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConfigDir {
    Defaults(Vec<String>),
    Explicit(String),
}

impl Default for ConfigDir {
    fn default() -> Self {
        Self::Defaults(Vec::new())
    }
}

/// Default files, default directories, then the command line from left to right.
pub(crate) fn gather(request: &Request) -> Gathered {
    let mut gatherer = Gatherer {
        request,
        out: Gathered::default(),
        missing: vec![],
        denied: vec![],
        looked_for: vec![],
        left: LARGEST_SUM,
        entries: MOST_ENTRIES,
    };
    gatherer.defaults();
    gatherer.command_line();
    gatherer.finish()
}

struct Gatherer<'r> {
    request: &'r Request,
    out: Gathered,
    missing: Vec<String>,
    denied: Vec<String>,
    /// Where default files and directories were looked for.
    looked_for: Vec<String>,
    /// Bytes that may still be read.
    left: u64,
    /// Headers and options that may still be taken in.
    entries: usize,
}

impl Gatherer<'_> {
    fn defaults(&mut self) {
        let files = self.search(self.request.default_files());
        self.out.config_file = files.iter().map(|f| f.display().to_string()).collect();
        for file in &files {
            self.file(file);
        }
        let directories = self.search(self.request.default_directories());
        let names = directories.iter().map(|d| d.display().to_string()).collect();
        self.out.config_dir = ConfigDir::Defaults(names);
        for directory in &directories {
            if let Err(source) = self.directory(directory) {
                self.out.unseen.push(Unseen { path: directory.display().to_string(), source });
            }
        }
    }

    fn search(&mut self, search: Search) -> Vec<PathBuf> {
        self.looked_for.extend(search.looked_for);
        self.out.unseen.extend(search.unseen);
        search.found
    }

    fn command_line(&mut self) {
        let mut explicit = Vec::new();
        let request = self.request;
        for (position, item) in request.items.iter().enumerate() {
            match item {
                Item::File(path) => {
                    let path = request.absolute(path);
                    explicit.push(path.display().to_string());
                    self.file(&path);
                }
                Item::Directory(path) => {
                    let directory = request.absolute(path);
                    let shown = directory.display().to_string();
                    self.out.config_dir = ConfigDir::Explicit(shown);
                    if let Err(source) = self.directory(&directory) {
                        self.out.errors.push(match source.kind() {
                            // Upstream shows this one path as it was given.
                            ErrorKind::NotFound => FileError::NoDirectory { path: path.clone() },
                            _ => {
                                let path = directory.display().to_string();
                                FileError::UnreadableDirectory { path, source }
                            }
                        });
                    }
                }
                Item::Value { group, dest, text } => {
                    let line = u32::try_from(position + 1).unwrap_or(u32::MAX);
                    self.value(group, dest, text, line);
                }
            }
        }
        if !explicit.is_empty() {
            self.out.config_file = explicit;
        }
    }

    /// Values are positional relative to files, so they form a layer where they stand.
    fn value(&mut self, group: &str, dest: &str, text: &str, line: u32) {
        if !matches!(self.out.layers.last(), Some((LayerName::CommandLine, _))) {
            self.out.layers.push((LayerName::CommandLine, Ini::default()));
        }
        let Some((_, layer)) = self.out.layers.last_mut() else { return };
        let section = layer.sections.len();
        layer.sections.push(SectionHeader { name: group.to_owned(), line });
        let (key, value) = (dest.to_owned(), text.to_owned());
        layer.assignments.push(Assignment { section, key, value, line });
    }

    fn directory(&mut self, directory: &Path) -> io::Result<()> {
        let names = fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name()));
        let mut names: Vec<OsString> = names.collect::<io::Result<_>>()?;
        names.retain(|name| {
            let name = name.as_encoded_bytes();
            name.ends_with(b".conf") && !name.starts_with(b".")
        });
        names.sort();
        for name in names {
            self.file(&directory.join(name));
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match reader::read_text(path, LARGEST_FILE.min(self.left)) {
            Ok(file) => {
                self.left = self.left.saturating_sub(file.text.len() as u64);
                self.take_in(name, &file.text);
            }
            Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                self.missing.push(name);
            }
            Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
                self.denied.push(name);
            }
            Err(FileError::TooLarge { path, .. }) if self.left < LARGEST_FILE => {
                // Told once: nothing is left for any other.
                if std::mem::take(&mut self.left) > 0 {
                    self.out.errors.push(FileError::TooMuch { path, limit: LARGEST_SUM });
                }
            }
            Err(error) => self.out.errors.push(error),
        }
    }

    fn take_in(&mut self, name: String, text: &str) {
        let parsed = ini::parse_at_most(text, self.entries);
        let ini::Parsed { ini, malformed, more_malformed: count, cut } = parsed;
        self.entries = self.entries.saturating_sub(ini.len());
        let error = |malformed| FileError::Malformed { path: name.clone(), malformed };
        self.out.errors.extend(malformed.into_iter().map(error));
        if count > 0 {
            self.out.errors.push(FileError::MoreMalformed { path: name.clone(), count });
        }
        if cut {
            let (path, most) = (name, MOST_ENTRIES);
            return self.out.errors.push(FileError::TooMany { path, most });
        }
        self.out.layers.push((LayerName::File(name), ini));
    }

    fn finish(mut self) -> Gathered {
        if !self.missing.is_empty() {
            self.out.errors.push(FileError::NotFound { paths: self.missing });
        }
        if !self.denied.is_empty() {
            self.out.errors.push(FileError::Denied { paths: self.denied });
        }
        let is_file = |(name, _): &(LayerName, Ini)| matches!(name, LayerName::File(_));
        let nothing = self.out.errors.is_empty() && !self.out.layers.iter().any(is_file);
        if nothing && !self.out.unseen.is_empty() {
            let (looked_for, unseen) = (self.looked_for, std::mem::take(&mut self.out.unseen));
            self.out.errors.push(FileError::NothingFound { looked_for, unseen });
        }
        self.out
    }
}
