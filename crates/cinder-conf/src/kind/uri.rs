//! URIs: split as RFC 3986 appendix B does, then scheme and host are required.

use std::net::Ipv6Addr;

use super::Reason;
use crate::{python, value::Value};

/// The five parts of a reference; an absent part and an empty path are `None`.
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: Option<&'a str>,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

pub(super) fn uri(
    text: &str,
    schemes: &[&str],
    max_length: Option<usize>,
) -> Result<Value, Reason> {
    let parts = split(text);
    let host = parts.authority.and_then(host);
    let missing: Vec<&str> = [("host", host.is_none()), ("scheme", parts.scheme.is_none())]
        .into_iter()
        .filter_map(|(name, absent)| absent.then_some(name))
        .collect();
    if !missing.is_empty() {
        return Err(incomplete(&parts, &missing));
    }
    if let Some(scheme) = parts.scheme
        && !schemes.is_empty()
        && !schemes.iter().any(|allowed| allowed.eq_ignore_ascii_case(scheme))
    {
        return Err(wrong_scheme(scheme, schemes));
    }
    if let Some(longest) = max_length.filter(|&longest| longest > 0)
        && text.chars().count() > longest
    {
        let shown = python::repr(text);
        return Err(Reason(format!("Value {shown} exceeds maximum length {longest}")));
    }
    Ok(Value::Text(text.to_owned()))
}

fn split(text: &str) -> Parts<'_> {
    let (rest, fragment) = cut(text, '#');
    let (rest, query) = cut(rest, '?');
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, rest),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            (Some(authority).filter(|a| !a.is_empty()), path)
        }
        None => (None, rest),
    };
    Parts { scheme, authority, path: Some(path).filter(|p| !p.is_empty()), query, fragment }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((head, tail)) => (head, Some(tail)),
        None => (text, None),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The host of `userinfo@host:port`; nothing when any of the three is malformed.
fn host(authority: &str) -> Option<&str> {
    let rest = match authority.rsplit_once('@') {
        Some((user, rest)) if is_text(user, ":") => rest,
        Some(_) => return None,
        None => authority,
    };
    if let Some(rest) = rest.strip_prefix('[') {
        let (inner, port) = rest.split_once(']')?;
        let address = inner.split_once("%25").map_or(inner, |(address, _zone)| address);
        let good = address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || is_port(port));
        return good.then_some(inner);
    }
    let (name, port) = match rest.find(':') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    (!name.is_empty() && is_text(name, "") && (port.is_empty() || is_port(port))).then_some(name)
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|digits| digits.chars().all(|c| c.is_ascii_digit()))
}

/// Unreserved characters, sub-delimiters, `also`, and correct percent escapes.
fn is_text(text: &str, also: &str) -> bool {
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let plain = c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(c) || also.contains(c);
        let hex = |c: Option<char>| c.is_some_and(|c| c.is_ascii_hexdigit());
        if plain {
            continue;
        }
        if c != '%' || !hex(rest.next()) || !hex(rest.next()) {
            return false;
        }
    }
    true
}

fn incomplete(parts: &Parts<'_>, missing: &[&str]) -> Reason {
    let verb = if missing.len() > 1 { "were" } else { "was" };
    let show = |part: Option<&str>| part.map_or_else(|| "None".to_owned(), python::repr);
    let names: Vec<String> = missing.iter().map(|name| python::repr(name)).collect();
    Reason(format!(
        "('{} {verb} required but missing', URIReference(scheme={}, authority={}, path={}, \
         query={}, fragment={}), [{}])",
        missing.join(", "),
        show(parts.scheme),
        show(parts.authority),
        show(parts.path.map(encoded).as_deref()),
        show(parts.query.map(encoded).as_deref()),
        show(parts.fragment.map(encoded).as_deref()),
        names.join(", ")
    ))
}

/// Characters that a URI cannot hold, as percent escapes.
fn encoded(text: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?%[]#".contains(c);
    let mut out = String::with_capacity(text.len());
    let hex = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    let escapes = text.split('%').skip(1).all(hex);
    for c in text.chars() {
        if keep(c) && (c != '%' || escapes) {
            out.push(c);
        } else {
            let mut buffer = [0; 4];
            let bytes = c.encode_utf8(&mut buffer).bytes();
            out.extend(bytes.map(|byte| format!("%{byte:02X}")));
        }
    }
    out
}

fn wrong_scheme(scheme: &str, schemes: &[&str]) -> Reason {
    let scheme = python::repr(scheme);
    let all = schemes.iter().map(|s| python::repr(s)).collect::<Vec<_>>().join(", ");
    Reason(format!(
        "(\"scheme was required to be one of [{all}] but was {scheme}\", 'scheme', {scheme}, \
         {{{all}}})"
    ))
}
