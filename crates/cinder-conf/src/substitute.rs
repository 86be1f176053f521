//! `$name` in values: finds the references; what they stand for is the caller's knowledge.
//!
//! Must not recurse: a result is never scanned again (`spec/config.md` §3).

/// One stretch of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// Copied as it is.
    Literal(&'t str),
    /// `$name` or `${name}`.
    Reference(&'t str),
}

/// Splits a text into literal stretches and references.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut start = 0; // of the literal stretch being collected
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('$')) {
        let dollar = at + found;
        let after = text.get(dollar + 1..).unwrap_or("");
        if text.get(..dollar).is_some_and(|head| head.ends_with('\\')) {
            // `\$` is a dollar sign: the backslash goes. No piece before it ends in one.
            literal(&mut out, text.get(start..dollar - 1));
            start = dollar;
            at = dollar + 1;
        } else if after.starts_with('$') {
            literal(&mut out, text.get(start..=dollar));
            at = dollar + 2;
            start = at;
        } else if let Some((name, length)) = reference(after) {
            literal(&mut out, text.get(start..dollar));
            out.push(Piece::Reference(name));
            at = dollar + 1 + length;
            start = at;
        } else {
            at = dollar + 1;
        }
    }
    literal(&mut out, text.get(start..));
    out
}

fn literal<'t>(out: &mut Vec<Piece<'t>>, text: Option<&'t str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        out.push(Piece::Literal(text));
    }
}

/// The name that follows a dollar sign, and how many bytes it and its braces take.
fn reference(after: &str) -> Option<(&str, usize)> {
    if let Some(braced) = after.strip_prefix('{') {
        let name = name(braced)?;
        return braced.get(name.len()..)?.starts_with('}').then_some((name, name.len() + 2));
    }
    name(after).map(|name| (name, name.len()))
}

fn name(text: &str) -> Option<&str> {
    let first = |c: char| c == '_' || c.is_ascii_alphabetic();
    let later = |c: char| first(c) || c == '.' || c.is_ascii_digit();
    if !text.starts_with(first) {
        return None;
    }
    let end = text.find(|c| !later(c)).unwrap_or(text.len());
    text.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        let show = |piece: &Piece<'_>| match piece {
            Piece::Literal(text) => (*text).to_owned(),
            Piece::Reference(name) => format!("<{name}>"),
        };
        pieces(text).iter().map(show).collect()
    }

    #[test]
    fn references_are_found_where_oslo_finds_them() {
        for (text, shown) in [
            ("plain", "plain"),
            ("$a/b", "<a>/b"),
            ("${a}b", "<a>b"),
            ("$a.b-c", "<a.b>-c"),
            ("x$$y", "x$y"),
            ("x\\$y", "x$y"),
            ("$$$a", "$<a>"),
            ("5$", "5$"),
            ("$5", "$5"),
            ("${a", "${a"),
            ("$ é$é", "$ é$é"),
            ("$a$b", "<a><b>"),
        ] {
            assert_eq!(show(text), shown, "{text}");
        }
    }
}
