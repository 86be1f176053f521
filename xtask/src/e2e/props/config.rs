//! Writing `cinder.conf` for a scenario.

use std::fmt::Write as _;
use std::path::Path;

/// The `host` of every scenario, so that rows read `e2e@backend`.
pub(crate) const HOST: &str = "e2e";

/// A driver of the original that may serve a cluster, and that this program does not have: its back ends are
/// registered, and down.
pub(crate) const NOT_HERE: &str = "cinder.volume.drivers.rbd.RBDDriver";

/// A configuration file in the making. Later values of a key replace earlier ones.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    sections: Vec<(String, Vec<(String, String)>)>,
}

impl Config {
    /// Back ends with a heartbeat every second and everything else below `dir`.
    pub(crate) fn new(dir: &Path, backends: &[&str]) -> Self {
        let dir = dir.display();
        let mut config = Self { sections: Vec::new() }
            .set("DEFAULT", "enabled_backends", &backends.join(","))
            .set("DEFAULT", "host", HOST)
            .set("DEFAULT", "state_path", &dir.to_string())
            .set("DEFAULT", "report_interval", "1")
            .set("DEFAULT", "transport_url", "local:") // whatever the database is
            .set("database", "connection", &format!("sqlite:///{dir}/cinder.sqlite"));
        for name in backends {
            config =
                config.set(name, "volume_backend_name", name).set(name, "volume_driver", "local");
        }
        config
    }

    /// Sets one option.
    #[must_use]
    pub(crate) fn set(mut self, section: &str, key: &str, value: &str) -> Self {
        let options = self.section(section);
        options.retain(|(known, _)| known != key);
        options.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Removes one option.
    #[must_use]
    pub(crate) fn without(mut self, section: &str, key: &str) -> Self {
        self.section(section).retain(|(known, _)| known != key);
        self
    }

    fn section(&mut self, name: &str) -> &mut Vec<(String, String)> {
        let at = self.sections.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.sections.push((name.to_owned(), Vec::new()));
            self.sections.len() - 1
        });
        &mut self.sections[at].1
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, options) in &self.sections {
            let _ = writeln!(text, "[{name}]");
            for (key, value) in options {
                let _ = writeln!(text, "{key} = {value}");
            }
            text.push('\n');
        }
        text
    }

    /// The 1-based line on which `key` of `section` stands.
    pub(crate) fn line_of(&self, section: &str, key: &str) -> usize {
        let mut inside = false;
        let prefix = format!("{key} = ");
        for (at, line) in self.text().lines().enumerate() {
            if line.starts_with('[') {
                inside = line == format!("[{section}]");
            } else if inside && line.starts_with(&prefix) {
                return at + 1;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_on_its_line() {
        let config = Config::new(Path::new("/d"), &["a"]).set("a", "x", "1").set("b", "x", "2");
        let text = config.text();
        let line = config.line_of("b", "x");
        assert_eq!(text.lines().nth(line - 1), Some("x = 2"));
        assert_eq!(text.lines().nth(line - 2), Some("[b]"));
    }
}
