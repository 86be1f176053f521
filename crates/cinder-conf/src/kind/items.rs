//! Lists and dictionaries: pieces between commas, with upstream's way of gluing pieces together.

use super::{Kind, Reason};
use crate::{python, value::Value};

pub(super) fn list(
    text: &str,
    item: &Kind<'_>,
    bounds: bool,
    min_length: Option<usize>,
    max_length: Option<usize>,
) -> Result<Value, Reason> {
    let text = if bounds { unwrap(text, '[', ']')? } else { text };
    let text = python::strip(text);
    let mut items = Vec::new();
    if !text.is_empty() {
        let mut pieces: Vec<&str> = text.split(',').collect();
        // Trailing commas go, unless brackets say where the list ends.
        while !bounds && pieces.last().is_some_and(|piece| python::strip(piece).is_empty()) {
            pieces.pop();
        }
        items = glued(&pieces, item)?;
    }
    if let Some(min) = min_length.filter(|&min| items.len() < min) {
        return Err(Reason(format!("Length should be greater than or equal to {min}")));
    }
    if let Some(max) = max_length.filter(|&max| items.len() > max) {
        return Err(Reason(format!("Length should be less than or equal to {max}")));
    }
    Ok(Value::List(items))
}

/// An item that fails its type is tried again with the next piece added, up to the end.
///
/// The number of attempts is bounded: on hostile input (a long list of bad pieces) gluing would
/// otherwise copy a growing text for every piece.
fn glued(pieces: &[&str], item: &Kind<'_>) -> Result<Vec<Value>, Reason> {
    let mut items = Vec::with_capacity(pieces.len());
    let mut rest = pieces;
    while let Some((first, tail)) = rest.split_first() {
        let mut candidate = (*first).to_owned();
        let mut next = tail;
        loop {
            match (item.parse(python::strip(&candidate)), next.split_first()) {
                (Ok(value), _) => {
                    items.push(value);
                    break;
                }
                (Err(reason), None) => return Err(reason),
                (Err(_), Some((piece, tail))) if can_glue(item, candidate.len()) => {
                    candidate.push(',');
                    candidate.push_str(piece);
                    next = tail;
                }
                (Err(_), Some(_)) => {
                    let all = [candidate.as_str()].into_iter().chain(next.iter().copied());
                    candidate = all.collect::<Vec<_>>().join(",");
                    next = &[];
                }
            }
        }
        rest = next;
    }
    Ok(items)
}

/// Longest text for which one more piece is tried; after that only the whole rest is.
const GLUE_LIMIT: usize = 4096;

/// Whether a longer text could be accepted where a shorter one was not.
fn can_glue(item: &Kind<'_>, length: usize) -> bool {
    length < GLUE_LIMIT && !matches!(item, Kind::Boolean | Kind::Integer { .. } | Kind::Port { .. })
}

pub(super) fn dict(
    text: &str,
    kind: &Kind<'_>,
    bounds: bool,
    separator: &str,
) -> Result<Value, Reason> {
    let text = if bounds { unwrap(text, '{', '}')? } else { text };
    if python::strip(text).is_empty() {
        return Ok(Value::Dict(Vec::new()));
    }
    let mut pairs: Vec<(String, Value)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let pieces: Vec<&str> = text.split(',').collect();
    let mut rest = pieces.as_slice();
    while !rest.is_empty() {
        let (key, value, tail) = pair(rest, kind, separator)?;
        rest = tail;
        if key.is_empty() {
            return Err(Reason::new("Key name should not be empty"));
        }
        if !seen.insert(key.clone()) {
            return Err(Reason(format!("Duplicate key {key}")));
        }
        pairs.push((key, value));
    }
    Ok(Value::Dict(pairs))
}

/// The first pair of the pieces: as many of them as it takes to find a separator and to please the
/// value's type.
fn pair<'p>(
    pieces: &'p [&'p str],
    kind: &Kind<'_>,
    separator: &str,
) -> Result<(String, Value, &'p [&'p str]), Reason> {
    let mut text = String::new();
    let mut refused = None;
    let mut rest = pieces;
    while let Some((piece, tail)) = rest.split_first() {
        if rest.len() < pieces.len() {
            text.push(',');
        }
        text.push_str(piece);
        rest = tail;
        let Some((key, value)) = text.split_once(separator) else { continue };
        match kind.parse(python::strip(value)) {
            Ok(value) => return Ok((python::strip(key).to_owned(), value, rest)),
            Err(reason) => refused = Some(reason),
        }
        if !can_glue(kind, text.len()) {
            // No longer text can do better, except in the message, which shows all of it.
            for piece in std::mem::take(&mut rest) {
                text.push(',');
                text.push_str(piece);
            }
            let value = text.split_once(separator).map_or("", |(_, value)| value);
            refused = kind.parse(python::strip(value)).err().or(refused);
        }
    }
    Err(refused.unwrap_or_else(|| {
        Reason(format!("Value should be NAME{separator}VALUE pairs separated by \",\""))
    }))
}

fn unwrap(text: &str, open: char, close: char) -> Result<&str, Reason> {
    let inner = text
        .strip_prefix(open)
        .ok_or_else(|| Reason(format!("Value should start with \"{open}\"")))?;
    inner.strip_suffix(close).ok_or_else(|| Reason(format!("Value should end with \"{close}\"")))
}
