//! Percent-encoding, as URLs and SQLite's file names have it.
//!
//! Must not: judge. A `%` without two digits behind it stands for itself, as in Python.

use std::fmt::Write as _;

/// Encodes everything that is not an ASCII letter, a digit or one of `.`, `-` and `_`.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                encoded.push(char::from(byte));
            }
            _ => write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail"),
        }
    }
    encoded
}

/// Decodes `%XX`; what is not UTF-8 afterwards becomes the replacement character.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        let value = digits
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(value.unwrap_or(byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded() {
        for text in ["", "plain", "a b/c?d#e%.x", "p@ss:wörd+", "100%"] {
            assert_eq!(decode(&encode(text)), text);
        }
        assert_eq!(encode("p@s/s ä"), "p%40s%2Fs%20%C3%A4");
    }

    #[test]
    fn half_an_escape_stands_for_itself() {
        for (text, expected) in
            [("50%", "50%"), ("%4", "%4"), ("%zz", "%zz"), ("%+1", "%+1"), ("a+b%20c", "a+b c")]
        {
            assert_eq!(decode(text), expected);
        }
        assert_eq!(decode("%ff"), "\u{fffd}");
    }
}
