//! What can go wrong, one variant per thing that a caller or operator would do differently.

use std::io;
use std::path::PathBuf;

use crate::failure::Failure;

/// What to do about a password that was written as it is.
const ESCAPES: &str =
    "the signs : / ? # @ and , of a password are written %3A %2F %3F %23 %40 and %2C";

/// Why a transport URL cannot be used. No variant holds a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// There is no `scheme:` in front.
    #[error("a transport URL begins with rabbit://, fake:// or local:")]
    NoScheme,
    /// A scheme of somebody else.
    #[error("unknown scheme \"{scheme}\"; rabbit://, fake:// and local: are known")]
    Scheme {
        /// As it was written.
        scheme: String,
    },
    /// A port that no socket has. It may be a piece of a password, so it is not shown.
    #[error(
        "what stands behind the colon of host number {number} is no port from 1 to 65535; {ESCAPES}"
    )]
    Port {
        /// Which host, counted from 1.
        number: usize,
    },
    /// A `#`, or an `@` behind the hosts: the rest of a password, most likely.
    #[error("\"{sign}\" behind the hosts; {ESCAPES}")]
    Unescaped {
        /// The character.
        sign: char,
    },
    /// A host's name that no name can be.
    #[error(
        "host number {number} has no usable name; an IPv6 address stands in brackets: [::1]:5672"
    )]
    Host {
        /// Which host, counted from 1.
        number: usize,
    },
    /// A query key that names no option of `[oslo_messaging_rabbit]`.
    #[error("no option of [oslo_messaging_rabbit] is called \"{name}\"")]
    UnknownOption {
        /// The key.
        name: String,
    },
    /// A query value that its option does not take.
    #[error("{name}: \"{text}\" is {what}")]
    OptionValue {
        /// The option.
        name: String,
        /// Its value, at most 100 characters of it.
        text: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Something behind `local:` or `fake:`, which have no parameters.
    #[error("{scheme}: takes nothing behind the colon")]
    Superfluous {
        /// The scheme.
        scheme: &'static str,
    },
}

impl UrlError {
    pub(crate) fn option(name: &str, text: &str, what: &'static str) -> Self {
        let text = text.chars().take(100).collect();
        Self::OptionValue { name: name.to_owned(), text, what }
    }
}

/// Why a name cannot be one of an exchange or a queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is nothing.
    #[error("a name is empty")]
    Empty,
    /// A frame has no room for it.
    #[error("the name \"{start}…\" has {length} bytes; 255 is the most")]
    TooLong {
        /// Its first characters.
        start: String,
        /// Its length in bytes.
        length: usize,
    },
}

/// Why the body of a message is no message. None of its texts shows the body.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It is no JSON, or too deep, or a number in it is too large.
    #[error("no JSON that this program reads: {0}")]
    Json(serde_json::Error),
    /// It says that it is written in something else than JSON, or packed.
    #[error("{name} \"{value}\", which is not read")]
    Foreign {
        /// Which property of it.
        name: &'static str,
        /// Its value, at most 40 characters of it.
        value: String,
    },
    /// The envelope is of another kind than 2.0.
    #[error("an envelope of version {version}; 2.0 is known")]
    Envelope {
        /// The version, at most 40 characters of it.
        version: String,
    },
    /// It is something else than an object.
    #[error("{what} is no JSON object")]
    NotAnObject {
        /// Which part of the body.
        what: &'static str,
    },
    /// Larger than a body may be.
    #[error("a body of {length} bytes; {most} are read")]
    TooLarge {
        /// Its length in bytes.
        length: usize,
        /// How many are read.
        most: usize,
    },
    /// More keys than any message has.
    #[error("more than {most} keys")]
    TooManyKeys {
        /// How many are read.
        most: usize,
    },
    /// A part is larger than any message has it.
    #[error("a context of {length} bytes; {most} are read")]
    ContextTooLarge {
        /// Its length in bytes.
        length: usize,
        /// How many are read.
        most: usize,
    },
}

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Another process serves the same target.
    #[error("another process listens on {path}")]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// There is a file that is no socket; it is left alone.
    #[error("there is a file that is no socket: {path}")]
    NoSocket {
        /// The file.
        path: PathBuf,
    },
    /// The directory of the bus cannot be used.
    #[error("the directory of the local bus cannot be used: {path}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system refuses.
    #[error("cannot listen on {path}")]
    Listen {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No name for a queue that is to be found again can be had.
    #[error("no name for a queue: {path}")]
    Name {
        /// The file that is in the way.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No thread, or nothing to wake it with.
    #[error("cannot start the thread of the bus")]
    Thread {
        /// Why.
        source: io::Error,
    },
}

/// Why a call has no result, or a cast was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The method failed; this is what its server says.
    #[error("{0}")]
    Failed(Box<Failure>),
    /// No answer in time. The method may still be running.
    #[error("no answer in time")]
    TimedOut,
    /// Nobody serves there.
    #[error("nobody serves {destination}")]
    Nobody {
        /// Where the message should have gone.
        destination: String,
    },
    /// A server has the message, and no thread of it took care of it in time. Nobody will carry it
    /// out unless it was just about to.
    #[error("the server did not say in time that it takes care of the message")]
    Unconfirmed,
    /// So many messages of this client are under way that there is no room for one more.
    #[error("{most} messages are under way already")]
    Full {
        /// How many may be.
        most: usize,
    },
    /// The bus cannot be reached.
    #[error("the message bus cannot be reached")]
    Bus {
        /// Why.
        source: io::Error,
    },
    /// The server took the message and went away before it answered.
    #[error("the server went away before it answered")]
    Unanswered {
        /// How it was noticed.
        source: io::Error,
    },
    /// The server stops, or has no use for the message now.
    #[error("the server gave the message back")]
    GivenBack,
    /// No server can carry it out.
    #[error("the server rejected the message, see its log")]
    Rejected,
    /// Larger than a message may be.
    #[error("a message of {length} bytes; {most} are the most")]
    TooLarge {
        /// Its length in bytes.
        length: usize,
        /// How many may be sent.
        most: usize,
    },
    /// The arguments cannot be written.
    #[error("the message cannot be written")]
    Unwritable {
        /// Why.
        source: serde_json::Error,
    },
    /// The server's answer is no message.
    #[error("the answer cannot be read")]
    Unreadable {
        /// Why.
        source: BodyError,
    },
}
