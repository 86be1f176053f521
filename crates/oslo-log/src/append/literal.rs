//! The arguments of a handler: Python literals and names, in tuples and dictionaries.
//!
//! Must not evaluate: the original runs these texts as code.

/// A value as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Bool(bool),
    None,
    /// A name with or without dots, which may mean something to who reads it.
    Name(String),
    Tuple(Vec<Value>),
    Dictionary(Vec<(String, Value)>),
}

/// The arguments of a call.
#[derive(Debug)]
pub(super) struct Arguments {
    positional: Vec<Value>,
    named: Vec<(String, Value)>,
}

impl Arguments {
    /// From the values of `args` and `kwargs`.
    ///
    /// # Errors
    ///
    /// When they are not a tuple and a dictionary.
    pub(super) fn new(args: Option<Value>, kwargs: Option<Value>) -> Result<Self, String> {
        let positional = match args {
            None => Vec::new(),
            Some(Value::Tuple(values)) => values,
            Some(_) => return Err("args: not a tuple; one value needs a comma behind it".into()),
        };
        let named = match kwargs {
            None => Vec::new(),
            Some(Value::Dictionary(named)) => named,
            Some(_) => return Err("kwargs: not a dictionary".into()),
        };
        Ok(Self { positional, named })
    }

    /// An argument by its position or its name.
    pub(super) fn find(&self, at: usize, name: &str) -> Option<&Value> {
        let named = self.named.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        self.positional.get(at).or(named)
    }

    /// A text that must be there.
    ///
    /// # Errors
    ///
    /// When it is missing or something else.
    pub(super) fn need(&self, at: usize, name: &str) -> Result<String, String> {
        match self.find(at, name) {
            Some(Value::Text(text)) => Ok(text.clone()),
            Some(_) => Err(format!("args: {name} is not a text")),
            None => Err(format!("args: {name} is missing")),
        }
    }

    /// A number, or what stands for it.
    ///
    /// # Errors
    ///
    /// When it is something else.
    pub(super) fn integer(&self, at: usize, name: &str, default: i64) -> Result<i64, String> {
        match self.find(at, name) {
            Some(Value::Integer(number)) => Ok(*number),
            Some(_) => Err(format!("args: {name} is not a whole number")),
            None => Ok(default),
        }
    }
}

/// Reads one value that takes up the whole text.
///
/// # Errors
///
/// One sentence with the rest that is not understood.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut scanner = Scanner { rest: text, depth: 0 };
    let value = scanner.value()?;
    match scanner.rest.trim() {
        "" => Ok(value),
        rest => Err(format!("\"{rest}\" is not understood")),
    }
}

/// Values inside values beyond this depth are refused.
const MAX_DEPTH: usize = 8;

struct Scanner<'t> {
    rest: &'t str,
    depth: usize,
}

