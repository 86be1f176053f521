//! Option types: which texts they accept, what these become, and what is said about the others.
//!
//! The reasons are worded as oslo.config words them, because runbooks quote them
//! (`spec/config.md` §4). Must not know where a text came from.

mod host;
mod items;
mod number;
mod text;
mod uri;

use crate::value::Value;

/// Why a text is not a value of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Reason(pub String);

impl Reason {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// The type of an option with its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Kind<'a> {
    /// Text.
    String(Text<'a>),
    /// `true 1 on yes` or `false 0 off no`, in any case.
    Boolean,
    /// A whole number; blank text is unset.
    Integer {
        /// Smallest accepted.
        min: Option<i64>,
        /// Largest accepted.
        max: Option<i64>,
        /// The only accepted ones; empty is any.
        choices: &'a [i64],
    },
    /// A number; blank text is unset.
    Float {
        /// Smallest accepted.
        min: Option<f64>,
        /// Largest accepted.
        max: Option<f64>,
    },
    /// A port number; blank text is unset.
    Port {
        /// Smallest accepted.
        min: Option<i64>,
        /// Largest accepted.
        max: Option<i64>,
        /// The only accepted ones; empty is any.
        choices: &'a [i64],
    },
    /// Items separated by commas.
    List {
        /// Type of one item.
        item: &'a Kind<'a>,
        /// Whether `[` and `]` must surround the whole.
        bounds: bool,
        /// Fewest items accepted.
        min_length: Option<usize>,
        /// Most items accepted.
        max_length: Option<usize>,
    },
    /// `key:value` pairs separated by commas.
    Dict {
        /// Type of one value.
        value: &'a Kind<'a>,
        /// Whether `{` and `}` must surround the whole.
        bounds: bool,
        /// What stands between key and value.
        separator: &'a str,
    },
    /// `a` or `a-b`, both ends included.
    Range,
    /// An IPv4 or IPv6 address.
    IpAddress {
        /// 4 or 6 to accept only one of them.
        version: Option<u8>,
    },
    /// A host name.
    Hostname,
    /// A host name or an address.
    HostAddress {
        /// 4 or 6 to accept only one kind of address.
        version: Option<u8>,
    },
    /// As a host address, underscores allowed.
    HostDomain {
        /// 4 or 6 to accept only one kind of address.
        version: Option<u8>,
    },
    /// A URI with scheme and host.
    Uri {
        /// The only accepted schemes; empty is any.
        schemes: &'a [&'a str],
        /// Longest accepted, in characters; 0 is no limit.
        max_length: Option<usize>,
    },
}

/// Limits of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Text<'a> {
    /// The only accepted texts; empty is any.
    pub choices: &'a [&'a str],
    /// Compare with the choices, or the pattern, without regard to case.
    pub ignore_case: bool,
    /// A pattern that must be found somewhere in the text.
    pub regex: Option<&'a str>,
    /// Longest accepted, in characters; 0 is no limit.
    pub max_length: Option<usize>,
    /// Remove one pair of quotes, and insist on its end.
    pub quotes: bool,
}

