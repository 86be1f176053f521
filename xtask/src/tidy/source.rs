//! A Rust file with its comments and literals blanked out, so that rules can look for words.
//!
//! Not a parser: it knows comments, strings, characters and braces, which is all the rules need.
//! Blanks replace the blanked text byte for byte, so positions and lines stay the same.

use std::ops::Range;

/// One Rust file.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    /// `text` with comments and the insides of literals replaced by blanks.
    pub(crate) code: String,
    /// `text` with everything but comments replaced by blanks.
    pub(crate) comments: String,
}

/// A function with a body: its name and its lines, from `fn` to the closing brace, 0-based.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) lines: Range<usize>,
}

impl Source {
    pub(crate) fn new(path: &str, text: String) -> Self {
        let (code, comments) = split(&text);
        Self { path: path.to_owned(), text, code, comments }
    }

    /// The 1-based line of a byte position.
    pub(crate) fn line_at(&self, position: usize) -> usize {
        let before = self.code.as_bytes().get(..position).unwrap_or_default();
        before.iter().filter(|&&byte| byte == b'\n').count() + 1
    }

    /// Positions at which `word` stands alone.
    pub(crate) fn words(&self, word: &str) -> Vec<usize> {
        let bytes = self.code.as_bytes();
        let part = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at)).is_some_and(|&b| b == b'_' || b.is_ascii_alphanumeric())
        };
        let all = self.code.match_indices(word).map(|(at, _)| at);
        all.filter(|&at| !part(at.checked_sub(1)) && !part(Some(at + word.len()))).collect()
    }

    /// Byte ranges of modules that exist for tests only.
    pub(crate) fn test_modules(&self) -> Vec<Range<usize>> {
        // Also where a feature is wanted besides: `#[cfg(all(test, feature = "…"))]`.
        let starts = ["#[cfg(test)]", "#[cfg(all(test, "]
            .into_iter()
            .flat_map(|mark| self.code.match_indices(mark))
            .map(|(at, _)| at);
        starts
            .filter_map(|start| {
                let after = self.code.get(start..)?;
                let open = start + after.find(['{', ';'])?;
                let is_module = self.code.get(start..open)?.contains("mod ");
                let ends_here = self.code.as_bytes().get(open) == Some(&b';');
                (is_module && !ends_here).then(|| start..self.closing(open).unwrap_or(open))
            })
            .collect()
    }

    /// Every function that has a body.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let body = |at: usize| {
            let rest = self.code.get(at + 2..)?;
            let name: String = rest
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let open = at + 2 + body_start(rest)?;
            let close = self.closing(open)?;
            (!name.is_empty())
                .then(|| Function { name, lines: self.line_at(at) - 1..self.line_at(close) })
        };
        self.words("fn").into_iter().filter_map(body).collect()
    }

    /// The position of the bracket that closes the one at `open`.
    pub(crate) fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (at, byte) in self.code.bytes().enumerate().skip(open) {
            match byte {
                b'{' | b'(' | b'[' => depth += 1,
                b'}' | b')' | b']' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// Where the body of a function begins: the first `{` outside of its brackets. A `;` there means
/// that it has none; so does a `)` or `,`, which end a function type.
fn body_start(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.checked_sub(1)?,
            b'{' if depth == 0 => return Some(at),
            b';' | b'=' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The text without comments and literals, and the comments alone; line ends stay in both.
fn split(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut comments = blanks(bytes);
    let mut at = 0;
    while at < bytes.len() {
        let Some(end) = literal_end(bytes, at) else {
            at += 1;
            continue;
        };
        let whole = bytes.get(at..end).unwrap_or_default();
        put(&mut code, at, &blanks(whole));
        if whole.starts_with(b"//") || whole.starts_with(b"/*") {
            put(&mut comments, at, whole);
        }
        at = end;
    }
    // Only whole literals and comments were replaced, so no character was cut in half.
    let checked = |bytes| String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned());
    (checked(code), checked(comments))
}

fn blanks(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|&byte| if byte == b'\n' { byte } else { b' ' }).collect()
}

fn put(into: &mut [u8], at: usize, piece: &[u8]) {
    if let Some(place) = into.get_mut(at..at + piece.len()) {
        place.copy_from_slice(piece);
    }
}

/// The end of the comment or literal that starts at `at`, if one does.
fn literal_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let in_word = at > 0
        && bytes
            .get(at - 1)
            .is_some_and(|&before| before == b'_' || before.is_ascii_alphanumeric());
    if rest.starts_with(b"//") {
        Some(at + find(rest, b"\n").unwrap_or(rest.len()))
    } else if rest.starts_with(b"/*") {
        Some(at + comment_length(rest))
    } else if rest.starts_with(b"\"") {
        Some(at + quoted_length(rest))
    } else if !in_word && (rest.starts_with(b"r") || rest.starts_with(b"br")) {
        raw_length(rest).map(|length| at + length)
    } else if rest.starts_with(b"'") {
        character_length(rest).map(|length| at + length)
    } else {
        None
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// Block comments nest.
fn comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let here = rest.get(at..).unwrap_or_default();
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, `br"…"`; not the raw identifier `r#type`.
fn raw_length(rest: &[u8]) -> Option<usize> {
    let prefix = if rest.starts_with(b"br") { 2 } else { 1 };
    let hashes = rest.get(prefix..)?.iter().take_while(|&&byte| byte == b'#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let mut end = vec![b'"'];
    end.extend(std::iter::repeat_n(b'#', hashes));
    let body = rest.get(open + 1..)?;
    Some(find(body, &end).map_or(rest.len(), |at| open + 1 + at + end.len()))
}

/// A character literal; `None` for a lifetime.
fn character_length(rest: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(rest.get(1..rest.len().min(16))?).ok();
    let text = text.or_else(|| {
        let whole = rest.get(1..rest.len().min(16))?;
        let valid = std::str::from_utf8(whole).err()?.valid_up_to();
        std::str::from_utf8(whole.get(..valid)?).ok()
    })?;
    if let Some(escaped) = text.strip_prefix('\\') {
        // The escaped character itself may be a quote.
        let first = escaped.chars().next()?.len_utf8();
        let close = escaped.get(first..)?.find('\'')?;
        return Some(1 + 1 + first + close + 1);
    }
    let first = text.chars().next()?.len_utf8();
    (rest.get(1 + first) == Some(&b'\'')).then_some(1 + first + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("x.rs", text.to_owned())
    }

    #[test]
    fn comments_and_literals_are_blanked_and_positions_stay() {
        let text = "a /* { /* } */ */ \"}\\\"{\" r#\"\"}\"# '{' '\\'' 'static b'}' // }\nz";
        let one = source(text);
        assert_eq!(one.code.len(), text.len());
        assert!(!one.code.contains(['{', '}']), "{}", one.code);
        assert!(one.code.contains("'static") && one.code.ends_with("\nz"));
    }

    #[test]
    fn comments_alone_keep_their_positions_too() {
        let text = "let a = \"// é\"; // see é\n/* b */ z";
        let one = source(text);
        assert_eq!(one.comments.len(), text.len());
        assert_eq!(one.comments.trim(), "// see é\n/* b */");
        assert_eq!(one.comments.find("//"), text.rfind("//"));
    }

    #[test]
    fn a_raw_identifier_is_code() {
        assert!(source("let r#type = 1; \"x\"").code.contains("r#type"));
    }

    #[test]
    fn functions_are_measured_from_fn_to_the_closing_brace() {
        let one =
            source("fn a(f: fn(u8) -> u8) -> [u8; 2] {\n  g()\n}\ntrait T { fn b(&self); }\n");
        assert_eq!(one.functions(), [Function { name: "a".to_owned(), lines: 0..3 }]);
    }

    #[test]
    fn test_modules_are_found_and_test_items_are_not_taken_for_one() {
        let one = source(
            "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\n#[cfg(all(test, feature = \"f\"))]\nuse x;\n",
        );
        let ranges = one.test_modules();
        assert_eq!(ranges.len(), 1);
        assert_eq!(one.line_at(ranges[0].start), 2);
        assert_eq!(one.line_at(ranges[0].end), 5);
    }

    #[test]
    fn a_word_is_not_found_inside_another() {
        assert_eq!(source("unsafe_code unsafe { } not_unsafe").words("unsafe"), [12]);
    }
}
