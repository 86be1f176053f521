//! What a text from a file, the environment or a command line looks like where people see it.
//!
//! Options that are secret as a whole are hidden elsewhere; here it is about secrets inside of other
//! values: user information in a URL, `password=` among mount options, a line that is no assignment.
//! And no text may forge a line or drive a terminal. Must not: know which option a text is of.

use std::borrow::Cow;
use std::fmt::Write;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "****";

/// Ends of names whose values are secret, in lower case (`spec/logging.md` §7).
const SECRET_NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pass",
    "secret",
    "token",
    "api_key",
    "apikey",
    "auth_key",
    "access_key",
    "private_key",
    "credentials",
];

/// The text with the secrets in it masked.
pub(crate) fn without_secrets(text: &str) -> Cow<'_, str> {
    let masked = without_logins(text);
    let named = match without_named(&masked) {
        Cow::Borrowed(_) => None,
        Cow::Owned(named) => Some(named),
    };
    named.map_or(masked, Cow::Owned)
}

/// `scheme://user:****@host`, for each URL in the text, up to the last `@`: a password may hold
/// one, and a slash, if nobody has encoded them. Also without a scheme, as in the second host of a
/// list.
fn without_logins(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(ends) {
        let mut rest = piece;
        // Several URLs, with commas between them.
        while let Some((url, more)) = first_url(rest) {
            mask_login(url, &mut out);
            rest = more;
        }
        mask_login(rest, &mut out);
    }
    Cow::Owned(out)
}

/// The first of several URLs with the comma behind it, and the others.
fn first_url(text: &str) -> Option<(&str, &str)> {
    const SEPARATOR: &str = "://";
    let first = text.find(SEPARATOR)? + SEPARATOR.len();
    let second = first + text.get(first..)?.find(SEPARATOR)?;
    let comma = first + text.get(first..second)?.rfind(',')?;
    text.split_at_checked(comma + 1)
}

fn mask_login(url: &str, out: &mut String) {
    let start = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at(start);
    let masked = rest.rsplit_once('@').and_then(|(login, host)| {
        let (user, _) = login.split_once(':')?;
        Some((user, host))
    });
    out.push_str(scheme);
    match masked {
        Some((user, host)) => {
            out.push_str(user);
            out.push(':');
            out.push_str(MASK);
            out.push('@');
            out.push_str(host);
        }
        None => out.push_str(rest),
    }
}

/// Whether an option of this name holds a secret, for options of which nothing but the name is known.
#[cfg(feature = "cinder")]
pub(crate) fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| name.ends_with(secret))
}

/// `name=****` and `name: ****`, for each name that ends like one of a secret.
fn without_named(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['=', ':']) {
        let (name, tail) = rest.split_at(at);
        let (sign, tail) = tail.split_at(1);
        out.push_str(name);
        out.push_str(sign);
        let blanks = tail.len() - tail.trim_start_matches([' ', '\t']).len();
        let (blank, tail) = tail.split_at(blanks);
        out.push_str(blank);
        let name = name.trim_end_matches([' ', '\t', '"', '\'']).to_ascii_lowercase();
        rest = tail;
        if !SECRET_NAMES.iter().any(|secret| name.ends_with(secret)) {
            continue;
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '&' | '"' | '\'' | '}');
        let quote = tail.len() - tail.trim_start_matches(['"', '\'']).len();
        let (quote, value) = tail.split_at(quote.min(1));
        let end = match quote.chars().next() {
            Some(quote) => value.find(quote),
            None => value.find(ends),
        };
        let (value, after) = value.split_at(end.unwrap_or(value.len()));
        out.push_str(quote);
        if !value.is_empty() {
            out.push_str(MASK);
        }
        rest = after;
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

/// A line that is no assignment, as far as it may be shown: it may be what somebody forgot to put
/// behind a name. A word of letters is shown, and the first one of several.
pub(crate) fn of_malformed_line(line: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphabetic() || "_-.[]'\u{feff}".contains(c);
    let masked = without_secrets(line);
    if line.contains(['=', ':']) {
        return masked;
    }
    match line.trim().split_once(char::is_whitespace) {
        None if line.trim().chars().all(plain) => masked,
        None => Cow::Borrowed(MASK),
        Some((first, _)) if first.chars().all(plain) => Cow::Owned(format!("{first} {MASK}")),
        Some(_) => Cow::Borrowed(MASK),
    }
}

/// Whether a character would do something instead of being shown: control characters, line and
/// paragraph separators, and marks that turn the direction of what follows (UAX #9).
pub(crate) fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// The text with such characters written as `\n`, `\x1b` or `\u{202e}`. The log has the same in
/// another crate; neither may know the other.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if !acts(character) => out.push(character),
            '\0'..='\u{ff}' => {
                write!(out, "\\x{:02x}", u32::from(character)).expect("a String takes any text");
            }
            _ => {
                write!(out, "\\u{{{:x}}}", u32::from(character)).expect("a String takes any text");
            }
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_masked_up_to_the_last_at_sign() {
        for (text, shown) in [
            ("rabbit://u:pw@h:5672/v", "rabbit://u:****@h:5672/v"),
            ("http://u:p@ss/w@h/v", "http://u:****@h/v"),
            ("http://a:1@h1,http://b:2@h2:9292", "http://a:****@h1,http://b:****@h2:9292"),
            ("rabbit://a:1@h1,b:2@h2/v", "rabbit://a:****@h2/v"),
            ("see 'http://u:p@h' there", "see 'http://u:****@h' there"),
            ("http://h:80/x", "http://h:80/x"),
            ("http://u@h/x", "http://u@h/x"),
            ("no url: a@b", "no url: a@b"),
            ("['rabbit://u:p@h', 'u:p@other']", "['rabbit://u:****@h', 'u:****@other']"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn values_behind_names_of_secrets_are_masked() {
        for (text, shown) in [
            ("vers=3.0,username=u,password=hunter2,ro", "vers=3.0,username=u,password=****,ro"),
            ("-o pass=x", "-o pass=****"),
            ("san_password: 'a b', x: 1", "san_password: '****', x: 1"),
            ("{\"auth_token\": \"t\", \"n\": 1}", "{\"auth_token\": \"****\", \"n\": 1}"),
            ("Password = x y", "Password = **** y"),
            ("bypassed=1", "bypassed=1"),
            ("password=", "password="),
            ("uid=0", "uid=0"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn of_a_line_that_is_no_assignment_little_is_shown() {
        for (line, shown) in [
            ("broken", "broken"),
            ("it's", "it's"),
            ("hunter2", "****"),
            ("rabbit_password hunter", "rabbit_password ****"),
            ("s3cret word", "****"),
            ("= rabbit://u:pw@h", "= rabbit://u:****@h"),
        ] {
            assert_eq!(of_malformed_line(line), shown);
        }
    }

    #[test]
    fn what_acts_is_written_out() {
        assert_eq!(printable("a\n\x1b[2J\u{202e}\u{9b}ü"), "a\\n\\x1b[2J\\u{202e}\\x9bü");
        assert!(matches!(printable("größer"), Cow::Borrowed(_)));
    }
}
