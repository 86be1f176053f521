//! The local driver, which upstream does not have. Back-end options.

use crate::{Opt, section};

section! {
    /// Volumes as files below one directory of this machine.
    pub struct Local in "backend_defaults" {
        /// Where the files are; unset means `$state_path/volumes/BACKEND`.
        local_directory: Option<String> = Opt::string("");
        /// Take the space of a volume when it is made, instead of as it is written.
        local_preallocate: bool = Opt::boolean("").default_bool(false).mutable();
    }
}
