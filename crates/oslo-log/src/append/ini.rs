//! The dialect of Python's `configparser`, as much of it as a logging configuration uses.
//!
//! Must not know what the keys mean.

/// More levels of `%(name)s` than this are a cycle; the original's limit.
const MAX_DEPTH: usize = 10;

/// Sections with their keys and values, in the order of the file.
#[derive(Debug)]
pub(super) struct Ini {
    sections: Vec<(String, Vec<(String, String)>)>,
}

impl Ini {
    /// Reads sections, `key = value` and `key: value`, comments and continued values.
    ///
    /// # Errors
    ///
    /// One sentence with the number of the line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut sections: Vec<(String, Vec<(String, String)>)> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let bad = |what: &str| format!("line {}: {what}", at + 1);
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            let current = sections.last_mut();
            if line.starts_with([' ', '\t'])
                && let Some((_, options)) = current
                && let Some((_, value)) = options.last_mut()
            {
                value.push('\n');
                value.push_str(trimmed);
            } else if let Some(name) = trimmed.strip_prefix('[') {
                let (name, _) = name.split_once(']').ok_or_else(|| bad("no closing bracket"))?;
                if sections.iter().any(|(known, _)| known == name) {
                    return Err(bad(&format!("section [{name}] already exists")));
                }
                sections.push((name.to_owned(), Vec::new()));
            } else {
                let (_, options) = sections.last_mut().ok_or_else(|| bad("no section header"))?;
                let (key, value) =
                    trimmed.split_once(['=', ':']).ok_or_else(|| bad("no = or : behind a key"))?;
                let key = key.trim().to_lowercase();
                if options.iter().any(|(known, _)| *known == key) {
                    return Err(bad(&format!("{key} already exists")));
                }
                options.push((key, value.trim().to_owned()));
            }
        }
        Ok(Self { sections })
    }

    fn section(&self, name: &str) -> Option<&[(String, String)]> {
        let found = self.sections.iter().find(|(known, _)| known == name);
        found.map(|(_, options)| options.as_slice())
    }

    /// A value as it stands in the file; `[DEFAULT]` speaks for keys that a section lacks.
    pub(super) fn raw(&self, section: &str, key: &str) -> Option<&str> {
        let find =
            |options: &[(String, String)]| options.iter().position(|(known, _)| known == key);
        let own = self.section(section)?;
        let options = match find(own) {
            Some(_) => own,
            None => self.section("DEFAULT")?,
        };
        options.get(find(options)?).map(|(_, value)| value.as_str())
    }

    /// A value with every `%(name)s` replaced from the same section.
    ///
    /// # Errors
    ///
    /// When the section is missing or a replacement cannot be made.
    pub(super) fn get(&self, section: &str, key: &str) -> Result<Option<String>, String> {
        if self.section(section).is_none() {
            return Err(format!("section [{section}] is missing"));
        }
        let value = self.raw(section, key);
        value
            .map(|value| self.replaced(section, value, 0))
            .transpose()
            .map_err(|what| format!("[{section}] {key}: {what}"))
    }

    fn replaced(&self, section: &str, value: &str, depth: usize) -> Result<String, String> {
        if depth > MAX_DEPTH {
            return Err("its %(name)s go round in a circle".into());
        }
        let mut out = String::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('%') {
            out.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                out.push('%');
                rest = after;
                continue;
            }
            let named = after.strip_prefix('(').and_then(|after| after.split_once(")s"));
            let (name, after) = named.ok_or("a % is followed by neither % nor (name)s")?;
            let found = self.raw(section, &name.to_lowercase());
            let found = found.ok_or_else(|| format!("there is no {name} for %({name})s"))?;
            out.push_str(&self.replaced(section, found, depth + 1)?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// As [`Ini::get`], for a key that must be there.
    ///
    /// # Errors
    ///
    /// Those of [`Ini::get`], and when the key is missing.
    pub(super) fn need(&self, section: &str, key: &str) -> Result<String, String> {
        self.get(section, key)?.ok_or_else(|| format!("[{section}] {key} is missing"))
    }

    /// The names below `keys` of a section.
    ///
    /// # Errors
    ///
    /// Those of [`Ini::need`].
    pub(super) fn keys(&self, section: &str) -> Result<Vec<String>, String> {
        Ok(split(&self.need(section, "keys")?))
    }
}

/// The items of a list with commas, without the blanks around them; none of an empty text.
pub(super) fn split(text: &str) -> Vec<String> {
    let items = text.split(',').map(|item| item.trim().to_owned());
    items.filter(|item| !item.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_continued_replaced_and_inherited() {
        let text = "# head\n[DEFAULT]\ndir = /d\n[a]\nName: x = y\nlong = one\n  two\n; no\n\
                    path=%(dir)s/%(name)s 100%%\n[b]\nc =\n";
        let ini = Ini::parse(text).unwrap();
        let get = |key| ini.get("a", key).unwrap();
        assert_eq!(get("name").as_deref(), Some("x = y"));
        assert_eq!(get("long").as_deref(), Some("one\ntwo"));
        assert_eq!(get("path").as_deref(), Some("/d/x = y 100%"));
        assert_eq!(ini.raw("a", "path"), Some("%(dir)s/%(name)s 100%%"));
        assert_eq!(ini.get("b", "c").unwrap().as_deref(), Some(""));
        assert_eq!(get("nothing"), None);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("x = 1\n", "line 1: no section header"),
            ("[a]\nx\n", "line 2: no = or : behind a key"),
            ("[a\n", "line 1: no closing bracket"),
            ("[a]\n\n[a]\n", "line 3: section [a] already exists"),
            ("[a]\nx = 1\nX = 2\n", "line 3: x already exists"),
        ] {
            assert_eq!(Ini::parse(text).unwrap_err(), expected);
        }
        let ini = Ini::parse("[a]\nb = %(c)s\nd = 5%\nx = %(y)s\ny = %(x)s\n").unwrap();
        for (section, key, expected) in [
            ("a", "b", "[a] b: there is no c for %(c)s"),
            ("a", "d", "[a] d: a % is followed by neither % nor (name)s"),
            ("a", "x", "[a] x: its %(name)s go round in a circle"),
            ("a", "z", "[a] z is missing"),
            ("z", "a", "section [z] is missing"),
        ] {
            assert_eq!(ini.need(section, key).unwrap_err(), expected);
        }
    }
}