impl Scanner<'_> {
    fn take(&mut self, token: char) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.strip_prefix(token);
        self.rest = found.unwrap_or(rest);
        found.is_some()
    }

    fn stuck<T>(&self) -> Result<T, String> {
        Err(format!("\"{}\" is not understood", self.rest))
    }

    /// A value, or a product of numbers as in `10 * 1024 * 1024`.
    fn value(&mut self) -> Result<Value, String> {
        let mut value = self.single()?;
        while self.take('*') {
            value = match (value, self.single()?) {
                (Value::Integer(one), Value::Integer(other)) => one
                    .checked_mul(other)
                    .map(Value::Integer)
                    .ok_or("a product that is too large")?,
                _ => return self.stuck(),
            };
        }
        Ok(value)
    }

    fn single(&mut self) -> Result<Value, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("too many parentheses".into());
        }
        let value = if self.take('(') {
            self.tuple(')')
        } else if self.take('[') {
            self.tuple(']')
        } else if self.take('{') {
            self.dictionary()
        } else {
            self.atom()
        };
        self.depth -= 1;
        value
    }

    /// Parentheses around one value without a comma are no tuple.
    fn tuple(&mut self, end: char) -> Result<Value, String> {
        let mut values = Vec::new();
        let mut comma = false;
        while !self.take(end) {
            if !values.is_empty() && !comma {
                return self.stuck();
            }
            values.push(self.value()?);
            comma = self.take(',');
        }
        let alone = end == ')' && values.len() == 1 && !comma;
        match values.pop() {
            Some(value) if alone => Ok(value),
            last => {
                values.extend(last);
                Ok(Value::Tuple(values))
            }
        }
    }

    fn dictionary(&mut self) -> Result<Value, String> {
        let mut named = Vec::new();
        let mut comma = true;
        while !self.take('}') {
            let (true, Value::Text(name)) = (comma, self.value()?) else { return self.stuck() };
            if !self.take(':') {
                return self.stuck();
            }
            named.push((name, self.value()?));
            comma = self.take(',');
        }
        Ok(Value::Dictionary(named))
    }

    fn atom(&mut self) -> Result<Value, String> {
        self.rest = self.rest.trim_start();
        // Prefixes of a text that change nothing here; a raw one has no escapes.
        let bare = self.rest.trim_start_matches(['r', 'R', 'u', 'U']);
        if let Some(quote) = bare.chars().next().filter(|first| matches!(first, '\'' | '"')) {
            let raw = self.rest.starts_with(['r', 'R']);
            self.rest = &bare[quote.len_utf8()..];
            return self.text(quote, raw);
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        if word.is_empty() {
            return self.stuck();
        }
        let value = match word {
            "None" => Value::None,
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            word => match word.replace('_', "").parse() {
                Ok(number) => Value::Integer(number),
                Err(_) if word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') => {
                    Value::Name(word.to_owned())
                }
                Err(_) => return self.stuck(),
            },
        };
        self.rest = &self.rest[end..];
        Ok(value)
    }

    fn text(&mut self, quote: char, raw: bool) -> Result<Value, String> {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        while let Some(c) = chars.next() {
            match c {
                c if c == quote => {
                    self.rest = chars.as_str();
                    return Ok(Value::Text(text));
                }
                '\\' if !raw => match chars.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(other @ ('\\' | '\'' | '"')) => text.push(other),
                    _ => return Err("an escape that is not understood".into()),
                },
                c => text.push(c),
            }
        }
        Err("a text without its closing quote".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn arguments_are_read_as_they_stand_in_real_files() {
        for (source, expected) in [
            ("()", Value::Tuple(Vec::new())),
            ("(sys.stdout,)", Value::Tuple(vec![Value::Name("sys.stdout".into())])),
            (
                "('/var/log/x.log', \"a\", 10*1024 * 1024, 5)",
                Value::Tuple(vec![
                    text("/var/log/x.log"),
                    text("a"),
                    Value::Integer(10 << 20),
                    Value::Integer(5),
                ]),
            ),
            (
                "(('localhost', 514), handlers.SysLogHandler.LOG_USER)",
                Value::Tuple(vec![
                    Value::Tuple(vec![text("localhost"), Value::Integer(514)]),
                    Value::Name("handlers.SysLogHandler.LOG_USER".into()),
                ]),
            ),
            ("('x')", text("x")),
            (
                "{'delay': True, 'encoding': None, 'n': -1}",
                Value::Dictionary(vec![
                    ("delay".into(), Value::Bool(true)),
                    ("encoding".into(), Value::None),
                    ("n".into(), Value::Integer(-1)),
                ]),
            ),
            (r"(r'a\b', u'c\'d\\')", Value::Tuple(vec![text(r"a\b"), text(r"c'd\")])),
        ] {
            assert_eq!(parse(source).unwrap(), expected, "{source}");
        }
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        for source in [
            "",
            "(",
            "('x'",
            "('x' 'y')",
            "open('x')",
            "('x', 2.5)",
            "__import__('os').system('true')",
            "{1: 2}",
            "((((((((((1))))))))))",
            "('x',) + ('y',)",
            "'\\x41'",
            "9223372036854775807*2",
        ] {
            assert!(parse(source).is_err(), "{source}");
        }
        assert!(Arguments::new(Some(text("x")), None).is_err());
    }
}
