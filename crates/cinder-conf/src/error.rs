//! What can go wrong between a file and a value.
//!
//! Texts are the ones oslo.config prints, because operators search for them; how a problem is shown
//! in full, with file and line, is `problem.rs`.

use crate::{ini::Malformed, kind::Reason};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of a file.
    File {
        /// Absolute path.
        path: String,
        /// Line, from 1.
        line: u32,
    },
    /// The command line.
    CommandLine,
    /// An environment variable.
    Environment(String),
    /// Set by the program, above everything else.
    Override,
    /// A default set by the program.
    ProgramDefault,
    /// The declared default.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::CommandLine => f.write_str("command line"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Override => f.write_str("set by the program"),
            Self::ProgramDefault => f.write_str("default of this machine"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Why a file could not be taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Files named on the command line that do not exist.
    #[error("Failed to find some config files: {}", .paths.join(","))]
    NotFound {
        /// The files, in order.
        paths: Vec<String>,
    },
    /// Files that exist and may not be read.
    #[error("Failed to open some config files: {}", .paths.join(","))]
    Denied {
        /// The files, in order.
        paths: Vec<String>,
    },
    /// `--config-dir` names nothing.
    #[error("Failed to read config file directory: {path}")]
    NoDirectory {
        /// The directory.
        path: String,
    },
    /// A directory that was named, or that is the only one found, cannot be read.
    #[error("Failed to read config file directory: {path}: {source}")]
    UnreadableDirectory {
        /// The directory.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Nothing was found where default files are looked for, and not everything could be looked at.
    #[error("no configuration file found; looked for {}, of which {} could not be read",
        .looked_for.join(", "), listed(.unseen))]
    NothingFound {
        /// The paths, in the order of the search.
        looked_for: Vec<String>,
        /// Those of them that could not be read.
        unseen: Vec<Unseen>,
    },
    /// A line breaks the dialect's rules.
    #[error("Failed to parse {path}: at {path}:{line}, {malformed}", line = .malformed.line)]
    Malformed {
        /// The file.
        path: String,
        /// The line and what is wrong with it.
        malformed: Malformed,
    },
    /// More lines of the same file that break the dialect's rules.
    #[error("{path}: {count} more lines that cannot be parsed")]
    MoreMalformed {
        /// The file.
        path: String,
        /// How many.
        count: usize,
    },
    /// A directory where a file is wanted.
    #[error("[Errno 21] Is a directory: '{path}'")]
    IsDirectory {
        /// The directory.
        path: String,
    },
    /// A FIFO, socket or device: reading it could wait or go on for ever.
    #[error("{path} is {kind}, not a regular file")]
    NotAFile {
        /// The path.
        path: String,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// More sections and options than any configuration has.
    #[error(
        "with {path} there are more than {most} sections and options, which no configuration has"
    )]
    TooMany {
        /// The file that was one too many.
        path: String,
        /// The limit.
        most: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("{path} is not UTF-8: byte 0x{byte:02x} at position {position}")]
    NotUtf8 {
        /// The file.
        path: String,
        /// Line of the byte.
        line: u32,
        /// The byte.
        byte: u8,
        /// Its position in the file, from 0.
        position: usize,
    },
    /// Far larger than any file of its kind.
    #[error("{path} is larger than {}", size(*.limit))]
    TooLarge {
        /// The file.
        path: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// Each file may be right, but all of them are far more than any configuration.
    #[error("with {path} the configuration files are larger than {} together", size(*.limit))]
    TooMuch {
        /// The file that was one too many; none behind it is read.
        path: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// Anything else the system says.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl FileError {
    /// What is wrong, for a message that has named the file.
    pub fn reason(&self) -> String {
        match self {
            Self::IsDirectory { .. } => "it is a directory, not a regular file".to_owned(),
            Self::NotAFile { kind, .. } => format!("it is {kind}, not a regular file"),
            Self::TooLarge { limit, .. } => format!("it is larger than {}", size(*limit)),
            Self::NotUtf8 { byte, position, .. } => {
                format!("it is not UTF-8: byte 0x{byte:02x} at position {position}")
            }
            Self::Io { source, .. } | Self::UnreadableDirectory { source, .. } => {
                source.to_string()
            }
            other => other.to_string(),
        }
    }
}

/// Bytes in the largest unit that fits.
fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    const KIB: u64 = 1 << 10;
    match bytes {
        _ if bytes >= MIB && bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ if bytes >= KIB && bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} bytes"),
    }
}

