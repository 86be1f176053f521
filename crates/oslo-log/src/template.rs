//! Python's printf-like templates with named values, parsed once into segments.
//!
//! Must not know where a value comes from: the caller writes it, this module pads and cuts it.

use std::fmt::Write as _;

use crate::LogError;
use crate::context::ContextKey;

/// A value that a template may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Name,
    LevelNumber,
    LevelName,
    PathName,
    FileName,
    Module,
    LineNumber,
    FunctionName,
    Created,
    AscTime,
    Millis,
    RelativeCreated,
    Thread,
    ThreadName,
    Process,
    ProcessName,
    Message,
    IsoTime,
    Version,
    Color,
    Instance,
    Resource,
    UserIdentity,
    ErrorSummary,
    /// The UUID inside `instance_format`.
    Uuid,
    Context(ContextKey),
}

/// Python's names of the values, as they stand between the parentheses.
const KEYS: &[(&str, Key)] = &[
    ("name", Key::Name),
    ("levelno", Key::LevelNumber),
    ("levelname", Key::LevelName),
    ("pathname", Key::PathName),
    ("filename", Key::FileName),
    ("module", Key::Module),
    ("lineno", Key::LineNumber),
    ("funcName", Key::FunctionName),
    ("created", Key::Created),
    ("asctime", Key::AscTime),
    ("msecs", Key::Millis),
    ("relativeCreated", Key::RelativeCreated),
    ("thread", Key::Thread),
    ("threadName", Key::ThreadName),
    ("process", Key::Process),
    ("processName", Key::ProcessName),
    ("message", Key::Message),
    ("isotime", Key::IsoTime),
    ("version", Key::Version),
    ("color", Key::Color),
    ("instance", Key::Instance),
    ("resource", Key::Resource),
    ("user_identity", Key::UserIdentity),
    ("error_summary", Key::ErrorSummary),
];

impl Key {
    fn is_number(self) -> bool {
        matches!(
            self,
            Self::LevelNumber
                | Self::LineNumber
                | Self::Created
                | Self::Millis
                | Self::RelativeCreated
                | Self::Thread
                | Self::Process
        )
    }
}

/// Which names a template may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vocabulary {
    /// A whole line or a prefix of one.
    Record,
    /// Values of the request context only.
    Context,
    /// `%(uuid)s` only.
    Instance,
}

impl Vocabulary {
    fn find(self, name: &str) -> Option<Key> {
        let context = || ContextKey::named(name).map(Key::Context);
        match self {
            Self::Record => {
                KEYS.iter().find(|(known, _)| *known == name).map(|(_, key)| *key).or_else(context)
            }
            Self::Context => context(),
            Self::Instance => (name == "uuid").then_some(Key::Uuid),
        }
    }
}

/// How Python would convert the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    Text,
    Integer,
    Float,
}

/// Flags, width and precision between the name and the conversion letter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Shape {
    left: bool,
    zero: bool,
    plus: bool,
    blank: bool,
    width: usize,
    precision: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Text(String),
    Value { key: Key, conversion: Conversion, shape: Shape },
}

/// A parsed format string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    segments: Vec<Segment>,
}

/// A width above this is a typing error, and would let one line grow without bound.
const MAX_WIDTH: usize = 1000;

