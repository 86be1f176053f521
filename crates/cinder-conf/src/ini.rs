//! The INI dialect of oslo.config: text in, sections and assignments with their line numbers out.
//!
//! Must not open files, know options or unfold `$name`. It is not any of the usual INI dialects:
//! there are no inline comments, indentation continues the value above, keys keep their case, and
//! a quote pair around a whole value is removed once (`spec/config.md` §2).

use crate::{excerpt::excerpt, python, shown::of_malformed_line};

/// One `key = value`, with everything a later message needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Index into [`Ini::sections`].
    pub section: usize,
    /// Key exactly as written, outer blanks removed.
    pub key: String,
    /// Value after unquoting; continuation lines joined with a newline.
    pub value: String,
    /// Line of the key, counted from 1.
    pub line: u32,
}

/// One `[name]` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionHeader {
    /// Name exactly as written between the brackets.
    pub name: String,
    /// Line of the header, counted from 1.
    pub line: u32,
}

/// Everything one file says, in the order it says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ini {
    /// Section headers; the same name may occur several times.
    pub sections: Vec<SectionHeader>,
    /// Assignments; the same key may occur several times.
    pub assignments: Vec<Assignment>,
}

impl Ini {
    /// Headers and assignments.
    pub(crate) fn len(&self) -> usize {
        self.sections.len() + self.assignments.len()
    }
}

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}: {}", python::repr(.text))]
pub struct Malformed {
    /// Which rule the line breaks.
    pub fault: Fault,
    /// Line number, counted from 1.
    pub line: u32,
    /// The line as shown to the operator, without trailing blanks.
    pub text: String,
}

/// The rules a line can break, worded as upstream words them because operators search for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An indented line with no assignment directly above it.
    #[error("Unexpected continuation line")]
    Continuation,
    /// `[name` without the closing bracket at the end of the line.
    #[error("Invalid section (must end with ])")]
    OpenSection,
    /// `[]`.
    #[error("Empty section name")]
    EmptySection,
    /// Neither `:` nor `=`.
    #[error("No ':' or '=' found in assignment")]
    NoSeparator,
    /// Nothing before the separator.
    #[error("Key cannot be empty")]
    EmptyKey,
    /// An assignment above the first section header.
    #[error("Section must be started before assignment")]
    NoSection,
}

/// Malformed lines of one file that are kept; of more than these only the number is known. Nobody
/// mends so many one by one: the file is no configuration.
const MOST_MALFORMED: usize = 500;

/// What became of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// What could be read.
    pub ini: Ini,
    /// The first malformed lines.
    pub malformed: Vec<Malformed>,
    /// How many malformed lines there are beyond these.
    pub more_malformed: usize,
    /// Whether reading ended before the text did, because there was too much in it.
    pub cut: bool,
}

/// Reads `text`; returns what could be read together with the malformed lines.
///
/// Reading goes on after a malformed line, so that an operator sees all of them at once.
pub fn parse(text: &str) -> Parsed {
    parse_at_most(text, usize::MAX)
}

/// As [`parse`], up to so many headers and assignments: each takes much more memory than text.
pub(crate) fn parse_at_most(text: &str, most: usize) -> Parsed {
    let mut reader = Reader::default();
    for line in lines(text) {
        if reader.out.ini.len() > most {
            reader.out.cut = true;
            break;
        }
        reader.line += 1;
        reader.take(line.trim_end_matches(python::is_space));
    }
    reader.flush();
    reader.out
}

/// Splits at `\n`, `\r\n` and a lone `\r`; a final line end does not open another line.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        rest = tail.strip_prefix("\r\n").or_else(|| tail.get(1..)).unwrap_or("");
        Some(line)
    })
}

#[derive(Default)]
struct Reader {
    out: Parsed,
    line: u32,
    /// The assignment that following indented lines continue.
    open: Option<(String, String, u32)>,
    /// A continuation error was just reported: the lines indented under it say nothing new.
    skipping: bool,
}

impl Reader {
    fn take(&mut self, line: &str) {
        if line.starts_with([' ', '\t']) {
            return self.continuation(line);
        }
        self.skipping = false;
        self.flush();
        if line.is_empty() || line.starts_with(['#', ';']) {
            return;
        }
        if line.starts_with('[') {
            return self.section(line);
        }
        self.assignment(line);
    }

    fn continuation(&mut self, line: &str) {
        if let Some((_, value, _)) = &mut self.open {
            value.push('\n');
            value.push_str(line.trim_start_matches(python::is_space));
        } else if !self.skipping {
            self.skipping = true;
            self.fault(Fault::Continuation, line);
        }
    }

