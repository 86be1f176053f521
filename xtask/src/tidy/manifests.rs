//! Every dependency goes through the table of the workspace; every crate says what it is.

use super::Finding;

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    // A package that is a workspace of its own, such as fuzz targets, has no table to go through.
    if text.lines().any(|line| line.trim() == "[workspace]") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut section = String::new();
    // A `[dependencies.name]` section: its line, its name, and whether it names the workspace.
    let mut table: Option<(usize, String, bool)> = None;
    let mut described = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            found.extend(closed(path, table.take()));
            section = line.trim_matches(['[', ']']).to_owned();
            table = single(&section).map(|name| (at + 1, name, false));
        } else if let Some((_, _, through)) = &mut table {
            *through |= squeezed(line) == "workspace=true";
        } else if is_list(&section) && line.contains('=') && !line.starts_with('#') {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
            if !squeezed(line).contains("workspace=true") {
                found.push(Finding::new(path, at + 1, outside(name)));
            }
        }
        described |= section == "package" && squeezed(line).starts_with("description=\"");
    }
    found.extend(closed(path, table));
    if !described {
        found.push(Finding::new(path, 1, "the package has no description"));
    }
    found
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect()
}

fn outside(name: &str) -> String {
    format!("dependency {name} does not go through the table of the workspace")
}

const LISTS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// `[dependencies]`, `[target.'cfg(unix)'.dev-dependencies]` and their like.
fn is_list(section: &str) -> bool {
    LISTS.iter().any(|list| section == *list || section.ends_with(&format!(".{list}")))
}

/// The dependency that a section of its own is about.
fn single(section: &str) -> Option<String> {
    let (before, name) = section.rsplit_once('.')?;
    is_list(before).then(|| name.to_owned())
}

fn closed(path: &str, table: Option<(usize, String, bool)>) -> Option<Finding> {
    let (line, name, through) = table?;
    (!through).then(|| Finding::new(path, line, outside(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        check("c/Cargo.toml", text)
            .into_iter()
            .map(|found| format!("{}: {}", found.line, found.text))
            .collect()
    }

    #[test]
    fn a_version_of_its_own_is_found_in_every_kind_of_table() {
        let text = "[package]\ndescription = \"x\"\n[dependencies]\na.workspace = true\n\
                    b = { workspace = true, features = [\"x\"] }\nc = \"1\"\n\
                    [target.'cfg(unix)'.dev-dependencies]\nd = { version = \"1\" }\n\
                    [dependencies.e]\nversion = \"1\"\n[dependencies.f]\nworkspace = true\n";
        assert_eq!(
            texts(text),
            [
                "6: dependency c does not go through the table of the workspace",
                "8: dependency d does not go through the table of the workspace",
                "9: dependency e does not go through the table of the workspace",
            ]
        );
    }

    #[test]
    fn a_workspace_of_its_own_has_its_own_versions() {
        assert!(texts("[workspace]\n[dependencies]\na = \"1\"\n").is_empty());
    }

    #[test]
    fn a_package_without_description_is_found() {
        assert_eq!(texts("[package]\nname = \"x\"\n"), ["1: the package has no description"]);
    }
}
