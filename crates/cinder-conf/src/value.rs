//! A converted option value, and the text forms in which values are shown.
//!
//! Must not know options: whether a value is secret is the caller's business.

use crate::python;

/// What an option reads as.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Unset.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
    /// Items, or the occurrences of a multi-valued option.
    List(Vec<Value>),
    /// Keys and values in the order written.
    Dict(Vec<(String, Value)>),
    /// A range `start, stop, step`, stop excluded.
    Range(i128, i128, i128),
}

impl Value {
    /// Whether the option is unset.
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The form that substitution inserts and logs show: Python's `str`.
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => other.repr(),
        }
    }

    /// Python's `repr`, as used inside lists.
    pub fn repr(&self) -> String {
        match self {
            Self::None => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => python::float(*number),
            Self::Text(text) => python::repr(text),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::repr).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Dict(pairs) => {
                let pair = |(k, v): &(String, Self)| format!("{}: {}", python::repr(k), v.repr());
                format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(", "))
            }
            Self::Range(start, stop, 1) => format!("range({start}, {stop})"),
            Self::Range(start, stop, step) => format!("range({start}, {stop}, {step})"),
        }
    }

    /// The form one would write into a file.
    pub fn to_ini(&self) -> String {
        match self {
            Self::None => "<None>".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Text(text) if text.trim() != text => format!("\"{text}\""),
            Self::List(items) => items.iter().map(Self::to_ini).collect::<Vec<_>>().join(","),
            Self::Dict(pairs) => {
                let pair = |(k, v): &(String, Self)| format!("{k}:{}", v.to_ini());
                pairs.iter().map(pair).collect::<Vec<_>>().join(",")
            }
            other => other.to_text(),
        }
    }
}

/// The bridge to serde: sections are read out of these by the `config` crate's deserializer.
impl From<Value> for config::Value {
    fn from(value: Value) -> Self {
        use config::ValueKind as Kind;
        let kind = match value {
            Value::None => Kind::Nil,
            Value::Bool(value) => Kind::Boolean(value),
            Value::Int(number) => match i64::try_from(number) {
                Ok(number) => Kind::I64(number),
                Err(_) => Kind::I128(number),
            },
            Value::Float(number) => Kind::Float(number),
            Value::Text(text) => Kind::String(text),
            Value::List(items) => Kind::Array(items.into_iter().map(Into::into).collect()),
            Value::Dict(pairs) => {
                Kind::Table(pairs.into_iter().map(|(key, value)| (key, value.into())).collect())
            }
            Value::Range(start, stop, step) => {
                Kind::Array([start, stop, step].into_iter().map(|n| Value::Int(n).into()).collect())
            }
        };
        Self::new(None, kind)
    }
}
