//! Python's printf-like templates with named values, parsed once into segments.
//!
//! What Python would choke on, record after record, is printed as it stands and remarked upon once:
//! the original starts with any format, so we do, and we lose no record over it.
//!
//! Must not know where a value comes from: the caller writes it, this module pads and cuts it.

use std::fmt::Write as _;

use crate::context::ContextKey;
use crate::printable::make_printable;

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
    /// What a record of ours always has nothing of, as Python prints it.
    Fixed(&'static str),
    /// A name that the user's identity does not have; a dash.
    Unknown,
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
    ("msg", Key::Message),
    ("args", Key::Fixed("()")),
    ("exc_info", Key::Fixed("None")),
    ("exc_text", Key::Fixed("None")),
    ("stack_info", Key::Fixed("None")),
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
            Self::Context => context().or(Some(Key::Unknown)),
            Self::Instance => (name == "uuid").then_some(Key::Uuid),
        }
    }
}

/// How Python would convert the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    Text,
    /// Text with quotes around it; a number is itself.
    Quoted,
    Integer,
    /// In base 16 or 8, with capitals or not.
    Hexadecimal {
        capitals: bool,
    },
    Octal,
    Float,
    /// With an exponent: `1.850000e+02`.
    Exponent {
        capitals: bool,
    },
}

impl Conversion {
    fn wants_number(self) -> bool {
        !matches!(self, Self::Text | Self::Quoted)
    }
}

/// Flags, width and precision between the name and the conversion letter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Shape {
    left: bool,
    zero: bool,
    plus: bool,
    blank: bool,
    /// `0x` in front of a number in base 16, `0o` in base 8.
    base: bool,
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
const MAX_WIDTH: usize = 10_000;

/// What the writer of a value has spelled out already.
const PLAIN: [Conversion; 3] = [Conversion::Text, Conversion::Integer, Conversion::Float];

/// A place-holder that has been read, and what stands behind it.
type Found<'a> = (Segment, &'a str);

impl Template {
    /// Reads `format`, and remarks on what cannot be filled in; `option` is where it came from.
    pub(crate) fn parse(
        option: &str,
        format: &str,
        vocabulary: Vocabulary,
        remarks: &mut Vec<String>,
    ) -> Self {
        let mut segments = Vec::new();
        let mut text = String::new();
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            text.push_str(&rest[..at]);
            let position = format[..format.len() - rest.len() + at].chars().count() + 1;
            rest = &rest[at + 1..];
            if let Some(tail) = rest.strip_prefix('%') {
                text.push('%');
                rest = tail;
                continue;
            }
            match place_holder(rest, vocabulary) {
                Ok((segment, tail)) => {
                    if !text.is_empty() {
                        segments.push(Segment::Text(std::mem::take(&mut text)));
                    }
                    segments.push(segment);
                    rest = tail;
                }
                Err(reason) => {
                    text.push('%');
                    remarks.push(format!(
                        "{option}: {reason} at character {position} of the format; it is printed \
                         as it stands"
                    ));
                }
            }
        }
        text.push_str(rest);
        if !text.is_empty() {
            segments.push(Segment::Text(text));
        }
        Self { segments }
    }

    /// Whether it is nothing but text, which Python's plain formatter refuses.
    pub(crate) fn is_constant(&self) -> bool {
        !self.segments.iter().any(|one| matches!(one, Segment::Value { .. }))
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
                    if *shape != Shape::default() || !PLAIN.contains(conversion) {
                        shape.apply(out, start, *conversion);
                    }
                    // Colours and dates are what the operator wrote; all else may come from
                    // anywhere.
                    if !matches!(key, Key::Color | Key::AscTime) {
                        make_printable(out, start);
                    }
                }
            }
        }
    }
}

