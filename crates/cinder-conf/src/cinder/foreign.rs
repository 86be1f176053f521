//! Options of the same file that other services and other vendors' drivers read: names and kinds, no more.
//!
//! Must not judge a value: whoever reads it does.

use std::{collections::HashMap, sync::LazyLock};

use crate::options::FOREIGN;

/// What is known of such an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Foreign {
    /// Its type, as the original calls it.
    pub kind: &'static str,
    /// Every occurrence counts.
    pub multi: bool,
    /// Its value is never shown.
    pub secret: bool,
}

/// Options of one group by name.
pub(super) type Names = HashMap<&'static str, Foreign>;

static TABLE: LazyLock<HashMap<&'static str, Names>> = LazyLock::new(|| {
    let mut groups: HashMap<&str, Names> = HashMap::new();
    for line in FOREIGN.lines() {
        let mut words = line.split(' ');
        let (Some(group), Some(name), Some(kind)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let flags: Vec<&str> = words.collect();
        let option =
            Foreign { kind, multi: flags.contains(&"multi"), secret: flags.contains(&"secret") };
        groups.entry(group).or_default().insert(name, option);
    }
    groups
});

/// All groups (folded) with their options.
pub(super) fn groups() -> &'static HashMap<&'static str, Names> {
    &TABLE
}

/// One option; `group` must be folded.
pub(super) fn option(group: &str, name: &str) -> Option<Foreign> {
    TABLE.get(group)?.get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        assert_eq!(groups().values().map(HashMap::len).sum::<usize>(), FOREIGN.lines().count());
        assert!(FOREIGN.lines().is_sorted());
        assert!(groups().keys().all(|group| *group == crate::source::fold(group)));
        let password = option("backend_defaults", "san_password");
        assert!(password.is_none() || password.is_some_and(|one| one.secret));
        assert!(option("backend_defaults", "vmware_storage_profile").is_some_and(|one| one.multi));
    }
}
