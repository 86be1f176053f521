//! Keys and values as Python's `repr` shows a dictionary of texts: the form in which a snapshot's metadata are told.
//!
//! Pure. Whoever reads it back does so with Python's own reader, so every quote counts.

use std::fmt::Write as _;

use cinder_db::metadata::Metadata;

/// All of it.
pub(super) fn of(metadata: &Metadata) -> String {
    let mut all = String::from("{");
    for (at, (key, value)) in metadata.iter().enumerate() {
        if at > 0 {
            all.push_str(", ");
        }
        quote(key, &mut all);
        all.push_str(": ");
        match value {
            Some(value) => quote(value, &mut all),
            None => all.push_str("None"),
        }
    }
    all.push('}');
    all
}

fn quote(text: &str, into: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    into.push(quote);
    for one in text.chars() {
        // Writing to a String cannot fail.
        match one {
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            one if one == quote => into.extend(['\\', one]),
            one if is_printable(one) => into.push(one),
            one => {
                let number = u32::from(one);
                let _ = match number {
                    0..=0xff => write!(into, "\\x{number:02x}"),
                    0x100..=0xffff => write!(into, "\\u{number:04x}"),
                    _ => write!(into, "\\U{number:08x}"),
                };
            }
        }
    }
    into.push(quote);
}

/// Rust's own notion is that of Python's `isprintable`, but for accents at the beginning of a text.
fn is_printable(one: char) -> bool {
    one == '"' || one == '\'' || {
        let behind_a_letter: String = ['a', one].iter().collect();
        let shown = behind_a_letter.escape_debug().nth(1);
        shown != Some('\\')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repr(pairs: &[(&str, Option<&str>)]) -> String {
        let pairs = pairs.iter().map(|(key, value)| {
            let value = value.map(str::to_owned);
            ((*key).to_owned(), value)
        });
        of(&pairs.collect())
    }

    /// What Python 3.11 prints for the same.
    #[test]
    fn texts_are_quoted_as_python_quotes_them() {
        for (text, expected) in [
            ("v", "{'k': 'v'}"),
            ("", "{'k': ''}"),
            ("it's", "{'k': \"it's\"}"),
            ("a'\"b\n\\ ", "{'k': 'a\\'\"b\\n\\\\ '}"),
            ("say \"hi\"", "{'k': 'say \"hi\"'}"),
            ("é ü 漢 \u{1f600} e\u{301}", "{'k': 'é ü 漢 \u{1f600} e\u{301}'}"),
            (
                "\u{0}\u{7f}\u{a0}\u{200b}\u{ad}\u{e000}\u{e0001}\r\t",
                "{'k': '\\x00\\x7f\\xa0\\u200b\\xad\\ue000\\U000e0001\\r\\t'}",
            ),
        ] {
            assert_eq!(repr(&[("k", Some(text))]), expected, "{text:?}");
        }
        assert_eq!(repr(&[("a", Some("1")), ("b", None)]), "{'a': '1', 'b': None}");
    }
}
