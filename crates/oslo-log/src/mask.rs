//! Replaces passwords, tokens and keys in text by `***`, after the rules of spec/logging.md §7.
//!
//! Callers use it for what they dump (command lines, RPC messages); the formatter does not,
//! since an arbitrary line is not masked in the original either.
//!
//! The shapes are short patterns for a matcher of a hundred lines below: a regular expression
//! engine would weigh more in every worker than all the rest of this crate. Where the original
//! leaves a part of a secret (a `^` or the other kind of quote inside it) or cuts off text that
//! is no secret (what follows a masked entry of a quoted dictionary), this module does neither.

use std::borrow::Cow;

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// Names whose values are secret, in lower case.
const KEYS: &[&str] = &[
    "adminpass",
    "admin_pass",
    "password",
    "admin_password",
    "auth_token",
    "new_pass",
    "auth_password",
    "secret_uuid",
    "secret",
    "sys_pswd",
    "token",
    "configdrive",
    "chappassword",
    "encrypted_key",
    "private_key",
    "fernetkey",
    "sslkey",
    "passphrase",
    "cephclusterfsid",
    "octaviaheartbeatkey",
    "rabbitcookie",
    "cephmanilaclientkey",
    "pacemakerremoteauthkey",
    "designaterndckey",
    "cephadminkey",
    "heatauthencryptionkey",
    "cephclientkey",
    "keystonecredential",
    "barbicansimplecryptokek",
    "cephrgwkey",
    "swifthashsuffix",
    "migrationsshkey",
    "cephmdskey",
    "cephmonkey",
    "chapsecret",
];

/// A set of bytes.
#[derive(Debug, Clone, Copy)]
enum Class {
    Is(u8),
    IsNot(u8),
    Quote,
    NotQuote,
    Digit,
    Blank,
    NotBlank,
    /// From `A` to `z`, as the original writes it: letters and `[\]^_` and the backtick.
    OptionName,
    /// Ends at a blank or a quote.
    Bare,
    /// Ends at a blank, a quote or an equals sign.
    Argument,
}

impl Class {
    fn holds(self, byte: u8) -> bool {
        let quote = matches!(byte, b'"' | b'\'');
        let blank = matches!(byte, b' ' | b'\t'..=b'\r' | 0x1c..=0x1f);
        match self {
            Self::Is(wanted) => byte == wanted,
            Self::IsNot(unwanted) => byte != unwanted,
            Self::Quote => quote,
            Self::NotQuote => !quote,
            Self::Digit => byte.is_ascii_digit(),
            Self::Blank => blank,
            Self::NotBlank => !blank,
            Self::OptionName => (b'A'..=b'z').contains(&byte),
            Self::Bare => !blank && !quote,
            Self::Argument => !blank && !quote && byte != b'=',
        }
    }
}

/// An element of a pattern. Repetitions take as much as they can and give back what the rest needs.
#[derive(Debug, Clone, Copy)]
enum Piece {
    Key,
    One(Class),
    Maybe(Class),
    Any(Class),
    Many(Class),
    /// Beginning and end of what is replaced.
    Open,
    Close,
}

use Class::{Argument, Bare, Blank, Digit, Is, IsNot, NotBlank, NotQuote, OptionName, Quote};
use Piece::{Any, Close, Key, Many, Maybe, One, Open};

const DOUBLE: Class = Is(b'"');
const SINGLE: Class = Is(b'\'');
const NOT_DOUBLE: Class = IsNot(b'"');
const NOT_SINGLE: Class = IsNot(b'\'');
const EQUALS: Class = Is(b'=');
const COLON: Class = Is(b':');
const COMMA: Class = Is(b',');
const DASH: Class = Is(b'-');

