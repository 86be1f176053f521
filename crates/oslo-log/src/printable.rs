//! Control characters made visible: a name that holds a line feed or an escape sequence must
//! neither forge a line of the log nor drive the terminal of whoever reads it.
//!
//! Must not touch anything else: text in any script stays as it is, and so does a backslash.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character would do something instead of being shown: the control characters of ASCII
/// and Latin-1, Unicode's line and paragraph separators, and those that turn the direction of what
/// follows around (UAX #9).
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// The text with such characters written as `\n`, `\r`, `\t`, `\x1b` or `\u{202e}`.
///
/// ```
/// use oslo_log::printable;
///
/// assert_eq!(printable("lvm\n\x1b[2J"), r"lvm\n\x1b[2J");
/// assert_eq!(printable("größer"), "größer");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        // Writing to a String cannot fail.
        let _ = match character {
            '\n' => shown.write_str("\\n"),
            '\r' => shown.write_str("\\r"),
            '\t' => shown.write_str("\\t"),
            '\0'..='\u{ff}' if acts(character) => write!(shown, "\\x{:02x}", u32::from(character)),
            _ if acts(character) => write!(shown, "\\u{{{:x}}}", u32::from(character)),
            _ => shown.write_char(character),
        };
    }
    Cow::Owned(shown)
}

/// The same for what stands behind `start`.
pub(crate) fn make_printable(out: &mut String, start: usize) {
    let Some(tail) = out.get(start..) else { return };
    // Nearly always plain: no byte below a blank, no DEL, and nothing that begins one of the others.
    if tail.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return;
    }
    if let Cow::Owned(shown) = printable(tail) {
        out.truncate(start);
        out.push_str(&shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown_and_what_is_shown_stays() {
        for (text, shown) in [
            ("plain \\ text", "plain \\ text"),
            ("Grüße, 日本語, é", "Grüße, 日本語, é"),
            ("a\nb\rc\td", "a\\nb\\rc\\td"),
            ("\0\x07\x08\x1b[31m\x7f", "\\x00\\x07\\x08\\x1b[31m\\x7f"),
            ("\u{85}\u{9b}31m", "\\x85\\x9b31m"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            ("\u{202e}gpj.exe\u{202c}", "\\u{202e}gpj.exe\\u{202c}"),
        ] {
            assert_eq!(printable(text), shown);
            let mut out = format!("\n{text}");
            make_printable(&mut out, 1);
            assert_eq!(out, format!("\n{shown}"));
        }
    }
}
