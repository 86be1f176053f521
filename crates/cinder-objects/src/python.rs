//! How Python reads and shows values of JSON, where that decides what a sender is told.
//!
//! Must not: know objects.

use serde_json::{Number, Value};

use crate::error::DecodeError;

/// Characters of a text of the message that an error quotes.
const QUOTED: usize = 80;

/// A text of the message for a text of ours.
pub(crate) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The name of a value's type.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// Whether a value counts as true.
pub(crate) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// A value as a text, if it is one, a number or a truth.
pub(crate) fn text(value: Value) -> Result<String, Value> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(true) => Ok("True".to_owned()),
        Value::Bool(false) => Ok("False".to_owned()),
        other => Err(other),
    }
}

/// A value as a whole number.
///
/// # Errors
///
/// A `TypeError` or `ValueError`; the latter also beyond 64 bits, which no column holds.
pub(crate) fn integer(value: &Value) -> Result<i64, DecodeError> {
    match value {
        Value::Bool(truth) => Ok(i64::from(*truth)),
        Value::Number(number) => whole(number).ok_or_else(|| too_large(&number.to_string())),
        Value::String(text) => parsed(text),
        other => Err(DecodeError::of_type(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            type_name(other)
        ))),
    }
}

fn too_large(text: &str) -> DecodeError {
    DecodeError::value(format!("{} is too large for a whole number of 64 bits", quoted(text)))
}

fn whole(number: &Number) -> Option<i64> {
    /// The first number beyond 64 bits; a float has it exactly.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|_| number.is_f64())?.trunc();
        // The bounds make the conversion exact.
        (-BEYOND..BEYOND).contains(&float).then_some(float as i64)
    })
}

/// Digits behind a sign, with single underscores between them and blanks around.
fn parsed(text: &str) -> Result<i64, DecodeError> {
    let wrong = || {
        DecodeError::value(format!("invalid literal for int() with base 10: '{}'", quoted(text)))
    };
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    let parts_are_numbers = digits
        .split('_')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !parts_are_numbers {
        return Err(wrong());
    }
    trimmed.replace('_', "").parse().map_err(|_| too_large(trimmed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_are_read_as_python_reads_them() {
        for (value, read) in [
            (json!(7), 7),
            (json!(-7), -7),
            (json!(true), 1),
            (json!(1.9), 1),
            (json!(-1.9), -1),
            (json!(" 12 "), 12),
            (json!("+1_000"), 1_000),
            (json!("-3"), -3),
            (json!(i64::MAX), i64::MAX),
            (json!("9223372036854775807"), i64::MAX),
        ] {
            assert_eq!(integer(&value), Ok(read), "{value}");
        }
        for value in
            [json!(""), json!("1.5"), json!("1__0"), json!("_1"), json!("0x10"), json!("+-1")]
        {
            let error = integer(&value).unwrap_err();
            assert!(error.to_string().starts_with("invalid literal for int()"), "{error}");
        }
        for value in [json!(u64::MAX), json!(1e30), json!("9223372036854775808")] {
            assert_eq!(integer(&value).unwrap_err().class(), "ValueError", "{value}");
        }
        for value in [json!(null), json!([]), json!({})] {
            assert_eq!(integer(&value).unwrap_err().class(), "TypeError", "{value}");
        }
    }

    #[test]
    fn truth_and_texts_are_pythons() {
        for value in
            [json!(null), json!(false), json!(0), json!(0.0), json!(""), json!([]), json!({})]
        {
            assert!(!truth(&value), "{value}");
        }
        for value in [json!(true), json!(-1), json!("False"), json!([0]), json!({"a": 0})] {
            assert!(truth(&value), "{value}");
        }
        assert_eq!(text(json!(true)), Ok("True".to_owned()));
        assert_eq!(text(json!(1.5)), Ok("1.5".to_owned()));
        assert_eq!(text(json!([1])), Err(json!([1])));
    }

    #[test]
    fn what_is_quoted_is_short() {
        assert_eq!(quoted("ü"), "ü");
        assert!(quoted(&"ü".repeat(10_000)).chars().count() <= QUOTED + 1);
    }
}
