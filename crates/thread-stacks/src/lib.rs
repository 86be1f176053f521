//! Where every thread of this process is: functions, files, lines.
//!
//! Made for reports on a process that hangs: whoever asks need not have prepared anything, and a thread
//! that does not come back has no answer but holds up nobody. Must not: be asked on a thread that
//! others wait for, because looking up names takes a while; log; know what the program is.
//!
//! ```
//! use std::time::Duration;
//!
//! let stacks = thread_stacks::all(Duration::from_secs(1))?;
//! for frame in &stacks[0].frames {
//!     println!("{}", frame.function);
//! }
//! # Ok::<(), std::io::Error>(())
//! ```

mod stacks;
mod sys;

pub use stacks::{StackFrame, ThreadStack, all};