impl Template {
    /// Parses `format`; `option` is where it came from, for the error's sake.
    ///
    /// # Errors
    ///
    /// [`LogError::UnknownKey`] or [`LogError::BadTemplate`]: Python would find out at the
    /// first line and then print a traceback for every one.
    pub(crate) fn parse(
        option: &'static str,
        format: &str,
        vocabulary: Vocabulary,
    ) -> Result<Self, LogError> {
        let mut segments = Vec::new();
        let mut text = String::new();
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            text.push_str(&rest[..at]);
            let position = format[..format.len() - rest.len() + at].chars().count() + 1;
            let bad = |reason| LogError::BadTemplate { option, position, reason };
            rest = &rest[at + 1..];
            if let Some(tail) = rest.strip_prefix('%') {
                text.push('%');
                rest = tail;
                continue;
            }
            let named = rest.strip_prefix('(').ok_or_else(|| bad("% without a (name)"))?;
            let (name, tail) =
                named.split_once(')').ok_or_else(|| bad("no closing parenthesis"))?;
            let key = vocabulary
                .find(name)
                .ok_or_else(|| LogError::UnknownKey { option, key: name.to_owned() })?;
            let (shape, conversion, tail) = parse_shape(tail).map_err(bad)?;
            if conversion != Conversion::Text && !key.is_number() {
                return Err(bad("number conversion of a text value"));
            }
            if !text.is_empty() {
                segments.push(Segment::Text(std::mem::take(&mut text)));
            }
            segments.push(Segment::Value { key, conversion, shape });
            rest = tail;
        }
        text.push_str(rest);
        if !text.is_empty() {
            segments.push(Segment::Text(text));
        }
        Ok(Self { segments })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether the template names `wanted`.
    pub(crate) fn names(&self, wanted: Key) -> bool {
        self.segments.iter().any(|s| matches!(s, Segment::Value { key, .. } if *key == wanted))
    }

    /// Appends the filled template; `write` appends one value.
    pub(crate) fn fill(
        &self,
        out: &mut String,
        mut write: impl FnMut(Key, Conversion, &mut String),
    ) {
        for segment in &self.segments {
            match segment {
                Segment::Text(text) => out.push_str(text),
                Segment::Value { key, conversion, shape } => {
                    let start = out.len();
                    write(*key, *conversion, out);
                    if *shape != Shape::default() {
                        shape.apply(out, start, *conversion);
                    }
                }
            }
        }
    }
}

/// Splits flags, width, precision and conversion letter off `tail`.
fn parse_shape(tail: &str) -> Result<(Shape, Conversion, &str), &'static str> {
    let mut shape = Shape::default();
    let flags = tail.trim_start_matches(['-', '0', '+', ' ', '#']);
    for flag in tail[..tail.len() - flags.len()].chars() {
        match flag {
            '-' => shape.left = true,
            '0' => shape.zero = true,
            '+' => shape.plus = true,
            ' ' => shape.blank = true,
            _ => {}
        }
    }
    let (width, mut tail) = leading_number(flags)?;
    shape.width = width.unwrap_or(0);
    if let Some(after_dot) = tail.strip_prefix('.') {
        let (precision, after) = leading_number(after_dot)?;
        shape.precision = Some(precision.unwrap_or(0));
        tail = after;
    }
    let tail = tail.trim_start_matches(['h', 'l', 'L']);
    let mut letters = tail.chars();
    let conversion = match letters.next() {
        Some('s') => Conversion::Text,
        Some('d' | 'i' | 'u') => Conversion::Integer,
        Some('f' | 'F') => {
            shape.precision = shape.precision.or(Some(6)); // C's default, and so Python's
            Conversion::Float
        }
        Some(_) => return Err("unsupported conversion (s, d, i, u, f are known)"),
        None => return Err("no conversion letter"),
    };
    Ok((shape, conversion, letters.as_str()))
}

fn leading_number(text: &str) -> Result<(Option<usize>, &str), &'static str> {
    let tail = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &text[..text.len() - tail.len()];
    if digits.is_empty() {
        return Ok((None, tail));
    }
    match digits.parse() {
        Ok(number) if number <= MAX_WIDTH => Ok((Some(number), tail)),
        _ => Err("width or precision too large"),
    }
}

