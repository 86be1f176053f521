//! The option file that `read_default_file` names, as upstream's driver reads it: with Python's
//! configuration parser, not as the server's own programs do.
//!
//! Must not: follow `!include`, which that parser takes for a key, or show a value.

use std::{collections::BTreeMap, fs, io::Read as _, path::Path};

/// Nobody's option file is longer; what is would be read for a long time.
const LONGEST: u64 = 1024 * 1024;

/// One group of an option file, with Python's `[DEFAULT]` behind it.
#[derive(Debug, Default)]
pub(super) struct Group {
    options: BTreeMap<String, String>,
}

impl Group {
    /// Reads the group of this name.
    pub(super) fn read(path: &str, group: &str) -> Result<Self, String> {
        let text = text_of(Path::new(path))?;
        let mut groups = parse(&text)?;
        let own = groups.remove(group);
        let mut options = groups.remove("DEFAULT").unwrap_or_default();
        options.extend(own.ok_or_else(|| format!("it has no section [{group}]"))?);
        Ok(Self { options })
    }

    /// The value of a key. Nothing stands behind a key without one, too.
    pub(super) fn get(&self, key: &str) -> Option<String> {
        self.options.get(key).filter(|value| !value.is_empty()).cloned()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.options.keys().map(String::as_str)
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    super::files::regular_file(path)?;
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    Ok(text)
}

type Groups = BTreeMap<String, BTreeMap<String, String>>;

/// Keys are folded: capitals and underscores do not count. A value may go on in lines that are
/// indented more than its key. What Python refuses is refused.
fn parse(text: &str) -> Result<Groups, String> {
    let mut groups = Groups::new();
    let mut section: Option<String> = None;
    let mut open: Option<(String, usize)> = None;
    for (number, line) in text.lines().enumerate() {
        let wrong = |what: &str| format!("line {}: {what}", number + 1);
        let stripped = line.trim();
        if stripped.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if stripped.is_empty() {
            continue;
        }
        let group = section.as_ref().and_then(|name| groups.get_mut(name));
        if let (Some(group), Some((key, depth))) = (group, &open)
            && indent > *depth
        {
            let value = group.entry(key.clone()).or_default();
            value.push('\n');
            value.push_str(stripped);
            continue;
        }
        if let Some(name) = header(stripped) {
            if groups.contains_key(name) && name != "DEFAULT" {
                return Err(wrong("a section comes a second time"));
            }
            groups.entry(name.to_owned()).or_default();
            (section, open) = (Some(name.to_owned()), None);
            continue;
        }
        let group = section.as_ref().and_then(|name| groups.get_mut(name));
        let group = group.ok_or_else(|| wrong("something stands before any section"))?;
        let (key, value) = match stripped.find(['=', ':']) {
            Some(at) => (&stripped[..at], stripped[at + 1..].trim()),
            None => (stripped, ""),
        };
        let key = key.trim().to_lowercase().replace('_', "-");
        if key.is_empty() {
            return Err(wrong("a value has no key"));
        }
        if group.insert(key.clone(), value.to_owned()).is_some() {
            return Err(wrong("a key comes a second time"));
        }
        open = Some((key, indent));
    }
    for value in groups.values_mut().flat_map(BTreeMap::values_mut) {
        *value = unquoted(value).to_owned();
    }
    Ok(groups)
}

/// `[name]`, and whatever follows the last bracket.
fn header(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('[')?;
    let end = rest.rfind(']').filter(|end| *end > 0)?;
    rest.get(..end)
}

fn unquoted(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('\'').or_else(|| inner('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(text: &str, name: &str) -> Result<Vec<(String, String)>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("my.cnf");
        fs::write(&path, text).unwrap();
        let group = Group::read(&path.to_string_lossy(), name)?;
        Ok(group.options.into_iter().collect())
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    /// Each compared with what Python's parser, set up as upstream's driver does, makes of it.
    #[test]
    fn a_group_is_read_as_python_reads_it() {
        for (text, expected) in [
            ("[a]\nssl-ca = /x\n[b]\nssl-ca=/y\n", pairs(&[("ssl-ca", "/x")])),
            ("# c\n; c\n[a] # d\nSSL_CA: '/x y'\n", pairs(&[("ssl-ca", "/x y")])),
            (
                "[DEFAULT]\nport=1\n[DEFAULT]\n[a]\nuser=\"u\n",
                pairs(&[("port", "1"), ("user", "\"u")]),
            ),
            ("[a]\nskip\n!include /b\n", pairs(&[("!include /b", ""), ("skip", "")])),
            (
                "[a]\nx = 1\n  2\ny = 3 # no comment\n",
                pairs(&[("x", "1\n2"), ("y", "3 # no comment")]),
            ),
            ("[a]\n\n[client]\nx=1\n", Vec::new()),
        ] {
            assert_eq!(group(text, "a"), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn what_python_refuses_or_passes_over_is_an_error() {
        for (text, expected) in [
            ("x=1\n[a]\n", "line 1: something stands before any section"),
            ("[a]\nx=1\nX=2\n", "line 3: a key comes a second time"),
            ("[a]\n[a]\n", "line 2: a section comes a second time"),
            ("[a]\n=2\n", "line 2: a value has no key"),
            ("[b]\n", "it has no section [a]"),
        ] {
            assert_eq!(group(text, "a"), Err(expected.to_owned()), "{text:?}");
        }
        assert!(Group::read("/nowhere/my.cnf", "a").is_err());
        assert_eq!(Group::read("/dev/zero", "a").unwrap_err(), "it is no regular file");
        assert_eq!(
            group(&"#\n".repeat(1 << 20), "a"),
            Err("it is longer than 1048576 bytes".into())
        );
    }
}
