//! Texts and truth values.

use super::{Reason, Text};
use crate::{python, value::Value};

pub(super) fn boolean(text: &str) -> Result<Value, Reason> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Ok(Value::Bool(true)),
        "false" | "0" | "off" | "no" => Ok(Value::Bool(false)),
        _ => Err(Reason(format!("Unexpected boolean value {}", python::repr(text)))),
    }
}

pub(super) fn string(text: &str, limits: &Text<'_>) -> Result<Value, Reason> {
    let text = if limits.quotes { unquote(text)? } else { text };
    if let Some(longest) = limits.max_length.filter(|&longest| longest > 0)
        && text.chars().count() > longest
    {
        let shown = python::repr(text);
        return Err(Reason(format!("Value {shown} exceeds maximum length {longest}")));
    }
    if let Some(pattern) = limits.regex {
        matches_pattern(text, pattern, limits.ignore_case)?;
    }
    if limits.choices.is_empty() || accepted(text, limits) {
        return Ok(Value::Text(text.to_owned()));
    }
    let choices = limits.choices.join(", ");
    Err(Reason(format!("Valid values are [{choices}], but found {}", python::repr(text))))
}

fn accepted(text: &str, limits: &Text<'_>) -> bool {
    if !limits.ignore_case {
        return limits.choices.contains(&text);
    }
    let folded = text.to_lowercase();
    limits.choices.iter().any(|choice| choice.to_lowercase() == folded)
}

/// One quote pair goes; a quote that opens and does not close is an error, even the other way round.
fn unquote(text: &str) -> Result<&str, Reason> {
    let open = || Reason(format!("Non-closed quote: {text}"));
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return Ok(text);
    };
    let inner = text.strip_suffix(quote).and_then(|head| head.get(1..));
    inner.ok_or_else(open)
}

/// Searches the pattern anywhere in the text; compiled here and now, since almost no option has one.
fn matches_pattern(text: &str, pattern: &str, ignore_case: bool) -> Result<(), Reason> {
    let shown = python::repr(pattern);
    let compiled = regex_lite::RegexBuilder::new(pattern).case_insensitive(ignore_case).build();
    match compiled {
        Ok(regex) if regex.is_match(text) => Ok(()),
        Ok(_) => Err(Reason(format!("Value {} doesn't match regex {shown}", python::repr(text)))),
        Err(error) => Err(Reason(format!("regex {shown} cannot be used: {error}"))),
    }
}
