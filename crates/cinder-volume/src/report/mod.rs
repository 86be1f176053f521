//! The Guru Meditation Report: what a running process is doing, told to whoever asks.
//!
//! [`contents`] makes it, beside the process that it is about; [`touched`] is a file that asks for
//! one, SIGUSR2 asks always. [`command`] is `cinder-volume report`: it finds daemons by
//! [`processes`] and gets its answers over the line of [`asking`].

mod asking;
pub(crate) mod command;
mod contents;
mod processes;
mod touched;

pub(crate) use self::contents::Job;
pub(crate) use self::processes::look_at;
pub(crate) use self::touched::WatchedFile;
