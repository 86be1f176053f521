//! Names that options once had: which of them are still taken, what became of the others.
//!
//! Must not know which names there are today; whoever asks has looked there first.

use std::{collections::HashMap, sync::LazyLock};

use crate::source::fold;

/// A line per name.
const TABLE: &str = include_str!("../options/former.txt");

/// What became of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Past {
    /// What was the first without it; none if the name is still taken for another one.
    pub gone: Option<&'static str>,
    /// Group (`*` for a back end's) and name of what stands for it today.
    pub today: Option<(&'static str, &'static str)>,
}

/// Group (folded) → name → what became of it.
static NAMES: LazyLock<HashMap<String, HashMap<&'static str, Past>>> = LazyLock::new(|| {
    let given = |word: &'static str| Some(word).filter(|word| *word != "-");
    let mut names: HashMap<String, HashMap<&str, Past>> = HashMap::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap_or("-");
        let (group, name, gone, new_group, new) = (next(), next(), next(), next(), next());
        let past = Past { gone: given(gone), today: given(new).map(|new| (new_group, new)) };
        names.entry(fold(group)).or_default().insert(name, past);
    }
    names
});

/// What became of `name` in a section (folded; back ends as `backend_defaults`).
pub(super) fn of(section: &str, name: &str) -> Option<Past> {
    let name = name.replace('-', "_");
    let find = |group: &str| NAMES.get(group)?.get(name.as_str()).copied();
    let of_cinder =
        || ["DEFAULT", "backend_defaults"].contains(&section).then(|| find("*")).flatten();
    // Many a vendor's option once stood in [DEFAULT], or was looked for there.
    find(section).or_else(of_cinder)
}

/// What became of a name, wherever it stood.
pub(super) fn anywhere(name: &str) -> Option<Past> {
    NAMES.values().find_map(|names| names.get(name)).copied()
}

impl Past {
    /// What is wrong with the name.
    pub fn text(&self) -> String {
        match (self.gone, self.today) {
            (None, Some((_, new))) => format!("is a former name of {new}"),
            (Some(gone), _) => match gone.split_once('-') {
                Some((library, release)) => format!("was removed in {library} {release}"),
                None => format!("was removed in release {gone}"),
            },
            (None, None) => "was removed".to_owned(),
        }
    }

    /// What to write instead, if there is something; `section` is the folded name of where it stands.
    pub fn hint(&self, section: &str) -> Option<String> {
        let (group, new) = self.today?;
        let for_back_ends = ["*", "backend_defaults"].contains(&group);
        if for_back_ends && section != "DEFAULT" || fold(group) == section {
            return Some(format!("write {new} instead"));
        }
        Some(match for_back_ends {
            true => format!("write {new} instead, into a back end's section or [backend_defaults]"),
            false => format!("write [{group}] {new} instead"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn former_names_lead_to_todays() {
        for (section, name, text, hint) in [
            (
                "backend_defaults",
                "iscsi_helper",
                "was removed in release 14.0.0",
                "write target_helper instead",
            ),
            (
                "DEFAULT",
                "iscsi_helper",
                "was removed in release 14.0.0",
                "write target_helper instead, into a back end's section or [backend_defaults]",
            ),
            (
                "DEFAULT",
                "lock_path",
                "was removed in oslo.concurrency 6.0.0",
                "write [oslo_concurrency] lock_path instead",
            ),
            (
                "DEFAULT",
                "os_region_name",
                "was removed in release 13.0.0",
                "write [nova] region_name instead",
            ),
            (
                "DEFAULT",
                "rabbit_host",
                "was removed in oslo.messaging 9.0.0",
                "write transport_url instead",
            ),
            (
                "oslo_messaging_rabbit",
                "rabbit_password",
                "was removed in oslo.messaging 9.0.0",
                "write [DEFAULT] transport_url instead",
            ),
            (
                "keystone_authtoken",
                "auth-uri",
                "was removed in keystonemiddleware 13.0.0",
                "write www_authenticate_uri instead",
            ),
            ("DEFAULT", "verbose", "was removed in oslo.log 3.22.0", ""),
            ("DEFAULT", "glance_api_version", "was removed in release 12.0.0", ""),
            (
                "oslo_messaging_rabbit",
                "heartbeat_in_pthread",
                "was removed in oslo.messaging 18.0.0",
                "",
            ),
            (
                "backend_defaults",
                "hitachi_pool",
                "is a former name of hitachi_pools",
                "write hitachi_pools instead",
            ),
        ] {
            let past = of(section, name).expect(name);
            assert_eq!(
                (past.text().as_str(), past.hint(section).unwrap_or_default().as_str()),
                (text, hint),
                "{name}"
            );
        }
        assert_eq!(of("nova", "iscsi_helper"), None);
        assert_eq!(of("DEFAULT", "never_was"), None);
    }

    #[test]
    fn every_line_has_five_words_and_no_name_has_two() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        assert!(lines.clone().all(|line| line.split(' ').count() == 5));
        assert_eq!(NAMES.values().map(HashMap::len).sum::<usize>(), lines.count());
    }
}