/// Reads what stands behind a `%`.
fn place_holder(rest: &str, vocabulary: Vocabulary) -> Result<Found<'_>, String> {
    let named = rest.strip_prefix('(').ok_or("% without a (name)")?;
    let (name, tail) = named.split_once(')').ok_or("no closing parenthesis")?;
    let key = vocabulary.find(name);
    let key = key.ok_or_else(|| format!("unknown key %({})", name.escape_debug()))?;
    let (shape, conversion, tail) = parse_shape(tail)?;
    if conversion.wants_number() && !key.is_number() {
        return Err("number conversion of a text value".into());
    }
    Ok((Segment::Value { key, conversion, shape }, tail))
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
            _ => shape.base = true,
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
        Some('r' | 'a') => Conversion::Quoted,
        Some('d' | 'i' | 'u') => Conversion::Integer,
        Some('x') => Conversion::Hexadecimal { capitals: false },
        Some('X') => Conversion::Hexadecimal { capitals: true },
        Some('o') => Conversion::Octal,
        Some(letter @ ('e' | 'E')) => {
            shape.precision = shape.precision.or(Some(6));
            Conversion::Exponent { capitals: letter == 'E' }
        }
        Some('f' | 'F') => {
            shape.precision = shape.precision.or(Some(6)); // C's default, and so Python's
            Conversion::Float
        }
        Some(_) => {
            return Err("unsupported conversion (s, r, a, d, i, u, x, X, o, f, F, e, E are known)");
        }
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
        self.spell(out, start, conversion);
        match (conversion, self.precision) {
            (Conversion::Text | Conversion::Quoted, Some(precision)) => {
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
            (Conversion::Exponent { .. }, Some(_)) => {}
            (_, Some(precision)) => {
                let digits = start + usize::from(out[start..].starts_with('-'));
                insert_fill(out, digits, '0', precision.saturating_sub(out.len() - digits));
            }
            (_, None) => {}
        }
        let number = conversion.wants_number();
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

impl Shape {
    /// Writes a value anew that its writer left as text, integer or floating number.
    fn spell(&self, out: &mut String, start: usize, conversion: Conversion) {
        let value = &out[start..];
        let spelled = match conversion {
            Conversion::Text | Conversion::Integer | Conversion::Float => return,
            Conversion::Quoted if value.parse::<f64>().is_ok() => return,
            Conversion::Quoted => {
                format!("'{}'", value.escape_debug().to_string().replace("\\\"", "\""))
            }
            Conversion::Hexadecimal { .. } | Conversion::Octal => {
                let Ok(number) = value.parse::<i64>() else { return };
                let sign = if number < 0 { "-" } else { "" };
                let (digits, prefix) = match conversion {
                    Conversion::Octal => (format!("{:o}", number.unsigned_abs()), "0o"),
                    Conversion::Hexadecimal { capitals: true } => {
                        (format!("{:X}", number.unsigned_abs()), "0X")
                    }
                    _ => (format!("{:x}", number.unsigned_abs()), "0x"),
                };
                format!("{sign}{}{digits}", if self.base { prefix } else { "" })
            }
            Conversion::Exponent { capitals } => {
                let Ok(number) = value.parse::<f64>() else { return };
                let text = format!("{number:.*e}", self.precision.unwrap_or(6));
                let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let (sign, digits) = match exponent.strip_prefix('-') {
                    Some(digits) => ('-', digits),
                    None => ('+', exponent),
                };
                format!("{mantissa}{}{sign}{digits:0>2}", if capitals { 'E' } else { 'e' })
            }
        };
        out.truncate(start);
        out.push_str(&spelled);
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

    fn parse(format: &str, vocabulary: Vocabulary) -> (Template, Vec<String>) {
        let mut remarks = Vec::new();
        (Template::parse("opt", format, vocabulary, &mut remarks), remarks)
    }

    fn fill(format: &str, text: &str) -> String {
        let mut out = String::new();
        parse(format, Vocabulary::Record).0.fill(&mut out, |_, _, out| out.push_str(text));
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
            ("<%(name)r> <%(name)a>", "ab", "<'ab'> <'ab'>"),
            ("%(name)r", "a\"b'c\\\n", "'a\"b\\'c\\\\\\n'"),
            ("%(lineno)r", "7", "7"),
            ("%(lineno)x %(lineno)X %(lineno)#x %(lineno)o", "171", "ab AB 0xab 253"),
            ("%(msecs)e", "185.25", "1.852500e+02"),
            ("%(msecs).1E", "0.00025", "2.5E-04"),
            ("plain", "ab", "plain"),
            ("", "ab", ""),
        ] {
            assert_eq!(fill(format, value), expected, "{format}");
        }
    }

    #[test]
    fn what_cannot_be_filled_in_is_printed_as_it_stands_and_remarked_upon_with_its_place() {
        for (format, expected) in [
            ("%(nme)s", "unknown key %(nme) at character 1"),
            ("ä %s", "% without a (name) at character 3"),
            ("%(name", "no closing parenthesis at character 1"),
            ("%(name)", "no conversion letter at character 1"),
            ("x%", "% without a (name) at character 2"),
            ("%(name)d", "number conversion of a text value at character 1"),
            ("%(name)99999s", "width or precision too large at character 1"),
            (
                "%(name)q",
                "unsupported conversion (s, r, a, d, i, u, x, X, o, f, F, e, E are known) at \
                 character 1",
            ),
        ] {
            let (template, remarks) = parse(format, Vocabulary::Record);
            let whole = format!("opt: {expected} of the format; it is printed as it stands");
            assert_eq!(remarks, [whole]);
            let mut out = String::new();
            template.fill(&mut out, |_, _, out| out.push('!'));
            assert_eq!(out, format);
        }
        assert_eq!(fill("%(nme)s %(name)s %", "ab"), "%(nme)s ab %");
    }

    #[test]
    fn each_vocabulary_knows_its_own_names_only() {
        let knows = |format, vocabulary| parse(format, vocabulary).1.is_empty();
        assert!(knows("%(user)s %(request_id)s", Vocabulary::Record));
        assert!(knows("%(user)s", Vocabulary::Context));
        // For the original, a dash.
        assert!(knows("%(message)s %(tenant)s", Vocabulary::Context));
        assert!(knows("%(uuid)s", Vocabulary::Instance));
        assert!(!knows("%(uuid)s", Vocabulary::Record));
    }
}
