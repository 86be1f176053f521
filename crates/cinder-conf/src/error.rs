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
    /// A line breaks the dialect's rules.
    #[error("Failed to parse {path}: at {path}:{line}, {malformed}", line = .malformed.line)]
    Malformed {
        /// The file.
        path: String,
        /// The line and what is wrong with it.
        malformed: Malformed,
    },
    /// A directory where a file is wanted.
    #[error("[Errno 21] Is a directory: '{path}'")]
    IsDirectory {
        /// The directory.
        path: String,
    },
    /// A pipe or socket: reading it could wait for ever.
    #[error("{path} is neither a regular file nor a character device")]
    NotAFile {
        /// The path.
        path: String,
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
    /// Far larger than any configuration file.
    #[error("{path} is larger than {limit} MiB, which no configuration file is")]
    TooLarge {
        /// The file.
        path: String,
        /// The limit.
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