impl<'a> Kind<'a> {
    /// Any text.
    pub const STRING: Kind<'static> = Kind::String(Text {
        choices: &[],
        ignore_case: false,
        regex: None,
        max_length: None,
        quotes: false,
    });
    /// Any whole number.
    pub const INTEGER: Kind<'static> = Kind::Integer { min: None, max: None, choices: &[] };
    /// A list of texts.
    pub const LIST: Kind<'static> =
        Kind::List { item: &Kind::STRING, bounds: false, min_length: None, max_length: None };
    /// A dictionary of texts.
    pub const DICT: Kind<'static> =
        Kind::Dict { value: &Kind::STRING, bounds: false, separator: ":" };

    /// The same type, restricted to `choices`; no effect on a type without texts.
    pub const fn with_choices(self, choices: &'a [&'a str]) -> Self {
        match self {
            Self::String(text) => Self::String(Text { choices, ..text }),
            other => other,
        }
    }

    pub(crate) const fn with_min(self, low: i64) -> Self {
        match self {
            Self::Integer { max, choices, .. } => Self::Integer { min: Some(low), max, choices },
            Self::Port { max, choices, .. } => Self::Port { min: Some(low), max, choices },
            Self::Float { max, .. } => Self::Float { min: Some(low as f64), max },
            other => other,
        }
    }

    pub(crate) const fn with_max(self, high: i64) -> Self {
        match self {
            Self::Integer { min, choices, .. } => Self::Integer { min, max: Some(high), choices },
            Self::Port { min, choices, .. } => Self::Port { min, max: Some(high), choices },
            Self::Float { min, .. } => Self::Float { min, max: Some(high as f64) },
            other => other,
        }
    }

    /// Converts a text.
    ///
    /// # Errors
    ///
    /// [`Reason`] when the text is not of this type or outside its limits.
    pub fn parse(&self, text: &str) -> Result<Value, Reason> {
        match *self {
            Self::String(limits) => text::string(text, &limits),
            Self::Boolean => text::boolean(text),
            Self::Integer { min, max, choices } | Self::Port { min, max, choices } => {
                number::integer(text, min, max, choices)
            }
            Self::Float { min, max } => number::float(text, min, max),
            Self::Range => number::range(text),
            Self::List { item, bounds, min_length, max_length } => {
                items::list(text, item, bounds, min_length, max_length)
            }
            Self::Dict { value, bounds, separator } => items::dict(text, value, bounds, separator),
            Self::IpAddress { version } => host::address(text, version),
            Self::Hostname => host::name(text),
            Self::HostAddress { version } => host::host(text, version, false),
            Self::HostDomain { version } => host::host(text, version, true),
            Self::Uri { schemes, max_length } => uri::uri(text, schemes, max_length),
        }
    }

    /// Name of the type in messages about declarations: `Integer`, `String`, …
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "String",
            Self::Boolean => "Boolean",
            Self::Integer { .. } => "Integer",
            Self::Float { .. } => "Float",
            Self::Port { .. } => "Port",
            Self::List { .. } => "List",
            Self::Dict { .. } => "Dict",
            Self::Range => "Range",
            Self::IpAddress { .. } => "IPAddress",
            Self::Hostname => "Hostname",
            Self::HostAddress { .. } => "HostAddress",
            Self::HostDomain { .. } => "HostDomain",
            Self::Uri { .. } => "URI",
        }
    }

    /// Name with limits, as the command line's error line shows it: `Integer(min=5)`.
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        let name = self.type_name();
        match self {
            Self::String(text) => {
                if !text.choices.is_empty() {
                    let all: Vec<String> =
                        text.choices.iter().map(|c| crate::python::repr(c)).collect();
                    parts.push(format!("choices=[{}]", all.join(", ")));
                }
                if text.quotes {
                    parts.push("quotes=True".to_owned());
                }
                if let Some(regex) = text.regex {
                    parts.push(format!("regex={}", crate::python::repr(regex)));
                }
            }
            Self::Integer { min, max, choices } | Self::Port { min, max, choices } => {
                if !choices.is_empty() {
                    let all: Vec<String> = choices.iter().map(ToString::to_string).collect();
                    parts.push(format!("choices=[{}]", all.join(", ")));
                } else {
                    parts.extend(min.map(|min| format!("min={min}")));
                    parts.extend(max.map(|max| format!("max={max}")));
                }
            }
            Self::Float { min, max } => {
                parts.extend(min.map(|min| format!("min={}", crate::python::general(min))));
                parts.extend(max.map(|max| format!("max={}", crate::python::general(max))));
            }
            Self::List { item, .. } => return format!("List of {}", item.describe()),
            Self::Dict { value, .. } => return format!("Dict of {}", value.describe()),
            _ => {}
        }
        if parts.is_empty() { name.to_owned() } else { format!("{name}({})", parts.join(", ")) }
    }

    /// What the type is called in samples: `integer value`.
    pub const fn sample_name(&self, multi: bool) -> &'static str {
        if multi {
            return "multi valued";
        }
        match self {
            Self::String(_) => "string value",
            Self::Boolean => "boolean value",
            Self::Integer { .. } => "integer value",
            Self::Float { .. } => "floating point value",
            Self::Port { .. } => "port value",
            Self::List { .. } => "list value",
            Self::Dict { .. } => "dict value",
            Self::Range => "range value",
            Self::IpAddress { .. } => "IP address value",
            Self::Hostname => "hostname value",
            Self::HostAddress { .. } => "host address value",
            Self::HostDomain { .. } => "host domain value",
            Self::Uri { .. } => "URI value",
        }
    }

    /// What the type wants, for an operator who gave something else.
    pub const fn expects(&self) -> &'static str {
        match self {
            Self::String(_) => "an accepted text",
            Self::Boolean => "true or false",
            Self::Integer { .. } => "a whole number",
            Self::Float { .. } => "a number",
            Self::Port { .. } => "a port number",
            Self::List { .. } => "a list of accepted values",
            Self::Dict { .. } => "a list of key:value pairs",
            Self::Range => "a range like 1-3",
            Self::IpAddress { .. } => "an IP address",
            Self::Hostname => "a host name",
            Self::HostAddress { .. } | Self::HostDomain { .. } => "a host name or IP address",
            Self::Uri { .. } => "a URI with scheme and host",
        }
    }
}