impl Shape {
    /// Cuts and pads the value that begins at `start`, as Python's `%` operator would.
    fn apply(&self, out: &mut String, start: usize, conversion: Conversion) {
        match (conversion, self.precision) {
            (Conversion::Text, Some(precision)) => {
                if let Some((end, _)) = out[start..].char_indices().nth(precision) {
                    out.truncate(start + end);
                }
            }
            (Conversion::Float, Some(precision)) => {
                if let Ok(number) = out[start..].parse::<f64>() {
                    out.truncate(start);
                    // Writing to a String cannot fail.
                    let _ = write!(out, "{number:.precision$}");
                }
            }
            (Conversion::Integer, Some(precision)) => {
                let digits = start + usize::from(out[start..].starts_with('-'));
                insert_fill(out, digits, '0', precision.saturating_sub(out.len() - digits));
            }
            (_, None) => {}
        }
        let number = conversion != Conversion::Text;
        if number && !out[start..].starts_with('-') {
            if self.plus {
                out.insert(start, '+');
            } else if self.blank {
                out.insert(start, ' ');
            }
        }
        let missing = self.width.saturating_sub(out[start..].chars().count());
        if self.left {
            let end = out.len();
            insert_fill(out, end, ' ', missing);
        } else if self.zero && number {
            let sign = usize::from(out[start..].starts_with(['-', '+', ' ']));
            insert_fill(out, start + sign, '0', missing);
        } else {
            insert_fill(out, start, ' ', missing);
        }
    }
}

fn insert_fill(out: &mut String, at: usize, fill: char, count: usize) {
    for _ in 0..count {
        out.insert(at, fill);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(format: &str) -> Result<Template, LogError> {
        Template::parse("opt", format, Vocabulary::Record)
    }

    fn fill(format: &str, text: &str) -> String {
        let mut out = String::new();
        parse(format).unwrap().fill(&mut out, |_, _, out| out.push_str(text));
        out
    }

    #[test]
    fn width_flags_and_precision_work_as_pythons_percent_operator() {
        // Each right side was printed by Python 3.11 for the same template and value.
        for (format, value, expected) in [
            ("<%(name)s>", "ab", "<ab>"),
            ("<%(name)5s>", "ab", "<   ab>"),
            ("<%(name)-5s>", "ab", "<ab   >"),
            ("<%(name).1s>", "ab", "<a>"),
            ("<%(name)05s>", "ab", "<   ab>"),
            ("<%(name)4.1s>", "äb", "<   ä>"),
            ("<%(lineno)03d>", "7", "<007>"),
            ("<%(lineno)-4d>", "7", "<7   >"),
            ("<%(lineno)-04d>", "7", "<7   >"),
            ("<%(lineno)+d>", "7", "<+7>"),
            ("<%(lineno) 4d>", "7", "<   7>"),
            ("<%(lineno)+04d>", "7", "<+007>"),
            ("<%(lineno)5.3d>", "-7", "< -007>"),
            ("<%(lineno)ld>", "7", "<7>"),
            ("<%(msecs)8.2f>", "7.125", "<    7.12>"),
            ("%(msecs)f", "1.5", "1.500000"),
            ("100%% %(name)s%%", "ab", "100% ab%"),
            ("plain", "ab", "plain"),
            ("", "ab", ""),
        ] {
            assert_eq!(fill(format, value), expected, "{format}");
        }
    }

    #[test]
    fn a_template_that_cannot_work_is_refused_with_its_option_and_place() {
        for (format, expected) in [
            ("%(nme)s", "opt: unknown key %(nme) in the format"),
            ("ä %s", "opt: % without a (name) at character 3 of the format"),
            ("%(name", "opt: no closing parenthesis at character 1 of the format"),
            ("%(name)", "opt: no conversion letter at character 1 of the format"),
            ("x%", "opt: % without a (name) at character 2 of the format"),
            ("%(name)d", "opt: number conversion of a text value at character 1 of the format"),
            ("%(name)9999s", "opt: width or precision too large at character 1 of the format"),
            (
                "%(name)r",
                "opt: unsupported conversion (s, d, i, u, f are known) at character 1 of the format",
            ),
        ] {
            assert_eq!(parse(format).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn each_vocabulary_knows_its_own_names_only() {
        let parse = |format, vocabulary| Template::parse("opt", format, vocabulary).is_ok();
        assert!(parse("%(user)s %(request_id)s", Vocabulary::Record));
        assert!(parse("%(user)s", Vocabulary::Context));
        assert!(!parse("%(message)s", Vocabulary::Context));
        assert!(parse("%(uuid)s", Vocabulary::Instance));
        assert!(!parse("%(uuid)s", Vocabulary::Record));
    }
}
