//! Addresses and host names.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Reason;
use crate::value::Value;

pub(super) fn address(text: &str, version: Option<u8>) -> Result<Value, Reason> {
    if text.is_empty() {
        return Err(Reason::new("IP address cannot be an empty string"));
    }
    if is_address(text, version) {
        return Ok(Value::Text(text.to_owned()));
    }
    Err(Reason(match version {
        Some(version) => format!("{text} is not an IPv{version} address"),
        None => format!("{text} is not IPv4 or IPv6 address"),
    }))
}

fn is_address(text: &str, version: Option<u8>) -> bool {
    (version != Some(6) && text.parse::<Ipv4Addr>().is_ok())
        || (version != Some(4) && text.parse::<Ipv6Addr>().is_ok())
}

pub(super) fn name(text: &str) -> Result<Value, Reason> {
    host_name(text, false).map(|name| Value::Text(name.to_owned()))
}

pub(super) fn host(text: &str, version: Option<u8>, underscores: bool) -> Result<Value, Reason> {
    if is_address(text, version) {
        return Ok(Value::Text(text.to_owned()));
    }
    match host_name(text, underscores) {
        Ok(name) => Ok(Value::Text(name.to_owned())),
        Err(_) => Err(Reason(format!("{text} is not a valid host address"))),
    }
}

/// RFC 1123 name, one trailing dot removed; a last label of digits only would be an address.
fn host_name(text: &str, underscores: bool) -> Result<&str, Reason> {
    if text.is_empty() {
        return Err(Reason::new("Cannot have an empty hostname"));
    }
    if text.chars().count() > 253 {
        return Err(Reason(format!("hostname is greater than 253 characters: {text}")));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or(name);
    if !last.chars().any(|c| c == '-' || c.is_ascii_alphabetic()) {
        return Err(Reason(format!(
            "{name} contains no non-numeric characters in the top-level domain part of the host \
             name and is invalid"
        )));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || (underscores && c == '_');
    let good = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    match name.split('.').all(good) {
        true => Ok(name),
        false => Err(Reason(format!("{name} is an invalid hostname"))),
    }
}
