//! Which Unix sockets a process holds.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

/// Unix sockets of a worker: listeners of the bus, which have a path, and the pair by which other threads
/// wake the one that serves them.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    /// All of them, as descriptors show them.
    pub(crate) known: BTreeSet<String>,
    /// Those that others can connect to.
    pub(crate) paths: BTreeSet<String>,
    /// The others.
    pub(crate) nameless: usize,
}

impl Sockets {
    /// Those among `open`, the descriptors of `pid`.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub(crate) fn of(pid: i32, open: &BTreeMap<i32, String>) -> Result<Self> {
        let table = std::fs::read_to_string(format!("/proc/{pid}/net/unix"))?;
        let mut found = Self::default();
        for line in table.lines().skip(1) {
            let fields: Vec<_> = line.split_whitespace().collect();
            let Some(inode) = fields.get(6) else { continue };
            let target = format!("socket:[{inode}]");
            if !open.values().any(|open| *open == target) {
                continue;
            }
            match fields.get(7) {
                Some(path) => drop(found.paths.insert((*path).to_owned())),
                None => found.nameless += 1,
            }
            found.known.insert(target);
        }
        Ok(found)
    }

    /// A worker that inherited a sibling's would take its messages.
    pub(crate) fn are_one_back_ends(&self) -> bool {
        let back_end = |path: &String| {
            let (_, name) = path.split_once('@')?;
            name.split(',').next().map(str::to_owned)
        };
        let back_ends: BTreeSet<_> = self.paths.iter().map(back_end).collect();
        back_ends.len() == 1 && !back_ends.contains(&None)
    }
}