/// A path that configuration is looked for at, and that does not say whether there is any.
#[derive(Debug)]
pub struct Unseen {
    /// The path.
    pub path: String,
    /// The system's reason.
    pub source: std::io::Error,
}

impl std::fmt::Display for Unseen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.path, self.source)
    }
}

fn listed(unseen: &[Unseen]) -> String {
    unseen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Why an option has no usable value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nobody declared the option.
    #[error("no such option {name} in group [{group}]")]
    NoSuchOption {
        /// The group looked in.
        group: String,
        /// The name asked for.
        name: String,
    },
    /// Nobody declared anything in the group.
    #[error("no such group [{group}]")]
    NoSuchGroup {
        /// The name asked for.
        group: String,
    },
    /// The text refers to something that cannot be put in.
    #[error(transparent)]
    Reference(Box<ReferenceError>),
    /// The text is not a value of the option's type.
    #[error(transparent)]
    Value(Box<ValueError>),
}

/// A text with a `$name` that cannot be put in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct ReferenceError {
    /// Group of the option being read.
    pub group: String,
    /// The option being read.
    pub option: String,
    /// Where the text stands.
    pub origin: Origin,
    /// The name after the dollar sign.
    pub reference: String,
    /// What is wrong with it.
    pub fault: ReferenceFault,
}

/// A text that is not a value of its option's type. For a secret option the text is masked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Value for option {option} from {origin} is not valid: {reason}")]
pub struct ValueError {
    /// Group of the option.
    pub group: String,
    /// The option.
    pub option: String,
    /// Where the text stands.
    pub origin: Origin,
    /// The text, substituted.
    pub text: String,
    /// Why it is refused.
    pub reason: Reason,
    /// The error of a referenced option, when that is the reason.
    pub referenced: Option<Box<ValueError>>,
}

/// What is wrong with a `$name`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceFault {
    /// No option of that name.
    #[error("no such option {0} in group [DEFAULT]")]
    NoSuchOption(String),
    /// No group of that name.
    #[error("no such group [{0}]")]
    NoSuchGroup(String),
    /// The name is a group, not an option.
    #[error("template substitution error: substituting group {0} not supported")]
    IsGroup(String),
    /// The reference leads back to itself.
    #[error("maximum recursion depth exceeded")]
    Loop,
    /// Following the references takes too long or gives too long a text.
    #[error("references unfold to more than {0}")]
    TooMuch(&'static str),
}

/// Why a configuration could not be loaded as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file could not be taken in.
    #[error(transparent)]
    File(#[from] FileError),
    /// An option that is checked at load has no usable value.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An option that is also an argument has a wrong value, wherever it stands.
    #[error("argument --{spelling}: Invalid {kind} value: {text}")]
    Argument {
        /// Name of the argument.
        spelling: String,
        /// Type with limits.
        kind: String,
        /// The text given.
        text: String,
        /// The same error with its place.
        detail: Box<ValueError>,
    },
    /// A required option has no value.
    #[error("value required for option {option} in group [{group}]")]
    Required {
        /// Group of the option.
        group: String,
        /// The option.
        option: String,
    },
    /// The `config` crate refused our layers: a defect of this crate, never of the files.
    #[error("layers could not be merged")]
    Merge(#[from] config::ConfigError),
}

/// Why an option cannot be declared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeclareError {
    /// Another definition has the name already.
    #[error("duplicate option: {0}")]
    Duplicate(String),
    /// The default does not fit the type.
    #[error("Error processing default value {value} for Opt type of {kind}.")]
    BadDefault {
        /// The default.
        value: String,
        /// Name of the type.
        kind: &'static str,
    },
    /// Taken by the library itself.
    #[error("Name {0} was reserved for oslo.config.")]
    Reserved(String),
    /// Begins with an underscore.
    #[error("illegal name {0} with prefix _")]
    Underscore(String),
}