/// The shapes in which a secret is found. A value in one kind of quote comes before "any
/// quote", so that a quote of the other kind inside it does not end it.
// One shape must be readable at a glance; one piece per line would make it a page.
#[rustfmt::skip]
const PATTERNS: &[&[Piece]] = &[
    // key = "value"
    &[Key, Any(Digit), Any(Blank), One(EQUALS), Any(Blank), One(DOUBLE), Open, Any(NOT_DOUBLE), Close, One(DOUBLE)],
    &[Key, Any(Digit), Any(Blank), One(EQUALS), Any(Blank), One(SINGLE), Open, Any(NOT_SINGLE), Close, One(SINGLE)],
    &[Key, Any(Digit), Any(Blank), One(EQUALS), Any(Blank), One(Quote), Open, Any(NotQuote), Close, One(Quote)],
    // key "value"
    &[Key, Any(Digit), Many(Blank), One(DOUBLE), Open, Any(NOT_DOUBLE), Close, One(DOUBLE)],
    &[Key, Any(Digit), Many(Blank), One(SINGLE), Open, Any(NOT_SINGLE), Close, One(SINGLE)],
    &[Key, Any(Digit), Many(Blank), One(Quote), Open, Any(NotQuote), Close, One(Quote)],
    // --key value
    &[One(DASH), One(DASH), Key, Any(Digit), Many(Blank), Open, Many(Argument), Close, Any(Blank)],
    // <key>value</key>
    &[One(Is(b'<')), Key, Any(Digit), One(Is(b'>')), Open, Any(IsNot(b'<')), Close,
      One(Is(b'<')), One(Is(b'/')), Key, Any(Digit), One(Is(b'>'))],
    // '…key' : u'value'
    &[One(Quote), Any(NotQuote), Key, Any(Digit), One(Quote), Any(Blank), One(COLON), Any(Blank),
      Maybe(Is(b'u')), One(DOUBLE), Open, Any(NOT_DOUBLE), Close, One(DOUBLE)],
    &[One(Quote), Any(NotQuote), Key, Any(Digit), One(Quote), Any(Blank), One(COLON), Any(Blank),
      Maybe(Is(b'u')), One(SINGLE), Open, Any(NOT_SINGLE), Close, One(SINGLE)],
    &[One(Quote), Any(NotQuote), Key, Any(Digit), One(Quote), Any(Blank), One(COLON), Any(Blank),
      Maybe(Is(b'u')), One(Quote), Open, Any(NotQuote), Close, One(Quote)],
    // '…key', '--option', 'value'
    &[One(Quote), Any(NotQuote), Key, Any(Digit), One(Quote), Any(Blank), One(COMMA), Any(Blank),
      One(SINGLE), One(DASH), Maybe(DASH), Many(OptionName), One(SINGLE), Any(Blank), One(COMMA),
      Any(Blank), Maybe(Is(b'u')), One(Quote), Open, Any(NotQuote), Close, One(Quote)],
    // key --option value
    &[Key, Any(Digit), Any(Blank), One(DASH), Maybe(DASH), Many(OptionName), Any(Blank),
      Open, Many(NotBlank), Close, Any(Blank)],
    // key = value
    &[Key, Any(Digit), Any(Blank), One(EQUALS), Any(Blank), Open, Many(Bare), Close],
];

/// Replaces every secret that stands behind a known name.
///
/// ```
/// use oslo_log::mask::mask_password;
///
/// assert_eq!(mask_password("--password abc --size 1"), "--password *** --size 1");
/// assert_eq!(mask_password("nothing to hide"), "nothing to hide");
/// ```
#[must_use]
pub fn mask_password(text: &str) -> Cow<'_, str> {
    let mut masked = Cow::Borrowed(text);
    let mut lower = text.to_ascii_lowercase();
    for key in KEYS {
        if !lower.contains(key) {
            continue;
        }
        for pattern in PATTERNS {
            if let Some(replaced) = replace_all(&masked, key, pattern) {
                lower = replaced.to_ascii_lowercase();
                masked = Cow::Owned(replaced);
            }
        }
    }
    masked
}

/// Whether a dictionary entry of this name is secret: the name contains a known one.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    KEYS.iter().any(|key| lower.contains(key))
}

/// A value of a dictionary that is about to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A string, searched for secrets like any text.
    Text(String),
    /// A number, a truth value or nothing, as it will be printed.
    Plain(String),
    /// A list of values.
    List(Vec<Value>),
    /// A nested dictionary.
    Map(Vec<(String, Value)>),
}

/// Masks a dictionary in place: whole values under a secret name, secrets inside other texts.
pub fn mask_dictionary(entries: &mut [(String, Value)]) {
    for (name, value) in entries {
        if is_secret_name(name) {
            *value = Value::Text(MASK.to_owned());
        } else {
            mask_value(value);
        }
    }
}

fn mask_value(value: &mut Value) {
    match value {
        Value::Text(text) => {
            if let Cow::Owned(masked) = mask_password(text) {
                *text = masked;
            }
        }
        Value::Plain(_) => {}
        Value::List(values) => values.iter_mut().for_each(mask_value),
        Value::Map(entries) => mask_dictionary(entries),
    }
}

/// Replaces each match from left to right; none if there is no match.
fn replace_all(text: &str, key: &str, pattern: &[Piece]) -> Option<String> {
    let mut replaced: Option<String> = None;
    let mut copied = 0;
    let mut at = 0;
    while at < text.len() {
        let mut matcher = Matcher { text: text.as_bytes(), key: key.as_bytes(), open: 0, close: 0 };
        let Some(end) = matcher.run(pattern, at) else {
            at += 1;
            continue;
        };
        // Both ends of the value lie beside an ASCII byte or the end of the text.
        let out = replaced.get_or_insert_default();
        out.push_str(text.get(copied..matcher.open).unwrap_or_default());
        out.push_str(MASK);
        copied = matcher.close;
        at = end; // further on: no pattern is without a key
    }
    let mut out = replaced?;
    out.push_str(text.get(copied..).unwrap_or_default());
    Some(out)
}

struct Matcher<'a> {
    text: &'a [u8],
    key: &'a [u8],
    open: usize,
    close: usize,
}

