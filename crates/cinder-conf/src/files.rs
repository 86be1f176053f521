//! Reads files and directories into layers, in the order that decides precedence.
//!
//! Must not block and must not swallow memory: pipes are refused, sizes are limited. Reading goes on
//! after an error, so that all of them can be shown at once.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    path::Path,
};

use crate::{
    error::FileError,
    ini::{self, Assignment, Ini, SectionHeader},
    request::{Item, Request},
    source::LayerName,
};

/// Largest file taken in, in MiB. The longest configuration seen in the field has a few hundred
/// KiB; a mistyped path to an image or a device must not fill the memory.
const LIMIT_MIB: u64 = 16;

/// Everything the request leads to, in reading order.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub layers: Vec<(LayerName, Ini)>,
    pub errors: Vec<FileError>,
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
    let mut gatherer =
        Gatherer { request, out: Gathered::default(), missing: vec![], denied: vec![] };
    gatherer.defaults();
    gatherer.command_line();
    gatherer.finish()
}

struct Gatherer<'r> {
    request: &'r Request,
    out: Gathered,
    missing: Vec<String>,
    denied: Vec<String>,
}

impl Gatherer<'_> {
    fn defaults(&mut self) {
        let files = self.request.default_files();
        self.out.config_file = files.iter().map(|f| f.display().to_string()).collect();
        for file in &files {
            self.file(file);
        }
        let directories = self.request.default_directories();
        let names = directories.iter().map(|d| d.display().to_string()).collect();
        self.out.config_dir = ConfigDir::Defaults(names);
        for directory in &directories {
            self.directory(directory);
        }
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
                    match directory.exists() {
                        true => self.directory(&directory),
                        // Upstream shows this one path as it was given.
                        false => {
                            self.out.errors.push(FileError::NoDirectory { path: path.clone() });
                        }
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

    fn directory(&mut self, directory: &Path) {
        let Ok(entries) = fs::read_dir(directory) else { return };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".conf") && !name.starts_with('.'))
            .collect();
        names.sort();
        for name in names {
            self.file(&directory.join(name));
        }
    }

    fn file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match read(path, &name) {
            Ok(text) => {
                let (ini, malformed) = ini::parse(&text);
                self.out.errors.extend(
                    malformed
                        .into_iter()
                        .map(|malformed| FileError::Malformed { path: name.clone(), malformed }),
                );
                self.out.layers.push((LayerName::File(name), ini));
            }
            Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                self.missing.push(name);
            }
            Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
                self.denied.push(name);
            }
            Err(error) => self.out.errors.push(error),
        }
    }

    fn finish(mut self) -> Gathered {
        if !self.missing.is_empty() {
            self.out.errors.push(FileError::NotFound { paths: self.missing });
        }
        if !self.denied.is_empty() {
            self.out.errors.push(FileError::Denied { paths: self.denied });
        }
        self.out
    }
}

fn read(path: &Path, name: &str) -> Result<String, FileError> {
    let path_name = || name.to_owned();
    let io = |source| FileError::Io { path: path_name(), source };
    // Looked at before it is opened: opening a pipe waits for a writer.
    let found = fs::metadata(path).map_err(io)?.file_type();
    if found.is_dir() {
        return Err(FileError::IsDirectory { path: path_name() });
    }
    if !found.is_file() && !is_character_device(found) {
        return Err(FileError::NotAFile { path: path_name() });
    }
    let limit = LIMIT_MIB << 20;
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLarge { path: path_name(), limit: LIMIT_MIB });
    }
    String::from_utf8(bytes).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = bytes.get(..position).unwrap_or(&[]);
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        FileError::NotUtf8 {
            path: path_name(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            byte: bytes.get(position).copied().unwrap_or_default(),
            position,
        }
    })
}

/// `/dev/null` is a fair way to say "no configuration".
#[cfg(unix)]
fn is_character_device(kind: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_char_device(&kind)
}

#[cfg(not(unix))]
fn is_character_device(_kind: fs::FileType) -> bool {
    false
}
