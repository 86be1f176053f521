//! Everything here that talks to the kernel: threads that are asked, memory that is copied or mapped.
//!
//! Must not: know what stacks are for. All `unsafe` of this crate is below this module.

mod file_map;
mod memory;
mod thread_states;

pub(crate) use file_map::FileMap;
pub(crate) use memory::{page_size, read_own, trim_memory};
pub(crate) use thread_states::{Registers, ask};
