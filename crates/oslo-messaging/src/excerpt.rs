//! The beginning of a body, for the one line that says why it was not taken.
//!
//! Bodies hold tokens and passwords. Must not: show what stands behind a key that is called like
//! one, parse (what gets here is often no JSON), or let a line feed through.

/// Bytes of a body that are shown.
const SHOWN: usize = 200;
/// Parts of names whose values are nobody's business, in lower case.
const SECRETS: [&str; 8] =
    ["token", "passw", "secret", "auth", "credential", "api_key", "hmac_key", "private_key"];
/// What stands for a value.
const STARS: &str = "***";

/// At most 200 bytes of a body in one printable line, without secrets.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let start = body.get(..body.len().min(SHOWN)).unwrap_or_default();
    let text = masked(&String::from_utf8_lossy(start));
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        // A character that is printed as itself, or as `\n`, `\u{1b}`.
        if c == '"' || c == '\'' || c == '\\' {
            shown.push(c)
        } else {
            shown.extend(c.escape_debug())
        }
    }
    shown
}

/// Replaces whatever follows a secret's name up to the end of its value. Of a value that is cut off
/// or unquoted everything goes.
fn masked(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    loop {
        // Lower case of ASCII only: the positions have to stay.
        let lower = rest.to_ascii_lowercase();
        let names = SECRETS.iter().filter_map(|name| Some(lower.find(name)? + name.len()));
        let Some(end_of_name) = names.min() else { break };
        let (before, after) = rest.split_at(end_of_name);
        shown.push_str(before);
        let value = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        shown.push_str(&after[..after.len() - value.len()]);
        let opening = value.trim_start_matches(|c: char| " \t\r\n\\\"':=".contains(c));
        if opening.len() == value.len() {
            rest = value; // no value follows, it was a word like others
            continue;
        }
        shown.push_str(&value[..value.len() - opening.len()]);
        shown.push_str(STARS);
        rest = opening.trim_start_matches(|c: char| !"\"'\\,}&".contains(c));
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        for (body, shown) in [
            (r#"{"auth_token": "gAAA-x", "a": 1}"#, r#"{"auth_token": "***", "a": 1}"#),
            (
                r#"{"oslo.message": "{\"_context_auth_token\": \"gAAA\", \"b\": 2"#,
                r#"{"oslo.message": "{\"_context_auth_token\": \"***\", \"b\": 2"#,
            ),
            (r#"{"adminPassword":"x y z"}"#, r#"{"adminPassword":"***"}"#),
            (r#"{"hmac_key": "cut of"#, r#"{"hmac_key": "***"#),
            ("password=abc&user=x", "password=***&user=x"),
            (r#"{"method": "authorize"}"#, r#"{"method": "authorize"***}"#),
        ] {
            assert_eq!(excerpt(body.as_bytes()), shown, "{body}");
        }
    }

    #[test]
    fn no_more_than_200_bytes_are_shown_and_no_line_is_forged() {
        assert_eq!(excerpt(&[b'x'; 100_000]).len(), 200);
        let shown = excerpt(b"a\n2026 INFO forged\x1b[2J\xff\0");
        assert_eq!(shown, "a\\n2026 INFO forged\\u{1b}[2J\u{fffd}\\0");
    }
}