impl Matcher<'_> {
    /// Matches `pieces` at `at`; where the match ends.
    fn run(&mut self, pieces: &[Piece], at: usize) -> Option<usize> {
        let Some((first, rest)) = pieces.split_first() else { return Some(at) };
        match *first {
            Key => {
                let end = at + self.key.len();
                let found = self.text.get(at..end)?;
                if found.eq_ignore_ascii_case(self.key) { self.run(rest, end) } else { None }
            }
            One(class) => self.repeat(class, 1, 1, rest, at),
            Maybe(class) => self.repeat(class, 0, 1, rest, at),
            Any(class) => self.repeat(class, 0, usize::MAX, rest, at),
            Many(class) => self.repeat(class, 1, usize::MAX, rest, at),
            Open => {
                let end = self.run(rest, at)?;
                self.open = at;
                Some(end)
            }
            Close => {
                let end = self.run(rest, at)?;
                self.close = at;
                Some(end)
            }
        }
    }

    fn repeat(
        &mut self,
        class: Class,
        least: usize,
        most: usize,
        rest: &[Piece],
        at: usize,
    ) -> Option<usize> {
        let tail = self.text.get(at..)?;
        let longest = tail.iter().take(most).take_while(|byte| class.holds(**byte)).count();
        (least..=longest).rev().find_map(|count| self.run(rest, at + count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_contracts_table_holds() {
        for (input, expected) in [
            ("password=abc", "password=***"),
            ("password = abc def", "password = *** def"),
            ("'password': 'abc'", "'password': '***'"),
            ("{'adminPass': u'x'}", "{'adminPass': u'***'}"),
            ("--password abc", "--password ***"),
            ("--password abc --size 1", "--password *** --size 1"),
            ("--password ab'c", "--password ***'c"),
            ("--password ab=c", "--password ***=c"),
            ("--os-password=abc", "--os-password=***"),
            ("--os-password abc", "--os-password abc"),
            ("<password>x</password>", "<password>***</password>"),
            ("passphrase=abc,next=1", "passphrase=***"),
            ("auth_token=zz; other=1", "auth_token=*** other=1"),
            ("token abc", "token abc"),
            ("Password: abc", "Password: abc"),
            ("CHAPPASSWORD zz", "CHAPPASSWORD zz"),
            ("token 'abc'", "token '***'"),
            (
                "iscsiadm --name node.session.auth.password --value s",
                "iscsiadm --name node.session.auth.password --value ***",
            ),
            (
                "('node.session.auth.password', '--value', 's')",
                "('node.session.auth.password', '--value', '***')",
            ),
            ("mysql://u:pw@h/db", "mysql://u:pw@h/db"),
            ("rabbit://u:pw@h", "rabbit://u:pw@h"),
            ("password=\"it's\"", "password=\"***\""),
            ("mypassword=a", "mypassword=***"),
            ("passwordx=a", "passwordx=a"),
            ("password2=a", "password2=***"),
        ] {
            assert_eq!(mask_password(input), expected, "{input}");
        }
    }

    #[test]
    fn secrets_that_the_original_leaves_in_part_are_masked_whole() {
        for (input, expected) in [
            ("password=a^b", "password=***"),
            ("{\"password\": \"it's\"}", "{\"password\": \"***\"}"),
            ("{'password': 'abc', 'size': '1'}", "{'password': '***', 'size': '1'}"),
            ("token=\u{e4}\u{20ac}\u{1f600} x", "token=*** x"),
        ] {
            assert_eq!(mask_password(input), expected, "{input}");
        }
    }

    #[test]
    fn a_dictionary_is_masked_by_name_and_its_texts_by_shape() {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut entries = vec![
            ("Admin_Password_Hash".to_owned(), Value::Plain("1".to_owned())),
            ("token_data".to_owned(), Value::Map(vec![("a".to_owned(), text("b"))])),
            ("nested".to_owned(), Value::Map(vec![("secret".to_owned(), text("x"))])),
            ("args".to_owned(), Value::List(vec![text("--password x"), text("y")])),
            ("size".to_owned(), Value::Plain("1".to_owned())),
        ];
        mask_dictionary(&mut entries);
        assert_eq!(
            entries,
            [
                ("Admin_Password_Hash".to_owned(), text(MASK)),
                ("token_data".to_owned(), text(MASK)),
                ("nested".to_owned(), Value::Map(vec![("secret".to_owned(), text(MASK))])),
                ("args".to_owned(), Value::List(vec![text("--password ***"), text("y")])),
                ("size".to_owned(), Value::Plain("1".to_owned())),
            ]
        );
    }

    #[test]
    fn long_hostile_text_is_masked_in_reasonable_time() {
        // Both inputs make a careless backtracking matcher quadratic or worse.
        for unit in ["password   ", "'password"] {
            let text = unit.repeat(2_000);
            assert!(!mask_password(&text).is_empty());
        }
    }
}