    fn section(&mut self, line: &str) {
        let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return self.fault(Fault::OpenSection, line);
        };
        if name.is_empty() {
            return self.fault(Fault::EmptySection, line);
        }
        self.out.ini.sections.push(SectionHeader { name: name.to_owned(), line: self.line });
    }

    fn assignment(&mut self, line: &str) {
        let Some((key, value)) = line.split_once(['=', ':']) else {
            return self.fault(Fault::NoSeparator, line);
        };
        let key = python::strip(key);
        if key.is_empty() {
            return self.fault(Fault::EmptyKey, line);
        }
        self.open = Some((key.to_owned(), unquote(python::strip(value)).to_owned(), self.line));
    }

    /// Ends the open assignment. A missing section shows here, hence with this line's number and
    /// no text: the spot upstream blames.
    fn flush(&mut self) {
        let Some((key, value, line)) = self.open.take() else { return };
        match self.out.ini.sections.len().checked_sub(1) {
            Some(section) => {
                self.out.ini.assignments.push(Assignment { section, key, value, line })
            }
            None => self.fault(Fault::NoSection, ""),
        }
    }

    fn fault(&mut self, fault: Fault, text: &str) {
        if self.out.malformed.len() == MOST_MALFORMED {
            self.out.more_malformed += 1;
            return;
        }
        // Such a line may be what somebody forgot to put behind a name.
        let text = match fault {
            Fault::NoSeparator | Fault::Continuation => of_malformed_line(text),
            _ => text.into(),
        };
        let text = excerpt(&text).into_owned();
        self.out.malformed.push(Malformed { fault, line: self.line, text });
    }
}

/// Removes one pair of equal quotes; a lone quote is its own pair and leaves nothing.
fn unquote(value: &str) -> &str {
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return value;
    };
    match value.strip_suffix(quote) {
        Some(head) => head.get(1..).unwrap_or(""),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(Fault, u32)> {
        parse(text).malformed.into_iter().map(|m| (m.fault, m.line)).collect()
    }

    fn values(text: &str) -> Vec<String> {
        let read = parse(text).ini.assignments.into_iter();
        read.map(|a| format!("{}={}", a.key, a.value)).collect()
    }

    #[test]
    fn every_line_end_counts_as_one_line() {
        assert_eq!(lines("a\r\nb\rc\n\nd").collect::<Vec<_>>(), ["a", "b", "c", "", "d"]);
        assert_eq!(lines("a\n").collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn all_malformed_lines_are_reported_not_only_the_first() {
        let text = "[a\n[]\nx\n= 1\n  lost\n  again\n[ok]\nk = v\n";
        assert_eq!(
            faults(text),
            [
                (Fault::OpenSection, 1),
                (Fault::EmptySection, 2),
                (Fault::NoSeparator, 3),
                (Fault::EmptyKey, 4),
                (Fault::Continuation, 5),
            ]
        );
        assert_eq!(values(text), ["k=v"]);
    }

    #[test]
    fn reading_ends_when_there_are_more_headers_and_assignments_than_wanted() {
        let text = "[a]\nk = 1\n[b]\nl = 2\n";
        for (most, read, cut) in [(4, 4, false), (3, 4, false), (2, 3, true), (1, 3, true)] {
            let parsed = parse_at_most(text, most);
            assert_eq!((parsed.ini.len(), parsed.cut), (read, cut), "at most {most}");
        }
    }

    #[test]
    fn of_a_million_malformed_lines_a_few_are_kept_and_all_are_counted() {
        let parsed = parse(&"no separator\n".repeat(1_000_000));
        assert_eq!(parsed.malformed.len(), MOST_MALFORMED);
        assert_eq!(parsed.malformed.len() + parsed.more_malformed, 1_000_000);
        let long = parse(&"x".repeat(15 << 20)).malformed.remove(0).to_string();
        assert!(long.len() < 300, "{} bytes", long.len());
    }

    #[test]
    fn an_assignment_without_section_is_blamed_on_the_line_that_ends_it() {
        assert_eq!(faults("# c\nfoo = bar\n\n\n[DEFAULT]\n"), [(Fault::NoSection, 3)]);
        assert_eq!(faults("foo = bar\n"), [(Fault::NoSection, 1)]);
    }

    #[test]
    fn one_quote_pair_is_removed_and_nothing_inside_is_an_escape() {
        for (written, read) in [
            ("\"bar\"", "bar"),
            ("'bar'", "bar"),
            ("\"a\" \"b\"", "a\" \"b"),
            ("\"", ""),
            ("\"a'", "\"a'"),
            ("\"a\\\"b\"", "a\\\"b"),
            ("\"é\"", "é"),
        ] {
            assert_eq!(unquote(written), read, "{written}");
        }
    }
}
