//! Who may depend on whom: the table in docs/architecture.md against the package graph.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ARCHITECTURE, Finding, quoted, rows};

/// What the table stands below.
const HEADING: &str = "## Allowed dependencies";
/// A crate that may use all others says so with this word.
const ALL: &str = "all";

/// Packages of others that only some of ours may name, and why there is such a rule.
const RESERVED: [(&str, &[&str], &str); 7] = [
    ("anyhow", &["cinder-volume", "xtask"], "a library has typed errors"),
    ("diesel", &["cinder-db"], "no SQL outside of the database crate"),
    ("diesel_migrations", &["cinder-db"], "no SQL outside of the database crate"),
    ("r2d2", &["cinder-db"], "no database handle outside of the database crate"),
    ("rusqlite", &["xtask"], "it is for looking at the database from outside"),
    ("lapin", &["oslo-messaging"], "no AMQP outside of the messaging crate"),
    ("tokio", &["oslo-messaging", "cinder-volume"], "async stops at a door"),
];

/// What tests of all crates may use, and nothing else.
const FOR_TESTS: &str = "test-conditions";

/// What this rule needs to know of a package.
pub(super) struct Package {
    name: String,
    manifest: String,
    has_readme: bool,
    /// Name, and whether it is for tests only.
    dependencies: Vec<(String, bool)>,
}

/// Reads our packages out of the package graph.
pub(super) fn packages(graph: &Value) -> Vec<Package> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let root = format!("{}/", text(&graph["workspace_root"]));
    let package = |one: Value| Package {
        name: text(&one["name"]),
        has_readme: one["readme"].is_string(),
        manifest: text(&one["manifest_path"]).replace(&root, ""),
        dependencies: list(&one["dependencies"])
            .iter()
            .map(|to| (text(&to["name"]), to["kind"] == "dev"))
            .collect(),
    };
    list(&graph["packages"]).into_iter().map(package).collect()
}

/// Our crates, or families of them with a `*` at the end, and what each may use of ours.
struct Table<'a>(BTreeMap<&'a str, Allowed<'a>>);

enum Allowed<'a> {
    All,
    These(Vec<&'a str>),
}

impl<'a> Table<'a> {
    fn read(architecture: &'a str) -> Self {
        let row = |(_, cells): (usize, Vec<&'a str>)| {
            let name = quoted(cells.first()?).next()?;
            let uses = cells.get(1)?;
            let these = || Allowed::These(quoted(uses).collect());
            Some((name, if *uses == ALL { Allowed::All } else { these() }))
        };
        Self(rows(architecture, HEADING).into_iter().filter_map(row).collect())
    }

    /// Exact names first.
    fn of(&self, name: &str) -> Option<&Allowed<'a>> {
        let family = || {
            let mut all = self.0.iter();
            all.find(|(known, _)| known.strip_suffix('*').is_some_and(|it| name.starts_with(it)))
        };
        self.0.get(name).or_else(|| family().map(|(_, allowed)| allowed))
    }
}

pub(super) fn check(packages: &[Package], architecture: &str) -> Vec<Finding> {
    let table = Table::read(architecture);
    let mut found = Vec::new();
    for package in packages {
        let mut say = |text: String| found.push(Finding::new(&package.manifest, 1, text));
        let Some(allowed) = table.of(&package.name) else {
            say(format!(
                "{} is not in the table \"{}\" of {ARCHITECTURE}",
                package.name,
                HEADING.trim_start_matches("## ")
            ));
            continue;
        };
        if !package.has_readme && package.name != "xtask" {
            say(format!("{} has no README.md", package.name));
        }
        for (name, for_tests) in &package.dependencies {
            let ours = packages.iter().any(|other| other.name == *name);
            let fits = match allowed {
                Allowed::All => true,
                Allowed::These(these) => these.contains(&name.as_str()),
            };
            if ours && !fits && !(*for_tests && name == FOR_TESTS) {
                say(format!("{} may not depend on {name}", package.name));
            }
            let reserved = RESERVED.iter().find(|(reserved, ..)| reserved == name);
            if let Some((_, users, reason)) = reserved
                && !users.contains(&package.name.as_str())
                && !for_tests
            {
                say(format!("{} may not depend on {name}: {reason}", package.name));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TABLE: &str = "\
## Allowed dependencies

| crate | may use | |
|---|---|---|
| `oslo-log` | – | |
| `cinder-conf` | – | |
| `cinder-types` | – | |
| `cinder-db` | `cinder-types` | |
| `cinder-driver-*` | `cinder-types` | |
| `cinder-volume` | all | |
| `test-conditions` | – | |
| `xtask` | – | |
";

    fn texts(packages_of: &[(&str, &[(&str, bool)])]) -> Vec<String> {
        let list: Vec<_> = packages_of
            .iter()
            .map(|(name, uses)| {
                let to: Vec<_> = uses
                    .iter()
                    .map(|(to, dev)| json!({ "name": to, "kind": if *dev { "dev" } else { "" } }))
                    .collect();
                let manifest = format!("/r/crates/{name}/Cargo.toml");
                json!({ "name": name, "manifest_path": manifest, "readme": "README.md",
                        "dependencies": to })
            })
            .collect();
        let graph = json!({ "workspace_root": "/r", "packages": list });
        check(&packages(&graph), TABLE).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_dependency_that_points_up_is_found() {
        assert_eq!(
            texts(&[("cinder-types", &[("cinder-db", false)]), ("cinder-db", &[])]),
            ["crates/cinder-types/Cargo.toml:1: cinder-types may not depend on cinder-db"]
        );
    }

    #[test]
    fn xtask_uses_none_of_ours_and_the_binary_all() {
        let uses: &[(&str, bool)] = &[("cinder-db", true)];
        let found = texts(&[("xtask", uses), ("cinder-volume", uses), ("cinder-db", &[])]);
        assert_eq!(found, ["crates/xtask/Cargo.toml:1: xtask may not depend on cinder-db"]);
    }

    #[test]
    fn what_is_for_tests_stays_in_tests() {
        let found = texts(&[
            ("oslo-log", &[("test-conditions", true)]),
            ("cinder-db", &[("test-conditions", false)]),
            ("test-conditions", &[]),
        ]);
        let wanted = "crates/cinder-db/Cargo.toml:1: cinder-db may not depend on test-conditions";
        assert_eq!(found, [wanted]);
    }

    #[test]
    fn reserved_packages_stay_in_their_crate() {
        let found = texts(&[
            ("oslo-log", &[("anyhow", false)]),
            ("cinder-conf", &[("diesel", false)]),
            ("cinder-db", &[("diesel", false), ("r2d2", false)]),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].ends_with("oslo-log may not depend on anyhow: a library has typed errors")
        );
    }

    #[test]
    fn an_unknown_crate_is_found_and_a_driver_is_not_unknown() {
        let found = texts(&[("cinder-utils", &[]), ("cinder-driver-lvm", &[])]);
        assert_eq!(
            found,
            ["crates/cinder-utils/Cargo.toml:1: cinder-utils is not in the table \"Allowed \
              dependencies\" of docs/architecture.md"]
        );
    }

    #[test]
    fn a_crate_without_readme_is_found() {
        let graph = json!({ "workspace_root": "/r", "packages": [
            { "name": "oslo-log", "manifest_path": "/r/crates/oslo-log/Cargo.toml",
              "readme": null, "dependencies": [] } ] });
        assert_eq!(check(&packages(&graph), TABLE)[0].text, "oslo-log has no README.md");
    }
}
