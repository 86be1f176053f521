//! Who may depend on whom. The table is the one of docs/architecture.md.

use serde_json::Value;

use super::Finding;

/// Our crates and those of ours that each may use. Dependencies never point up or sideways.
const LAYERS: [(&str, &[&str]); 13] = [
    ("oslo-launcher", &[]),
    ("oslo-log", &[]),
    ("cinder-conf", &[]),
    ("cinder-health", &[]),
    ("cinder-types", &[]),
    ("cinder-db", &["cinder-types"]),
    ("oslo-messaging", &[]),
    ("cinder-objects", &["cinder-types"]),
    ("cinder-driver", &["cinder-types"]),
    ("cinder-driver-", &["cinder-driver", "cinder-types"]),
    (
        "cinder-manager",
        &["cinder-types", "cinder-db", "cinder-objects", "cinder-driver", "oslo-messaging"],
    ),
    ("cinder-volume", &["*"]),
    ("xtask", &[]),
];

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

pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in packages {
        let mut say = |text: String| found.push(Finding::new(&package.manifest, 1, text));
        let Some(allowed) = allowed(&package.name) else {
            say(format!("{} has no place in the table of crates", package.name));
            continue;
        };
        if !package.has_readme && package.name != "xtask" {
            say(format!("{} has no README.md", package.name));
        }
        for (name, for_tests) in &package.dependencies {
            let ours = packages.iter().any(|other| other.name == *name);
            let fits = allowed.contains(&"*") || allowed.contains(&name.as_str());
            if ours && !fits {
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

/// Exact names first; a name that ends in a dash stands for a family.
fn allowed(name: &str) -> Option<&'static [&'static str]> {
    let exact = LAYERS.iter().find(|(known, _)| *known == name);
    let family =
        || LAYERS.iter().find(|(known, _)| known.ends_with('-') && name.starts_with(known));
    exact.or_else(family).map(|(_, allowed)| *allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
        check(&packages(&graph)).iter().map(ToString::to_string).collect()
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
            ["crates/cinder-utils/Cargo.toml:1: cinder-utils has no place in the table of crates"]
        );
    }

    #[test]
    fn a_crate_without_readme_is_found() {
        let graph = json!({ "workspace_root": "/r", "packages": [
            { "name": "oslo-log", "manifest_path": "/r/crates/oslo-log/Cargo.toml",
              "readme": null, "dependencies": [] } ] });
        assert_eq!(check(&packages(&graph))[0].text, "oslo-log has no README.md");
    }
}
